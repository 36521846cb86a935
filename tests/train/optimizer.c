#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>

#include "train/optimizer.h"

/* The inputs of reference.py. */
enum { COUNT = 101, STEPS = 10 };
static const double RATE = 0.01;

/* Ten steps round to float32 at most six times each, half a unit in the last place of numbers
 * below 2 (6e-8): 4e-6 at worst. A wrong formula is off by a share of RATE. */
static const double TOLERANCE = 4e-6;

typedef struct tensor {
    float value[COUNT], gradient[COUNT], first[COUNT], second[COUNT];
    uint8_t mask[COUNT];
} tensor;

static lopi_parameter parameter_of(tensor *t, bool masked, size_t moments)
{
    return (lopi_parameter){
        .value = t->value,
        .gradient = t->gradient,
        .moment = {t->first, moments > 1 ? t->second : NULL},
        .mask = masked ? t->mask : NULL,
        .count = COUNT,
        .decays = true,
    };
}

static void set_inputs(tensor *t, bool masked)
{
    *t = (tensor){.value = {0}};
    for (int i = 0; i < COUNT; i++) {
        t->mask[i] = i % 3 != 1;
        t->value[i] = masked && !t->mask[i] ? 0.0f : (float)sin(0.7 * i);
    }
}

static void set_gradient(tensor *t, int step)
{
    for (int i = 0; i < COUNT; i++)
        t->gradient[i] = (float)(0.1 * cos(1.3 * i + 0.5 * step));
}

static void run_steps(const lop_train_options *options, tensor *t, bool masked)
{
    lopi_parameter parameter = parameter_of(t, masked, lopi_optimizer_moments(options->optimizer));
    set_inputs(t, masked);
    for (int step = 0; step < STEPS; step++) {
        set_gradient(t, step + 1);
        lopi_update update = lopi_update_new(options, RATE, (size_t)step);
        lopi_update_apply(&update, &parameter);
    }
}

static void assert_close(double found, double expected)
{
    if (!(fabs(found - expected) <= TOLERANCE))
        fail_msg("expected %.9g, found %.9g", expected, found);
}

static void compare(lop_train_options options, bool masked)
{
    char command[512], line[256];
    options.beta2 = 0.99;
    options.momentum = 0.9;
    options.epsilon = 1e-8;
    snprintf(command, sizeof command, "/usr/bin/python3 '%s' %s %d %.17g %.17g %d", REFERENCE,
             lop_optimizer_name(options.optimizer), options.nesterov, options.weight_decay,
             options.l1, masked);
    FILE *reference = popen(command, "r");
    assert_non_null(reference);
    bool have = fgets(line, sizeof line, reference) != NULL;
    if (!have || strncmp(line, "skip", 4) == 0) {
        pclose(reference);
        print_message("skipped: needs /usr/bin/python3 with numpy\n");
        skip();
    }
    tensor t;
    run_steps(&options, &t, masked);
    int lines = 0;
    for (; have && lines < COUNT; lines++) {
        double w, m, v;
        assert_int_equal(sscanf(line, "%lf %lf %lf", &w, &m, &v), 3);
        assert_close(t.value[lines], w);
        assert_close(t.first[lines], m);
        assert_close(t.second[lines], v);
        have = fgets(line, sizeof line, reference) != NULL;
    }
    assert_int_equal(pclose(reference), 0);
    assert_int_equal(lines, COUNT);
}

static void test_adamw(void **state)
{
    (void)state;
    compare((lop_train_options){.optimizer = LOP_OPTIMIZER_ADAMW, .weight_decay = 0.5}, false);
    compare((lop_train_options){.optimizer = LOP_OPTIMIZER_ADAMW, .weight_decay = 0.5, .l1 = 0.02},
            true);
}

static void test_adam(void **state)
{
    (void)state;
    compare((lop_train_options){.optimizer = LOP_OPTIMIZER_ADAM, .weight_decay = 0.05}, false);
    compare((lop_train_options){.optimizer = LOP_OPTIMIZER_ADAM, .weight_decay = 0.05, .l1 = 0.02},
            true);
}

static void test_sgd(void **state)
{
    (void)state;
    lop_train_options options = {.optimizer = LOP_OPTIMIZER_SGD, .weight_decay = 0.05, .l1 = 0.02};
    compare(options, false);
    compare(options, true);
    options.nesterov = true;
    compare(options, false);
    compare(options, true);
}

/* Whatever stands in a pruned weight, its gradient and its moments: +0 comes out. */
static void test_pruned_is_zero(void **state)
{
    (void)state;
    static const float odd[] = {NAN, -INFINITY, -0.0f, 1e30f, -1e-40f};
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        tensor t;
        lop_train_options options = {.optimizer = (lop_optimizer)o,
                                     .momentum = 0.9,
                                     .beta2 = 0.99,
                                     .weight_decay = 0.1,
                                     .l1 = 0.1,
                                     .epsilon = 1e-8};
        set_inputs(&t, true);
        set_gradient(&t, 1);
        for (int i = 1; i < COUNT; i += 3)
            t.value[i] = t.gradient[i] = t.first[i] = t.second[i] = odd[i / 3 % 5];
        size_t moments = lopi_optimizer_moments(options.optimizer);
        lopi_parameter parameter = parameter_of(&t, true, moments);
        lopi_update update = lopi_update_new(&options, 0.01, 0);
        lopi_update_apply(&update, &parameter);
        static const float zero = 0.0f;
        for (int i = 0; i < COUNT; i++) {
            assert_true(isfinite(t.value[i]));
            if (t.mask[i])
                continue;
            assert_memory_equal(&t.value[i], &zero, sizeof zero);
            assert_memory_equal(&t.first[i], &zero, sizeof zero);
            if (moments > 1)
                assert_memory_equal(&t.second[i], &zero, sizeof zero);
        }
    }
}

