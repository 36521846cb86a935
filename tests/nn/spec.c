/* A spec comes from outside: what is right is read, what is not gets one clear line. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "nn/graph.h"

#define X    "{\"op\":\"input\",\"name\":\"x\",\"width\":4}"
#define A    "{\"op\":\"linear\",\"name\":\"a\",\"input\":\"x\",\"width\":3,\"bias\":true}"
#define R    "{\"op\":\"relu\",\"name\":\"r\",\"input\":\"a\"}"
#define B    "{\"op\":\"linear\",\"name\":\"b\",\"input\":\"r\",\"width\":2,\"bias\":false}"
#define GOOD "{\"nodes\":[" X "," A "," R "," B "]}"

static void good_spec_is_canonical(void **state)
{
    (void)state;
    static const char loose[] =
        " { \"nodes\" : [ {\"width\":4, \"name\":\"x\", \"op\":\"input\"},\n"
        "{\"bias\":true,\"op\":\"linear\",\"input\":\"x\",\"name\":\"a\",\"width\":3}," R ","
        "{\"op\":\"linear\",\"name\":\"b\",\"input\":\"r\",\"width\":2} ] } ";
    lop_network *network = NULL;
    char *json = NULL;
    assert_int_equal(lop_network_new_spec(&network, loose, sizeof loose - 1, NULL), LOP_OK);
    assert_int_equal(lop_network_layer_count(network), 2);
    assert_non_null(lop_network_layer(network, 0)->bias);
    assert_null(lop_network_layer(network, 1)->bias);
    assert_true(lop_network_layer(network, 0)->weight[11] == 0);
    assert_int_equal(lop_network_spec(network, &json, NULL), LOP_OK);
    assert_string_equal(json, GOOD);
    free(json);
    lop_network_free(network);
}

static void names_are_any_text(void **state)
{
    (void)state;
    static const char spec[] = "{\"nodes\":[{\"op\":\"input\",\"name\":\"Eingang \\u00fc\\\"\","
                               "\"width\":1},{\"op\":\"linear\",\"name\":\"model.fc/1\",\"input\":"
                               "\"Eingang \\u00fc\\\"\",\"width\":1,\"bias\":false}]}";
    lop_network *first = NULL, *second = NULL;
    char *json = NULL, *again = NULL;
    assert_int_equal(lop_network_new_spec(&first, spec, sizeof spec - 1, NULL), LOP_OK);
    assert_string_equal(lop_network_node(first, 0)->name, "Eingang \xc3\xbc\"");
    assert_int_equal(lop_network_spec(first, &json, NULL), LOP_OK);
    assert_int_equal(lop_network_new_spec(&second, json, strlen(json), NULL), LOP_OK);
    assert_int_equal(lop_network_spec(second, &again, NULL), LOP_OK);
    assert_string_equal(json, again);
    free(json);
    free(again);
    lop_network_free(first);
    lop_network_free(second);
}

static const struct {
    const char *what, *json;
    lop_status status;
    const char *says; /* a part of the error's text */
} hostile[] = {
    {"nothing", "", LOP_E_FORMAT, "JSON"},
    {"not JSON", "hello", LOP_E_FORMAT, "JSON"},
    {"cut off", "{\"nodes\":[" X "," A, LOP_E_FORMAT, "JSON"},
    {"bytes behind", GOOD "x", LOP_E_FORMAT, "JSON"},
    {"not UTF-8", "{\"nodes\":[\"\xff\"]}", LOP_E_FORMAT, "JSON"},
    {"duplicate member", "{\"nodes\":[],\"nodes\":[]}", LOP_E_FORMAT, "JSON"},
    {"an array", "[]", LOP_E_FORMAT, "nodes"},
    {"another member", "{\"nodes\":[" X "," A "],\"more\":1}", LOP_E_FORMAT, "nodes"},
    {"nodes no array", "{\"nodes\":3}", LOP_E_FORMAT, "nodes"},
    {"no nodes", "{\"nodes\":[]}", LOP_E_LIMIT, "1 to 1024"},
    {"node no object", "{\"nodes\":[7]}", LOP_E_FORMAT, "node 0"},
    {"no op", "{\"nodes\":[{\"name\":\"x\",\"width\":4}]}", LOP_E_FORMAT, "\"op\""},
    {"no name", "{\"nodes\":[{\"op\":\"input\",\"width\":4}]}", LOP_E_FORMAT, "\"name\""},
    {"op no text", "{\"nodes\":[{\"op\":1,\"name\":\"x\"}]}", LOP_E_FORMAT, "\"op\""},
    {"unknown op", "{\"nodes\":[" X ",{\"op\":\"conv\",\"name\":\"c\",\"input\":\"x\"}]}",
     LOP_E_NAME, "input, linear, relu, found 'conv'"},
    {"unknown member", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":4,\"baias\":1}]}",
     LOP_E_FORMAT, "baias"},
    {"input with an input",
     "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":4,\"input\":\"x\"}]}", LOP_E_FORMAT,
     "\"input\""},
    {"input alone", "{\"nodes\":[" X "]}", LOP_E_FORMAT, "at least one layer"},
    {"no layer", "{\"nodes\":[" X ",{\"op\":\"relu\",\"name\":\"r\",\"input\":\"x\"}]}",
     LOP_E_FORMAT, "at least one layer"},
    {"input not first", "{\"nodes\":[" A "]}", LOP_E_FORMAT, "earlier node"},
    {"two inputs", "{\"nodes\":[" X ",{\"op\":\"input\",\"name\":\"y\",\"width\":4}]}",
     LOP_E_FORMAT, "one input"},
    {"missing input", "{\"nodes\":[" X ",{\"op\":\"relu\",\"name\":\"r\",\"input\":\"q\"}]}",
     LOP_E_FORMAT, "'q'"},
    {"no input member", "{\"nodes\":[" X ",{\"op\":\"relu\",\"name\":\"r\"}]}", LOP_E_FORMAT,
     "\"input\""},
    {"reads itself", "{\"nodes\":[" X ",{\"op\":\"relu\",\"name\":\"r\",\"input\":\"r\"}]}",
     LOP_E_FORMAT, "earlier node"},
    {"cycle",
     "{\"nodes\":[" X ",{\"op\":\"relu\",\"name\":\"r\",\"input\":\"s\"},"
     "{\"op\":\"relu\",\"name\":\"s\",\"input\":\"r\"}]}",
     LOP_E_FORMAT, "earlier node"},
    {"duplicate name", "{\"nodes\":[" X "," A ",{\"op\":\"relu\",\"name\":\"a\",\"input\":\"a\"}]}",
     LOP_E_FORMAT, "'a' twice"},
    {"unused node",
     "{\"nodes\":[" X "," A ",{\"op\":\"linear\",\"name\":\"z\",\"input\":\"x\",\"width\":3}]}",
     LOP_E_FORMAT, "'x' read again by 'z'"},
    {"empty name", "{\"nodes\":[{\"op\":\"input\",\"name\":\"\",\"width\":4}," A "]}", LOP_E_FORMAT,
     "earlier node"},
    {"control character beyond ASCII",
     "{\"nodes\":[{\"op\":\"input\",\"name\":\"in\xc2\x9b\",\"width\":4}]}", LOP_E_FORMAT,
     "control"},
    {"control character",
     "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\\n\",\"width\":4},"
     "{\"op\":\"relu\",\"name\":\"r\",\"input\":\"x\\n\"}]}",
     LOP_E_FORMAT, "control"},
    {"zero byte in a name", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\\u0000\",\"width\":4}]}",
     LOP_E_FORMAT, "JSON"},
    {"width nothing", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\"}]}", LOP_E_FORMAT, "\"width\""},
    {"width 0", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":0}]}", LOP_E_FORMAT,
     "above 0"},
    {"width below 0", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":-4}]}", LOP_E_FORMAT,
     "above 0"},
    {"width a fraction", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":4.5}]}",
     LOP_E_FORMAT, "whole number"},
    {"width huge", "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":1048577}]}", LOP_E_LIMIT,
     "1048576"},
    {"width beyond 64 bits",
     "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":99999999999999999999}]}", LOP_E_FORMAT,
     "JSON"},
    {"bias a number",
     "{\"nodes\":[" X
     ",{\"op\":\"linear\",\"name\":\"a\",\"input\":\"x\",\"width\":3,\"bias\":1}]}",
     LOP_E_FORMAT, "\"bias\""},
    {"too many weights",
     "{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":1048576},"
     "{\"op\":\"linear\",\"name\":\"a\",\"input\":\"x\",\"width\":1048576}]}",
     LOP_E_LIMIT, "weights"},
};

