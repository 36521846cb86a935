/* Saved plans are checked when they are read. */
#include "test.h"

#include <string.h>

#include "base/memory.h"
#include "packed.h"
#include "saved.h"

static const uint32_t widths[] = {20, 40, 10};

static lop_packed *network(uint64_t seed)
{
    lopi_random random = lopi_random_stream(seed, LOPI_STREAM_TEST, 0);
    return test_packed_new(&random, widths, 2, 0.3f, LOP_VALUES_FLOAT32);
}

static lop_status restore(const lop_packed *packed, const char *text, lop_plan **plan)
{
    const lop_plan_options options = {.saved = text};
    lop_error error = {0};
    lop_status status = lop_plan_new(plan, packed, &options, &error);
    if (status != LOP_OK)
        assert_non_null(strstr(error.text, "plan anew"));
    return status;
}

static void a_saved_plan_comes_back(void **state)
{
    (void)state;
    lop_packed *packed = network(1);
    lop_plan *plan = NULL, *again = NULL;
    const lop_plan_options options = {.measure = true};
    assert_int_equal(lop_plan_new(&plan, packed, &options, NULL), LOP_OK);
    char *text = test_plan_text(plan);
    assert_int_equal(lop_plan_text(plan, NULL, 0), strlen(text) + 1);
    assert_int_equal(restore(packed, text, &again), LOP_OK);
    char *second = test_plan_text(again);
    assert_string_equal(text, second);
    lop_plan_facts facts;
    lop_plan_facts_get(again, &facts);
    assert_true(facts.measured);
    lopi_free(text);
    lopi_free(second);
    lop_plan_free(plan);
    lop_plan_free(again);
    lop_packed_free(packed);
}

static void damage_is_found(void **state)
{
    (void)state;
    lop_packed *packed = network(1);
    lop_plan *plan = NULL, *again = NULL;
    assert_int_equal(lop_plan_new(&plan, packed, NULL, NULL), LOP_OK);
    char *text = test_plan_text(plan);
    /* Any byte changed, and the text cut anywhere. */
    for (size_t i = 0; text[i]; i++) {
        char kept = text[i];
        text[i] = kept == 'x' ? 'y' : 'x';
        assert_int_equal(restore(packed, text, &again), LOP_E_FORMAT);
        text[i] = 0;
        assert_int_equal(restore(packed, text, &again), LOP_E_FORMAT);
        text[i] = kept;
    }
    assert_null(again);
    lopi_free(text);
    lop_plan_free(plan);
    lop_packed_free(packed);
}

static void replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    test_plan_sum(text);
}

/* Whoever can compute the sum can say anything: it is refused, or it is a plan. */
static void a_right_sum_is_not_believed(void **state)
{
    (void)state;
    lop_packed *packed = network(1);
    lop_plan *plan = NULL;
    assert_int_equal(lop_plan_new(&plan, packed, NULL, NULL), LOP_OK);
    char *text = test_plan_text(plan);
    size_t body = (size_t)(strstr(text, "\nsum ") - text), accepted = 0, refused = 0;
    for (size_t i = 0; i < body; i += 3) { /* not all: emulated machines run this too */
        static const char put[] = "x7 -\n";
        for (size_t k = 0; put[k]; k++) {
            char *changed = lopi_strdup(text);
            changed[i] = put[k];
            test_plan_sum(changed);
            lop_plan *again = NULL;
            if (restore(packed, changed, &again) == LOP_OK)
                accepted++;
            else
                refused++;
            lop_plan_free(again);
            lopi_free(changed);
        }
    }
    for (size_t i = 0; i < body; i += strcspn(text + i, "\n") + 1) {
        char *shorter = lopi_strdup(text); /* without the line that begins here */
        char *next = strchr(shorter + i, '\n') + 1;
        memmove(shorter + i, next, strlen(next) + 1);
        test_plan_sum(shorter);
        lop_plan *again = NULL;
        lop_status status = restore(packed, shorter, &again);
        if (status == LOP_OK) /* a candidate that was not chosen, at best */
            accepted++;
        lop_plan_free(again);
        lopi_free(shorter);
    }
    assert_true(refused > accepted);
    lopi_free(text);
    lop_plan_free(plan);
    lop_packed_free(packed);
}

static void other_machines_networks_and_uses_are_refused(void **state)
{
    (void)state;
    lop_packed *packed = network(1), *other = network(2);
    lop_plan *plan = NULL, *again = NULL;
    assert_int_equal(lop_plan_new(&plan, packed, NULL, NULL), LOP_OK);
    char *text = test_plan_text(plan);
    assert_int_equal(restore(other, text, &again), LOP_E_SHAPE);
    static const struct {
        const char *from, *to;
        lop_status status;
    } changes[] = {
        {"\ncpu ", "\ncpu?", LOP_E_UNSUPPORTED},
        {"lop-plan 3", "lop-plan 2", LOP_E_UNSUPPORTED},
        {"precision int8", "precision bf16", LOP_E_UNSUPPORTED},
        {"class 8 ", "class 9 ", LOP_E_UNSUPPORTED},
        {"\nclass 1 ", "\nclass 1x", LOP_E_UNSUPPORTED},
        {"-i8-", "-i9-", LOP_E_UNSUPPORTED},
        {"-i8-", "-f32", LOP_E_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *changed = lopi_strdup(text);
        replace(changed, changes[i].from, changes[i].to);
        assert_int_equal(restore(packed, changed, &again), changes[i].status);
        lopi_free(changed);
    }
    const lop_plan_options dense = {.saved = text, .dense = true},
                           small = {.saved = text, .max_batch = 32};
    assert_int_equal(lop_plan_new(&again, packed, &dense, NULL), LOP_E_UNSUPPORTED);
    assert_int_equal(lop_plan_new(&again, packed, &small, NULL), LOP_E_UNSUPPORTED);
    assert_null(again);
    lopi_free(text);
    lop_plan_free(plan);
    lop_packed_free(packed);
    lop_packed_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_plan_comes_back),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(a_right_sum_is_not_believed),
        cmocka_unit_test(other_machines_networks_and_uses_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
