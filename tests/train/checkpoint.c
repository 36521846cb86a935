#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "train/fixture.h"

/* Cancels when it has been asked so often: before each step once. */
struct stopper {
    size_t asked, limit;
};

static bool enough(void *context)
{
    struct stopper *stopper = context;
    return stopper->asked++ >= stopper->limit;
}

/* A schedule that depends on the step alone, as a resumable callback must. */
static lop_status prune_at_13_and_25(void *context, lop_network *network, size_t step, size_t steps,
                                     lop_error *error)
{
    (void)context, (void)steps;
    if (step != 13 && step != 25)
        return LOP_OK;
    lop_status status = lop_network_mask_new(network, 1, error);
    const lop_layer *layer = lop_network_layer(network, 1);
    for (size_t i = 0; status == LOP_OK && i < layer->outputs * layer->inputs;
         i += step == 13 ? 4 : 3)
        layer->mask[i] = 0;
    lop_network_apply_masks(network);
    return status;
}

static const lop_train_callback pruning = {.after_step = prune_at_13_and_25};

struct outcome {
    lop_network *network;
    lop_history history;
};

static lop_status train(struct outcome *outcome, const lop_train_options *options, lop_error *error)
{
    return lop_train(outcome->network, fixture_task.dataset, &fixture_task.split, options, &pruning,
                     &outcome->history, error);
}

static void assert_same_history(const lop_history *a, const lop_history *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->best_epoch, b->best_epoch);
    for (size_t i = 0; i < a->count; i++) {
        lop_epoch x = a->epochs[i], y = b->epochs[i];
        const double pairs[][2] = {
            {x.learning_rate, y.learning_rate},
            {x.sparsity, y.sparsity},
            {x.train_loss, y.train_loss},
            {x.train_accuracy, y.train_accuracy},
            {x.validation_loss, y.validation_loss},
            {x.validation_accuracy, y.validation_accuracy},
            {x.test_loss, y.test_loss},
            {x.test_accuracy, y.test_accuracy},
        };
        assert_int_equal(x.epoch, y.epoch);
        for (size_t j = 0; j < sizeof pairs / sizeof *pairs; j++)
            assert_true(pairs[j][0] == pairs[j][1] || (isnan(pairs[j][0]) && isnan(pairs[j][1])));
    }
}

/* Train in pieces of `piece` steps, each in a state that knows only the file. */
static struct outcome train_in_pieces(lop_train_options options, size_t piece)
{
    struct outcome outcome;
    for (size_t pieces = 0;; pieces++) {
        struct stopper stopper = {.limit = piece};
        const lop_hooks hooks = {.context = &stopper, .cancelled = enough};
        lop_error error = {0};
        options.hooks = &hooks;
        options.checkpoint = fixture_task.checkpoint;
        options.resume = true;
        /* Begin as a new process would: with the network that the training was begun with. */
        outcome.network = fixture_network(true, true);
        lop_status status = train(&outcome, &options, &error);
        if (status == LOP_OK)
            return outcome;
        if (status != LOP_E_CANCELLED || pieces > 100)
            fail_msg("%s: %s", lop_status_name(status), error.text);
        assert_true(lopi_file_exists(fixture_task.checkpoint));
        lop_network_free(outcome.network);
        lop_history_free(&outcome.history);
    }
}

static void remove_checkpoint(void)
{
    if (lopi_file_exists(fixture_task.checkpoint))
        assert_int_equal(remove(fixture_task.checkpoint), 0);
}

static void compare_with_whole(const lop_train_options *options, size_t piece)
{
    struct outcome whole = {.network = fixture_network(true, true)};
    lop_error error = {0};
    if (train(&whole, options, &error) != LOP_OK)
        fail_msg("%s", error.text);
    remove_checkpoint();
    struct outcome parts = train_in_pieces(*options, piece);
    assert_true(fixture_same(whole.network, parts.network));
    assert_same_history(&whole.history, &parts.history);
    lop_network_free(whole.network);
    lop_network_free(parts.network);
    lop_history_free(&whole.history);
    lop_history_free(&parts.history);
    remove_checkpoint();
}

/* Ten steps an epoch: pieces end in the middle, at an epoch's end, and just beside it. */
static void test_resume_gives_the_same_bytes(void **state)
{
    (void)state;
    static const struct {
        lop_optimizer optimizer;
        size_t piece, checkpoint_epochs; /* 0: only when cancelled */
    } trials[] = {
        {LOP_OPTIMIZER_ADAMW, 3, 0}, {LOP_OPTIMIZER_ADAMW, 10, 0}, {LOP_OPTIMIZER_ADAMW, 33, 2},
        {LOP_OPTIMIZER_ADAM, 7, 0},  {LOP_OPTIMIZER_ADAM, 19, 1},  {LOP_OPTIMIZER_SGD, 11, 0},
        {LOP_OPTIMIZER_SGD, 26, 1},
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        lop_train_options options = fixture_options();
        options.optimizer = trials[i].optimizer;
        options.nesterov = i % 2 == 0;
        options.l1 = 1e-4;
        options.checkpoint_epochs = trials[i].checkpoint_epochs;
        options.evaluate_test = i % 2 == 1;
        compare_with_whole(&options, trials[i].piece);
    }
}

