/* Scans of a network whose loss is known, and lists against an independent bisection. */
#include "networks.h"

#include <math.h>

#include <lop/sensitivity.h>

static const size_t widths[] = {6, 8, 8, 4};

typedef struct meter {
    size_t calls, fails_at;
} meter;

/* Loss: 1, and the share of each layer that is gone, cubed, times layer + 1. */
static lop_status measure(void *context, const lop_network *network, double *loss, double *accuracy,
                          lop_error *error)
{
    meter *m = context;
    if (++m->calls == m->fails_at)
        return *error = (lop_error){.code = LOP_E_IO, .text = "no more"}, LOP_E_IO;
    *loss = 1;
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        double gone = 0, count = (double)(layer->outputs * layer->inputs);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
            gone += layer->weight[i] == 0;
        *loss += (double)(l + 1) * pow(gone / count, 3);
    }
    *accuracy = 1 / *loss;
    return LOP_OK;
}

static bool stop(void *context) { return *(int *)context == 0 || --*(int *)context == 0; }

static void each_layer_is_pruned_alone(void **state)
{
    (void)state;
    static const double sparsities[] = {0.25, 0.5, 0.75};
    lop_network *network = test_mlp(widths, 4, false, 3), *before = NULL;
    lop_sensitivity scan;
    meter m = {0};
    lop_sensitivity_options options = {
        .sparsities = sparsities, .sparsity_count = 3, .measure = measure, .context = &m};
    assert_int_equal(lop_network_copy(&before, network, NULL), LOP_OK);
    for (size_t output = 0; output < 2; output++) {
        options.prune.include_output = output;
        assert_int_equal(lop_sensitivity_scan(&scan, network, &options, NULL), LOP_OK);
        assert_true(test_same(network, before));
        assert_int_equal(scan.layers, 2 + output);
        assert_int_equal(scan.steps, 3);
        assert_true(scan.loss == 1 && scan.accuracy == 1);
        for (size_t i = 0; i < scan.layers * 3; i++) {
            const lop_sensitivity_point *p = &scan.point[i];
            assert_int_equal(p->layer, i / 3);
            assert_int_equal(p->items, widths[i / 3] * widths[i / 3 + 1]);
            assert_true(p->sparsity == sparsities[i % 3]);
            size_t steepness = i / 3 + 1;
            assert_true(fabs(p->loss - 1 - (double)steepness * pow(p->sparsity, 3)) < 1e-12);
            assert_true(p->accuracy == 1 / p->loss);
        }
        lop_sensitivity_free(&scan);
    }
    lop_sensitivity_free(&scan);
    lop_network_free(network);
    lop_network_free(before);
}

static void refuses(const lop_network *network, const lop_sensitivity_options *options,
                    lop_status expected)
{
    lop_error error = {0};
    lop_sensitivity scan = {.layers = 77};
    assert_int_equal(lop_sensitivity_scan(&scan, network, options, &error), expected);
    assert_int_equal(error.code, expected);
    assert_int_equal(scan.layers, 77);
}

static void wrong_scans_are_refused(void **state)
{
    (void)state;
    static const double wrong[][2] = {{0, 0.5}, {0.5, 0.5}, {0.6, 0.5}, {0.5, 1}, {0.5, NAN}};
    static const double right[] = {0.5, 0.9};
    lop_network *network = test_mlp(widths, 4, false, 3);
    meter m = {0};
    int left = 3;
    const lop_hooks hooks = {.context = &left, .cancelled = stop};
    const lop_sensitivity_options good = {
        .sparsities = right, .sparsity_count = 2, .measure = measure, .context = &m};
    lop_sensitivity_options options = good;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.sparsities = wrong[i];
        refuses(network, &options, LOP_E_RANGE);
    }
    options = good;
    options.sparsity_count = 0;
    refuses(network, &options, LOP_E_ARG);
    options = good;
    options.measure = NULL;
    refuses(network, &options, LOP_E_ARG);
    options = good;
    options.prune.granularity = LOP_GRANULARITY_NM;
    refuses(network, &options, LOP_E_ARG);
    options = good;
    options.prune.scope = LOP_SCOPE_GLOBAL;
    refuses(network, &options, LOP_E_ARG);
    options = good;
    options.hooks = &hooks;
    refuses(network, &options, LOP_E_CANCELLED);
    for (m.fails_at = 1; m.fails_at <= 5; m.fails_at++) {
        m.calls = 0;
        refuses(network, &good, LOP_E_IO);
    }
    lop_network_free(network);
}

