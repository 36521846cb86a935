/* The pruner by itself: exact counts at every event, and what it refuses. */
#include "networks.h"

#include <math.h>
#include <stdio.h>

#include <lop/pruner.h>

static const size_t widths[] = {13, 40, 30, 20, 7};
enum { WIDTHS = 5, LAYERS = 4, EPOCHS = 6, PER_EPOCH = 12, STEPS = EPOCHS * PER_EPOCH };

static lop_pruner_options plan(const char *schedule, lop_granularity granularity, double sparsity)
{
    lop_pruner_options options = lop_pruner_options_default(EPOCHS, PER_EPOCH);
    options.target.granularity = granularity;
    options.target.sparsity = sparsity;
    options.every_steps = 3;
    options.seed = 9;
    assert_int_equal(lop_schedule_find(schedule, &options.schedule, NULL), LOP_OK);
    return options;
}

static lop_pruner *make(const lop_pruner_options *options, const lop_network *network)
{
    lop_pruner *pruner = NULL;
    lop_error error = {0};
    if (lop_pruner_new(&pruner, options, network, &error) != LOP_OK)
        fail_msg("%s", error.text);
    return pruner;
}

static void step_once(lop_pruner *pruner, lop_network *network, size_t step)
{
    lop_error error = {0};
    if (lop_pruner_step(pruner, network, step, STEPS, &error) != LOP_OK)
        fail_msg("step %zu: %s", step, error.text);
}

static size_t masked(const lop_layer *layer)
{
    size_t count = 0;
    for (size_t i = 0; layer->mask && i < layer->outputs * layer->inputs; i++)
        count += !layer->mask[i];
    return count;
}

/* Every weight moves a little, as in training; those that are masked stay zero. */
static void pretend_to_train(lop_network *network, size_t step)
{
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
            layer->weight[i] += 0.05f * (float)sin((double)(step * 31 + l * 7 + i));
    }
    lop_network_apply_masks(network);
}

static void give_gradients(lop_pruner *pruner, const lop_network *network, size_t step)
{
    for (size_t l = LAYERS; l-- > 0;) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t count = layer->outputs * layer->inputs;
        float *gradient = calloc(count, sizeof *gradient);
        for (size_t i = 0; i < count; i++)
            gradient[i] = (float)cos((double)(step * 17 + l * 3 + i * i));
        assert_int_equal(lop_pruner_gradient(pruner, network, l, gradient, step, NULL), LOP_OK);
        free(gradient);
    }
}

/* As it is meant in decimal: what the sparsities of this test come to is no half. */
static size_t rounded(double share, size_t count)
{
    return (size_t)floor(share * (double)count + 0.5);
}

static void weights_by(const char *schedule, bool include_output)
{
    lop_network *network = test_mlp(widths, WIDTHS, false, 3);
    lop_pruner_options options = plan(schedule, LOP_GRANULARITY_WEIGHT, 0.93);
    options.target.include_output = include_output;
    lop_pruner *pruner = make(&options, network);
    size_t events = 0;
    for (size_t step = 0; step <= STEPS; step++) {
        if (step > 0 && lop_pruner_wants_gradients(pruner))
            give_gradients(pruner, network, step);
        if (step > 0)
            pretend_to_train(network, step);
        lop_network *before = NULL;
        assert_int_equal(lop_network_copy(&before, network, NULL), LOP_OK);
        bool due = lop_pruner_due(pruner, step);
        step_once(pruner, network, step);
        assert_true(due || test_same(before, network));
        lop_network_free(before);
        events += due;
        double wanted = lop_pruner_sparsity(&options, step);
        for (size_t l = 0; l < LAYERS; l++) {
            const lop_layer *layer = lop_network_layer(network, l);
            bool pruned = include_output || !layer->output;
            assert_int_equal(masked(layer),
                             pruned ? rounded(wanted, layer->outputs * layer->inputs) : 0);
            for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
                assert_true(!layer->mask || layer->mask[i] || layer->weight[i] == 0);
        }
    }
    assert_true(events > 0);
    assert_true(lop_pruner_sparsity(&options, STEPS) == 0.93);
    lop_pruner_free(pruner);
    lop_network_free(network);
}