static lop_status die_at_27(void *context, lop_network *network, size_t step, size_t steps,
                            lop_error *error)
{
    lop_status status = prune_at_13_and_25(context, network, step, steps, error);
    return step == 27 ? LOP_E_FULL : status;
}

/* Killed without a word: what came after the last checkpoint is done again, to the same bytes. */
static void test_resume_after_a_kill(void **state)
{
    (void)state;
    const lop_train_callback dying = {.after_step = die_at_27};
    lop_train_options options = fixture_options();
    struct outcome whole = {.network = fixture_network(true, true)}, rest = whole;
    assert_int_equal(train(&whole, &options, NULL), LOP_OK);
    remove_checkpoint();
    options.checkpoint = fixture_task.checkpoint;
    options.checkpoint_epochs = 1;
    rest.network = fixture_network(true, true);
    assert_int_equal(lop_train(rest.network, fixture_task.dataset, &fixture_task.split, &options,
                               &dying, &rest.history, NULL),
                     LOP_E_FULL);
    lop_network_free(rest.network);
    rest.network = fixture_network(true, true);
    options.resume = true;
    assert_int_equal(train(&rest, &options, NULL), LOP_OK);
    assert_true(fixture_same(whole.network, rest.network));
    assert_same_history(&whole.history, &rest.history);
    /* And once more, when there is nothing left to do. */
    lop_history_free(&rest.history);
    assert_int_equal(train(&rest, &options, NULL), LOP_OK);
    assert_true(fixture_same(whole.network, rest.network));
    assert_same_history(&whole.history, &rest.history);
    lop_network_free(whole.network);
    lop_network_free(rest.network);
    lop_history_free(&whole.history);
    lop_history_free(&rest.history);
    remove_checkpoint();
}

/* Early stopping remembers its best epoch and its count across interruptions. */
static void test_resume_with_patience(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    options.optimizer = LOP_OPTIMIZER_SGD;
    options.rate_schedule = LOP_RATE_STEP;
    options.step_epochs = 1;
    options.step_factor = 3;
    options.learning_rate = 0.005;
    options.epochs = 30;
    options.patience = 3;
    compare_with_whole(&options, 13);
    compare_with_whole(&options, 20);
}

/* What is left by a training that was cancelled after 17 steps. */
static void leave_checkpoint(const lop_train_options *options)
{
    remove_checkpoint();
    struct stopper stopper = {.limit = 17};
    const lop_hooks hooks = {.context = &stopper, .cancelled = enough};
    lop_train_options cancelled = *options;
    struct outcome outcome = {.network = fixture_network(true, true)};
    cancelled.hooks = &hooks;
    cancelled.checkpoint = fixture_task.checkpoint;
    assert_int_equal(train(&outcome, &cancelled, NULL), LOP_E_CANCELLED);
    assert_int_equal(outcome.history.count, 1);
    lop_network_free(outcome.network);
    lop_history_free(&outcome.history);
}

static void resume_fails(lop_train_options options, lop_network *network, lop_status expected,
                         const char *text)
{
    lop_error error = {0};
    lop_history history;
    options.checkpoint = fixture_task.checkpoint;
    options.resume = true;
    lop_status status = lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                                  NULL, &history, &error);
    if (status != expected || !strstr(error.text, text))
        fail_msg("expected %s and \"%s\", found %s: %s", lop_status_name(expected), text,
                 lop_status_name(status), error.text);
    lop_network_free(network);
}

static void test_another_training_is_refused(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    options.metadata = "this";
    leave_checkpoint(&options);
    lop_train_options other = options;
    other.learning_rate = 0.02;
    resume_fails(other, fixture_network(true, true), LOP_E_ARG, "learning_rate");
    other = options;
    other.epochs = 5;
    resume_fails(other, fixture_network(true, true), LOP_E_ARG, "epochs");
    other = options;
    other.metadata = "that";
    resume_fails(other, fixture_network(true, true), LOP_E_ARG, "that");
    resume_fails(options, fixture_network(false, true), LOP_E_ARG, "network");
    lop_split split = fixture_task.split;
    assert_int_equal(lop_split_new(&fixture_task.split, lop_dataset_train(fixture_task.dataset),
                                   FIXTURE_VALIDATION, 2, NULL),
                     LOP_OK);
    resume_fails(options, fixture_network(true, true), LOP_E_ARG, "split");
    lop_split_free(&fixture_task.split);
    fixture_task.split = split;
    /* None of it harmed the file. */
    struct stopper never = {.limit = SIZE_MAX};
    const lop_hooks hooks = {.context = &never, .cancelled = enough};
    struct outcome rest = {.network = fixture_network(true, true)};
    options.checkpoint = fixture_task.checkpoint;
    options.resume = true;
    options.hooks = &hooks;
    assert_int_equal(train(&rest, &options, NULL), LOP_OK);
    assert_int_equal(never.asked, 40 - 17);
    lop_network_free(rest.network);
    lop_history_free(&rest.history);
    remove_checkpoint();
}