/* A scan from losses: layers of these many items. */
static lop_sensitivity make_scan(lop_sensitivity_point *point, size_t layers, size_t steps,
                                 const size_t *items, const double *loss)
{
    for (size_t i = 0; i < layers * steps; i++)
        point[i] =
            (lop_sensitivity_point){.layer = i / steps,
                                    .items = items[i / steps],
                                    .sparsity = (double)(i % steps + 1) / (double)(steps + 1),
                                    .loss = loss[i]};
    return (lop_sensitivity){.loss = 1, .layers = layers, .steps = steps, .point = point};
}

/* What a layer's loss adds at a sparsity, read off the lines; the highest before what comes. */
static double increase_at(const lop_sensitivity *scan, size_t layer, double sparsity)
{
    double x = 0, y = 0;
    for (size_t k = 0; k < scan->steps; k++) {
        const lop_sensitivity_point *p = &scan->point[layer * scan->steps + k];
        double next = fmax(y, p->loss - scan->loss);
        if (sparsity <= p->sparsity)
            return y + (next - y) * (sparsity - x) / (p->sparsity - x);
        x = p->sparsity;
        y = next;
    }
    return INFINITY;
}

static double total(const lop_sensitivity *scan, const double *list)
{
    double removed = 0, items = 0;
    for (size_t l = 0; l < scan->layers; l++) {
        removed += list[l] * (double)scan->point[l * scan->steps].items;
        items += (double)scan->point[l * scan->steps].items;
    }
    return removed / items;
}

static void every_layer_adds_the_same(void **state)
{
    (void)state;
    static const size_t items[] = {100, 1000, 10};
    static const double loss[] = {1.01, 1.1, 2,     1.5, 3,
                                  9,    1,   1.001, 1.2}; /* strictly rising but 1 */
    lop_sensitivity_point point[9];
    lop_sensitivity scan = make_scan(point, 3, 3, items, loss);
    for (int percent = 1; percent <= 75; percent++) {
        double sparsity = percent / 100.0, list[3], increase = 0;
        assert_int_equal(lop_sensitivity_allocate(&scan, sparsity, list, NULL), LOP_OK);
        assert_true(fabs(total(&scan, list) - sparsity) < 1e-9);
        for (size_t l = 0; l < 3; l++) {
            assert_true(list[l] >= 0 && list[l] <= 0.75);
            increase = fmax(increase, increase_at(&scan, l, list[l]));
        }
        /* Below its last point no layer adds less than the others. */
        for (size_t l = 0; l < 3; l++)
            assert_true(list[l] == 0.75 || fabs(increase_at(&scan, l, list[l]) - increase) < 1e-6);
    }
}

static void odd_losses_do_no_harm(void **state)
{
    (void)state;
    static const size_t items[] = {50, 50};
    /* Pruning helps, then a step up; and a layer that breaks at once. */
    static const double loss[] = {0.9, 0.8, 0.7, NAN, 1, 1};
    static const double flat[] = {1, 1, 1, 1, 1, 1};
    lop_sensitivity_point point[6];
    double list[2] = {7, 7};
    lop_error error = {0};
    lop_sensitivity scan = make_scan(point, 2, 3, items, loss);
    assert_int_equal(lop_sensitivity_allocate(&scan, 0.3, list, NULL), LOP_OK);
    assert_true(fabs(list[0] - 0.6) < 1e-12 && list[1] == 0);
    assert_int_equal(lop_sensitivity_allocate(&scan, 0.4, list, &error), LOP_E_RANGE);
    assert_int_equal(lop_sensitivity_allocate(&scan, 1, list, &error), LOP_E_RANGE);
    assert_int_equal(lop_sensitivity_allocate(&scan, -0.1, list, &error), LOP_E_RANGE);
    assert_int_equal(lop_sensitivity_allocate(&scan, NAN, list, &error), LOP_E_RANGE);
    assert_true(fabs(list[0] - 0.6) < 1e-12 && list[1] == 0);
    scan = make_scan(point, 2, 3, items, flat);
    assert_int_equal(lop_sensitivity_allocate(&scan, 0.5, list, NULL), LOP_OK);
    assert_true(fabs(list[0] - 0.5) < 1e-12 && fabs(list[1] - 0.5) < 1e-12);
    assert_int_equal(lop_sensitivity_allocate(&scan, 0, list, NULL), LOP_OK);
    assert_true(list[0] == 0 && list[1] == 0);
    scan.loss = NAN;
    assert_int_equal(lop_sensitivity_allocate(&scan, 0.5, list, NULL), LOP_E_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_is_pruned_alone),
        cmocka_unit_test(wrong_scans_are_refused),
        cmocka_unit_test(every_layer_adds_the_same),
        cmocka_unit_test(odd_losses_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
