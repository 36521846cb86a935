#include "test.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

/* Known answers of Philox4x32-10 from the authors' distribution (kat_vectors). */
static void known_answers(void **state)
{
    (void)state;
    uint32_t out[4];
    lopi_random zero = {0};
    lopi_random_block(&zero, 0, out);
    assert_int_equal(out[0], 0x6627e8d5u);
    assert_int_equal(out[1], 0xe169c58du);
    assert_int_equal(out[2], 0xbc57ac4cu);
    assert_int_equal(out[3], 0x9b00dbd8u);
    lopi_random ones = {.seed = UINT64_MAX, .stream = UINT64_MAX};
    lopi_random_block(&ones, UINT64_MAX, out);
    assert_int_equal(out[0], 0x408f276du);
    assert_int_equal(out[1], 0x41c83b0eu);
    assert_int_equal(out[2], 0xa20bc7c6u);
    assert_int_equal(out[3], 0x6d5451fdu);
}

static void position_is_the_whole_state(void **state)
{
    (void)state;
    lopi_random a = lopi_random_stream(7, LOPI_STREAM_TEST, 3), b = a;
    for (int i = 0; i < 10; i++)
        lopi_random_u32(&a);
    b.position = 10;
    for (int i = 0; i < 10; i++)
        assert_int_equal(lopi_random_u32(&a), lopi_random_u32(&b));
}

static void streams_differ(void **state)
{
    (void)state;
    lopi_random a = lopi_random_stream(7, LOPI_STREAM_TEST, 0);
    lopi_random b = lopi_random_stream(7, LOPI_STREAM_TEST, 1);
    lopi_random c = lopi_random_stream(8, LOPI_STREAM_TEST, 0);
    lopi_random d = lopi_random_stream(7, LOPI_STREAM_ORDER, 0);
    uint32_t first = lopi_random_u32(&a);
    assert_int_not_equal(first, lopi_random_u32(&b));
    assert_int_not_equal(first, lopi_random_u32(&c));
    assert_int_not_equal(first, lopi_random_u32(&d));
}

/* Five standard errors: one false alarm in two million, and the seed is fixed. */
static void moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    double sum = 0, squares = 0, uniform = 0;
    for (int i = 0; i < N; i++) {
        double x = lopi_random_normal(&random);
        sum += x;
        squares += x * x;
        uniform += lopi_random_double(&random);
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(uniform / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
}

static void below_is_uniform(void **state)
{
    (void)state;
    enum { N = 70000 };
    int counts[7] = {0};
    lopi_random random = lopi_random_stream(2, LOPI_STREAM_TEST, 0);
    for (int i = 0; i < N; i++)
        counts[lopi_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(abs(counts[i] - N / 7) < 5 * (int)sqrt(N / 7.0));
    assert_int_equal(lopi_random_below(&random, 1), 0);
}

static void shuffle_is_a_permutation(void **state)
{
    (void)state;
    uint32_t items[1000];
    int seen[1000] = {0}, moved = 0;
    for (uint32_t i = 0; i < 1000; i++)
        items[i] = i;
    lopi_random random = lopi_random_stream(3, LOPI_STREAM_TEST, 0);
    lopi_random_shuffle(&random, items, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        seen[items[i]]++;
        moved += items[i] != i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 980);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),    cmocka_unit_test(position_is_the_whole_state),
        cmocka_unit_test(streams_differ),   cmocka_unit_test(moments),
        cmocka_unit_test(below_is_uniform), cmocka_unit_test(shuffle_is_a_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