static void hostile_specs_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        lop_network *network = NULL;
        lop_error error = {0};
        lop_status status =
            lop_network_new_spec(&network, hostile[i].json, strlen(hostile[i].json), &error);
        if (status != hostile[i].status || !strstr(error.text, hostile[i].says))
            fail_msg("%s: status %s, \"%s\"", hostile[i].what, lop_status_name(status), error.text);
        assert_null(network);
        assert_null(strchr(error.text, '\n'));
    }
}

/* `count` times `part`, between `before` and `after`. */
static lop_status read_repeated(const char *before, const char *part, size_t count,
                                const char *after, lop_error *error)
{
    size_t size = strlen(part);
    char *text = lopi_alloc(strlen(before) + count * size + strlen(after) + 1, 1), *at = text;
    at += sprintf(at, "%s", before);
    for (size_t i = 0; i < count; i++, at += size)
        memcpy(at, part, size);
    sprintf(at, "%s", after);
    lop_network *network = NULL;
    lop_status status = lop_network_new_spec(&network, text, strlen(text), error);
    lop_network_free(network);
    lopi_free(text);
    return status;
}

static void large_specs_are_refused(void **state)
{
    (void)state;
    lop_error error = {0};
    assert_int_equal(read_repeated("{\"nodes\":", "[", 100000, "", &error), LOP_E_LIMIT);
    assert_int_equal(read_repeated("{\"nodes\":[", X ",", 1024, X "]}", &error), LOP_E_LIMIT);
    assert_int_equal(read_repeated(GOOD, " ", 2000000, "", &error), LOP_E_LIMIT);
    assert_int_equal(read_repeated("{\"nodes\":[{\"op\":\"input\",\"name\":\"", "x", 64,
                                   "\",\"width\":3}]}", &error),
                     LOP_E_LIMIT);
    assert_int_equal(
        read_repeated("{\"nodes\":[" X ",{\"op\":\"", "x", 100000, "\",\"name\":\"y\"}]}", &error),
        LOP_E_NAME);
}

