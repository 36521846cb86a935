/* Each member of a result, given a value of each type: it is read, or refused by name; and lists
 * too long. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <lop/result.h>

/* A result with every kind of member. */
static const char whole[] =
    "{\"schema\":\"lop.result/1\",\"dataset\":\"d\",\"network\":\"2-1\",\"method\":\"unit\","
    "\"criterion\":\"l2\",\"scope\":\"layer\",\"schedule\":\"oneshot\",\"seed\":1,"
    "\"target_sparsity\":0.5,\"sparsity\":0.5,\"weights_total\":4,\"weights_left\":2,"
    "\"effective_weights_left\":2,\"units_left\":[1,2],\"test_accuracy\":0.5,\"test_loss\":0.1,"
    "\"bytes_dense\":16,\"packed\":\"p.lop\",\"prune_seconds\":0.1,"
    "\"epochs\":[{\"epoch\":1,\"train_loss\":0.5,\"seconds\":1}],"
    "\"machine\":{\"cpu\":\"c\",\"isa\":\"scalar\",\"threads\":2},\"version\":\"0\",\"recipe\":{}}";

static lop_status read_json(const json_t *object, lop_error *error)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    lop_result result = lop_result_empty();
    lop_status status = lop_result_read(&result, text, strlen(text), error);
    if (status == LOP_OK)
        lop_result_free(&result);
    free(text);
    return status;
}

static void each_type_for(json_t *root, json_t *object, const char *name, size_t counts[2])
{
    const char *const values[] = {"null", "true",  "\"\"",      "\"x\"", "-1",      "0",
                                  "0.5",  "1e300", "[]",        "[1]",   "[\"x\"]", "[[]]",
                                  "[{}]", "{}",    "{\"a\":1}", "1e19"};
    json_t *kept = json_incref(json_object_get(object, name));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_t *value = json_loads(values[i], JSON_DECODE_ANY, NULL);
        lop_error error = {0};
        assert_int_equal(json_object_set_new(object, name, value), 0);
        lop_status status = read_json(root, &error);
        counts[status != LOP_OK]++;
        if (status == LOP_OK)
            continue;
        if (status != LOP_E_FORMAT && status != LOP_E_RANGE && status != LOP_E_VERSION)
            fail_msg("%s: %s: %s: %s", name, values[i], lop_status_name(status), error.text);
        assert_true(error.text[0] != 0);
    }
    json_object_set_new(object, name, kept);
}

static void test_each_type(void **state)
{
    (void)state;
    json_t *root = json_loads(whole, 0, NULL), *value, *inner;
    const char *name, *member;
    size_t counts[2] = {0};
    assert_int_equal(read_json(root, NULL), LOP_OK);
    json_object_foreach(root, name, value)
    {
        each_type_for(root, root, name, counts);
        json_t *object = json_is_array(value) ? json_array_get(value, 0) : value;
        if (json_is_object(object))
            json_object_foreach(object, member, inner) each_type_for(root, object, member, counts);
    }
    assert_int_equal(read_json(root, NULL), LOP_OK);
    assert_true(counts[0] > 50 && counts[1] > 200);
    json_decref(root);
}

static json_t *many(size_t count)
{
    json_t *array = json_array(), *value = json_integer(1);
    for (size_t i = 0; i < count; i++)
        json_array_append(array, value);
    json_decref(value);
    return array;
}

static void test_too_long(void **state)
{
    (void)state;
    static const struct {
        const char *member, *said;
        size_t count;
    } rows[] = {
        {"units_left", "units_left", (1u << 16) + 1},
        {"epochs", "values are more than", (1u << 20) + 1}}; /* refused before it is parsed */
    json_t *root = json_loads(whole, 0, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *kept = json_incref(json_object_get(root, rows[i].member));
        lop_error error = {0};
        json_object_set_new(root, rows[i].member, many(rows[i].count));
        assert_int_equal(read_json(root, &error), LOP_E_LIMIT);
        assert_non_null(strstr(error.text, rows[i].said));
        json_object_set_new(root, rows[i].member, kept);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
