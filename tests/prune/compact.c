#include "networks.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"

enum { MAX_WIDTH = 24 };

/*
 * A random chain: one to four layers, relu behind most, biases per layer where `biases` says so,
 * all but a random share of the weights zero, and some whole rows and columns too.
 */
typedef struct chain {
    enum { NO_BIASES, ALL_BIASES, SOME_BIASES } biases;
    double zeros; /* share of weights that are zero */
    bool masked;  /* zeros come from masks */
} chain;

static lop_network *new_chain(const chain *c, lopi_random *random)
{
    char spec[2048];
    lop_error error = {0};
    lop_network *network = NULL;
    size_t layers = 1 + lopi_random_below(random, 4);
    int length = snprintf(spec, sizeof spec,
                          "{\"nodes\": [{\"op\": \"input\", \"name\": \"n0\", \"width\": %u}",
                          1 + lopi_random_below(random, MAX_WIDTH));
    size_t node = 0;
    for (size_t l = 0; l < layers; l++) {
        bool bias =
            c->biases == ALL_BIASES || (c->biases == SOME_BIASES && lopi_random_below(random, 2));
        length += snprintf(spec + length, sizeof spec - (size_t)length,
                           ", {\"op\": \"linear\", \"name\": \"n%zu\", \"input\": \"n%zu\", "
                           "\"width\": %u, \"bias\": %s}",
                           node + 1, node, 1 + lopi_random_below(random, MAX_WIDTH),
                           bias ? "true" : "false");
        node++;
        /* Now and then no relu, two of them, or one behind the result. */
        uint32_t relus = lopi_random_below(random, 8);
        relus = relus == 7 ? 2 : relus == 6 || l + 1 == layers ? 0 : 1;
        for (uint32_t i = 0; i < relus; i++, node++)
            length += snprintf(spec + length, sizeof spec - (size_t)length,
                               ", {\"op\": \"relu\", \"name\": \"n%zu\", \"input\": \"n%zu\"}",
                               node + 1, node);
    }
    length += snprintf(spec + length, sizeof spec - (size_t)length, "]}");
    if (lop_network_new_spec(&network, spec, (size_t)length, &error) != LOP_OK)
        fail_msg("%s: %s", error.text, spec);
    return network;
}

static void fill(lop_network *network, const chain *c, lopi_random *random)
{
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        if (c->masked)
            assert_int_equal(lop_network_mask_new(network, l, NULL), LOP_OK);
        const lop_layer *layer = lop_network_layer(network, l);
        uint8_t dead_row[MAX_WIDTH], dead_column[MAX_WIDTH];
        for (size_t i = 0; i < MAX_WIDTH; i++) {
            dead_row[i] = lopi_random_below(random, 6) == 0;
            dead_column[i] = lopi_random_below(random, 6) == 0;
        }
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
            bool zero = lopi_random_double(random) < c->zeros || dead_row[i / layer->inputs] ||
                        dead_column[i % layer->inputs];
            layer->weight[i] = zero ? 0 : (float)lopi_random_normal(random);
            if (layer->mask)
                layer->mask[i] = !zero;
        }
        for (size_t i = 0; layer->bias && i < layer->outputs; i++)
            layer->bias[i] = lopi_random_below(random, 3) ? (float)lopi_random_normal(random) : 0;
    }
}

/*
 * The same outputs. Both passes are in double; what differs is the rounding to float32 of biases
 * that took constants over, 2^-24 of a bias, which later layers can magnify by their weights:
 * 1e-5 of the largest output is room enough, and far below what a lost constant would make.
 */
static void assert_same_outputs(const lop_network *a, const lop_network *b, lopi_random *random)
{
    double x[MAX_WIDTH], y[MAX_WIDTH], z[MAX_WIDTH];
    for (int sample = 0; sample < 8; sample++) {
        double largest = 1;
        for (size_t i = 0; i < MAX_WIDTH; i++)
            x[i] = lopi_random_normal(random);
        test_forward(a, x, y);
        test_forward(b, x, z);
        for (size_t i = 0; i < lop_network_outputs(a); i++)
            largest = fmax(largest, fabs(y[i]));
        for (size_t i = 0; i < lop_network_outputs(a); i++)
            assert_true(fabs(y[i] - z[i]) <= 1e-5 * largest);
    }
}

