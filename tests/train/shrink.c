/* Removing units while training: the network gets smaller and computes what it computed. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lop/prune.h>

#include "train/fixture.h"

/* Mask every unit of layer 0 or 1 whose place, as it was at the start, is a multiple of `every`. */
static void remove_units(lop_network *network, size_t index, size_t every)
{
    const lop_layer *layer = lop_network_layer(network, index);
    const lop_layer *reader = lop_network_layer(network, index + 1);
    assert_int_equal(lop_network_mask_new(network, index, NULL), LOP_OK);
    assert_int_equal(lop_network_mask_new(network, index + 1, NULL), LOP_OK);
    for (size_t unit = 0; unit < layer->outputs; unit += every) {
        memset(layer->mask + unit * layer->inputs, 0, layer->inputs);
        layer->bias[unit] = 0;
        for (size_t row = 0; row < reader->outputs; row++)
            reader->mask[row * reader->inputs + unit] = 0;
    }
    lop_network_apply_masks(network);
}

/* How to prune: what a guest's context points to. */
struct way {
    bool shrinks, once;
};

static lop_status prune_units(void *context, lop_network *network, size_t step, size_t steps,
                              lop_error *error)
{
    (void)steps, (void)error;
    const struct way *way = context;
    if (step == 13)
        remove_units(network, 0, 4);
    if (step == 25 && !way->once) {
        remove_units(network, 0, 3);
        remove_units(network, 1, 2);
    }
    return LOP_OK;
}

static lop_train_callback open_pruning(void *context, const lop_network *network)
{
    (void)network;
    const struct way *way = context;
    return (lop_train_callback){
        .context = context, .after_step = prune_units, .remove_units = way->shrinks};
}

static void test_shapes_and_sparsity(void **state)
{
    (void)state;
    struct way way = {.shrinks = true};
    const struct fixture_guest guest = {&way, open_pruning, NULL};
    struct fixture_outcome out = fixture_train(&fixture_task, fixture_options(), &guest, 0);
    char shape[64];
    /* 24 lose 6 of them and then 6 of 18; 17 lose 9. */
    assert_string_equal(lop_network_describe(out.network, shape, sizeof shape), "12-12-8-3");
    size_t at_start = 12 * 24 + 24 * 17 + 17 * 3, at_13 = 12 * 18 + 18 * 17 + 17 * 3;
    size_t at_25 = 12 * 12 + 12 * 8 + 8 * 3;
    assert_int_equal(out.history.weights, at_start);
    assert_true(out.history.epochs[0].sparsity == 0);
    assert_true(out.history.epochs[1].sparsity == (double)(at_start - at_13) / (double)at_start);
    assert_true(out.history.epochs[3].sparsity == (double)(at_start - at_25) / (double)at_start);
    fixture_outcome_free(&out);
}

static void assert_near(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(a[i] - b[i]) < 1e-3f);
}

/*
 * Without dropout, whose numbers go by place, a network that was made smaller and one whose masks
 * hold learn the same but for the order of sums. Float32 rounds by 1e-7; Adam divides by gradients
 * that may be as small, and 27 steps of 0.01 follow: one in ten of a step is allowed.
 */
static void test_same_as_masked(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    options.dropout = 0;
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        struct way way = {.shrinks = true, .once = true};
        const struct fixture_guest guest = {&way, open_pruning, NULL};
        options.optimizer = (lop_optimizer)o;
        struct fixture_outcome small = fixture_train(&fixture_task, options, &guest, 0);
        way.shrinks = false;
        struct fixture_outcome masked = fixture_train(&fixture_task, options, &guest, 0);
        lop_network *compact = NULL;
        assert_int_equal(lop_compact(&compact, masked.network, NULL), LOP_OK);
        char a[64], b[64];
        assert_string_equal(lop_network_describe(small.network, a, sizeof a), "12-18-17-3");
        assert_string_equal(lop_network_describe(compact, b, sizeof b), a);
        for (size_t l = 0; l < lop_network_layer_count(compact); l++) {
            const lop_layer *p = lop_network_layer(small.network, l);
            const lop_layer *q = lop_network_layer(compact, l);
            assert_near(p->weight, q->weight, p->outputs * p->inputs);
            assert_near(p->bias, q->bias, p->outputs);
        }
        /* Momentum has not brought removed units back. */
        const lop_layer *first = lop_network_layer(masked.network, 0);
        for (size_t unit = 0; unit < first->outputs; unit += 4)
            assert_true(first->bias[unit] == 0);
        lop_network_free(compact);
        fixture_outcome_free(&small);
        fixture_outcome_free(&masked);
    }
}

