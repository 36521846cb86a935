#include "test.h"

#include <lop/experiment.h>
#include <lop/machine.h>

static lop_network *network_of(size_t width)
{
    lop_network *network = NULL;
    lop_mlp_spec spec = {
        .inputs = 256, .hidden = &width, .hidden_count = 1, .outputs = 10, .seed = 1};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    return network;
}

static void a_larger_network_takes_longer(void **state)
{
    (void)state;
    lop_timing small, large;
    lop_network *thin = network_of(8), *wide = network_of(16384);
    double start = lop_clock_seconds();
    assert_int_equal(lop_measure_timing(thin, 0.1, &small, NULL), LOP_OK);
    assert_int_equal(lop_measure_timing(wide, 0.1, &large, NULL), LOP_OK);
    assert_true(small.latency_us_batch1 > 0 && small.throughput_batch256 > 0);
    /* 2,000 times the work: a factor of 2 is there however noisy the machine. */
    assert_true(large.latency_us_batch1 > 2 * small.latency_us_batch1);
    assert_true(large.throughput_batch256 < small.throughput_batch256 / 2);
    /* It keeps to the time it was given, with room for a busy machine. */
    assert_true(lop_clock_seconds() - start < 20);
    lop_network_free(thin);
    lop_network_free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_larger_network_takes_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
