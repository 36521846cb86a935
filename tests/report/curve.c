/* Curves of seeds that did not all go the same way. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/curve.h"
#include "report/fake.h"

typedef struct seed_epochs {
    size_t count, first; /* epochs, and the number of the first */
    double loss, sparsity;
} seed_epochs;

/* Results of one point; test losses rise by one an epoch. */
static lop_results make(const seed_epochs *seeds, size_t count)
{
    lop_results results = {.items = lopi_alloc(count, sizeof *results.items), .count = count};
    for (size_t i = 0; i < count; i++) {
        lop_result *result = results.items + i;
        *result = lop_result_empty();
        fake_text(&result->method, "weight");
        result->seed = i;
        result->target_sparsity = 0.9;
        result->epochs = seeds[i].count ? lopi_alloc(seeds[i].count, sizeof *result->epochs) : NULL;
        result->epoch_count = seeds[i].count;
        for (size_t j = 0; j < seeds[i].count; j++)
            result->epochs[j] = (lop_epoch){.epoch = seeds[i].first + j,
                                            .sparsity = seeds[i].sparsity,
                                            .train_loss = NAN,
                                            .train_accuracy = 0.5,
                                            .validation_loss = NAN,
                                            .validation_accuracy = NAN,
                                            .test_loss = seeds[i].loss + (double)j,
                                            .test_accuracy = NAN};
    }
    return results;
}

static void means_are_over_the_seeds_that_are_there(void **state)
{
    (void)state;
    static const seed_epochs seeds[] = {{3, 1, 2, 0.5}, {0, 0, 0, 0}, {2, 2, 7, 0.7}};
    lop_results results = make(seeds, 3);
    lopi_view view;
    lopi_curve curve;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    const lopi_point *point = view.blocks[0].series[0].points;
    assert_true(lopi_point_has_epochs(point));
    assert_int_equal(lopi_curve_new(&curve, point, NULL), LOP_OK);
    assert_int_equal(curve.count, 3);
    /* Epoch 1 is the first seed's alone; 2 and 3 have both: losses 3, 7 and 4, 8. */
    static const double means[] = {2, 5, 6},
                        deviations[] = {NAN, 2.8284271247461903, 2.8284271247461903};
    for (size_t i = 0; i < 3; i++) {
        const lopi_stat *loss = curve.epochs[i].stat + LOPI_CURVE_TEST_LOSS;
        assert_int_equal(curve.epochs[i].number, i + 1);
        assert_int_equal(loss->count, i ? 2 : 1);
        assert_true(loss->mean == means[i]);
        /* The square root of 8 is rounded once, as the constant is. */
        assert_true(i ? loss->deviation == deviations[i] : isnan(loss->deviation));
        assert_int_equal(curve.epochs[i].stat[LOPI_CURVE_VALID_LOSS].count, 0);
        assert_true(isnan(curve.epochs[i].stat[LOPI_CURVE_TEST_ACCURACY].mean));
        assert_true(curve.epochs[i].stat[LOPI_CURVE_TRAIN_ACCURACY].mean == 0.5);
    }
    assert_true(fabs(curve.epochs[1].stat[LOPI_CURVE_SPARSITY].mean - 0.6) < 1e-15);
    lopi_curve_free(&curve);
    lopi_view_free(&view);
    lop_results_free(&results);
}

static void no_epochs_are_no_curve(void **state)
{
    (void)state;
    static const seed_epochs none[] = {{0, 0, 0, 0}};
    lop_results results = make(none, 1);
    lopi_view view;
    lopi_curve curve;
    assert_int_equal(lopi_view_new(&view, &results, NULL), LOP_OK);
    assert_false(lopi_point_has_epochs(view.blocks[0].series[0].points));
    assert_int_equal(lopi_curve_new(&curve, view.blocks[0].series[0].points, NULL), LOP_OK);
    assert_int_equal(curve.count, 0);
    assert_null(curve.epochs);
    lopi_view_free(&view);
    lop_results_free(&results);
}

static void columns_are_called_as_in_results(void **state)
{
    (void)state;
    assert_string_equal(lopi_curve_name(LOPI_CURVE_SPARSITY), "sparsity");
    assert_string_equal(lopi_curve_name(LOPI_CURVE_VALID_ACCURACY), "valid_accuracy");
    assert_string_equal(lopi_curve_name(LOPI_CURVE_TEST_LOSS), "test_loss");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_are_over_the_seeds_that_are_there),
        cmocka_unit_test(no_epochs_are_no_curve),
        cmocka_unit_test(columns_are_called_as_in_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
