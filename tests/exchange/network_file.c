#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "exchange/safetensors.h"
#include "folder.h"

/* 6-5-4-3 with biases that are not zero and a mask on the second layer. */
static lop_network *make_network(void)
{
    static const size_t hidden[] = {5, 4};
    lop_mlp_spec spec = {
        .inputs = 6, .hidden = hidden, .hidden_count = 2, .outputs = 3, .bias = true, .seed = 7};
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    for (size_t i = 0; i < 3; i++) {
        const lop_layer *layer = lop_network_layer(network, i);
        for (size_t j = 0; j < layer->outputs; j++)
            layer->bias[j] = (float)j * 0.25f - 0.5f;
    }
    assert_int_equal(lop_network_mask_new(network, 1, NULL), LOP_OK);
    const lop_layer *layer = lop_network_layer(network, 1);
    for (size_t i = 0; i < layer->outputs * layer->inputs; i += 3)
        layer->mask[i] = 0;
    lop_network_apply_masks(network);
    return network;
}

static void assert_same_network(const lop_network *a, const lop_network *b)
{
    assert_int_equal(lop_network_layer_count(a), lop_network_layer_count(b));
    for (size_t i = 0; i < lop_network_layer_count(a); i++) {
        const lop_layer *x = lop_network_layer(a, i), *y = lop_network_layer(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->outputs, y->outputs);
        assert_int_equal(x->inputs, y->inputs);
        size_t count = x->outputs * x->inputs;
        assert_memory_equal(x->weight, y->weight, count * sizeof(float));
        assert_int_equal(x->bias != NULL, y->bias != NULL);
        if (x->bias)
            assert_memory_equal(x->bias, y->bias, x->outputs * sizeof(float));
        assert_int_equal(x->mask != NULL, y->mask != NULL);
        if (x->mask)
            assert_memory_equal(x->mask, y->mask, count);
    }
}

static lopi_bytes read_file(const char *path)
{
    lopi_bytes bytes = {0};
    assert_int_equal(lopi_file_read(&bytes, path, 1 << 20, NULL), LOP_OK);
    return bytes;
}

static void a_saved_network_comes_back(void **state)
{
    (void)state;
    const lop_metadata metadata[] = {{"lop.history", "[\"é\"]"}, {NULL, NULL}};
    const char *first = folder_path("first"), *second = folder_path("second");
    char *json = NULL;
    lop_network *network = make_network(), *loaded = NULL;
    assert_int_equal(lop_network_save(network, first, metadata, false, NULL), LOP_OK);
    assert_int_equal(lop_network_load(&loaded, first, &json, NULL), LOP_OK);
    assert_same_network(network, loaded);
    assert_non_null(strstr(json, "\"lop.history\":\"[\\\"é\\\"]\""));
    assert_non_null(strstr(json, "\"format\":\"lop\""));
    assert_int_equal(lop_network_save(loaded, second, metadata, false, NULL), LOP_OK);
    lopi_bytes a = read_file(first), b = read_file(second);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    assert_int_equal(lop_network_save(network, first, NULL, false, NULL), LOP_E_EXISTS);
    assert_int_equal(lop_network_save(network, first, NULL, true, NULL), LOP_OK);
    lopi_free(a.data);
    lopi_free(b.data);
    lop_network_free(network);
    lop_network_free(loaded);
    free(json);
}

static void what_could_not_be_loaded_is_not_saved(void **state)
{
    (void)state;
    const char *path = folder_path("unsaved");
    const lop_metadata ours[] = {{"lop.network", "{}"}, {NULL, NULL}};
    lop_network *network = make_network();
    lop_error error = {0};
    assert_int_equal(lop_network_save(network, path, ours, false, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "lop.network"));
    lop_network_layer(network, 2)->weight[3] = NAN;
    assert_int_equal(lop_network_save(network, path, NULL, false, &error), LOP_E_NAN);
    assert_false(lopi_file_exists(path));
    lop_network_free(network);
}

/*
 * The spec and tensors of 3-2 with a mask; each case changes what it names. `values` holds weight
 * (6 floats) and mask (6 bytes).
 */
