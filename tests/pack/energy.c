/* Energy: counters of made-up processors, and estimates of a plan whose products are known. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lop/pack.h>

#include "pack/energy.h"

static char root[] = "/tmp/lop-energy-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = {"intel-rapl:0/energy_uj",
                                        "intel-rapl:0/max_energy_range_uj",
                                        "intel-rapl:0/name",
                                        "intel-rapl:0",
                                        "intel-rapl:1/energy_uj",
                                        "intel-rapl:1/name",
                                        "intel-rapl:1",
                                        "intel-rapl:2/energy_uj",
                                        "intel-rapl:2/name",
                                        "intel-rapl:2",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        if (remove(path) != 0)
            return -1;
    }
    return 0;
}

static void counters_are_added_and_wrap_around(void **state)
{
    (void)state;
    lop_energy_meter meter = {0}, none = {0};
    assert_true(isnan(lopi_energy_read(&none, root)));
    assert_true(isnan(lopi_energy_read(&none, root))); /* and stays away */
    make("intel-rapl:0");
    make("intel-rapl:1");
    make("intel-rapl:2");
    put("intel-rapl:0/name", "package-0\n");
    put("intel-rapl:1/name", "psys\n"); /* the whole machine: packages are in it already */
    put("intel-rapl:1/energy_uj", "77\n");
    put("intel-rapl:2/name", "package-1\n");
    put("intel-rapl:0/energy_uj", "9000000\n");
    put("intel-rapl:0/max_energy_range_uj", "10000000\n");
    put("intel-rapl:2/energy_uj", "500\n");
    assert_true(lopi_energy_read(&meter, root) == 0);
    put("intel-rapl:0/energy_uj", "9500000\n");
    put("intel-rapl:1/energy_uj", "5000077\n");
    put("intel-rapl:2/energy_uj", "1000500\n");
    /* Counts are whole microjoules, and these sums are exact but for the last bits. */
    assert_true(fabs(lopi_energy_read(&meter, root) - 1.5) < 1e-12);
    put("intel-rapl:0/energy_uj", "250000\n"); /* around: 0.5 to the end, 0.25 behind */
    assert_true(fabs(lopi_energy_read(&meter, root) - 2.25) < 1e-12);
    put("intel-rapl:2/energy_uj", "7\n"); /* nobody says how far this one counts */
    assert_true(isnan(lopi_energy_read(&meter, root)));
    put("intel-rapl:2/energy_uj", "secret\n");
    assert_true(isnan(lopi_energy_read(&meter, root)));
}

static void estimates_count_products_and_bytes(void **state)
{
    (void)state;
    static const size_t hidden[] = {40};
    const lop_mlp_spec spec = {
        .inputs = 30, .hidden = hidden, .hidden_count = 1, .outputs = 10, .seed = 1};
    lop_network *network = NULL;
    lop_packed *packed = NULL;
    lop_plan *plan = NULL;
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    assert_int_equal(lop_pack(&packed, network, NULL, NULL), LOP_OK);
    const lop_plan_options options = {.dense = true, .max_batch = 1};
    assert_int_equal(lop_plan_new(&plan, packed, &options, NULL), LOP_OK);
    lop_energy energy;
    lop_energy_estimate(plan, &energy);
    assert_true(energy.products == 30 * 40 + 40 * 10);
    assert_true(energy.weight_bytes >= 4 * energy.products);
    /* Picojoules of the published table, in float32. */
    double wanted = 1e-6 * (energy.products * 3.7 + energy.weight_bytes / 4 * 5);
    assert_true(fabs(energy.microjoules - wanted) < 1e-9 * wanted);
    assert_non_null(strstr(lop_energy_source(), "ISSCC 2014"));
    lop_plan_free(plan);
    lop_packed_free(packed);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_added_and_wrap_around),
        cmocka_unit_test(estimates_count_products_and_bytes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
