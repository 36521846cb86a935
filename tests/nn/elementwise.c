/* bf16 conversion, relu, dropout and sums of columns. */
#include "test.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/memory.h"
#include "nn/bf16.h"
#include "nn/elementwise.h"

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        uint16_t half;
    } cases[] = {
        {0x3F800000, 0x3F80}, /* 1 */
        {0x3F808000, 0x3F80}, /* halfway: to even, down */
        {0x3F818000, 0x3F82}, /* halfway: to even, up */
        {0x3F808001, 0x3F81}, {0x3F807FFF, 0x3F80}, {0xBF818000, 0xBF82}, {0x00000000, 0x0000},
        {0x80000000, 0x8000}, {0x00000001, 0x0000}, {0x00018000, 0x0002}, /* subnormal */
        {0x7F7FFFFF, 0x7F80}, /* the largest float32 becomes infinite */
        {0x7F7F7FFF, 0x7F7F}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lopi_bf16_from_float(from_bits(cases[i].bits)), cases[i].half);
}

/* All 65,536 come back; NaN with any payload stays NaN with its sign. */
static void bf16_round_trip(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) {
        float value = lopi_bf16_to_float((uint16_t)half);
        if (isnan(value))
            assert_int_equal(lopi_bf16_from_float(value), half | 0x40);
        else
            assert_int_equal(lopi_bf16_from_float(value), half);
    }
    static const uint32_t nans[] = {0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0xFF80FFFF, 0x7FC00000};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        uint16_t half = lopi_bf16_from_float(from_bits(nans[i]));
        assert_true(isnan(lopi_bf16_to_float(half)));
        assert_int_equal(half >> 15, nans[i] >> 31);
    }
}

static void bf16_arrays(void **state)
{
    (void)state;
    enum { COUNT = 100003 }; /* parallel, with a tail */
    float *from = lopi_alloc(COUNT, sizeof *from), *back = lopi_alloc(COUNT, sizeof *back);
    uint16_t *half = lopi_alloc(COUNT, sizeof *half);
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < COUNT; i++)
        from[i] = (float)lopi_random_normal(&random);
    lopi_bf16_from_floats(from, half, COUNT);
    lopi_bf16_to_floats(half, back, COUNT);
    /* Eight significant bits: half a unit in the last place is 2^-8 of the value at most. */
    for (size_t i = 0; i < COUNT; i++)
        assert_true(fabsf(back[i] - from[i]) <= fabsf(from[i]) * 0x1p-8f);
    lopi_free(from);
    lopi_free(back);
    lopi_free(half);
}

static void relu_keeps_nan(void **state)
{
    (void)state;
    float x[] = {-1, 2, NAN, -INFINITY, INFINITY, 0};
    uint16_t half[6];
    lopi_bf16_from_floats(x, half, 6);
    lopi_relu((lopi_floats){x, false}, (lopi_floats){x, false}, 6);
    lopi_relu((lopi_floats){half, true}, (lopi_floats){half, true}, 6);
    assert_true(x[0] == 0 && x[1] == 2 && isnan(x[2]) && x[3] == 0 && isinf(x[4]) && x[5] == 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(half[i], lopi_bf16_from_float(x[i]));
}

/* All pairs of types do the same to values that bf16 has exactly. */
static void relu_backward_for_all_types(void **state)
{
    (void)state;
    const float y[] = {0, 2, 0.5f, 0}, gradient[] = {3, -4, 5, -6}, expected[] = {0, -8, 10, 0};
    for (int types = 0; types < 4; types++) {
        float y_float[4], g_float[4];
        uint16_t y_half[4], g_half[4];
        bool yh = types & 1, gh = types & 2;
        memcpy(y_float, y, sizeof y);
        memcpy(g_float, gradient, sizeof gradient);
        lopi_bf16_from_floats(y, y_half, 4);
        lopi_bf16_from_floats(gradient, g_half, 4);
        lopi_relu_backward((lopi_floats){yh ? (void *)y_half : y_float, yh},
                           (lopi_floats){gh ? (void *)g_half : g_float, gh}, 2, 4);
        if (gh)
            lopi_bf16_to_floats(g_half, g_float, 4);
        for (size_t i = 0; i < 4; i++)
            assert_true(g_float[i] == expected[i]);
    }
}

/* Share dropped within five standard errors; what is left scaled so that the mean stays. */
static void dropout_statistics(void **state)
{
    (void)state;
    enum { COUNT = 400003 };
    static const double rates[] = {0.1, 0.5, 0.9};
    float *x = lopi_alloc(COUNT, sizeof *x);
    for (size_t r = 0; r < 3; r++) {
        const lopi_dropout dropout = lopi_dropout_from_rate(rates[r]);
        lopi_random random = lopi_random_stream(r, LOPI_STREAM_DROPOUT, 5);
        for (size_t i = 0; i < COUNT; i++)
            x[i] = 1;
        lopi_dropout_apply(&dropout, &random, (lopi_floats){x, false}, COUNT);
        double dropped = 0, sum = 0, pairs = 0;
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(x[i] == 0 || x[i] == dropout.scale);
            dropped += x[i] == 0;
            sum += x[i];
            pairs += i > 0 && x[i] == 0 && x[i - 1] == 0;
        }
        double p = dropout.threshold / 256.0, error = 5 * sqrt(p * (1 - p) / COUNT);
        assert_true(fabs(p - rates[r]) <= 0x1p-9);
        assert_true(fabs(dropped / COUNT - p) < error);
        assert_true(fabs(sum / COUNT - 1) < error / (1 - p));
        /* Neighbours are independent; overlapping pairs vary somewhat more than single values. */
        assert_true(fabs(pairs / COUNT - p * p) < 3 * error);
    }
    lopi_free(x);
}