static void weights_are_counted_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; lop_schedule_at(i); i++) {
        weights_by(lop_schedule_at(i)->name, false);
        weights_by(lop_schedule_at(i)->name, true);
    }
}

/* A mask of a dynamic schedule moves; that of a constant one never does. */
static void masks_move_where_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        bool moves;
    } rows[] = {{"constant", false}, {"set", true}, {"rigl", true}};
    for (size_t r = 0; r < 3; r++) {
        lop_network *network = test_mlp(widths, WIDTHS, false, 3), *start = NULL;
        lop_pruner_options options = plan(rows[r].schedule, LOP_GRANULARITY_WEIGHT, 0.8);
        options.target.allocation = LOP_ALLOCATION_ERK;
        lop_pruner *pruner = make(&options, network);
        step_once(pruner, network, 0);
        assert_int_equal(lop_network_copy(&start, network, NULL), LOP_OK);
        for (size_t step = 1; step <= STEPS; step++) {
            give_gradients(pruner, network, step);
            pretend_to_train(network, step);
            step_once(pruner, network, step);
        }
        size_t moved = 0;
        for (size_t l = 0; l + 1 < LAYERS; l++) {
            const lop_layer *a = lop_network_layer(start, l), *b = lop_network_layer(network, l);
            assert_int_equal(masked(a), masked(b));
            for (size_t i = 0; i < a->outputs * a->inputs; i++)
                moved += a->mask[i] != b->mask[i];
        }
        assert_true((moved > 0) == rows[r].moves);
        lop_pruner_free(pruner);
        lop_network_free(network);
        lop_network_free(start);
    }
}

/* Units, whether or not those that are gone have left the network. */
static void units_by(const char *schedule, bool leave, lop_allocation allocation, lop_scope scope)
{
    static const double list[] = {0.5, 0.9, 0.25};
    lop_network *network = test_mlp(widths, WIDTHS, true, 4);
    lop_pruner_options options = plan(schedule, LOP_GRANULARITY_UNIT, 0.77);
    options.target.allocation = allocation;
    options.target.scope = scope;
    if (allocation == LOP_ALLOCATION_LIST) {
        options.target.list = list;
        options.target.list_count = 3;
        options.target.sparsity = (0.5 * 40 + 0.9 * 30 + 0.25 * 20) / 90;
    }
    lop_pruner *pruner = make(&options, network);
    for (size_t step = 0; step <= STEPS; step++) {
        if (step > 0)
            pretend_to_train(network, step);
        step_once(pruner, network, step);
        size_t gone = 0, all = 0;
        for (size_t l = 0; l + 1 < LAYERS; l++) {
            const lop_layer *layer = lop_network_layer(network, l);
            size_t units = widths[l + 1], left = 0;
            for (size_t u = 0; u < layer->outputs; u++)
                left += !layer->mask || memchr(layer->mask + u * layer->inputs, 1, layer->inputs);
            gone += units - left;
            all += units;
            if (allocation == LOP_ALLOCATION_UNIFORM && scope == LOP_SCOPE_LAYER)
                assert_int_equal(units - left, rounded(lop_pruner_sparsity(&options, step), units));
            if (allocation == LOP_ALLOCATION_LIST && step == STEPS)
                assert_int_equal(units - left, rounded(list[l], units));
        }
        if (scope == LOP_SCOPE_GLOBAL)
            assert_int_equal(gone, rounded(lop_pruner_sparsity(&options, step), all));
        if (!leave)
            continue;
        lop_network *small = NULL;
        assert_int_equal(lop_compact(&small, network, NULL), LOP_OK);
        lop_network_free(network);
        network = small;
    }
    lop_pruner_free(pruner);
    lop_network_free(network);
}

