#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "nn/graph.h"

static const size_t hidden[] = {7, 5};

static lop_network *small(bool bias)
{
    lop_network *network = NULL;
    const lop_mlp_spec spec = {
        .inputs = 4, .hidden = hidden, .hidden_count = 2, .outputs = 3, .bias = bias, .seed = 9};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    return network;
}

static void mlp_is_as_described(void **state)
{
    (void)state;
    lop_network *network = small(true);
    char text[64];
    assert_string_equal(lop_network_describe(network, text, sizeof text), "4-7-5-3");
    assert_string_equal(lop_network_describe(network, text, 5), "4-7-");
    assert_int_equal(lop_network_node_count(network), 6);
    assert_int_equal(lop_network_layer_count(network), 3);
    assert_int_equal(lop_network_inputs(network), 4);
    assert_int_equal(lop_network_outputs(network), 3);
    assert_int_equal(lop_network_weight_count(network), 4 * 7 + 7 * 5 + 5 * 3);
    const lop_layer *layer = lop_network_layer(network, 1);
    assert_string_equal(layer->name, "fc2");
    assert_int_equal(layer->outputs, 5);
    assert_int_equal(layer->inputs, 7);
    assert_int_equal(layer->node, 3);
    assert_false(layer->output);
    assert_true(lop_network_layer(network, 2)->output);
    assert_null(lop_network_layer(network, 3));
    assert_null(lop_network_node(network, 6));
    assert_int_equal(lop_network_node(network, 4)->op, LOP_OP_RELU);
    assert_int_equal(lop_network_node(network, 4)->input, 3);
    lop_network_free(network);
}

/* Mean and variance within five standard errors of He's; the seed is fixed. */
static void initial_weights_are_he(void **state)
{
    (void)state;
    enum { INPUTS = 301, OUTPUTS = 401 }; /* odd: the last pair is half used */
    lop_network *network = NULL;
    const lop_mlp_spec spec = {.inputs = INPUTS, .outputs = OUTPUTS, .bias = true, .seed = 3};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    const lop_layer *layer = lop_network_layer(network, 0);
    double sum = 0, squares = 0, n = INPUTS * OUTPUTS;
    for (size_t i = 0; i < INPUTS * OUTPUTS; i++) {
        sum += layer->weight[i];
        squares += (double)layer->weight[i] * layer->weight[i];
        assert_true(layer->weight[i] != 0);
    }
    double variance = 2.0 / INPUTS;
    assert_true(fabs(sum / n) < 5 * sqrt(variance / n));
    assert_true(fabs(squares / n / variance - 1) < 5 * sqrt(2 / n));
    for (size_t i = 0; i < OUTPUTS; i++)
        assert_true(layer->bias[i] == 0);
    lop_network_free(network);
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    lop_network *a = small(false), *b = small(false);
    size_t count = 7 * 5;
    const lop_layer *p = lop_network_layer(a, 1), *q = lop_network_layer(b, 1);
    assert_memory_equal(p->weight, q->weight, count * sizeof(float));
    lop_network_initialize(b, 10);
    assert_memory_not_equal(p->weight, q->weight, count * sizeof(float));
    lop_network_initialize(b, 9);
    assert_memory_equal(p->weight, q->weight, count * sizeof(float));
    lop_network_free(a);
    lop_network_free(b);
}

static void copy_and_assign_take_masks_along(void **state)
{
    (void)state;
    lop_network *a = small(true), *b = NULL, *other = small(false);
    lop_error error = {0};
    assert_int_equal(lop_network_mask_new(a, 1, &error), LOP_OK);
    const lop_layer *layer = lop_network_layer(a, 1);
    assert_int_equal(layer->mask[34], 1);
    layer->mask[34] = 0;
    lop_network_apply_masks(a);
    assert_true(layer->weight[34] == 0);
    assert_true(layer->weight[33] != 0);
    assert_int_equal(lop_network_mask_new(a, 1, &error), LOP_OK);
    assert_int_equal(layer->mask[34], 0);

    assert_int_equal(lop_network_copy(&b, a, &error), LOP_OK);
    const lop_layer *copied = lop_network_layer(b, 1);
    assert_memory_equal(copied->mask, layer->mask, 35);
    assert_memory_equal(copied->weight, layer->weight, 35 * sizeof(float));
    assert_null(lop_network_layer(b, 0)->mask);

    const float *stays = copied->weight;
    lop_network_initialize(a, 77);
    assert_null(layer->mask);
    assert_int_equal(lop_network_assign(b, a, &error), LOP_OK);
    assert_ptr_equal(copied->weight, stays);
    assert_null(copied->mask);
    assert_memory_equal(copied->weight, layer->weight, 35 * sizeof(float));

    assert_int_equal(lop_network_assign(other, a, &error), LOP_E_SHAPE);
    assert_non_null(strstr(error.text, "4-7-5-3"));
    assert_int_equal(lop_network_mask_new(a, 3, &error), LOP_E_ARG);
    lop_network_free(a);
    lop_network_free(b);
    lop_network_free(other);
}

static void not_finite_is_found(void **state)
{
    (void)state;
    lop_network *network = small(true);
    lop_error error = {0};
    assert_int_equal(lop_network_check_finite(network, &error), LOP_OK);
    lop_network_layer(network, 2)->bias[1] = NAN;
    assert_int_equal(lop_network_check_finite(network, &error), LOP_E_NAN);
    assert_non_null(strstr(error.text, "[1] of layer 'fc3'"));
    lop_network_layer(network, 1)->weight[16] = -INFINITY;
    assert_int_equal(lop_network_check_finite(network, &error), LOP_E_NAN);
    assert_non_null(strstr(error.text, "[2][2] of layer 'fc2'"));
    lop_network_free(network);
}

static void bad_mlps_are_refused(void **state)
{
    (void)state;
    static const size_t wide[] = {LOP_MAX_WIDTH + 1}, zero[] = {0};
    static const size_t many[] = {LOP_MAX_WIDTH};
    const struct {
        lop_mlp_spec spec;
        lop_status status;
    } cases[] = {
        {{.inputs = 0, .outputs = 3}, LOP_E_LIMIT},
        {{.inputs = 3, .outputs = 0}, LOP_E_LIMIT},
        {{.inputs = 3, .outputs = 3, .hidden = wide, .hidden_count = 1}, LOP_E_LIMIT},
        {{.inputs = 3, .outputs = 3, .hidden = zero, .hidden_count = 1}, LOP_E_LIMIT},
        {{.inputs = 3, .outputs = 3, .hidden_count = 1}, LOP_E_ARG},
        {{.inputs = 3, .outputs = 3, .hidden = many, .hidden_count = 1u << 20}, LOP_E_LIMIT},
        {{.inputs = LOP_MAX_WIDTH, .outputs = 3, .hidden = many, .hidden_count = 1}, LOP_E_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lop_network *network = NULL;
        lop_error error = {0};
        assert_int_equal(lop_network_new_mlp(&network, &cases[i].spec, &error), cases[i].status);
        assert_null(network);
        assert_true(error.text[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mlp_is_as_described),  cmocka_unit_test(initial_weights_are_he),
        cmocka_unit_test(same_seed_same_bytes), cmocka_unit_test(copy_and_assign_take_masks_along),
        cmocka_unit_test(not_finite_is_found),  cmocka_unit_test(bad_mlps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
