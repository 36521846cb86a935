/* Pruner and training together: masks hold after every step, and any interruption leaves no trace.
 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include <lop/pruner.h>

#include "train/fixture.h"

enum { STEPS = 40, MAX_WEIGHTS = 12 * 24 + 24 * 17 + 17 * 3 };

/* One way to prune, and the pruner that a process makes for it. */
struct guest {
    const char *schedule, *criterion;
    lop_granularity granularity;
    bool dynamic;
    lop_pruner_options options;
    lop_pruner *pruner;
    size_t checked;
    uint8_t dead[MAX_WEIGHTS]; /* weights that were masked after the last event */
};

/* Masked weights are exactly zero; and what was masked stays so until the next event. */
static void check_masks(struct guest *guest, const lop_network *network, bool event)
{
    size_t at = 0;
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++, at++) {
            uint8_t gone = layer->mask && !layer->mask[i];
            static const float zero = 0;
            if (gone)
                assert_memory_equal(&layer->weight[i], &zero, sizeof zero);
            if (guest->granularity == LOP_GRANULARITY_WEIGHT)
                assert_true(event || guest->checked == 0 || guest->dead[at] == gone);
            guest->dead[at] = gone;
        }
    }
    guest->checked++;
}

static lop_status guest_step(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error)
{
    struct guest *guest = context;
    check_masks(guest, network, false);
    lop_status status = lop_pruner_step(guest->pruner, network, step, steps, error);
    check_masks(guest, network, true);
    return status;
}

static lop_status guest_gradient(void *context, const lop_network *network, size_t layer,
                                 const float *gradient, size_t step, lop_error *error)
{
    struct guest *guest = context;
    return lop_pruner_gradient(guest->pruner, network, layer, gradient, step, error);
}

static lop_train_callback guest_open(void *context, const lop_network *network)
{
    struct guest *guest = context;
    lop_error error = {0};
    size_t states;
    if (lop_pruner_new(&guest->pruner, &guest->options, network, &error) != LOP_OK)
        fail_msg("%s: %s", guest->schedule, error.text);
    guest->checked = 0;
    const lop_state *state = lop_pruner_state(guest->pruner, &states);
    return (lop_train_callback){
        .context = guest,
        .before_first = guest_step,
        .after_step = guest_step,
        .on_gradient = lop_pruner_wants_gradients(guest->pruner) ? guest_gradient : NULL,
        .states = state,
        .state_count = states,
        .remove_units = guest->granularity == LOP_GRANULARITY_UNIT,
    };
}

static void guest_close(void *context)
{
    struct guest *guest = context;
    lop_pruner_free(guest->pruner);
    guest->pruner = NULL;
}

static bool guest_prepare(struct guest *guest)
{
    guest->options = lop_pruner_options_default(4, 10);
    guest->options.target.granularity = guest->granularity;
    guest->options.target.sparsity = 0.8;
    guest->options.target.seed = 3;
    guest->options.every_steps = 4;
    guest->options.seed = 11;
    assert_int_equal(lop_schedule_find(guest->schedule, &guest->options.schedule, NULL), LOP_OK);
    return !guest->criterion ||
           lop_criterion_find(guest->criterion, guest->granularity,
                              &guest->options.target.criterion, NULL) == LOP_OK;
}

static const struct guest guests[] = {
    {.schedule = "oneshot"},
    {.schedule = "gradual"},
    {.schedule = "gradual", .criterion = "movement"},
    {.schedule = "gradual", .criterion = "obd"},
    {.schedule = "linear", .criterion = "random"},
    {.schedule = "iterative"},
    {.schedule = "constant", .criterion = "random"},
    {.schedule = "set", .dynamic = true},
    {.schedule = "rigl", .dynamic = true},
    {.schedule = "oneshot", .granularity = LOP_GRANULARITY_UNIT},
    {.schedule = "gradual", .granularity = LOP_GRANULARITY_UNIT},
    {.schedule = "linear", .criterion = "random", .granularity = LOP_GRANULARITY_UNIT},
    {.schedule = "iterative", .granularity = LOP_GRANULARITY_UNIT},
};

