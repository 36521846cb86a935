#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/fake.h"
#include "report/group.h"

/* numpy's mean and sample standard deviation of the losses of a point. */
static bool ask_numpy(const lopi_point *point, double *mean, double *deviation)
{
    char command[1024] = "/usr/bin/python3 -c 'import numpy as n; a=n.array([";
    for (size_t i = 0; i < point->count; i++)
        snprintf(command + strlen(command), sizeof command - strlen(command), "%.17g,",
                 point->results[i]->test_loss);
    snprintf(command + strlen(command), sizeof command - strlen(command), "%s",
             "]); print(\"%.17g %.17g\" % (a.mean(), a.std(ddof=1)))' 2>/dev/null");
    FILE *pipe = popen(command, "r");
    bool ok = pipe && fscanf(pipe, "%lf %lf", mean, deviation) == 2;
    if (pipe)
        pclose(pipe);
    return ok;
}

static void deviations_are_numpys(void **state)
{
    (void)state;
    lop_results results;
    lopi_view view;
    fake_results(&results, 1, 5);
    results.items[7].test_loss = 1e6; /* far apart, so that a one-pass formula would lose digits */
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 10; j += 3) {
            const lopi_point *point = view.blocks[0].series[i].points + j;
            double mean, deviation;
            if (!ask_numpy(point, &mean, &deviation)) {
                print_message("skipped: no python3 with numpy\n");
                lopi_view_free(&view);
                lop_results_free(&results);
                skip();
            }
            lopi_stat stat = lopi_point_stat(point, offsetof(lop_result, test_loss));
            assert_int_equal(stat.count, 5);
            /* Sums of five doubles in another order: a few units in the last place. */
            assert_true(fabs(stat.mean - mean) <= 1e-14 * fabs(mean));
            assert_true(fabs(stat.deviation - deviation) <= 1e-13 * deviation);
        }
    lopi_view_free(&view);
    lop_results_free(&results);
}

static void order_is_that_of_the_results(void **state)
{
    (void)state;
    lop_results results;
    lopi_view view;
    fake_results(&results, 2, 3);
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    assert_int_equal(view.count, 2);
    assert_string_equal(view.blocks[0].dataset, "mnist"); /* not by the alphabet */
    assert_string_equal(view.blocks[1].dataset, "fashion-mnist");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(view.blocks[i].count, 2);
        assert_string_equal(view.blocks[i].series[0].name, "weight");
        assert_string_equal(view.blocks[i].series[1].name, "unit");
        for (size_t j = 0; j < 2; j++) {
            const lopi_series *series = view.blocks[i].series + j;
            assert_int_equal(series->count, 10);
            for (size_t k = 0; k < 10; k++) {
                assert_int_equal(series->points[k].count, 3);
                assert_true(k == 0 || series->points[k].target > series->points[k - 1].target);
                for (size_t seed = 0; seed < 3; seed++)
                    assert_int_equal(series->points[k].results[seed]->seed, seed + 1);
            }
        }
    }
    lopi_view_free(&view);
    lop_results_free(&results);
}

static void a_seed_counts_once_and_last(void **state)
{
    (void)state;
    lop_result items[3];
    for (size_t i = 0; i < 3; i++) {
        items[i] = lop_result_empty();
        items[i].seed = i == 1 ? 2 : 1;
        items[i].target_sparsity = 0.5;
        items[i].test_loss = (double)i;
    }
    lop_results results = {.items = items, .count = 3};
    lopi_view view;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    assert_int_equal(view.blocks[0].series[0].points[0].count, 2);
    lopi_stat stat = lopi_point_stat(view.points, offsetof(lop_result, test_loss));
    assert_true(stat.mean == 1.5); /* of 2 (seed 1, the later) and 1 (seed 2) */
    stat = lopi_point_stat(view.points, offsetof(lop_result, train_loss));
    assert_true(stat.count == 0 && isnan(stat.mean) && isnan(stat.deviation));
    lopi_view_free(&view);
}

static void series_are_told_apart(void **state)
{
    (void)state;
    lop_results results;
    lopi_view view;
    fake_results(&results, 1, 1);
    fake_text(&results.items[4].scope, "global");
    fake_text(&results.items[6].schedule, NULL);
    results.items[8].target_sparsity = NAN;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    assert_int_equal(view.blocks[0].count, 4);
    assert_string_equal(view.blocks[0].series[0].name, "weight layer oneshot");
    assert_string_equal(view.blocks[0].series[1].name, "unit");
    assert_string_equal(view.blocks[0].series[2].name, "weight global oneshot");
    assert_string_equal(view.blocks[0].series[3].name, "weight layer ?");
    const lopi_series *first = view.blocks[0].series;
    assert_true(isnan(first->points[first->count - 1].target)); /* absent comes last */
    lopi_view_free(&view);
    lop_results_free(&results);
}

static void nothing_is_no_block(void **state)
{
    (void)state;
    lop_results results = {0};
    lopi_view view;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    assert_int_equal(view.count, 0);
    lopi_view_free(&view);
}

static void too_many_series_are_refused(void **state)
{
    (void)state;
    enum { MANY = LOPI_MAX_SERIES + 1 };
    lop_results results = {.items = lopi_alloc(MANY, sizeof *results.items), .count = MANY};
    assert_non_null(results.items);
    for (size_t i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "method %zu", i);
        results.items[i] = lop_result_empty();
        fake_text(&results.items[i].method, name);
    }
    lopi_view view;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_E_LIMIT);
    lop_results_free(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deviations_are_numpys),
        cmocka_unit_test(order_is_that_of_the_results),
        cmocka_unit_test(a_seed_counts_once_and_last),
        cmocka_unit_test(series_are_told_apart),
        cmocka_unit_test(nothing_is_no_block),
        cmocka_unit_test(too_many_series_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
