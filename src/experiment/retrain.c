#include "experiment/retrain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/sharing.h"
#include "experiment/stage.h"
#include "nn/floats.h"

static uint64_t recovery_seed(const lopi_retraining *job)
{
    uint64_t seed = job->recipe->recovery.seed;
    return seed == LOP_SEED_OF_RUN ? job->seed : seed;
}

bool lopi_begins_untrained(const lop_recipe *recipe)
{
    return recipe->stage_count > 0 &&
           (recipe->prune_while_training || lopi_stage_is_lottery(&recipe->stages[0]));
}

lop_status lopi_retrain_options(const lopi_retraining *job, size_t index, lop_prune_options *out,
                                lop_error *error)
{
    const lop_stage *stage = &job->recipe->stages[index];
    lop_status status = lopi_stage_options(stage, out, error);
    if (status != LOP_OK)
        return status;
    out->seed = recovery_seed(job);
    if (!job->dataset)
        return LOP_OK;
    /* The split is a shuffle already: its first samples are as good as any. */
    out->samples = lop_dataset_train(job->dataset);
    out->indices = job->split->train;
    out->sample_count =
        stage->calibration < job->split->train_count ? stage->calibration : job->split->train_count;
    return LOP_OK;
}

static int name_checkpoint(const lopi_retraining *job, size_t number, char *path, size_t size)
{
    return snprintf(path, size, "%s.%zu", job->checkpoint, number);
}

char *lopi_retrain_checkpoint(const lopi_retraining *job, size_t number)
{
    if (!job->checkpoint || number == 0)
        return lopi_strdup(job->checkpoint);
    size_t size = strlen(job->checkpoint) + 24;
    char *path = lopi_alloc(size, 1);
    if (path)
        name_checkpoint(job, number, path, size);
    return path;
}

void lopi_retrain_clean(const lopi_retraining *job)
{
    const lop_stage *first = &job->recipe->stages[0];
    size_t count = lopi_stage_is_lottery(first) ? first->rounds + 1 : job->recipe->stage_count + 1;
    /* Asks for no memory: where there is none the work is done, and is not to leave files behind.
     * The system takes no longer names. */
    char path[4096];
    for (size_t i = 1; job->checkpoint && i <= count; i++) {
        int length = name_checkpoint(job, i, path, sizeof path);
        if (length > 0 && (size_t)length < sizeof path)
            lopi_file_remove(path);
    }
}

lop_status lopi_history_append(lop_history *to, lop_history *from, size_t weights, lop_error *error)
{
    lop_status status = LOP_OK;
    size_t count = to->count + from->count;
    size_t before = to->count ? to->epochs[to->count - 1].epoch : to->best_epoch;
    lop_epoch *epochs = lopi_realloc(to->epochs, count ? count : 1, sizeof *epochs);
    if (!epochs) {
        status = lopi_fail_memory(error, count * sizeof *epochs);
    } else {
        for (size_t i = 0; i < from->count; i++) {
            lop_epoch *epoch = &epochs[to->count + i];
            *epoch = from->epochs[i];
            epoch->epoch += before;
            /* A training counts from the network that it began with, a run from the dense one. */
            if (from->weights != weights)
                epoch->sparsity =
                    1 - (1 - epoch->sparsity) * (double)from->weights / (double)weights;
        }
        to->epochs = epochs;
        to->count = count;
        to->best_epoch = before + from->best_epoch;
        to->weights = weights;
        to->seconds += from->seconds;
        to->profile = from->profile;
    }
    lop_history_free(from);
    return status;
}

void lopi_retrain_warn(const lopi_retraining *job, const lop_network *network,
                       const lop_prune_outcome *outcome)
{
    for (size_t i = 0; i < outcome->warnings; i++) {
        const lop_prune_warning *row = &outcome->warning[i];
        const lop_layer *layer = lop_network_layer(network, row->layer);
        if (row->weights_left == 0)
            lopi_message(job->hooks, LOP_WARNING,
                         "layer %s has collapsed: no weight of it is left; min-keep prevents that",
                         layer->name);
        else
            lopi_message(job->hooks, LOP_WARNING,
                         "layer %s nearly collapses: %zu weights are left for %zu outputs; "
                         "min-keep prevents that",
                         layer->name, row->weights_left, row->outputs);
    }
}