#define SPEC                                                                                       \
    "\"__metadata__\":{\"lop.network\":\"{\\\"nodes\\\":[{\\\"op\\\":\\\"input\\\",\\\"name\\\":"  \
    "\\\"input\\\",\\\"width\\\":3},{\\\"op\\\":\\\"linear\\\",\\\"name\\\":\\\"fc1\\\","          \
    "\\\"input\\\":\\\"input\\\",\\\"width\\\":2,\\\"bias\\\":false}]}\"}"
#define WIDE                                                                                       \
    "\"__metadata__\":{\"lop.network\":\"{\\\"nodes\\\":[{\\\"op\\\":\\\"input\\\",\\\"name\\\":"  \
    "\\\"input\\\",\\\"width\\\":1000000},{\\\"op\\\":\\\"linear\\\",\\\"name\\\":\\\"fc1\\\","    \
    "\\\"input\\\":\\\"input\\\",\\\"width\\\":2000,\\\"bias\\\":false}]}\"}"
#define FLOATS(name, shape)                                                                        \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[0,24]}"
#define BYTES(name, dtype, shape)                                                                  \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[24,30]}"

typedef struct file_case {
    const char *header;
    float weight; /* value 4 of the weights */
    uint8_t mask; /* value 4 of the mask */
    lop_status status;
    const char *word;
} file_case;

static const file_case cases[] = {
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 1,
     LOP_OK, ""},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 0, 0,
     LOP_OK, ""},
    /* Without a spec, too. */
    {"{" FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 0, 0, LOP_OK, ""},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 0,
     LOP_E_FORMAT, "where the mask is 0, found 1 at index 4"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 2,
     LOP_E_FORMAT, "expected 0 or 1, found 2"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[3,2]") "}", 1, 1,
     LOP_E_SHAPE, "fc1.mask"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "I8", "[2,3]") "}", 1, 1,
     LOP_E_FORMAT, "expected type U8, found I8"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc2.mask", "U8", "[2,3]") "}", 1, 1,
     LOP_E_FORMAT, "fc2.mask"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.bias", "U8", "[6]") "}", 1, 1,
     LOP_E_FORMAT, "fc1.bias"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("moments", "U8", "[6]") "}", 1, 1, LOP_OK,
     ""},
    {"{" SPEC "," FLOATS("fc1.weight", "[3,2]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 1,
     LOP_E_SHAPE, "expected shape [2, 3], found [3, 2]"},
    {"{" SPEC "," FLOATS("fc2.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 1,
     LOP_E_NOT_FOUND, "fc1.weight"},
    {"{" SPEC "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", NAN, 1,
     LOP_E_NAN, "index 4"},
    /* A spec that asks for 8 GB in a file of 30 bytes. */
    {"{" WIDE "," FLOATS("fc1.weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 1,
     LOP_E_LIMIT, "lop.network"},
    {"{\"__metadata__\":{\"lop.network\":\"{}\"}," FLOATS("fc1.weight", "[2,3]") "," BYTES(
         "fc1.mask", "U8", "[2,3]") "}",
     1, 1, LOP_E_FORMAT, "lop.network"},
    {"{" FLOATS("weight", "[2,3]") "," BYTES("fc1.mask", "U8", "[2,3]") "}", 1, 1, LOP_E_FORMAT,
     "linear layers"},
    {"{" FLOATS("a.weight", "[2,3]") "," BYTES("a.bias", "U8", "[6]") "}", 1, 1, LOP_E_FORMAT,
     "linear layers"},
    {"{" FLOATS("a.weight", "[1,2,3]") "," BYTES("a.mask", "U8", "[6]") "}", 1, 1, LOP_E_FORMAT,
     "[1, 2, 3]"},
    {"{" FLOATS("a.weight", "[0,0,6,1]") "}", 1, 1, LOP_E_FORMAT, "expected 0 bytes"},
    {"{}", 1, 1, LOP_E_FORMAT, ""},
};

static void a_wrong_file_says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const file_case *c = &cases[i];
        const float weight[6] = {1, 1, 1, 1, c->weight, 1};
        const uint8_t mask[6] = {1, 1, 1, 1, c->mask, 1};
        uint8_t values[30];
        lopi_little_endian_copy(values, weight, 6, 4);
        memcpy(values + 24, mask, 6);
        const char *path = folder_write_tensors("case", c->header, values, sizeof values);
        lop_network *network = NULL;
        lop_error error = {0};
        lop_status status = lop_network_load(&network, path, NULL, &error);
        if (status != c->status || !strstr(error.text, c->word))
            fail_msg("case %zu: %s: %s", i, lop_status_name(status), error.text);
        if (status != LOP_OK) {
            assert_null(network);
            assert_string_equal(error.file, path);
        }
        lop_network_free(network);
    }
}

