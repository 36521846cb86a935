#include "test.h"

#include <math.h>
#include <string.h>

#include <lop/train.h>

#include "train/options.h"
#include "train/rate.h"

enum { STEPS = 10 }; /* an epoch */

static const lop_train_options base = {
    .epochs = 8,
    .learning_rate = 0.5,
    .warmup_epochs = 2,
    .final_rate = 0.1,
    .step_epochs = 3,
    .step_factor = 0.5,
};

/* A few units in the last place of double: the formulas are the same, their rounding may not be. */
static void assert_rate(const lop_train_options *options, size_t step, double expected)
{
    double found = lopi_rate(options, step, STEPS);
    if (!(fabs(found - expected) <= 1e-15))
        fail_msg("step %zu: expected %.17g, found %.17g", step, expected, found);
}

static void test_warmup(void **state)
{
    (void)state;
    lop_train_options options = base;
    for (int schedule = LOP_RATE_COSINE; schedule <= LOP_RATE_STEP; schedule++) {
        options.rate_schedule = (lop_rate_schedule)schedule;
        for (size_t step = 0; step < 2 * STEPS; step++)
            assert_rate(&options, step, 0.5 * (double)(step + 1) / 20.0);
        assert_rate(&options, 2 * STEPS, 0.5);
    }
}

static void test_constant(void **state)
{
    (void)state;
    lop_train_options options = base;
    options.rate_schedule = LOP_RATE_CONSTANT;
    options.warmup_epochs = 0;
    for (size_t step = 0; step < 8 * STEPS; step++)
        assert_rate(&options, step, 0.5);
}

static void test_step(void **state)
{
    (void)state;
    lop_train_options options = base;
    options.rate_schedule = LOP_RATE_STEP;
    options.warmup_epochs = 0;
    assert_rate(&options, 0, 0.5);
    assert_rate(&options, 29, 0.5);
    assert_rate(&options, 30, 0.25);
    assert_rate(&options, 59, 0.25);
    assert_rate(&options, 60, 0.125);
    assert_rate(&options, 79, 0.125);
}

/* Half way down a cosine is the mean of both ends; a third down, cos(π/3) = 1/2: three quarters. */
static void test_cosine(void **state)
{
    (void)state;
    lop_train_options options = base;
    options.rate_schedule = LOP_RATE_COSINE;
    assert_rate(&options, 20, 0.5);
    assert_rate(&options, 40, 0.05 + 0.45 * 0.75);
    assert_rate(&options, 50, 0.5 * (0.5 + 0.05));
    for (size_t step = 21; step < 80; step++)
        assert_true(lopi_rate(&options, step, STEPS) < lopi_rate(&options, step - 1, STEPS));
    double last = lopi_rate(&options, 79, STEPS);
    assert_true(last > 0.05 && last < 0.051);
}

/* Shorter than its own warm-up, or of one step: rates stay in (0, peak]. */
static void test_edges(void **state)
{
    (void)state;
    lop_train_options options = base;
    options.epochs = 1;
    for (size_t step = 0; step < STEPS; step++)
        assert_rate(&options, step, 0.5 * (double)(step + 1) / 20.0);
    options.warmup_epochs = 0;
    assert_true(lopi_rate(&options, 0, 1) == 0.5);
    options.warmup_epochs = 0.01;
    assert_true(lopi_rate(&options, 0, 1) == 0.5);
}

static void test_default_is_valid(void **state)
{
    (void)state;
    lop_train_options options = lop_train_options_default();
    assert_int_equal(lop_train_options_check(&options, NULL), LOP_OK);
}

static void refuse(const lop_train_options *options, lop_status status, const char *name)
{
    lop_error error = {0};
    assert_int_equal(lop_train_options_check(options, &error), status);
    if (!strstr(error.text, name))
        fail_msg("expected \"%s\" in \"%s\"", name, error.text);
}

static void test_wrong_options(void **state)
{
    (void)state;
    lop_train_options options = lop_train_options_default();
    options.epochs = 0;
    refuse(&options, LOP_E_RANGE, "epochs");
    options = lop_train_options_default();
    options.dropout = 1.0;
    refuse(&options, LOP_E_RANGE, "dropout");
    options = lop_train_options_default();
    options.learning_rate = NAN;
    refuse(&options, LOP_E_RANGE, "learning_rate");
    options.learning_rate = 0;
    refuse(&options, LOP_E_RANGE, "learning_rate");
    options = lop_train_options_default();
    options.optimizer = (lop_optimizer)17;
    refuse(&options, LOP_E_ARG, "optimizer");
    options = lop_train_options_default();
    options.resume = true;
    refuse(&options, LOP_E_ARG, "resume");
    options = lop_train_options_default();
    options.rate_schedule = LOP_RATE_STEP;
    options.step_epochs = 0;
    refuse(&options, LOP_E_RANGE, "step_epochs");
}

static void test_compare(void **state)
{
    (void)state;
    lop_train_options options = lop_train_options_default();
    json_t *saved = lopi_train_options_json(&options);
    assert_non_null(saved);
    assert_int_equal(lopi_train_options_compare(&options, saved, NULL), LOP_OK);
    options.learning_rate = nextafter(options.learning_rate, 1);
    lop_error error = {0};
    assert_int_equal(lopi_train_options_compare(&options, saved, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "learning_rate"));
    json_decref(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warmup),        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_step),          cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_edges),         cmocka_unit_test(test_default_is_valid),
        cmocka_unit_test(test_wrong_options), cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
