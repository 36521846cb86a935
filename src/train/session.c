#include "train/session.h"

#include <math.h>

#include <stdlib.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "train/shrink.h"

static const double REPORT_SECONDS = 0.2;

static lop_status check(const lopi_session *session, lop_error *error)
{
    const lop_split *split = session->split;
    lop_status status = lopi_samples_fit(session->network, session->train, error);
    if (status == LOP_OK && session->options->evaluate_test)
        status = lopi_samples_fit(session->network, session->test, error);
    if (status != LOP_OK)
        return status;
    const lop_samples *train = session->train;
    if (session->options->shift > 0 &&
        (train->height < 2 || train->features != train->height * train->width))
        return lopi_fail(error, LOP_E_SHAPE,
                         "shift: expected images of one channel, found samples of %zu values that "
                         "are none",
                         train->features);
    if (split->train_count == 0)
        return lopi_fail(error, LOP_E_ARG, "expected samples to train on, found an empty split");
    if (session->options->patience > 0 && split->validation_count == 0)
        return lopi_fail(error, LOP_E_ARG,
                         "patience needs validation samples, found none in the split");
    status = lopi_samples_check(session->train, split->train, split->train_count, error);
    if (status == LOP_OK)
        status =
            lopi_samples_check(session->train, split->validation, split->validation_count, error);
    return status;
}

/* The optimizer's part of a step, called while the gradient is in the cache. */
static lop_status on_gradient(void *context, const lopi_gradient *gradient, lop_error *error)
{
    lopi_session *session = context;
    const lop_train_callback *callback = session->callback;
    const lopi_state_layer *layer = &session->state.layers[gradient->layer];
    lopi_parameter weight = layer->weight, bias = layer->bias;
    if (callback && callback->on_gradient) {
        lop_status status =
            callback->on_gradient(callback->context, session->network, gradient->layer,
                                  gradient->weight, session->state.step + 1, error);
        if (status != LOP_OK)
            return status;
    }
    weight.gradient = gradient->weight;
    weight.half = gradient->weight_half;
    lopi_update_apply(&session->update, &weight);
    if (gradient->bias) {
        bias.gradient = gradient->bias;
        lopi_update_apply(&session->update, &bias);
    }
    return LOP_OK;
}

static lop_status allocate(lopi_session *session, lop_error *error)
{
    size_t batch = session->options->batch_size, values;
    if (!lopi_multiply(batch, session->train->features, &values))
        return lopi_fail_memory(error, SIZE_MAX);
    session->order = lopi_alloc(session->split->train_count, sizeof *session->order);
    session->x = lopi_alloc_aligned(values, sizeof *session->x);
    session->labels = lopi_alloc(batch, sizeof *session->labels);
    if (!session->order || !session->x || !session->labels)
        return lopi_fail_memory(error, values * sizeof *session->x);
    return LOP_OK;
}

static lop_status make_computers(lopi_session *session, lop_error *error)
{
    const lop_train_options *options = session->options;
    lopi_trainer_options trainer = {
        .max_batch = options->batch_size,
        .precision = options->precision,
        .dropout = options->dropout,
        .input_dropout = options->input_dropout,
        .label_smoothing = options->label_smoothing,
        .temperature = options->distill_temperature,
        .teacher_weight = options->distill_weight,
        .seed = options->seed,
        .context = session,
        .on_gradient = on_gradient,
    };
    lop_status status = lopi_trainer_new(&session->trainer, session->network, &trainer, error);
    if (status == LOP_OK)
        status = lopi_evaluator_init(&session->evaluator, session->network, options->precision,
                                     session->train->count, error);
    return status;
}

static void end_computers(lopi_session *session)
{
    lop_train_profile *sum = &session->profile;
    if (session->trainer) {
        const lopi_profile *profile = lopi_trainer_profile(session->trainer);
        sum->forward += profile->forward;
        sum->backward += profile->backward;
        sum->loss += profile->loss;
        sum->dropout += profile->dropout;
        sum->conversion += profile->conversion;
        sum->optimizer += profile->callback;
    }
    lopi_trainer_free(session->trainer);
    session->trainer = NULL;
    lopi_evaluator_end(&session->evaluator);
}

lop_status lopi_session_follow(lopi_session *session, lop_error *error)
{
    bool changed = false, shrunk = false;
    lopi_trainer_weights_changed(session->trainer);
    lop_status status = lopi_state_follow_masks(&session->state, &changed, error);
    if (changed)
        lopi_state_forget_best(&session->state);
    if (status == LOP_OK && changed && session->callback->remove_units)
        status = lopi_shrink(&session->state, &shrunk, error);
    if (status != LOP_OK || !shrunk)
        return status;
    end_computers(session);
    return make_computers(session, error);
}

static lop_status load_checkpoint(lopi_session *session, lop_error *error)
{
    const lop_train_callback *callback = session->callback;
    lop_status status = lopi_checkpoint_load(&session->state, &session->identity, error);
    lop_error cause = {.code = LOP_OK};
    if (status != LOP_OK || !callback || !callback->restored)
        return status;
    status = callback->restored(callback->context, session->network, &cause);
    return status == LOP_OK
               ? LOP_OK
               : lopi_fail_file(error, status, session->options->checkpoint, "%s", cause.text);
}

