#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "nn/floats.h"
#include "train/rate.h"
#include "train/session.h"

void lop_history_free(lop_history *history)
{
    if (!history)
        return;
    lopi_free(history->epochs);
    *history = (lop_history){.epochs = NULL};
}

static lop_status fail_nan(const lopi_session *session, const char *what, size_t step,
                           lop_error *error)
{
    return lopi_fail(error, LOP_E_NAN,
                     "the %s is no longer finite in epoch %zu, step %zu of %zu; lower the learning "
                     "rate (now %g) or lengthen the warm-up",
                     what, (step - 1) / session->steps_per_epoch + 1, step, session->steps,
                     session->options->learning_rate);
}

static void gather(lopi_session *session, const uint32_t *indices, size_t size)
{
    const lop_train_options *options = session->options;
    const lop_shift shift = {.pixels = (size_t)options->shift,
                             .seed = options->seed,
                             .epoch = session->state.step / session->steps_per_epoch};
    if (shift.pixels == 0)
        lop_batch_gather(session->train, indices, 0, size, session->x, session->labels);
    else
        lop_batch_gather_shifted(session->train, indices, size, &shift, session->x,
                                 session->labels);
}

/* Gather the batch and take the optimizer step. */
static lop_status take_step(lopi_session *session, lop_error *error)
{
    lopi_state *state = &session->state;
    size_t first = state->running.samples, left = session->split->train_count - first;
    size_t size = session->options->batch_size < left ? session->options->batch_size : left;
    double rate = lopi_rate(session->options, state->step, session->steps_per_epoch);
    session->update = lopi_update_new(session->options, rate, state->step);

    double start = lop_clock_seconds();
    gather(session, session->order + first, size);
    session->profile.gather += lop_clock_seconds() - start;

    const lopi_batch batch = {
        .x = session->x,
        .labels = session->labels,
        .size = size,
        .step = state->step,
        .teacher = lopi_teacher_batch(&session->teacher, session->order + first, size),
    };
    double loss;
    size_t correct;
    lop_status status = lopi_trainer_step(session->trainer, &batch, &loss, &correct, error);
    if (status != LOP_OK)
        return status;
    if (!isfinite(loss))
        return fail_nan(session, "loss", state->step + 1, error);
    state->step++;
    state->running.loss += loss * (double)size;
    state->running.correct += correct;
    state->running.samples += size;
    return LOP_OK;
}

/* A callback had the network in hands and ended with `status`: see what became of it. */
static lop_status follow_network(lopi_session *session, lop_status status, lop_error *error)
{
    if (status != LOP_OK && status != LOP_E_CANCELLED)
        return status;
    lop_status followed = lopi_session_follow(session, error);
    return followed == LOP_OK ? status : followed;
}

static lop_status call_after_step(lopi_session *session, lop_error *error)
{
    const lop_train_callback *callback = session->callback;
    size_t step = session->state.step;
    if (!callback || !callback->after_step)
        return LOP_OK;
    if (callback->due && !callback->due(callback->context, step))
        return LOP_OK;
    lop_status status =
        callback->after_step(callback->context, session->network, step, session->steps, error);
    return follow_network(session, status, error);
}

static lop_status call_after_epoch(lopi_session *session, size_t epoch, lop_error *error)
{
    const lop_train_callback *callback = session->callback;
    if (!callback || !callback->after_epoch)
        return LOP_OK;
    lop_status status = callback->after_epoch(callback->context, session->network, epoch,
                                              session->options->epochs, error);
    return follow_network(session, status, error);
}

/* Look at samples; of none at all nothing is known. */
static lop_status measure(lopi_session *session, const lop_samples *samples,
                          const uint32_t *indices, size_t count, lop_evaluation *out,
                          lop_error *error)
{
    *out = (lop_evaluation){.loss = NAN, .accuracy = NAN};
    if (count == 0)
        return LOP_OK;
    lop_status status =
        lopi_evaluator_run(&session->evaluator, samples, indices, count, NULL, out, error);
    if (status == LOP_OK && !isfinite(out->loss))
        return fail_nan(session, "loss after the epoch", session->state.step, error);
    return status;
}

static lop_status evaluate_epoch(lopi_session *session, lop_epoch *epoch, lop_error *error)
{
    const lop_train_options *options = session->options;
    const lop_split *split = session->split;
    double start = lop_clock_seconds();
    lop_evaluation found;
    lop_status status =
        measure(session, session->train, split->validation, split->validation_count, &found, error);
    epoch->validation_loss = found.loss;
    epoch->validation_accuracy = found.accuracy;
    if (status == LOP_OK && options->evaluate_test) {
        status = measure(session, session->test, NULL, session->test->count, &found, error);
        epoch->test_loss = found.loss;
        epoch->test_accuracy = found.accuracy;
    }
    if (status == LOP_OK && options->evaluate_train) {
        status = measure(session, session->train, split->train, split->train_count, &found, error);
        epoch->train_loss = found.loss;
        epoch->train_accuracy = found.accuracy;
    }
    session->profile.evaluate += lop_clock_seconds() - start;
    return status;
}