static void units_are_counted_from_the_start(void **state)
{
    (void)state;
    static const char *const schedules[] = {"oneshot", "gradual", "linear", "iterative",
                                            "constant"};
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        for (int leave = 0; leave < 2; leave++) {
            units_by(schedules[i], leave, LOP_ALLOCATION_UNIFORM, LOP_SCOPE_LAYER);
            units_by(schedules[i], leave, LOP_ALLOCATION_UNIFORM, LOP_SCOPE_GLOBAL);
            units_by(schedules[i], leave, LOP_ALLOCATION_LIST, LOP_SCOPE_LAYER);
        }
    }
}

/* Removing units or only masking them comes to the same widths with ERK too. */
static void erk_looks_at_the_first_shapes(void **state)
{
    (void)state;
    size_t left[2][LAYERS] = {{0}};
    for (int leave = 0; leave < 2; leave++) {
        lop_network *network = test_mlp(widths, WIDTHS, false, 4);
        lop_pruner_options options = plan("linear", LOP_GRANULARITY_UNIT, 0.6);
        options.target.allocation = LOP_ALLOCATION_ERK;
        lop_pruner *pruner = make(&options, network);
        for (size_t step = 0; step <= STEPS; step++) {
            lop_network *small = NULL;
            step_once(pruner, network, step);
            if (!leave && step < STEPS)
                continue;
            assert_int_equal(lop_compact(&small, network, NULL), LOP_OK);
            lop_network_free(network);
            network = small;
        }
        for (size_t l = 0; l < LAYERS; l++)
            left[leave][l] = lop_network_layer(network, l)->outputs;
        lop_pruner_free(pruner);
        lop_network_free(network);
    }
    assert_memory_equal(left[0], left[1], sizeof left[0]);
    assert_int_not_equal(left[0][0] * 30, left[0][1] * 40); /* uniform it is not */
}

/* −Σ w · g of weights as they were before each step, in the order of the steps. */
static void movement_is_collected(void **state)
{
    (void)state;
    lop_network *network = test_mlp(widths, WIDTHS, false, 5);
    lop_pruner_options options = plan("oneshot", LOP_GRANULARITY_WEIGHT, 0.5);
    if (lop_criterion_find("movement", LOP_GRANULARITY_WEIGHT, &options.target.criterion, NULL) !=
        LOP_OK) {
        lop_network_free(network);
        print_message("skipped: there is no movement criterion\n");
        skip();
    }
    options.begin_epoch = 1;
    lop_pruner *pruner = make(&options, network);
    const lop_layer *layer = lop_network_layer(network, 0);
    double expected = 0;
    for (size_t step = 1; step <= PER_EPOCH; step++) {
        expected -= (double)layer->weight[5] * (float)cos((double)(step * 17 + 25));
        give_gradients(pruner, network, step);
        pretend_to_train(network, step);
        step_once(pruner, network, step);
    }
    size_t count;
    const lop_state *kept = lop_pruner_state(pruner, &count);
    assert_int_equal(count, 1);
    assert_int_equal(kept->count, lop_network_weight_count(network));
    assert_true(fabs(kept->values[5] - expected) < 1e-6); /* twelve sums in float32 */
    size_t above = 0, below = 0;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        for (size_t j = 0; j < layer->outputs * layer->inputs; j++) {
            above += layer->mask[i] && !layer->mask[j] && kept->values[i] >= kept->values[j];
            below += layer->mask[i] && !layer->mask[j] && kept->values[i] < kept->values[j];
        }
    assert_true(above > 0 && below == 0);
    lop_pruner_free(pruner);
    lop_network_free(network);
}