typedef struct foreign_layer {
    const char *name;
    size_t outputs, inputs;
} foreign_layer;

typedef struct foreign_case {
    foreign_layer layers[12];
    const char *description; /* NULL: refused */
    const char *first;       /* name of its first layer */
} foreign_case;

static const foreign_case foreign_cases[] = {
    {{{"0", 5, 6}, {"2", 4, 5}, {"10", 3, 4}}, "6-5-4-3", "0"},
    {{{"fc10", 6, 6}, {"fc9", 6, 6}, {"fc02", 6, 6}}, "6-6-6-6", "fc02"},
    {{{"net.1.linear", 4, 5}, {"net.0.linear", 5, 6}}, "6-5-4", "net.0.linear"},
    {{{"block1.b", 6, 6}, {"block1.a", 6, 6}}, "6-6-6", "block1.a"},
    {{{"fc12", 6, 6}, {"fc11", 6, 6}, {"fc012x", 6, 6}}, "6-6-6-6", "fc11"},
    {{{"fc1a", 6, 6}, {"fc1", 6, 6}}, "6-6-6", "fc1"},
    /* Names in no order: the shapes tell. */
    {{{"output", 3, 4}, {"hidden", 4, 5}, {"input", 5, 6}}, "6-5-4-3", "input"},
    {{{"only", 3, 4}}, "4-3", "only"},
    /* No order, or more than one. */
    {{{"a", 3, 4}, {"b", 5, 6}}, NULL, NULL},
    {{{"a", 4, 6}, {"b", 3, 4}, {"c", 2, 4}}, NULL, NULL},
    {{{"a", 4, 3}, {"b", 5, 6}, {"c", 3, 4}}, NULL, NULL},
};

static void foreign_layers_are_put_in_order(void **state)
{
    (void)state;
    static const float zeros[64];
    for (size_t i = 0; i < sizeof foreign_cases / sizeof *foreign_cases; i++) {
        const foreign_case *c = &foreign_cases[i];
        lopi_tensor tensors[12];
        char names[12][32];
        size_t count = 0;
        for (; c->layers[count].name; count++) {
            const foreign_layer *layer = &c->layers[count];
            snprintf(names[count], sizeof *names, "%s.weight", layer->name);
            tensors[count] =
                (lopi_tensor){names[count], LOPI_F32, 2, {layer->outputs, layer->inputs}, zeros};
        }
        const char *path = folder_path("foreign");
        lop_network *network = NULL;
        char text[64];
        assert_int_equal(lopi_safetensors_write(path, tensors, count, NULL, true, NULL), LOP_OK);
        lop_status status = lop_network_load(&network, path, NULL, NULL);
        assert_int_equal(status, c->description ? LOP_OK : LOP_E_SHAPE);
        if (c->description) {
            assert_string_equal(lop_network_describe(network, text, sizeof text), c->description);
            assert_string_equal(lop_network_layer(network, 0)->name, c->first);
            assert_int_equal(lop_network_node_count(network), 2 * count);
        }
        lop_network_free(network);
    }
}