static void announce(const lopi_session *session, const lop_epoch *epoch)
{
    lopi_message(session->options->hooks, LOP_INFO,
                 "epoch %zu/%zu: train loss %.4f, validation loss %.4f, accuracy %.2f %%, %.1f s",
                 epoch->epoch, session->options->epochs, epoch->train_loss, epoch->validation_loss,
                 100 * epoch->validation_accuracy, epoch->seconds);
}

static lop_status finish_epoch(lopi_session *session, lop_error *error)
{
    lopi_state *state = &session->state;
    const lop_train_options *options = session->options;
    const lopi_running *running = &state->running;
    lop_epoch epoch = {
        .epoch = state->epoch_count + 1,
        .learning_rate = lopi_rate(options, state->step - 1, session->steps_per_epoch),
        .sparsity = lopi_state_sparsity(state),
        .train_loss = running->loss / (double)running->samples,
        .train_accuracy = (double)running->correct / (double)running->samples,
        .test_loss = NAN,
        .test_accuracy = NAN,
        .seconds = running->seconds,
    };
    lopi_session_speak(session, true);
    lop_status status = evaluate_epoch(session, &epoch, error);
    if (status == LOP_OK)
        status = lopi_state_finish_epoch(state, &epoch, error);
    if (status != LOP_OK)
        return status;
    announce(session, &epoch);
    status = call_after_epoch(session, epoch.epoch, error);
    bool due = options->checkpoint_epochs > 0 &&
               (epoch.epoch % options->checkpoint_epochs == 0 || epoch.epoch == options->epochs);
    if (status == LOP_OK && due)
        status = lopi_session_save(session, error);
    return status;
}

/* From wherever the epoch stands to its end. */
static lop_status run_epoch(lopi_session *session, lop_error *error)
{
    lopi_state *state = &session->state;
    lop_batch_order(session->split->train, session->split->train_count, session->options->seed,
                    state->epoch_count, session->order);
    while (state->running.samples < session->split->train_count) {
        if (lopi_cancelled(session->options->hooks))
            return lopi_fail(error, LOP_E_CANCELLED, "cancelled after step %zu of %zu", state->step,
                             session->steps);
        double start = lop_clock_seconds();
        lop_status status = take_step(session, error);
        if (status == LOP_OK)
            status = call_after_step(session, error);
        if (status != LOP_OK)
            return status;
        double seconds = lop_clock_seconds() - start;
        state->running.seconds += seconds;
        state->seconds += seconds;
        lopi_session_speak(session, false);
    }
    return finish_epoch(session, error);
}

static bool finished(const lopi_session *session)
{
    size_t patience = session->options->patience;
    return session->state.epoch_count >= session->options->epochs ||
           (patience > 0 && session->state.stale >= patience);
}

static lop_status run(lopi_session *session, lop_history *history, lop_error *error)
{
    lop_status status = lopi_session_begin(session, error);
    if (status != LOP_OK)
        return status;
    while (status == LOP_OK && !finished(session))
        status = run_epoch(session, error);
    if (status == LOP_E_CANCELLED) {
        lop_status saved = lopi_session_save(session, error);
        if (saved != LOP_OK)
            return saved;
    } else if (status != LOP_OK) {
        return status;
    }
    lopi_state *state = &session->state;
    bool keep_best = status == LOP_OK && state->best_epoch > 0;
    size_t best_epoch = state->best_epoch;
    if (keep_best) {
        lop_status assigned = lop_network_assign(session->network, state->best, error);
        if (assigned != LOP_OK)
            return assigned;
    }
    lopi_session_history(session, history);
    if (keep_best)
        history->best_epoch = best_epoch;
    return status;
}

lop_status lop_train(lop_network *network, const lop_dataset *dataset, const lop_split *split,
                     const lop_train_options *options, const lop_train_callback *callback,
                     lop_history *history, lop_error *error)
{
    if (!network || !dataset || !split || !options || !history)
        return lopi_fail(error, LOP_E_ARG,
                         "expected a network, data, a split, options and a place for the history");
    lopi_session session = {
        .options = options,
        .train = lop_dataset_train(dataset),
        .test = lop_dataset_test(dataset),
        .split = split,
        .callback = callback,
        .network = network,
    };
    lopi_floats_begin();
    lop_status status = run(&session, history, error);
    lopi_session_end(&session);
    lopi_floats_end();
    return status;
}