/* Who takes part in a training ---------------------------------------------------------------- */

enum { MOST_STATES = 8 };

/* Each may be NULL. */
typedef struct at_work {
    lop_pruner *pruner;
    lop_sharer *sharer;
    lop_state states[MOST_STATES];
    size_t state_count;
    double seconds;
} at_work;

static lop_status on_step(void *context, lop_network *network, size_t step, size_t steps,
                          lop_error *error)
{
    at_work *w = context;
    double start = lop_clock_seconds();
    lop_status status = LOP_OK;
    if (w->pruner && lop_pruner_due(w->pruner, step))
        status = lop_pruner_step(w->pruner, network, step, steps, error);
    w->seconds += lop_clock_seconds() - start;
    if (status == LOP_OK && w->sharer)
        status = lop_sharer_step(w->sharer, network, step, error);
    return status;
}

static bool is_due(void *context, size_t step)
{
    const at_work *w = context;
    return (w->pruner && lop_pruner_due(w->pruner, step)) ||
           (w->sharer && lop_sharer_due(w->sharer, step));
}

static lop_status on_gradient(void *context, const lop_network *network, size_t layer,
                              const float *gradient, size_t step, lop_error *error)
{
    return lop_pruner_gradient(((at_work *)context)->pruner, network, layer, gradient, step, error);
}

static lop_status on_restored(void *context, const lop_network *network, lop_error *error)
{
    const at_work *w = context;
    (void)network;
    lop_status status = w->pruner ? lop_pruner_restored(w->pruner, error) : LOP_OK;
    return status == LOP_OK && w->sharer ? lop_sharer_restored(w->sharer, error) : status;
}

static lop_status add_states(at_work *w, const lop_state *states, size_t count, lop_error *error)
{
    if (count > MOST_STATES - w->state_count)
        return lopi_fail(error, LOP_E_INTERNAL, "more than %d states for a checkpoint",
                         MOST_STATES);
    for (size_t i = 0; i < count; i++)
        w->states[w->state_count++] = states[i];
    return LOP_OK;
}

/* What checkpoints hold for all of them. */
static lop_status gather_states(at_work *w, lop_error *error)
{
    size_t count = 0;
    lop_status status = LOP_OK;
    const lop_state *states = w->pruner ? lop_pruner_state(w->pruner, &count) : NULL;
    if (states)
        status = add_states(w, states, count, error);
    states = w->sharer ? lop_sharer_state(w->sharer, &count) : NULL;
    if (status == LOP_OK && states)
        status = add_states(w, states, count, error);
    return status;
}

static lop_status make_callback(at_work *w, lop_train_callback *out, lop_error *error)
{
    lop_status status = gather_states(w, error);
    *out = (lop_train_callback){
        .context = w,
        .before_first = on_step,
        .after_step = on_step,
        .due = is_due,
        .on_gradient = w->pruner && lop_pruner_wants_gradients(w->pruner) ? on_gradient : NULL,
        .restored = on_restored,
        .states = w->states,
        .state_count = w->state_count,
    };
    return status;
}

/* What recovery says of training, and where: NaN there leaves what training has. */
static const struct {
    size_t of_recovery, of_training;
} overlays[] = {
    {offsetof(lop_recovery, learning_rate), offsetof(lop_train_options, learning_rate)},
    {offsetof(lop_recovery, warmup_epochs), offsetof(lop_train_options, warmup_epochs)},
    {offsetof(lop_recovery, final_rate), offsetof(lop_train_options, final_rate)},
    {offsetof(lop_recovery, weight_decay), offsetof(lop_train_options, weight_decay)},
    {offsetof(lop_recovery, l1), offsetof(lop_train_options, l1)},
    {offsetof(lop_recovery, dropout), offsetof(lop_train_options, dropout)},
    {offsetof(lop_recovery, input_dropout), offsetof(lop_train_options, input_dropout)},
    {offsetof(lop_recovery, label_smoothing), offsetof(lop_train_options, label_smoothing)},
    {offsetof(lop_recovery, shift), offsetof(lop_train_options, shift)},
};

