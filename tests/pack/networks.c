#include "networks.h"

#include "test.h"

#include <string.h>

#include "base/random.h"
#include "run/model.h"

lop_network *test_network(const lop_mlp_spec *spec, double density)
{
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_mlp(&network, spec, NULL), LOP_OK);
    lopi_random random = lopi_random_stream(spec->seed, LOPI_STREAM_TEST, 1);
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
            if (lopi_random_double(&random) >= density)
                layer->weight[i] = 0;
        for (size_t u = 0; layer->bias && u < layer->outputs; u++)
            layer->bias[u] = (float)lopi_random_normal(&random);
    }
    return network;
}

lop_packed *test_packed(const lop_pack_values *values)
{
    lop_network *network = test_network(&(lop_mlp_spec){.inputs = 16,
                                                        .hidden = (size_t[]){6, 5},
                                                        .hidden_count = 2,
                                                        .outputs = 3,
                                                        .bias = true},
                                        0.5);
    lop_packed *packed = NULL;
    lop_pack_options options = {.values = values, .value_count = 3};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    lop_network_free(network);
    packed->layers[0].input_scale = 1.0f / 128;
    packed->layers[0].input_zero = 5;
    packed->layers[1].input_scale = 0.03125f;
    packed->layers[1].input_density = 51.0f / 255;
    strcpy(packed->layers[2].name, "out");
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_OK);
    return packed;
}

static void assert_same_layer(const lopi_packed_layer *a, const lopi_packed_layer *b)
{
    size_t left = lopi_packed_left(a);
    assert_string_equal(a->name, b->name);
    assert_true(a->outputs == b->outputs && a->inputs == b->inputs && a->relu == b->relu);
    assert_memory_equal(a->row_start, b->row_start, (a->outputs + 1) * sizeof *a->row_start);
    if (left > 0)
        assert_memory_equal(a->column, b->column, left * sizeof *a->column);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->entries, b->entries);
    const struct {
        const void *a, *b;
        size_t size;
    } arrays[] = {{a->values, b->values, left * 4},      {a->q, b->q, left},
                  {a->scale, b->scale, a->outputs * 4u}, {a->symbol, b->symbol, left},
                  {a->table, b->table, a->entries * 4u}, {a->bias, b->bias, a->outputs * 4u}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        assert_int_equal(!arrays[i].a, !arrays[i].b);
        if (arrays[i].a && arrays[i].size > 0)
            assert_memory_equal(arrays[i].a, arrays[i].b, arrays[i].size);
    }
    assert_true(a->input_scale == b->input_scale && a->input_zero == b->input_zero);
    assert_true(a->input_density == b->input_density);
}

void assert_same_packed(const lop_packed *a, const lop_packed *b)
{
    assert_true(a->inputs == b->inputs && a->outputs == b->outputs);
    assert_int_equal(a->layer_count, b->layer_count);
    for (size_t i = 0; i < a->layer_count; i++)
        assert_same_layer(&a->layers[i], &b->layers[i]);
    assert_true(a->checksum == b->checksum);
}
