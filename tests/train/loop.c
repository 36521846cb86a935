#include "test.h"

#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "train/fixture.h"

static lop_history train(lop_network *network, const lop_train_options *options,
                         const lop_train_callback *callback)
{
    lop_history history;
    lop_error error = {0};
    lop_status status = lop_train(network, fixture_task.dataset, &fixture_task.split, options,
                                  callback, &history, &error);
    if (status != LOP_OK)
        fail_msg("%s: %s", lop_status_name(status), error.text);
    return history;
}

/* Clusters that do not touch: whoever learns at all learns them. */
static void test_learns(void **state)
{
    (void)state;
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        lop_network *network = fixture_network(true, false);
        lop_train_options options = fixture_options();
        options.optimizer = (lop_optimizer)o;
        options.epochs = 8;
        options.nesterov = true;
        options.evaluate_test = true;
        lop_history history = train(network, &options, NULL);
        assert_int_equal(history.count, 8);
        assert_int_equal(history.best_epoch, 8);
        assert_true(history.epochs[7].validation_accuracy == 1.0);
        assert_true(history.epochs[7].test_accuracy == 1.0);
        assert_true(history.epochs[7].train_loss < history.epochs[0].train_loss);
        assert_true(history.profile.total > 0 && history.seconds > 0);
        lop_history_free(&history);
        lop_network_free(network);
    }
}

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    lop_network *network[3];
    for (int i = 0; i < 3; i++) {
        lop_train_options options = fixture_options();
        options.seed = i < 2 ? 3 : 4;
        network[i] = fixture_network(true, true);
        lop_history history = train(network[i], &options, NULL);
        lop_history_free(&history);
    }
    assert_true(fixture_same(network[0], network[1]));
    assert_false(fixture_same(network[0], network[2]));
    for (int i = 0; i < 3; i++)
        lop_network_free(network[i]);
}

static void assert_masks_hold(const lop_network *network)
{
    static const float zero = 0.0f;
    size_t kept = 0;
    for (size_t i = 0; i < lop_network_layer_count(network); i++) {
        const lop_layer *layer = lop_network_layer(network, i);
        for (size_t j = 0; layer->mask && j < layer->outputs * layer->inputs; j++)
            if (layer->mask[j])
                kept += layer->weight[j] != 0;
            else
                assert_memory_equal(&layer->weight[j], &zero, sizeof zero);
    }
    assert_true(kept > 0);
}

static void test_masks_hold(void **state)
{
    (void)state;
    for (size_t o = 0; lop_optimizer_name(o); o++) {
        lop_network *network = fixture_network(true, true);
        lop_train_options options = fixture_options();
        options.optimizer = (lop_optimizer)o;
        options.l1 = 1e-4;
        lop_history history = train(network, &options, NULL);
        assert_masks_hold(network);
        assert_true(history.epochs[0].sparsity > 0.3);
        lop_history_free(&history);
        lop_network_free(network);
    }
}

/* Prunes every second weight of the first layer in the middle of an epoch. */
struct pruner {
    size_t steps_seen, epochs_seen, prune_at;
};

static lop_status prune_once(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error)
{
    struct pruner *pruner = context;
    pruner->steps_seen++;
    assert_int_equal(step, pruner->steps_seen);
    assert_int_equal(steps, 4 * 10);
    assert_masks_hold(network);
    if (step != pruner->prune_at)
        return LOP_OK;
    if (lop_network_mask_new(network, 0, error) != LOP_OK)
        return LOP_E_MEMORY;
    const lop_layer *layer = lop_network_layer(network, 0);
    for (size_t i = 0; i < layer->outputs * layer->inputs; i += 2)
        layer->mask[i] = 0; /* and leave the weight to the loop */
    return LOP_OK;
}

static lop_status count_epoch(void *context, lop_network *network, size_t epoch, size_t epochs,
                              lop_error *error)
{
    (void)error;
    struct pruner *pruner = context;
    pruner->epochs_seen++;
    assert_int_equal(epoch, pruner->epochs_seen);
    assert_int_equal(epochs, 4);
    assert_masks_hold(network);
    return LOP_OK;
}

static void test_callback_prunes(void **state)
{
    (void)state;
    lop_network *network = fixture_network(false, true);
    lop_train_options options = fixture_options(); /* 300 samples are 10 steps of 32 */
    struct pruner pruner = {.prune_at = 17};
    const lop_train_callback callback = {
        .context = &pruner, .after_step = prune_once, .after_epoch = count_epoch};
    lop_history history = train(network, &options, &callback);
    assert_int_equal(pruner.steps_seen, 40);
    assert_int_equal(pruner.epochs_seen, 4);
    assert_true(history.epochs[1].sparsity > history.epochs[0].sparsity);
    lop_history_free(&history);
    lop_network_free(network);
}

static lop_status refuse(void *context, lop_network *network, size_t step, size_t steps,
                         lop_error *error)
{
    (void)context, (void)network, (void)step, (void)steps, (void)error;
    return LOP_E_FULL;
}

static void test_callback_fails(void **state)
{
    (void)state;
    lop_network *network = fixture_network(false, false);
    lop_train_options options = fixture_options();
    lop_history history;
    const lop_train_callback callback = {.after_step = refuse};
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, NULL),
                     LOP_E_FULL);
    lop_network_free(network);
}