static bool is_zero(const float *values, size_t count, size_t stride)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i * stride] != 0)
            return false;
    }
    return true;
}

/* Nothing is left to remove: each hidden unit has a weight before and behind it, or is the last. */
static void assert_minimal(const lop_network *network)
{
    for (size_t l = 0; l + 1 < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        const lop_layer *reader = lop_network_layer(network, l + 1);
        for (size_t unit = 0; layer->outputs > 1 && unit < layer->outputs; unit++) {
            assert_false(is_zero(reader->weight + unit, reader->outputs, reader->inputs));
            /* A constant stays only where its reader has no biases to take it over. */
            if (reader->bias)
                assert_false(is_zero(layer->weight + unit * layer->inputs, layer->inputs, 1));
        }
    }
}

static void assert_counts(const lop_network *network, const lop_network *compacted)
{
    lop_count before, after;
    assert_int_equal(lop_count_network(network, &before, NULL), LOP_OK);
    assert_int_equal(lop_count_network(compacted, &after, NULL), LOP_OK);
    assert_int_equal(before.effective_weights_left, after.weights_left);
    assert_int_equal(after.effective_weights_left, after.weights_left);
    for (size_t l = 0; l < before.layers; l++) {
        size_t units = before.layer[l].units_left;
        assert_int_equal(after.layer[l].units, units ? units : 1);
        assert_int_equal(after.layer[l].units_left, units);
    }
}

static void assert_masks(const lop_network *network, bool masked)
{
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        assert_int_equal(layer->mask != NULL, masked);
        for (size_t i = 0; masked && i < layer->outputs * layer->inputs; i++)
            assert_int_equal(layer->mask[i], layer->weight[i] != 0);
    }
}

static void computes_the_same(void **state)
{
    (void)state;
    static const double zeros[] = {0, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999};
    lopi_random random = lopi_random_stream(5, LOPI_STREAM_TEST, 0);
    for (size_t round = 0; round < 2000; round++) {
        lop_network *compacted = NULL, *again = NULL;
        lop_error error = {0};
        chain c = {.biases = round % 3, .zeros = zeros[round % 7], .masked = round % 2};
        lop_network *network = new_chain(&c, &random);
        fill(network, &c, &random);
        if (lop_compact(&compacted, network, &error) != LOP_OK)
            fail_msg("round %zu: %s", round, error.text);
        assert_int_equal(lop_network_inputs(compacted), lop_network_inputs(network));
        assert_int_equal(lop_network_outputs(compacted), lop_network_outputs(network));
        assert_same_outputs(network, compacted, &random);
        assert_minimal(compacted);
        assert_counts(network, compacted);
        assert_masks(compacted, c.masked);
        assert_int_equal(lop_compact(&again, compacted, &error), LOP_OK);
        assert_true(test_same(compacted, again));
        lop_network_free(network);
        lop_network_free(compacted);
        lop_network_free(again);
    }
}

/* Worked by hand: a constant runs through two layers into the output's bias. */
static void constants_move_into_biases(void **state)
{
    (void)state;
    const size_t widths[] = {2, 2, 2, 1};
    lop_network *network = test_mlp(widths, 4, true, 1), *compacted = NULL;
    /* Unit 1 of the first layer is 3 whatever comes in, that of the second relu(2 · 3 − 1) = 5. */
    static const float first[] = {1, 1, 0, 0}, second[] = {1, 4, 0, 2}, third[] = {1, 7};
    memcpy(lop_network_layer(network, 0)->weight, first, sizeof first);
    memcpy(lop_network_layer(network, 1)->weight, second, sizeof second);
    memcpy(lop_network_layer(network, 2)->weight, third, sizeof third);
    lop_network_layer(network, 0)->bias[1] = 3;
    lop_network_layer(network, 1)->bias[1] = -1;
    lop_network_layer(network, 2)->bias[0] = 0.5f;
    assert_int_equal(lop_compact(&compacted, network, NULL), LOP_OK);
    char text[64];
    assert_string_equal(lop_network_describe(compacted, text, sizeof text), "2-1-1-1");
    assert_true(lop_network_layer(compacted, 1)->bias[0] == 12); /* 4 · 3 */
    assert_true(lop_network_layer(compacted, 2)->bias[0] == 0.5f + 7 * 5);
    lop_network_free(network);
    lop_network_free(compacted);
}