/* Files of others that are no chain of linear layers. */
static void what_is_no_layer_is_refused(void **state)
{
    (void)state;
    static const float zeros[64];
    static char long_name[LOP_MAX_NAME + 16];
    memset(long_name, 'x', LOP_MAX_NAME);
    strcat(long_name, ".weight");
    const struct {
        lopi_tensor tensors[2];
        size_t count;
        lop_status status;
        const char *says;
    } files[] = {
        {{{long_name, LOPI_F32, 2, {3, 4}, zeros}}, 1, LOP_E_LIMIT, "layer names"},
        {{{"a.weight", LOPI_F32, 1, {3}, zeros}}, 1, LOP_E_FORMAT, "only linear layers"},
        {{{"a.weight", LOPI_F32, 3, {3, 2, 2}, zeros}}, 1, LOP_E_FORMAT, "only linear layers"},
        {{{"a.bias", LOPI_F32, 1, {3}, zeros}}, 1, LOP_E_FORMAT, "only linear layers"},
        {{{"b.bias", LOPI_F32, 1, {3}, zeros}, {"a.weight", LOPI_F32, 2, {3, 4}, zeros}},
         2,
         LOP_E_FORMAT,
         "b.bias"},
        {{{"a.bias", LOPI_F32, 1, {4}, zeros}, {"a.weight", LOPI_F32, 2, {3, 4}, zeros}},
         2,
         LOP_E_FORMAT,
         "a.bias"},
        {{{"a.bias", LOPI_F32, 2, {3, 1}, zeros}, {"a.weight", LOPI_F32, 2, {3, 4}, zeros}},
         2,
         LOP_E_FORMAT,
         "a.bias"},
        {{{"", 0, 0, {0}, NULL}}, 0, LOP_E_FORMAT, "found none"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = folder_path("no-layer");
        lop_network *network = NULL;
        lop_error error = {0};
        assert_int_equal(
            lopi_safetensors_write(path, files[i].tensors, files[i].count, NULL, true, NULL),
            LOP_OK);
        lop_status status = lop_network_load(&network, path, NULL, &error);
        if (status != files[i].status || !strstr(error.text, files[i].says))
            fail_msg("file %zu: %s: %s", i, lop_status_name(status), error.text);
        assert_null(network);
    }
}

/* Under the sanitizers these two read every path that damage can take. */
static void every_shorter_file_is_refused(void **state)
{
    (void)state;
    lop_network *network = make_network(), *loaded = NULL;
    const char *path = folder_path("whole");
    assert_int_equal(lop_network_save(network, path, NULL, true, NULL), LOP_OK);
    lopi_bytes whole = read_file(path);
    for (size_t size = 0; size < whole.size; size++) {
        lop_error error = {0};
        path = folder_write("short", whole.data, size);
        assert_int_equal(lop_network_load(&loaded, path, NULL, &error), LOP_E_TRUNCATED);
        assert_string_equal(error.file, path);
    }
    assert_null(loaded);
    lopi_free(whole.data);
    lop_network_free(network);
}

static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    static const uint8_t changes[] = {0x01, 0x10, 0x80, 0xff};
    lop_network *network = make_network();
    const char *path = folder_path("whole");
    assert_int_equal(lop_network_save(network, path, NULL, true, NULL), LOP_OK);
    lopi_bytes whole = read_file(path);
    size_t loads = 0;
    for (size_t i = 0; i < whole.size; i++)
        for (size_t j = 0; j < sizeof changes; j++) {
            whole.data[i] ^= changes[j];
            path = folder_write("changed", whole.data, whole.size);
            whole.data[i] ^= changes[j];
            lop_network *loaded = NULL;
            lop_error error = {0};
            if (lop_network_load(&loaded, path, NULL, &error) == LOP_OK) {
                assert_int_equal(lop_network_check_finite(loaded, NULL), LOP_OK);
                loads++;
            } else {
                assert_null(loaded);
                assert_true(error.text[0] != 0);
            }
            lop_network_free(loaded);
        }
    /* Most bytes are weights, and most changes of those give other weights. */
    assert_true(loads > whole.size / 2);
    lopi_free(whole.data);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_network_comes_back),
        cmocka_unit_test(what_could_not_be_loaded_is_not_saved),
        cmocka_unit_test(a_wrong_file_says_what_is_wrong),
        cmocka_unit_test(foreign_layers_are_put_in_order),
        cmocka_unit_test(what_is_no_layer_is_refused),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
