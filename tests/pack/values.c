/* What packing does to values: nothing, or what it says; and the same again when it is repeated. */
#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "networks.h"
#include "pack/forward.h"
#include "pack/quantize.h"
#include "pack/sparse.h"
#include "run/model.h"
#include "run/steps.h"

static const lop_mlp_spec spec = {.inputs = 36,
                                  .hidden = (const size_t[]){40, 30, 20},
                                  .hidden_count = 3,
                                  .outputs = 7,
                                  .seed = 3};

static lop_packed *pack(const lop_network *network, lop_values kind, unsigned entries)
{
    lop_packed *packed = NULL;
    lop_pack_options options = {.values = &(lop_pack_values){kind, entries}, .value_count = 1};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    return packed;
}

/* What a network yields for 64 made-up samples, in the order of the columns. */
static void outputs(const lop_packed *packed, float *y)
{
    lopi_forward forward = {0};
    assert_int_equal(lopi_forward_begin(&forward, packed, NULL), LOP_OK);
    for (size_t i = 0; i < (size_t)packed->inputs * LOPI_TILE; i++)
        forward.rows[i] = (float)((int)(i * 37 % 101) - 50) / 64;
    memcpy(y, lopi_forward_rows(&forward, LOPI_TILE, NULL, NULL),
           packed->outputs * LOPI_TILE * sizeof *y);
    lopi_forward_end(&forward);
}

/* Dead units and inputs, biases that let nothing through, and some that do. */
static lop_network *with_dead_units(void)
{
    lop_mlp_spec with_bias = spec;
    with_bias.bias = true;
    lop_network *network = test_network(&with_bias, 0.2);
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        const lop_layer *reader = lop_network_layer(network, l + 1);
        for (size_t u = 0; u < layer->outputs; u += 3) {
            memset(layer->weight + u * layer->inputs, 0, layer->inputs * sizeof(float));
            layer->bias[u] = u % 2 ? 0.75f : -1.5f; /* half of them are not dead */
        }
        for (size_t u = 1; u < layer->outputs; u += 5)
            for (size_t r = 0; r < reader->outputs; r++)
                reader->weight[r * reader->inputs + u] = 0;
    }
    return network;
}

static void float32_changes_not_one_bit(void **state)
{
    (void)state;
    lop_network *network = with_dead_units();
    lop_packed *plain = NULL, *packed = pack(network, LOP_VALUES_FLOAT32, 0);
    assert_int_equal(lopi_sparse_new(&plain, network, NULL), LOP_OK);
    for (size_t l = 0; l < 3; l++) /* something was taken out, and not all that is constant */
        assert_true(packed->layers[l].outputs < plain->layers[l].outputs);
    float expected[7 * LOPI_TILE], found[7 * LOPI_TILE];
    outputs(plain, expected);
    outputs(packed, found);
    assert_memory_equal(expected, found, sizeof expected);
    lop_packed_free(plain);
    lop_packed_free(packed);
    lop_network_free(network);
}

static void sorting_changes_the_order_of_sums_alone(void **state)
{
    (void)state;
    lop_network *network = with_dead_units();
    lop_packed *packed = pack(network, LOP_VALUES_FLOAT32, 0);
    float expected[7 * LOPI_TILE], found[7 * LOPI_TILE];
    outputs(packed, expected);
    assert_int_equal(lopi_sparse_sort(packed, NULL), LOP_OK);
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_OK);
    outputs(packed, found);
    for (size_t i = 0; i < 7 * LOPI_TILE; i++) /* sums of 40 products at most, four layers deep */
        assert_true(fabsf(expected[i] - found[i]) <= 1e-5f * (1 + fabsf(expected[i])));
    for (size_t l = 0; l < 3; l++) {
        const uint32_t *start = packed->layers[l].row_start;
        for (uint32_t r = 1; r < packed->layers[l].outputs; r++)
            assert_true(start[r + 1] - start[r] <= start[r] - start[r - 1]);
    }
    lop_packed_free(packed);
    lop_network_free(network);
}