/* A chain of as many nodes as there may be is fine. */
static void longest_chain_is_read(void **state)
{
    (void)state;
    char *text = lopi_alloc(LOP_MAX_NODES, 128);
    int at = sprintf(text, "{\"nodes\":[" X "," A);
    for (int i = 2; i < LOP_MAX_NODES; i++) {
        char input[16] = "a";
        if (i > 2)
            sprintf(input, "r%d", i - 1);
        at += sprintf(text + at, ",{\"op\":\"relu\",\"name\":\"r%d\",\"input\":\"%s\"}", i, input);
    }
    sprintf(text + at, "]}");
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_spec(&network, text, strlen(text), NULL), LOP_OK);
    assert_int_equal(lop_network_node_count(network), LOP_MAX_NODES);
    assert_true(lop_network_layer(network, 0)->output);
    lop_network_free(network);
    lopi_free(text);
}

/* A reader of files knows how many parameters there can be at most. */
static void parameters_can_be_bounded(void **state)
{
    (void)state;
    lop_network *network = NULL;
    lop_error error = {0};
    size_t parameters = 4 * 3 + 3 + 3 * 2;
    assert_int_equal(lopi_network_new_spec(&network, GOOD, sizeof GOOD - 1, parameters - 1, &error),
                     LOP_E_LIMIT);
    assert_null(network);
    assert_int_equal(lopi_network_new_spec(&network, GOOD, sizeof GOOD - 1, parameters, &error),
                     LOP_OK);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_spec_is_canonical),    cmocka_unit_test(names_are_any_text),
        cmocka_unit_test(hostile_specs_are_refused), cmocka_unit_test(large_specs_are_refused),
        cmocka_unit_test(longest_chain_is_read),     cmocka_unit_test(parameters_can_be_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