/* What a callback keeps in checkpoints has a name of its own, and numbers. */
static void test_states_are_looked_at(void **state)
{
    (void)state;
    float values[2] = {1, 2};
    char longest[65];
    memset(longest, 'a', sizeof longest - 1);
    longest[64] = 0;
    const struct {
        lop_state states[2];
        const char *said;
    } wrong[] = {
        {{{NULL, values, 2}, {"b", values, 2}}, "found ''"},
        {{{"", values, 2}, {"b", values, 2}}, "found ''"},
        {{{"a", values, 2}, {"B", values, 2}}, "found 'B'"},
        {{{"a", values, 2}, {longest, values, 2}}, "found 'aaaa"},
        {{{"a", values, 2}, {"b", NULL, 2}}, "'b', found none"},
        {{{"a", values, 0}, {"b", values, 2}}, "'a', found none"},
        {{{"a", values, 2}, {"a", values, 1}}, "'a' twice"},
    };
    lop_train_options options = fixture_options();
    options.checkpoint = fixture_task.checkpoint;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        lop_network *network = fixture_network(true, true);
        lop_history history = {0};
        lop_error error = {0};
        const lop_train_callback keeps = {.states = wrong[i].states, .state_count = 2};
        assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                                   &keeps, &history, &error),
                         LOP_E_ARG);
        if (!strstr(error.text, wrong[i].said))
            fail_msg("expected \"%s\", found %s", wrong[i].said, error.text);
        assert_false(lopi_file_exists(fixture_task.checkpoint));
        lop_network_free(network);
    }
}

/* A checkpoint is a network file too: its weights are those that training stands at. */
static void test_is_a_network(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    leave_checkpoint(&options);
    lop_network *network = NULL;
    lop_error error = {0};
    if (lop_network_load(&network, fixture_task.checkpoint, NULL, &error) != LOP_OK)
        fail_msg("%s", error.text);
    assert_non_null(lop_network_layer(network, 0)->mask);
    lop_network_free(network);
    remove_checkpoint();
}

/* Cut anywhere, or with any byte turned over, a checkpoint is refused or harmless, never a crash.
 */
static void test_damage(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    leave_checkpoint(&options);
    lopi_bytes good;
    assert_int_equal(lopi_file_read(&good, fixture_task.checkpoint, 1 << 24, NULL), LOP_OK);
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 9);
    options.checkpoint = fixture_task.checkpoint;
    options.resume = true;
    size_t refused = 0;
    enum { TRIALS = 60 };
    for (int trial = 0; trial < TRIALS; trial++) {
        /* Most of the interest lies in the header, so that half of the trials go there. */
        uint32_t range = trial % 2 ? (uint32_t)good.size : 4096;
        size_t at = lopi_random_below(&random, range), size = trial % 4 ? good.size : at;
        uint8_t old = good.data[at];
        good.data[at] ^= (uint8_t)(1u << trial % 8);
        assert_int_equal(lopi_file_write(fixture_task.checkpoint, good.data, size, true, NULL),
                         LOP_OK);
        good.data[at] = old;
        lop_error error = {0};
        struct outcome outcome = {.network = fixture_network(true, true)};
        lop_status status = train(&outcome, &options, &error);
        if (status == LOP_OK) {
            lop_history_free(&outcome.history);
        } else {
            refused++;
            assert_true(error.text[0] && error.code == status);
        }
        assert_true(size == good.size || status != LOP_OK);
        lop_network_free(outcome.network);
    }
    assert_true(refused > TRIALS / 4);
    lopi_free(good.data);
    remove_checkpoint();
}

static void test_no_directory(void **state)
{
    (void)state;
    lop_train_options options = fixture_options();
    struct outcome outcome = {.network = fixture_network(true, true)};
    lop_error error = {0};
    options.checkpoint = "/nonexistent/directory/x.checkpoint";
    assert_int_equal(train(&outcome, &options, &error), LOP_E_CREATE);
    assert_non_null(strstr(error.file, "x.checkpoint"));
    lop_network_free(outcome.network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_gives_the_same_bytes),
        cmocka_unit_test(test_resume_after_a_kill),
        cmocka_unit_test(test_resume_with_patience),
        cmocka_unit_test(test_another_training_is_refused),
        cmocka_unit_test(test_states_are_looked_at),
        cmocka_unit_test(test_is_a_network),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_no_directory),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