/* A rate that soon does harm: the best epoch comes early and training ends after it. */
static void test_patience_keeps_the_best(void **state)
{
    (void)state;
    lop_network *network = fixture_network(true, false);
    lop_train_options options = fixture_options();
    options.optimizer = LOP_OPTIMIZER_SGD;
    options.rate_schedule = LOP_RATE_STEP;
    options.step_epochs = 1;
    options.step_factor = 3;
    options.learning_rate = 0.005;
    options.epochs = 50;
    options.patience = 2;
    lop_history history = train(network, &options, NULL);
    assert_true(history.count < 50);
    assert_int_equal(history.best_epoch, history.count - 2);
    for (size_t i = 0; i < history.count; i++)
        assert_true(history.epochs[i].validation_loss >=
                    history.epochs[history.best_epoch - 1].validation_loss);
    const lop_evaluate_options look = {
        .indices = fixture_task.split.validation,
        .count = fixture_task.split.validation_count,
        .precision = LOP_FLOAT32,
    };
    lop_evaluation found;
    assert_int_equal(
        lop_evaluate(network, lop_dataset_train(fixture_task.dataset), &look, &found, NULL),
        LOP_OK);
    /* The same sums in the same order. */
    assert_true(found.loss == history.epochs[history.best_epoch - 1].validation_loss);
    lop_history_free(&history);
    lop_network_free(network);
}

static void test_nan_is_named(void **state)
{
    (void)state;
    lop_network *network = fixture_network(true, false);
    lop_train_options options = fixture_options();
    lop_history history;
    lop_error error = {0};
    options.optimizer = LOP_OPTIMIZER_SGD;
    options.warmup_epochs = 0;
    options.learning_rate = 1e6;
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options, NULL,
                               &history, &error),
                     LOP_E_NAN);
    assert_non_null(strstr(error.text, "epoch 1"));
    assert_non_null(strstr(error.text, "step"));
    assert_non_null(strstr(error.text, "learning rate"));
    lop_network_free(network);
}

static void test_evaluate(void **state)
{
    (void)state;
    lop_network *network = fixture_network(true, false);
    lop_train_options options = fixture_options();
    lop_history history = train(network, &options, NULL);
    const lop_samples *samples = lop_dataset_train(fixture_task.dataset);
    uint64_t confusion[FIXTURE_CLASSES * FIXTURE_CLASSES], total = 0, right = 0;
    lop_evaluate_options look = {.precision = LOP_FLOAT32, .confusion = confusion};
    lop_evaluation all, part;
    assert_int_equal(lop_evaluate(network, samples, &look, &all, NULL), LOP_OK);
    assert_int_equal(all.count, FIXTURE_TRAIN);
    for (size_t i = 0; i < FIXTURE_CLASSES * FIXTURE_CLASSES; i++)
        total += confusion[i];
    for (size_t i = 0; i < FIXTURE_CLASSES; i++)
        right += confusion[i * FIXTURE_CLASSES + i];
    assert_int_equal(total, FIXTURE_TRAIN);
    assert_true(all.accuracy == (double)right / FIXTURE_TRAIN);
    /* The whole is the mean of its parts, up to the rounding of the last sum. */
    double sum = 0;
    for (uint32_t i = 0; i < FIXTURE_TRAIN; i++) {
        look = (lop_evaluate_options){.indices = &i, .count = 1, .precision = LOP_FLOAT32};
        assert_int_equal(lop_evaluate(network, samples, &look, &part, NULL), LOP_OK);
        sum += part.loss;
    }
    assert_true(fabs(sum / FIXTURE_TRAIN - all.loss) <= 1e-6 * (1 + all.loss));
    const uint32_t beyond = FIXTURE_TRAIN;
    look = (lop_evaluate_options){.indices = &beyond, .count = 1};
    assert_int_equal(lop_evaluate(network, samples, &look, &part, NULL), LOP_E_RANGE);
    lop_history_free(&history);
    lop_network_free(network);
}

static void test_wrong_shape(void **state)
{
    (void)state;
    lop_network *network = NULL;
    const lop_mlp_spec spec = {.inputs = FIXTURE_FEATURES + 1, .outputs = FIXTURE_CLASSES};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    lop_train_options options = fixture_options();
    lop_history history;
    lop_evaluation found;
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options, NULL,
                               &history, NULL),
                     LOP_E_SHAPE);
    assert_int_equal(
        lop_evaluate(network, lop_dataset_test(fixture_task.dataset), NULL, &found, NULL),
        LOP_E_SHAPE);
    lop_network_free(network);
}

struct listener {
    size_t reports, lines;
    lop_progress last;
};

static void hear_progress(void *context, const lop_progress *progress)
{
    struct listener *listener = context;
    listener->reports++;
    listener->last = *progress;
}

static void hear_message(void *context, lop_level level, const char *text)
{
    (void)level;
    struct listener *listener = context;
    listener->lines += strstr(text, "epoch") != NULL;
}

static void test_progress(void **state)
{
    (void)state;
    lop_network *network = fixture_network(true, false);
    lop_train_options options = fixture_options();
    struct listener listener = {.reports = 0};
    const lop_hooks hooks = {
        .context = &listener, .message = hear_message, .progress = hear_progress};
    options.hooks = &hooks;
    double start = lop_clock_seconds();
    lop_history history = train(network, &options, NULL);
    double seconds = lop_clock_seconds() - start;
    assert_int_equal(listener.lines, 4);
    /* One at each epoch's end, one at the first step, and five a second between. */
    assert_true(listener.reports >= 4 && (double)listener.reports <= 4 + 1 + 5 * seconds);
    assert_int_equal(listener.last.step, 40);
    assert_int_equal(listener.last.steps, 40);
    assert_int_equal(listener.last.epoch, 4);
    assert_true(listener.last.seconds_left == 0);
    assert_true(listener.last.samples_per_second > 0 && listener.last.accuracy > 0.5);
    lop_history_free(&history);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),         cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_masks_hold),     cmocka_unit_test(test_callback_prunes),
        cmocka_unit_test(test_callback_fails), cmocka_unit_test(test_patience_keeps_the_best),
        cmocka_unit_test(test_nan_is_named),   cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_wrong_shape),    cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