static lop_train_options train_options(size_t trial)
{
    lop_train_options options = fixture_options(); /* momentum, decay and dropout are at work */
    options.optimizer = (lop_optimizer)(trial % 3);
    options.nesterov = trial % 2 == 0;
    options.l1 = 1e-4;
    return options;
}

/* The sparsity of an epoch's end is the schedule's: rounded for each layer, the last one spared. */
static void check_outcome(const struct guest *guest, const struct fixture_outcome *out)
{
    static const size_t inputs[] = {12, 24, 17}, outputs[] = {24, 17, 3};
    for (size_t e = 0; e < out->history.count; e++) {
        double k = lop_pruner_sparsity(&guest->options, (e + 1) * 10);
        size_t left = 0, before = 12;
        for (size_t l = 0; l < 3; l++) {
            size_t units = outputs[l];
            if (guest->granularity == LOP_GRANULARITY_UNIT) {
                units -= l < 2 ? (size_t)(k * (double)units + 0.5 + 1e-9) : 0;
                left += units * before;
            } else {
                size_t all = units * inputs[l];
                left += all - (l < 2 ? (size_t)(k * (double)all + 0.5 + 1e-9) : 0);
            }
            before = units;
        }
        /* A grown weight is a zero until a gradient moves it. */
        double expected = (double)(MAX_WEIGHTS - left) / MAX_WEIGHTS;
        double found = out->history.epochs[e].sparsity;
        if (found < expected || (found > expected && !guest->dynamic))
            fail_msg("%s of epoch %zu: sparsity %.6f and not %.6f", guest->schedule, e + 1, found,
                     expected);
    }
}

static void test_any_interruption(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 4, 9, 10, 13, 27};
    size_t skipped = 0;
    for (size_t g = 0; g < sizeof guests / sizeof *guests; g++) {
        struct guest guest = guests[g];
        if (!guest_prepare(&guest)) {
            print_message("skipped: there is no criterion %s\n", guest.criterion);
            skipped++;
            continue;
        }
        const struct fixture_guest as = {&guest, guest_open, guest_close};
        lop_train_options options = train_options(g);
        struct fixture_outcome whole = fixture_train(&fixture_task, options, &as, 0);
        assert_true(guest.checked == 2 * (STEPS + 1));
        check_outcome(&guest, &whole);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            struct fixture_outcome parts = fixture_train(&fixture_task, options, &as, pieces[i]);
            fixture_assert_same(&whole, &parts);
            fixture_outcome_free(&parts);
        }
        fixture_outcome_free(&whole);
    }
    assert_true(skipped < 2);
}

/* Being asked at events only changes nothing. */
static bool guest_due(void *context, size_t step)
{
    return lop_pruner_due(((struct guest *)context)->pruner, step);
}

static lop_train_callback guest_open_lazily(void *context, const lop_network *network)
{
    lop_train_callback callback = guest_open(context, network);
    callback.due = guest_due;
    return callback;
}

static lop_status step_lazily(void *context, lop_network *network, size_t step, size_t steps,
                              lop_error *error)
{
    return lop_pruner_step(((struct guest *)context)->pruner, network, step, steps, error);
}

static lop_train_callback guest_open_very_lazily(void *context, const lop_network *network)
{
    lop_train_callback callback = guest_open_lazily(context, network);
    callback.before_first = callback.after_step = step_lazily;
    return callback;
}

static void test_due_changes_nothing(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof guests / sizeof *guests; g++) {
        struct guest guest = guests[g];
        if (!guest_prepare(&guest))
            continue;
        const struct fixture_guest eager = {&guest, guest_open, guest_close};
        const struct fixture_guest lazy = {&guest, guest_open_very_lazily, guest_close};
        struct fixture_outcome a = fixture_train(&fixture_task, train_options(g), &eager, 0);
        struct fixture_outcome b = fixture_train(&fixture_task, train_options(g), &lazy, 0);
        fixture_assert_same(&a, &b);
        fixture_outcome_free(&a);
        fixture_outcome_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_interruption),
        cmocka_unit_test(test_due_changes_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