/* Unpacking and packing again gives the same file. */
static void every_kind_is_its_own_image(void **state)
{
    (void)state;
    static const lop_pack_values rows[] = {{LOP_VALUES_FLOAT32, 0}, {LOP_VALUES_FLOAT16, 0},
                                           {LOP_VALUES_INT8, 0},    {LOP_VALUES_SHARED, 2},
                                           {LOP_VALUES_SHARED, 16}, {LOP_VALUES_SHARED, 256}};
    lop_network *network = with_dead_units();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lop_packed *first = pack(network, rows[i].kind, rows[i].entries), *second;
        lop_network *back = NULL;
        assert_int_equal(lop_unpack(&back, first, NULL), LOP_OK);
        second = pack(back, rows[i].kind, rows[i].entries);
        assert_same_packed(first, second);
        lop_packed_free(first);
        lop_packed_free(second);
        lop_network_free(back);
    }
    lop_network_free(network);
}

/* Their step is rounded, and 127 of it are still a float. */
static void the_largest_floats_stay_finite(void **state)
{
    (void)state;
    for (int tried = 0; tried < 7000; tried++) {
        float most = FLT_MAX * (1 - (float)tried * 1e-4F / 1.4F);
        const float values[] = {most, -most / 3, 0, most / 127};
        float step = lopi_step_for(values, 4), rounded[4];
        memcpy(rounded, values, sizeof rounded);
        lopi_steps_round(rounded, 4);
        for (size_t i = 0; i < 4; i++) {
            assert_true(isfinite(rounded[i]));
            assert_true(fabsf(rounded[i] - values[i]) <= 1.01F * step);
        }
        assert_true(lopi_step_for(rounded, 4) == step);
    }
}

static void int8_is_within_half_a_step(void **state)
{
    (void)state;
    lop_network *network = test_network(&spec, 0.5);
    lop_packed *plain = NULL;
    assert_int_equal(lopi_sparse_new(&plain, network, NULL), LOP_OK);
    for (size_t l = 0; l < 4; l++) {
        lopi_packed_layer *layer = &plain->layers[l];
        size_t left = lopi_packed_left(layer);
        float *before = lopi_alloc(left, sizeof *before), *after = lopi_alloc(left, sizeof *after);
        memcpy(before, layer->values, left * sizeof *before);
        assert_int_equal(lopi_quantize(layer, LOP_VALUES_INT8, 0, NULL), LOP_OK);
        if (lopi_packed_left(layer) == left) { /* else places have moved */
            lopi_packed_weights(layer, after);
            for (uint32_t r = 0; r < layer->outputs; r++)
                for (uint32_t j = layer->row_start[r]; j < layer->row_start[r + 1]; j++) {
                    assert_true(fabsf(before[j] - after[j]) <= 0.5001f * layer->scale[r]);
                    assert_true(layer->q[j] != 0);
                }
        }
        lopi_free(before);
        lopi_free(after);
    }
    assert_int_equal(lopi_packed_check(plain, NULL), LOP_OK);
    lop_packed_free(plain);
    lop_network_free(network);
}

/* k-means in the plainest way, for comparison: every weight looks at every centre. */
static double squared_error(const float *weights, size_t count, unsigned entries)
{
    double center[256], low = INFINITY, high = -INFINITY, error = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, (double)weights[i]);
        high = fmax(high, (double)weights[i]);
    }
    for (unsigned k = 0; k < entries; k++)
        center[k] = low + (high - low) * k / (entries - 1);
    for (int round = 0; round < 300; round++) {
        double sum[256] = {0};
        size_t members[256] = {0};
        error = 0;
        for (size_t i = 0; i < count; i++) {
            unsigned best = 0;
            for (unsigned k = 1; k < entries; k++)
                if (fabs((double)weights[i] - center[k]) < fabs((double)weights[i] - center[best]))
                    best = k;
            sum[best] += (double)weights[i];
            members[best]++;
            error += pow((double)weights[i] - center[best], 2);
        }
        for (unsigned k = 0; k < entries; k++)
            if (members[k])
                center[k] = sum[k] / (double)members[k];
    }
    return error;
}