/* Where a whole layer is dead, a zero unit stays and the outputs are the output's biases. */
static void dead_layer_keeps_one_zero_unit(void **state)
{
    (void)state;
    const size_t widths[] = {3, 4, 5, 2};
    double x[3] = {1, 2, 3}, y[2];
    char text[64];
    for (int bias = 0; bias < 2; bias++) {
        lop_network *network = test_mlp(widths, 4, bias, 1), *compacted = NULL;
        const lop_layer *middle = lop_network_layer(network, 1);
        memset(middle->weight, 0, middle->outputs * middle->inputs * sizeof *middle->weight);
        assert_int_equal(lop_compact(&compacted, network, NULL), LOP_OK);
        assert_string_equal(lop_network_describe(compacted, text, sizeof text), "3-1-1-2");
        test_forward(compacted, x, y);
        assert_true(y[0] == 0 && y[1] == 0);
        lop_network_free(network);
        lop_network_free(compacted);
    }
}

/* Unit pruning, then compaction: the widths are those of what was left. */
static void pruned_units_go(void **state)
{
    (void)state;
    lop_network *network = test_challenge(), *compacted = NULL;
    lop_prune_options options = {.granularity = LOP_GRANULARITY_UNIT, .sparsity = 0.9};
    char text[64];
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(lop_compact(&compacted, network, NULL), LOP_OK);
    assert_string_equal(lop_network_describe(compacted, text, sizeof text), "784-100-100-50-20-10");
    assert_int_equal(lop_network_weight_count(compacted), 94600);
    lop_network_free(network);
    lop_network_free(compacted);
}

static void refuses_what_is_not_finite(void **state)
{
    (void)state;
    const size_t widths[] = {3, 4, 2};
    lop_network *network = test_mlp(widths, 3, true, 1), *out = NULL;
    lop_network_layer(network, 1)->bias[0] = INFINITY;
    lop_error error = {0};
    assert_int_equal(lop_compact(&out, network, &error), LOP_E_NAN);
    assert_null(out);
    lop_network_free(network);
}

static void too_many_layers_to_count(void **state)
{
    (void)state;
    size_t widths[LOP_MAX_COUNTED_LAYERS + 2];
    for (size_t i = 0; i < LOP_MAX_COUNTED_LAYERS + 2; i++)
        widths[i] = 2;
    lop_count count = {.weights = 17};
    lop_error error = {0};
    lop_network *network = test_mlp(widths, LOP_MAX_COUNTED_LAYERS + 2, false, 1);
    assert_int_equal(lop_count_network(network, &count, &error), LOP_E_LIMIT);
    assert_int_equal(count.weights, 17);
    lop_network_free(network);
    network = test_mlp(widths, LOP_MAX_COUNTED_LAYERS + 1, false, 1);
    assert_int_equal(lop_count_network(network, &count, &error), LOP_OK);
    assert_int_equal(count.layers, LOP_MAX_COUNTED_LAYERS);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_the_same),
        cmocka_unit_test(constants_move_into_biases),
        cmocka_unit_test(dead_layer_keeps_one_zero_unit),
        cmocka_unit_test(pruned_units_go),
        cmocka_unit_test(refuses_what_is_not_finite),
        cmocka_unit_test(too_many_layers_to_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