static lop_train_options recovery_options(const lopi_retraining *job)
{
    const lop_recovery *recovery = &job->recipe->recovery;
    lop_train_options options = job->recipe->train;
    for (size_t i = 0; i < sizeof overlays / sizeof *overlays; i++) {
        double value;
        memcpy(&value, (const char *)recovery + overlays[i].of_recovery, sizeof value);
        if (!isnan(value))
            memcpy((char *)&options + overlays[i].of_training, &value, sizeof value);
    }
    options.distill_temperature = recovery->distill_temperature;
    options.distill_weight = recovery->distill_weight;
    options.teacher = recovery->distill_weight > 0 ? job->parent : NULL;
    options.seed = recovery_seed(job);
    return options;
}

static lop_train_options stage_training(const lopi_retraining *job, size_t index)
{
    bool is_the_training = index == 0 && job->recipe->prune_while_training;
    lop_train_options options = is_the_training ? job->recipe->train : recovery_options(job);
    options.epochs = lopi_stage_epochs(job->recipe, index);
    options.seed = is_the_training ? job->seed : options.seed;
    options.evaluate_test = true; /* the curve is what pruning is looked at for */
    options.resume = job->resume;
    options.hooks = job->hooks;
    return options;
}

static lop_status make_pruner(const lopi_retraining *job, size_t index,
                              const lop_prune_options *target, const lop_train_options *training,
                              const lop_network *network, lop_pruner **out, lop_error *error)
{
    if (!job->split)
        return lopi_fail(error, LOP_E_INTERNAL,
                         "a stage that trains was given no training samples");
    const lop_split *split = job->split;
    const lop_stage *stage = &job->recipe->stages[index];
    size_t batch = training->batch_size;
    lop_pruner_options options = {
        .target = *target,
        .schedule = lopi_stage_schedule(stage),
        .epochs = training->epochs,
        .steps_per_epoch = (split->train_count + batch - 1) / batch,
        .begin_epoch = stage->begin_epoch,
        .end_epoch = stage->end_epoch,
        .every_steps = stage->every_steps,
        .initial_sparsity = stage->initial_sparsity,
        .rounds = stage->rounds,
        .drop_fraction = stage->drop_fraction,
        .seed = target->seed,
    };
    return lop_pruner_new(out, &options, network, error);
}

/* A stage in a training. A target of zero is the training alone: what pruning is held against. */
static lop_status train_stage(const lopi_retraining *job, size_t index,
                              const lop_prune_options *target, lop_network *network,
                              lopi_retrained *out, lop_error *error)
{
    at_work w = {.pruner = NULL};
    lop_history history = {.epochs = NULL};
    lop_train_options options = stage_training(job, index);
    bool prunes = target->sparsity > 0 || target->allocation == LOP_ALLOCATION_LIST;
    bool shares = job->recipe->share.entry_count > 0 && index + 1 == job->recipe->stage_count;
    size_t weights = lop_network_weight_count(network);
    char metadata[32], *checkpoint = lopi_retrain_checkpoint(job, index + job->trainings);
    size_t size = job->metadata ? strlen(job->metadata) + sizeof metadata : sizeof metadata;
    char *text = lopi_alloc(size, 1);
    lop_status status = LOP_OK;
    const lop_split *split = job->split;
    if (!text || (job->checkpoint && !checkpoint))
        status = lopi_fail_memory(error, size);
    else if (!split)
        status =
            lopi_fail(error, LOP_E_INTERNAL, "a stage that trains was given no training samples");
    if (status == LOP_OK && prunes)
        status = make_pruner(job, index, target, &options, network, &w.pruner, error);
    if (status == LOP_OK && shares)
        status = lopi_sharing_new(&w.sharer, job->recipe, split, network, error);
    lop_train_callback callback;
    if (status == LOP_OK)
        status = make_callback(&w, &callback, error);
    if (status == LOP_OK) {
        snprintf(text, size, "%s stage %zu", job->metadata ? job->metadata : "", index);
        options.metadata = text;
        options.checkpoint = checkpoint;
        callback.remove_units = target->granularity == LOP_GRANULARITY_UNIT;
        status = lop_train(network, job->dataset, split, &options,
                           prunes || shares ? &callback : NULL, &history, error);
        history.weights = weights;
        out->prune_seconds += w.seconds;
    }
    lop_error lost = {0};
    lop_status kept = lopi_history_append(&out->history, &history, job->weights, &lost);
    if (status == LOP_OK && kept != LOP_OK)
        status = lopi_fail(error, kept, "%s", lost.text);
    lop_pruner_free(w.pruner);
    lop_sharer_free(w.sharer);
    lopi_free(checkpoint);
    lopi_free(text);
    return status;
}