static void shared_values_are_those_of_k_means(void **state)
{
    (void)state;
    lop_network *network = test_network(&spec, 0.6);
    for (unsigned entries = 2; entries <= 32; entries *= 4) {
        lop_packed *plain = NULL;
        assert_int_equal(lopi_sparse_new(&plain, network, NULL), LOP_OK);
        lopi_packed_layer *layer = &plain->layers[1];
        size_t left = lopi_packed_left(layer);
        float *before = lopi_alloc(left, sizeof *before), *after = lopi_alloc(left, sizeof *after);
        memcpy(before, layer->values, left * sizeof *before);
        assert_int_equal(lopi_quantize(layer, LOP_VALUES_SHARED, entries, NULL), LOP_OK);
        assert_int_equal(lopi_packed_left(layer), left);
        lopi_packed_weights(layer, after);
        double error = 0;
        for (size_t i = 0; i < left; i++)
            error += pow((double)before[i] - (double)after[i], 2);
        double expected = squared_error(before, left, entries);
        /* Entries are rounded to 11 bits, which adds a little. */
        assert_true(error < expected * 1.01 + 1e-4 && error > expected * 0.99 - 1e-4);
        lopi_free(before);
        lopi_free(after);
        lop_packed_free(plain);
    }
    lop_network_free(network);
}

/* Multiples of one step stay what they are also where the largest of them is gone with its unit, or
 * no weight has it: 90 steps at most then, of a step that is not that of 90 / 127. */
static void few_values_survive_without_the_largest(void **state)
{
    (void)state;
    static const int counts[] = {-90, -31, 7, 55, 90};
    const float step = 0.001739501953125f; /* a bfloat16 */
    for (int largest = 0; largest < 2; largest++) {
        lop_mlp_spec with_bias = spec;
        with_bias.bias = true;
        lop_network *network = test_network(&with_bias, 0.3), *back = NULL;
        for (size_t l = 0; l < 4; l++) {
            const lop_layer *layer = lop_network_layer(network, l);
            for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
                if (layer->weight[i] != 0)
                    layer->weight[i] = (float)counts[i * 7 % 5] * step;
            for (size_t u = 0; u < layer->outputs; u++)
                layer->bias[u] = (float)counts[u % 5] * step;
            layer->weight[0] = largest ? 127 * step : 90 * step;
            layer->bias[0] = layer->weight[0];
        }
        lop_packed *packed = NULL;
        const lop_pack_values values = {LOP_VALUES_SHARED, 256};
        const lop_pack_options options = {
            .values = &values, .value_count = 1, .keep_units = true, .keep_order = true};
        assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
        assert_int_equal(lop_unpack(&back, packed, NULL), LOP_OK);
        for (size_t l = 0; l < 4; l++) {
            const lop_layer *a = lop_network_layer(network, l), *b = lop_network_layer(back, l);
            assert_memory_equal(a->weight, b->weight, a->outputs * a->inputs * sizeof(float));
            assert_memory_equal(a->bias, b->bias, a->outputs * sizeof(float));
        }
        lop_packed_free(packed);
        lop_network_free(back);
        lop_network_free(network);
    }
}

/* Two units of large weights, and two of small ones that 256 shared values cannot tell apart, but a
 * scale for each unit can. */
static void a_search_comes_to_int8(void **state)
{
    (void)state;
    enum { INPUTS = 400, SAMPLES = 120, HALF = INPUTS / 2 };
    static float x[SAMPLES * INPUTS];
    static uint16_t labels[SAMPLES];
    lop_network *network = NULL;
    const lop_mlp_spec one = {.inputs = INPUTS, .outputs = 4};
    assert_int_equal(lop_network_new_mlp(&network, &one, NULL), LOP_OK);
    float *weight = lop_network_layer(network, 0)->weight;
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 5);
    for (size_t i = 0; i < 4 * INPUTS; i++) {
        bool small = i / INPUTS >= 2, mine = (i % INPUTS >= HALF) == small;
        float size = small ? 1e-4f * (1 + lopi_random_float(&random)) : lopi_random_float(&random);
        weight[i] = mine ? size : 0;
    }
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t class = s % 4;
        for (size_t i = 0; i < INPUTS; i++) /* what its unit weighs more than the other one */
            x[s * INPUTS + i] = weight[class * INPUTS + i] > weight[(class ^ 1) * INPUTS + i] &&
                                lopi_random_float(&random) < 0.5f;
        labels[s] = (uint16_t) class;
    }
    const lop_samples samples = {.count = SAMPLES,
                                 .features = INPUTS,
                                 .height = 1,
                                 .width = INPUTS,
                                 .classes = 4,
                                 .floats = x,
                                 .labels = labels};
    lop_pack_search search = {.samples = &samples, .sample_count = SAMPLES};
    lop_pack_values values;
    lop_pack_found found;
    assert_int_equal(lop_pack_search_values(&values, network, &search, &found, NULL), LOP_OK);
    assert_true(found.accuracy_before == 1 && found.accuracy == 1);
    assert_int_equal(values.kind, LOP_VALUES_INT8);
    search.max_loss = 0.5; /* now it may mix them up */
    assert_int_equal(lop_pack_search_values(&values, network, &search, &found, NULL), LOP_OK);
    assert_int_equal(values.kind, LOP_VALUES_SHARED);
    lop_network_free(network);
}