/* Long stretches of pruned weights are passed over: what stands between them moves as it would
 * without masks, and they stay +0, in halves too. */
static void test_stretches(void **state)
{
    (void)state;
    enum { LONG = 40 * 1024 + 5 };
    float *value[2], *gradient = calloc(LONG, sizeof *gradient), *moment[4];
    uint16_t *half = calloc(LONG, sizeof *half), *other = calloc(LONG, sizeof *other);
    uint8_t *mask = calloc(LONG, 1);
    for (int i = 0; i < 2; i++)
        value[i] = calloc(LONG, sizeof **value);
    for (int i = 0; i < 4; i++)
        moment[i] = calloc(LONG, sizeof **moment);
    for (size_t i = 0; i < LONG; i++) {
        /* single ones, runs that begin and end anywhere, and the odd ones at the end */
        mask[i] = i % 97 == 5 || (i / 300 % 4 == 1 && i % 7 < 5) || i + 2 >= LONG;
        gradient[i] = (float)cos((double)i);
        value[0][i] = value[1][i] = mask[i] ? (float)sin((double)i) : 0;
    }
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        lop_train_options options = lop_train_options_default();
        options.optimizer = (lop_optimizer)o;
        lopi_update update = lopi_update_new(&options, 0.01, 3);
        lopi_parameter masked = {.value = value[0],
                                 .gradient = gradient,
                                 .moment = {moment[0], moment[1]},
                                 .mask = mask,
                                 .half = half,
                                 .count = LONG,
                                 .decays = true};
        lopi_parameter whole = masked;
        whole.value = value[1], whole.moment[0] = moment[2], whole.moment[1] = moment[3];
        whole.mask = NULL, whole.half = other;
        lopi_update_apply(&update, &masked);
        lopi_update_apply(&update, &whole);
        static const float zero = 0;
        for (size_t i = 0; i < LONG; i++) {
            const float *wanted = mask[i] ? &value[1][i] : &zero;
            assert_memory_equal(&value[0][i], wanted, sizeof zero);
            assert_memory_equal(&moment[0][i], mask[i] ? &moment[2][i] : &zero, sizeof zero);
            assert_memory_equal(&moment[1][i], mask[i] ? &moment[3][i] : &zero, sizeof zero);
            assert_int_equal(half[i], mask[i] ? other[i] : 0);
        }
    }
    for (int i = 0; i < 2; i++)
        free(value[i]);
    for (int i = 0; i < 4; i++)
        free(moment[i]);
    free(gradient);
    free(half);
    free(other);
    free(mask);
}

static void test_prune_clears(void **state)
{
    (void)state;
    tensor t;
    set_inputs(&t, false);
    for (int i = 0; i < COUNT; i++)
        t.first[i] = t.second[i] = 1.0f;
    lopi_parameter parameter = parameter_of(&t, true, 2);
    lopi_parameter_prune(&parameter);
    for (int i = 0; i < COUNT; i++) {
        assert_true(t.first[i] == (float)t.mask[i] && t.second[i] == (float)t.mask[i]);
        assert_true(t.value[i] == (t.mask[i] ? (float)sin(0.7 * i) : 0.0f));
    }
}

/* Biases take the gradient and nothing else. */
static void test_bias_does_not_decay(void **state)
{
    (void)state;
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        tensor t;
        lop_train_options options = {.optimizer = (lop_optimizer)o,
                                     .momentum = 0.9,
                                     .beta2 = 0.99,
                                     .weight_decay = 0.1,
                                     .l1 = 0.1,
                                     .epsilon = 1e-8};
        set_inputs(&t, false);
        lopi_parameter parameter =
            parameter_of(&t, false, lopi_optimizer_moments(options.optimizer));
        parameter.decays = false;
        lopi_update update = lopi_update_new(&options, 0.01, 0);
        lopi_update_apply(&update, &parameter);
        for (int i = 0; i < COUNT; i++)
            assert_true(t.value[i] == (float)sin(0.7 * i));
    }
}

/* Chunks of threads meet without a seam: a large tensor equals its pieces. */
static void test_threads_do_not_matter(void **state)
{
    (void)state;
    enum { LARGE = 100003 };
    static float values[2][LARGE], gradient[LARGE], moments[2][2][LARGE];
    lop_train_options options = {
        .momentum = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = 0.1};
    for (size_t i = 0; i < LARGE; i++) {
        values[0][i] = values[1][i] = (float)sin((double)i);
        gradient[i] = (float)cos((double)i * 1.1);
    }
    size_t threads = lop_threads_get();
    for (size_t run = 0; run < 2; run++) {
        assert_int_equal(lop_threads_set(run ? 3 : 1, NULL), LOP_OK);
        lopi_parameter parameter = {.value = values[run],
                                    .gradient = gradient,
                                    .moment = {moments[run][0], moments[run][1]},
                                    .count = LARGE,
                                    .decays = true};
        for (size_t step = 0; step < 3; step++) {
            lopi_update update = lopi_update_new(&options, 0.01, step);
            lopi_update_apply(&update, &parameter);
        }
    }
    assert_int_equal(lop_threads_set(threads, NULL), LOP_OK);
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    assert_memory_equal(moments[0], moments[1], sizeof moments[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_adam),
        cmocka_unit_test(test_sgd),
        cmocka_unit_test(test_pruned_is_zero),
        cmocka_unit_test(test_stretches),
        cmocka_unit_test(test_prune_clears),
        cmocka_unit_test(test_bias_does_not_decay),
        cmocka_unit_test(test_threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