/* From the checkpoint where there is one, else from the beginning. */
static lop_status go_on(lopi_session *session, lop_error *error)
{
    const lop_train_options *options = session->options;
    const lop_train_callback *callback = session->callback;
    lop_status status;
    if (options->resume && lopi_file_exists(options->checkpoint)) {
        status = load_checkpoint(session, error);
        if (status == LOP_OK)
            status = make_computers(session, error);
        if (status == LOP_OK)
            lopi_message(options->hooks, LOP_INFO, "continuing from %s at step %zu of %zu",
                         options->checkpoint, session->state.step, session->steps);
        return status;
    }
    status = make_computers(session, error);
    if (status != LOP_OK || !callback || !callback->before_first)
        return status;
    status = callback->before_first(callback->context, session->network, 0, session->steps, error);
    return status == LOP_OK ? lopi_session_follow(session, error) : status;
}

static lop_status identify(lopi_session *session, lop_error *error)
{
    const lop_train_options *options = session->options;
    const lop_train_callback *callback = session->callback;
    lop_status status = lop_network_spec(session->network, &session->start, error);
    session->identity = (lopi_identity){
        .options = options,
        .network = session->start,
        .states = callback ? callback->states : NULL,
        .state_count = callback ? callback->state_count : 0,
        .shrinks = callback && callback->remove_units,
        .samples = session->split->train_count,
        .data_hash = lopi_data_hash(session->train, session->split),
        .teacher_hash = lopi_teacher_hash(options->teacher),
        .threads = lop_threads_get(),
    };
    if (status == LOP_OK)
        status = lop_precision_resolve(options->precision, &session->identity.precision, error);
    return status;
}

lop_status lopi_session_begin(lopi_session *session, lop_error *error)
{
    const lop_train_options *options = session->options;
    lop_status status = lop_train_options_check(options, error);
    if (status == LOP_OK)
        status = check(session, error);
    if (status != LOP_OK)
        return status;
    size_t batch = options->batch_size;
    session->started = lop_clock_seconds();
    session->steps_per_epoch = (session->split->train_count + batch - 1) / batch;
    session->steps = session->steps_per_epoch * options->epochs;
    status = identify(session, error);
    if (status == LOP_OK)
        status = lopi_checkpoint_check_states(&session->identity, error);
    if (status == LOP_OK)
        status = allocate(session, error);
    if (status == LOP_OK)
        status =
            lopi_teacher_init(&session->teacher, options, session->train, session->split, error);
    if (status == LOP_OK)
        status = lopi_state_init(&session->state, session->network, options, error);
    if (status == LOP_OK)
        status = go_on(session, error);
    session->first_step = session->state.step;
    return status;
}

void lopi_session_end(lopi_session *session)
{
    end_computers(session);
    lopi_state_end(&session->state);
    lopi_teacher_end(&session->teacher);
    lopi_free(session->order);
    lopi_free(session->x);
    lopi_free(session->labels);
    free(session->start);
}

lop_status lopi_session_save(lopi_session *session, lop_error *error)
{
    if (!session->options->checkpoint)
        return LOP_OK;
    double start = lop_clock_seconds();
    lop_status status = lopi_checkpoint_save(&session->state, &session->identity, error);
    session->profile.checkpoint += lop_clock_seconds() - start;
    return status;
}

void lopi_session_speak(lopi_session *session, bool always)
{
    double now = lop_clock_seconds();
    if (!always && now - session->spoken < REPORT_SECONDS)
        return;
    session->spoken = now;
    const lopi_state *state = &session->state;
    const lopi_running *running = &state->running;
    double samples = (double)running->samples;
    double done = (double)(state->step - session->first_step);
    double left = (double)(session->steps - state->step);
    bool measured = running->samples > 0 && running->seconds > 0;
    const lop_progress progress = {
        .what = "train",
        .step = state->step,
        .steps = session->steps,
        .epoch = (state->step ? state->step - 1 : 0) / session->steps_per_epoch + 1,
        .epochs = session->options->epochs,
        .loss = measured ? running->loss / samples : NAN,
        .accuracy = measured ? (double)running->correct / samples : NAN,
        .samples_per_second = measured ? samples / running->seconds : NAN,
        .seconds_left = done > 0 ? (now - session->started) / done * left : NAN,
    };
    lopi_progress(session->options->hooks, &progress);
}

void lopi_session_history(lopi_session *session, lop_history *history)
{
    lopi_state *state = &session->state;
    end_computers(session);
    session->profile.total = lop_clock_seconds() - session->started;
    *history = (lop_history){
        .epochs = state->epochs,
        .count = state->epoch_count,
        .weights = state->weights,
        .best_epoch = state->epoch_count,
        .seconds = state->seconds,
        .profile = session->profile,
    };
    state->epochs = NULL;
    state->epoch_count = 0;
}
