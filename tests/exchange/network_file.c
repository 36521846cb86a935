#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/exchange.h>

#include "base/file.h"
#include "base/memory.h"

static char directory[] = "/tmp/lop-test-XXXXXX";

static char *at(const char *name) { return lopi_path_join(directory, name); }

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

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

static void a_saved_network_comes_back(void **state)
{
    (void)state;
    const lop_metadata metadata[] = {{"lop.history", "[\"é\"]"}, {NULL, NULL}};
    char *first = at("first"), *second = at("second"), *json = NULL;
    lop_network *network = make_network(), *loaded = NULL;
    assert_int_equal(lop_network_save(network, first, metadata, false, NULL), LOP_OK);
    assert_int_equal(lop_network_load(&loaded, first, &json, NULL), LOP_OK);
    assert_same_network(network, loaded);
    assert_non_null(strstr(json, "\"lop.history\":\"[\\\"é\\\"]\""));
    assert_non_null(strstr(json, "\"format\":\"lop\""));
    assert_int_equal(lop_network_save(loaded, second, metadata, false, NULL), LOP_OK);
    lopi_bytes a = {0}, b = {0};
    assert_int_equal(lopi_file_read(&a, first, 1 << 20, NULL), LOP_OK);
    assert_int_equal(lopi_file_read(&b, second, 1 << 20, NULL), LOP_OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    lopi_free(a.data);
    lopi_free(b.data);
    lop_network_free(network);
    lop_network_free(loaded);
    free(json);
    lopi_free(first);
    lopi_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_network_comes_back),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