static void test_resume(void **state)
{
    (void)state;
    static const struct {
        size_t piece, patience;
    } trials[] = {{1, 0}, {3, 0}, {10, 4}, {13, 0}, {14, 3}, {25, 0}, {26, 4}, {33, 0}};
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct way way = {.shrinks = true};
        const struct fixture_guest guest = {&way, open_pruning, NULL};
        lop_train_options options = fixture_options();
        options.optimizer = (lop_optimizer)(i % 3);
        options.patience = trials[i].patience;
        struct fixture_outcome whole = fixture_train(&fixture_task, options, &guest, 0);
        struct fixture_outcome parts =
            fixture_train(&fixture_task, options, &guest, trials[i].piece);
        fixture_assert_same(&whole, &parts);
        fixture_outcome_free(&whole);
        fixture_outcome_free(&parts);
    }
}

static lop_status remove_all(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error)
{
    (void)context, (void)steps, (void)error;
    if (step == 3)
        remove_units(network, 1, 1);
    return LOP_OK;
}

/* The graph stays whole: one unit, as a zero. */
static void test_a_layer_keeps_one(void **state)
{
    (void)state;
    lop_history history;
    lop_train_options options = fixture_options();
    const lop_train_callback callback = {.after_step = remove_all, .remove_units = true};
    lop_network *network = fixture_network(true, false);
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, NULL),
                     LOP_OK);
    char shape[64];
    assert_string_equal(lop_network_describe(network, shape, sizeof shape), "12-24-1-3");
    const lop_layer *layer = lop_network_layer(network, 1);
    for (size_t i = 0; i < layer->inputs; i++)
        assert_true(layer->weight[i] == 0);
    assert_true(layer->bias[0] == 0);
    lop_network_free(network);
    lop_history_free(&history);
}

static bool after_30(void *context)
{
    size_t *asked = context;
    return (*asked)++ >= 30;
}

/* A smaller network's checkpoint is of no use to a training that removes nothing, or to one that
 * began with another network. */
static void test_refused(void **state)
{
    (void)state;
    size_t asked = 0;
    const lop_hooks hooks = {.context = &asked, .cancelled = after_30};
    lop_train_options options = fixture_options();
    lop_history history;
    lop_error error = {0};
    struct way way = {.shrinks = true};
    lop_train_callback callback = open_pruning(&way, NULL);
    options.checkpoint = fixture_task.checkpoint;
    options.hooks = &hooks;
    lop_network *network = fixture_network(true, false);
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, NULL),
                     LOP_E_CANCELLED);
    lop_network *small = network;
    network = fixture_network(true, false);
    lop_history_free(&history);

    options.resume = true;
    options.hooks = NULL;
    callback.remove_units = false;
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, &error),
                     LOP_E_ARG);
    assert_non_null(strstr(error.text, "12-24-17-3"));
    callback.remove_units = true;
    assert_int_equal(lop_train(small, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, &error),
                     LOP_E_ARG);
    assert_non_null(strstr(error.text, "began with another network"));
    lop_network_free(network);
    lop_network_free(small);
    remove(fixture_task.checkpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_and_sparsity),
        cmocka_unit_test(test_same_as_masked),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_a_layer_keeps_one),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
