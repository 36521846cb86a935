/* What a callback may ask of a training: when it is called, gradients, states in checkpoints. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "train/fixture.h"

enum { STEPS = 40, LAYERS = 3, LARGEST = 24 * 17 };

/* Counts its calls, and adds up gradients in two named arrays. */
struct watcher {
    size_t before, after, gradients;
    size_t last_step, last_layer;
    float sums[LARGEST], squares[1];
    lop_state states[2];
};

static lop_status before_first(void *context, lop_network *network, size_t step, size_t steps,
                               lop_error *error)
{
    struct watcher *watcher = context;
    assert_int_equal(step, 0);
    assert_int_equal(steps, STEPS);
    watcher->before++;
    lop_status status = lop_network_mask_new(network, 0, error);
    lop_network_layer(network, 0)->mask[5] = 0;
    return status;
}

static bool due(void *context, size_t step)
{
    (void)context;
    return step % 7 == 0;
}

static lop_status after_step(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error)
{
    (void)steps, (void)error;
    struct watcher *watcher = context;
    assert_int_equal(step % 7, 0);
    assert_int_equal(step, watcher->last_step);
    assert_true(lop_network_layer(network, 0)->weight[5] == 0);
    watcher->after++;
    /* What was collected decides: a resumed training that lost it would go elsewhere. */
    lop_network_layer(network, 2)->weight[0] += 1e-3f * watcher->squares[0] + watcher->sums[3];
    return LOP_OK;
}

static lop_status on_gradient(void *context, const lop_network *network, size_t layer,
                              const float *gradient, size_t step, lop_error *error)
{
    (void)error;
    struct watcher *watcher = context;
    const lop_layer *of = lop_network_layer(network, layer);
    size_t count = of->outputs * of->inputs;
    assert_true(step == watcher->last_step + 1 || step == watcher->last_step);
    assert_true(step == watcher->last_step ? layer + 1 == watcher->last_layer
                                           : layer == LAYERS - 1);
    watcher->last_step = step;
    watcher->last_layer = layer;
    watcher->gradients++;
    for (size_t i = 0; i < count; i++) {
        watcher->sums[i] += gradient[i];
        watcher->squares[0] += gradient[i] * gradient[i];
    }
    return LOP_OK;
}

static lop_train_callback open_watcher(void *context, const lop_network *network)
{
    (void)network;
    struct watcher *watcher = context;
    size_t before = watcher->before, after = watcher->after, gradients = watcher->gradients;
    size_t step = watcher->last_step, layer = watcher->last_layer;
    *watcher = (struct watcher){.before = before, .after = after, .gradients = gradients};
    watcher->last_step = step;
    watcher->last_layer = layer;
    watcher->states[0] = (lop_state){"watcher.sums", watcher->sums, LARGEST};
    watcher->states[1] = (lop_state){"squares", watcher->squares, 1};
    return (lop_train_callback){
        .context = watcher,
        .before_first = before_first,
        .after_step = after_step,
        .due = due,
        .on_gradient = on_gradient,
        .states = watcher->states,
        .state_count = 2,
    };
}

static void test_calls_and_states(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 4, 7, 10, 13, 39};
    struct watcher watcher = {0};
    const struct fixture_guest guest = {&watcher, open_watcher, NULL};
    struct fixture_outcome whole = fixture_train(&fixture_task, fixture_options(), &guest, 0);
    struct watcher first = watcher;
    assert_int_equal(first.before, 1);
    assert_int_equal(first.after, STEPS / 7);
    assert_int_equal(first.gradients, STEPS * LAYERS);
    assert_true(first.squares[0] > 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        watcher = (struct watcher){0};
        struct fixture_outcome parts =
            fixture_train(&fixture_task, fixture_options(), &guest, pieces[i]);
        fixture_assert_same(&whole, &parts);
        assert_int_equal(watcher.before, 1);
        assert_int_equal(watcher.after, STEPS / 7);
        assert_int_equal(watcher.gradients, STEPS * LAYERS);
        assert_memory_equal(watcher.sums, first.sums, sizeof first.sums);
        assert_memory_equal(watcher.squares, first.squares, sizeof first.squares);
        fixture_outcome_free(&parts);
    }
    fixture_outcome_free(&whole);
}

/* The first step of SGD without momentum and decay is the rate times the gradient. */
static lop_status take_gradient(void *context, const lop_network *network, size_t layer,
                                const float *gradient, size_t step, lop_error *error)
{
    (void)error;
    float *seen = context;
    const lop_layer *of = lop_network_layer(network, layer);
    if (step == 1 && layer == 1)
        memcpy(seen, gradient, of->outputs * of->inputs * sizeof *gradient);
    return step == 2 ? LOP_E_FULL : LOP_OK;
}

static void test_gradient_is_the_one_stepped_along(void **state)
{
    (void)state;
    float seen[LARGEST];
    lop_train_options options = fixture_options();
    options.optimizer = LOP_OPTIMIZER_SGD;
    options.momentum = options.weight_decay = options.warmup_epochs = 0;
    options.rate_schedule = LOP_RATE_CONSTANT;
    lop_history history;
    const lop_train_callback callback = {.context = seen, .on_gradient = take_gradient};
    lop_network *before = fixture_network(true, false), *after = fixture_network(true, false);
    assert_int_equal(lop_train(after, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, NULL),
                     LOP_E_FULL);
    const lop_layer *a = lop_network_layer(before, 1), *b = lop_network_layer(after, 1);
    bool moved = false;
    for (size_t i = 0; i < a->outputs * a->inputs; i++) {
        float expected = a->weight[i] - 0.01f * (1.0f * seen[i] + 0.0f);
        moved = moved || expected != a->weight[i];
        assert_true(fabsf(b->weight[i] - expected) <= 1e-7f); /* the last bit of weights below 1 */
    }
    assert_true(moved);
    lop_network_free(before);
    lop_network_free(after);
}

static void test_states_are_checked(void **state)
{
    (void)state;
    float values[4] = {0};
    static const char *const texts[] = {"name", "name", "name", "twice", "values", "values"};
    const lop_state bad[][2] = {
        {{"", values, 4}, {"b", values, 4}},    {{NULL, values, 4}, {"b", values, 4}},
        {{"a b", values, 4}, {"b", values, 4}}, {{"b", values, 4}, {"b", values, 4}},
        {{"a", NULL, 4}, {"b", values, 4}},     {{"a", values, 0}, {"b", values, 4}},
    };
    lop_network *network = fixture_network(true, false);
    lop_train_options options = fixture_options();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lop_error error = {0};
        lop_history history;
        const lop_train_callback callback = {.states = bad[i], .state_count = 2};
        assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                                   &callback, &history, &error),
                         LOP_E_ARG);
        assert_non_null(strstr(error.text, texts[i]));
    }
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_and_states),
        cmocka_unit_test(test_gradient_is_the_one_stepped_along),
        cmocka_unit_test(test_states_are_checked),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