static void bad_options_and_weights_are_refused(void **state)
{
    (void)state;
    lop_network *network = test_network(&spec, 0.5);
    lop_packed *packed = NULL;
    lop_pack_values values[3] = {
        {LOP_VALUES_SHARED, 257}, {(lop_values)9, 0}, {LOP_VALUES_INT8, 0}};
    assert_int_equal(
        lop_pack(&packed, network, &(lop_pack_options){.values = values, .value_count = 1}, NULL),
        LOP_E_RANGE);
    assert_int_equal(
        lop_pack(&packed, network, &(lop_pack_options){.values = values, .value_count = 3}, NULL),
        LOP_E_ARG);
    assert_int_equal(lop_pack(&packed, network,
                              &(lop_pack_options){.values = values + 1, .value_count = 1}, NULL),
                     LOP_E_ARG);
    lop_network_layer(network, 1)->weight[5] = 1e6f;
    values[0] = (lop_pack_values){LOP_VALUES_FLOAT16, 0};
    assert_int_equal(
        lop_pack(&packed, network, &(lop_pack_options){.values = values, .value_count = 1}, NULL),
        LOP_E_RANGE);
    lop_network_layer(network, 1)->weight[5] = NAN;
    assert_int_equal(lop_pack(&packed, network, NULL, NULL), LOP_E_NAN);
    assert_null(packed);
    lop_network_free(network);
}

/* Weights at 0 and 39 of 40 places: gaps of 0, of 31 before the zero that is put in, and of 6.
 * Three symbols that come once take 5 bits in a Huffman code, gaps and values alike; beside them
 * stand 32 + 33 lengths of a byte, and two values. */
static void deep_compression_by_hand(void **state)
{
    (void)state;
    lop_network *network = NULL;
    size_t bytes = 0;
    const lop_mlp_spec one = {.inputs = 40, .outputs = 1};
    assert_int_equal(lop_network_new_mlp(&network, &one, NULL), LOP_OK);
    float *weight = lop_network_layer(network, 0)->weight;
    memset(weight, 0, 40 * sizeof *weight);
    assert_int_equal(lop_deep_compression_bytes(network, &bytes, NULL), LOP_OK);
    assert_int_equal(bytes, 65);
    weight[0] = -1;
    weight[39] = 1;
    assert_int_equal(lop_deep_compression_bytes(network, &bytes, NULL), LOP_OK);
    assert_int_equal(bytes, (5 + 5 + 8 * (32 + 33) + 2 * 32 + 7) / 8);
    weight[3] = NAN;
    assert_int_equal(lop_deep_compression_bytes(network, &bytes, NULL), LOP_E_NAN);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float32_changes_not_one_bit),
        cmocka_unit_test(sorting_changes_the_order_of_sums_alone),
        cmocka_unit_test(every_kind_is_its_own_image),
        cmocka_unit_test(the_largest_floats_stay_finite),
        cmocka_unit_test(int8_is_within_half_a_step),
        cmocka_unit_test(shared_values_are_those_of_k_means),
        cmocka_unit_test(deep_compression_by_hand),
        cmocka_unit_test(few_values_survive_without_the_largest),
        cmocka_unit_test(a_search_comes_to_int8),
        cmocka_unit_test(bad_options_and_weights_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