static lop_status prune_at_once(const lop_prune_options *target, lop_network *network,
                                lopi_retrained *out, lop_error *error)
{
    if (target->sparsity == 0 && target->allocation != LOP_ALLOCATION_LIST)
        return LOP_OK;
    double start = lop_clock_seconds();
    lop_status status = lop_prune(network, target, error);
    out->prune_seconds += lop_clock_seconds() - start;
    return status;
}

/* The next stage's shares are of what is left: what the units took with them is no longer there. */
static lop_status take_out(lop_network **network, lop_error *error)
{
    lop_network *smaller = NULL;
    lop_status status = lop_compact(&smaller, *network, error);
    if (status == LOP_OK) {
        lop_network_free(*network);
        *network = smaller;
    }
    return status;
}

lop_status lopi_retrain(const lopi_retraining *job, lop_network **network, lopi_retrained *out,
                        lop_error *error)
{
    const lop_recipe *recipe = job->recipe;
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < recipe->stage_count; i++) {
        lop_prune_outcome outcome = {0};
        lop_prune_options target;
        status = lopi_retrain_options(job, i, &target, error);
        target.outcome = &outcome;
        if (status == LOP_OK && lopi_stage_epochs(recipe, i) > 0)
            status = train_stage(job, i, &target, *network, out, error);
        else if (status == LOP_OK)
            status = prune_at_once(&target, *network, out, error);
        if (status == LOP_OK)
            lopi_retrain_warn(job, *network, &outcome);
        if (status == LOP_OK && target.granularity == LOP_GRANULARITY_UNIT &&
            i + 1 < recipe->stage_count)
            status = take_out(network, error);
    }
    return status;
}

lop_status lop_recipe_prune(const lop_recipe *recipe, lop_network **network, const lop_hooks *hooks,
                            lop_error *error)
{
    lop_recipe resolved;
    lop_network *pruned = NULL;
    lopi_retrained told = {.prune_seconds = 0};
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK && (recipe->recovery.epochs > 0 || lopi_begins_untrained(recipe)))
        status = lopi_fail(error, LOP_E_ARG, "the recipe trains, and there is no data to train on");
    if (status == LOP_OK)
        status = lop_recipe_copy(&resolved, recipe, error);
    if (status != LOP_OK)
        return status;
    lopi_recipe_resolve(&resolved);
    const lopi_retraining job = {
        .recipe = &resolved,
        .seed = recipe->seed,
        .weights = lop_network_weight_count(*network),
        .hooks = hooks,
    };
    status = lop_network_copy(&pruned, *network, error);
    lopi_floats_begin();
    if (status == LOP_OK)
        status = lopi_retrain(&job, &pruned, &told, error);
    lopi_floats_end();
    if (status == LOP_OK) {
        lop_network_free(*network);
        *network = pruned;
    } else {
        lop_network_free(pruned);
    }
    lop_recipe_free(&resolved);
    return status;
}

bool lop_recipe_needs_data(const lop_recipe *recipe)
{
    bool needs = recipe->recovery.epochs > 0 || lopi_begins_untrained(recipe);
    for (size_t i = 0; !needs && i < recipe->stage_count; i++) {
        lop_prune_options options;
        needs = lopi_stage_options(&recipe->stages[i], &options, NULL) == LOP_OK &&
                options.criterion->needs != LOP_NEEDS_NOTHING;
    }
    return needs;
}

lop_status lopi_train_sharing(const lop_recipe *recipe, const lop_dataset *dataset,
                              const lop_split *split, const lop_train_options *options,
                              lop_network *network, lop_history *history, lop_error *error)
{
    at_work w = {.pruner = NULL};
    if (recipe->share.entry_count == 0)
        return lop_train(network, dataset, split, options, NULL, history, error);
    lop_status status = lopi_sharing_new(&w.sharer, recipe, split, network, error);
    lop_train_callback callback;
    if (status == LOP_OK)
        status = make_callback(&w, &callback, error);
    if (status == LOP_OK)
        status = lop_train(network, dataset, split, options, &callback, history, error);
    lop_sharer_free(w.sharer);
    return status;
}