/* The mean of g² at every fourth step, which begins at 0 and takes 0.004 of each. */
static void curvature_is_gathered(void **state)
{
    (void)state;
    lop_network *network = test_mlp(widths, WIDTHS, false, 5);
    lop_pruner_options options = plan("oneshot", LOP_GRANULARITY_WEIGHT, 0.5);
    assert_int_equal(
        lop_criterion_find("obd", LOP_GRANULARITY_WEIGHT, &options.target.criterion, NULL), LOP_OK);
    options.begin_epoch = 1;
    lop_pruner *pruner = make(&options, network);
    assert_true(lop_pruner_wants_gradients(pruner));
    const lop_layer *layer = lop_network_layer(network, 0);
    double expected = 0;
    for (size_t step = 1; step <= PER_EPOCH; step++) {
        double gradient = (double)(float)cos((double)(step * 17 + 25));
        expected += step % 4 == 0 ? 0.004 * (gradient * gradient - expected) : 0;
        give_gradients(pruner, network, step);
        pretend_to_train(network, step);
        step_once(pruner, network, step);
    }
    size_t count;
    const lop_state *kept = lop_pruner_state(pruner, &count);
    assert_int_equal(count, 1);
    assert_true(expected > 0 && fabs(kept->values[5] / expected - 1) < 1e-6); /* three in float32 */
    size_t left = 0;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        left += layer->mask[i];
    assert_int_equal(left, layer->outputs * layer->inputs / 2);
    lop_pruner_free(pruner);
    lop_network_free(network);
}

static void refuses(const lop_pruner_options *options, const lop_network *network,
                    lop_status expected, const char *text)
{
    lop_pruner *pruner = NULL;
    lop_error error = {0};
    lop_status status = lop_pruner_new(&pruner, options, network, &error);
    if (status != expected || pruner || !strstr(error.text, text))
        fail_msg("expected %s and '%s', found %s: %s", lop_status_name(expected), text,
                 lop_status_name(status), error.text);
}

static void contradictions(void **state)
{
    (void)state;
    lop_network *network = test_mlp(widths, WIDTHS, false, 6), *other = NULL;
    lop_pruner *pruner = NULL;
    lop_error error = {0};
    lop_prune_options pruned = {.sparsity = 0.8};
    assert_int_equal(lop_network_copy(&other, network, NULL), LOP_OK);
    assert_int_equal(lop_prune(other, &pruned, NULL), LOP_OK);
    lop_pruner_options options = plan("gradual", LOP_GRANULARITY_WEIGHT, 0.5);
    refuses(&options, other, LOP_E_ARG, "below what is reached already");
    options.target.sparsity = 0.8;
    pruner = make(&options, other);
    lop_pruner_free(pruner);

    options = plan("gradual", LOP_GRANULARITY_WEIGHT, 0.5);
    options.begin_epoch = 5, options.end_epoch = 4;
    refuses(&options, network, LOP_E_ARG, "before it begins");
    if (lop_criterion_find("movement", LOP_GRANULARITY_WEIGHT, &options.target.criterion, NULL) ==
        LOP_OK) {
        options.begin_epoch = 0;
        refuses(&options, network, LOP_E_ARG, "begin later");
        assert_int_equal(lop_schedule_find("constant", &options.schedule, NULL), LOP_OK);
        refuses(&options, network, LOP_E_ARG, "before the first step");
    }

    options = plan("rigl", LOP_GRANULARITY_WEIGHT, 0.5);
    options.begin_epoch = 1;
    pruner = make(&options, network);
    assert_true(lop_pruner_wants_gradients(pruner));
    step_once(pruner, network, 0);
    assert_int_equal(lop_pruner_step(pruner, network, PER_EPOCH, STEPS, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "needs the gradients"));
    assert_int_equal(lop_pruner_step(pruner, network, 1, STEPS + 1, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "72 optimizer steps"));
    static const size_t others[] = {13, 40, 29, 20, 7};
    lop_network_free(other);
    other = test_mlp(others, WIDTHS, false, 1);
    assert_int_equal(lop_pruner_step(pruner, other, 1, STEPS, &error), LOP_E_SHAPE);
    lop_pruner_free(pruner);
    lop_network_free(network);
    lop_network_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_counted_exactly),
        cmocka_unit_test(masks_move_where_they_should),
        cmocka_unit_test(units_are_counted_from_the_start),
        cmocka_unit_test(erk_looks_at_the_first_shapes),
        cmocka_unit_test(movement_is_collected),
        cmocka_unit_test(curvature_is_gathered),
        cmocka_unit_test(contradictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