static void dropout_does_not_depend_on_threads(void **state)
{
    (void)state;
    enum { COUNT = 50001 };
    float *one = lopi_alloc(COUNT, sizeof *one), *many = lopi_alloc(COUNT, sizeof *many);
    const lopi_dropout dropout = lopi_dropout_from_rate(0.3);
    const lopi_random random = lopi_random_stream(1, LOPI_STREAM_DROPOUT, 2);
    int threads = omp_get_max_threads();
    for (size_t i = 0; i < COUNT; i++)
        one[i] = many[i] = (float)i + 1;
    omp_set_num_threads(1);
    lopi_dropout_apply(&dropout, &random, (lopi_floats){one, false}, COUNT);
    omp_set_num_threads(3);
    lopi_dropout_apply(&dropout, &random, (lopi_floats){many, false}, COUNT);
    omp_set_num_threads(threads);
    assert_memory_equal(one, many, COUNT * sizeof *one);
    lopi_free(one);
    lopi_free(many);
}

static void dropout_of_nothing_changes_nothing(void **state)
{
    (void)state;
    float x[3] = {1, NAN, 3};
    const lopi_dropout dropout = lopi_dropout_from_rate(0);
    const lopi_random random = lopi_random_stream(1, LOPI_STREAM_DROPOUT, 2);
    assert_true(dropout.scale == 1);
    assert_int_equal(lopi_dropout_from_rate(1e-9).threshold, 1);
    assert_int_equal(lopi_dropout_from_rate(0.999999).threshold, 255);
    lopi_dropout_apply(&dropout, &random, (lopi_floats){x, false}, 3);
    assert_true(x[0] == 1 && isnan(x[1]) && x[2] == 3);
}

/* Whole numbers: float32 sums are exact. */
static void column_sums(void **state)
{
    (void)state;
    enum { ROWS = 201, COLUMNS = 131 };
    float *x = lopi_alloc(ROWS * COLUMNS, sizeof *x), sums[COLUMNS], half_sums[COLUMNS];
    uint16_t *half = lopi_alloc(ROWS * COLUMNS, sizeof *half);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = (float)(i * 7 % 13) - 4;
    lopi_bf16_from_floats(x, half, ROWS * COLUMNS);
    lopi_column_sums((lopi_floats){x, false}, ROWS, COLUMNS, sums);
    lopi_column_sums((lopi_floats){half, true}, ROWS, COLUMNS, half_sums);
    for (size_t c = 0; c < COLUMNS; c++) {
        float expected = 0;
        for (size_t r = 0; r < ROWS; r++)
            expected += x[r * COLUMNS + c];
        assert_true(sums[c] == expected);
        assert_true(half_sums[c] == expected);
    }
    lopi_free(x);
    lopi_free(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_round_trip),
        cmocka_unit_test(bf16_arrays),
        cmocka_unit_test(relu_keeps_nan),
        cmocka_unit_test(relu_backward_for_all_types),
        cmocka_unit_test(dropout_statistics),
        cmocka_unit_test(dropout_does_not_depend_on_threads),
        cmocka_unit_test(dropout_of_nothing_changes_nothing),
        cmocka_unit_test(column_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
