#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "experiment/retrain.h"
#include "experiment/stage.h"

/*
 * Rewinding to step k is training again from the start: the same seed gives the same weights,
 * order and moments up to step k, and there the mask falls upon them. Nothing has to be kept.
 */
typedef struct ticket {
    const lop_network *masks; /* of the last round; NULL in the first */
    size_t step;
} ticket;

static lop_status lay_mask(void *context, lop_network *network, size_t step, size_t steps,
                           lop_error *error)
{
    const ticket *t = context;
    (void)steps;
    if (step != t->step)
        return LOP_OK;
    for (size_t i = 0; i < lop_network_layer_count(network); i++) {
        const lop_layer *from = lop_network_layer(t->masks, i);
        if (!from->mask)
            continue;
        lop_status status = lop_network_mask_new(network, i, error);
        if (status != LOP_OK)
            return status;
        const lop_layer *to = lop_network_layer(network, i);
        size_t count = to->outputs * to->inputs;
        memcpy(to->mask, from->mask, count);
        for (size_t j = 0; j < count; j++)
            to->weight[j] = to->mask[j] ? to->weight[j] : 0;
    }
    return LOP_OK;
}

static bool mask_is_due(void *context, size_t step) { return step == ((ticket *)context)->step; }

static lop_status train_round(const lopi_retraining *job, size_t round, const lop_network *masks,
                              lop_network **out, lopi_retrained *told, lop_error *error)
{
    const lop_recipe *recipe = job->recipe;
    ticket t = {masks, recipe->stages[0].rewind_step};
    lop_train_callback callback = {
        .context = &t, .before_first = lay_mask, .after_step = lay_mask, .due = mask_is_due};
    lop_train_options options = recipe->train;
    lop_history history = {.epochs = NULL};
    lop_network *network = NULL;
    size_t size = (job->metadata ? strlen(job->metadata) : 0) + 32;
    char *text = lopi_alloc(size, 1), *checkpoint = lopi_retrain_checkpoint(job, round);
    lop_status status = LOP_OK;
    if (!text || (job->checkpoint && !checkpoint))
        status = lopi_fail_memory(error, size);
    if (status == LOP_OK)
        status = lop_recipe_network(recipe, job->dataset, job->seed, &network, error);
    if (status == LOP_OK) {
        snprintf(text, size, "%s round %zu", job->metadata ? job->metadata : "", round);
        options.seed = job->seed;
        options.evaluate_test = true;
        options.resume = job->resume;
        options.checkpoint = checkpoint;
        options.metadata = text;
        options.hooks = job->hooks;
        status = lop_train(network, job->dataset, job->split, &options, masks ? &callback : NULL,
                           &history, error);
        history.weights = job->weights;
    }
    if (status == LOP_OK)
        status = lopi_history_append(&told->history, &history, job->weights, error);
    lop_history_free(&history);
    lopi_free(text);
    lopi_free(checkpoint);
    if (status == LOP_OK)
        *out = network;
    else
        lop_network_free(network);
    return status;
}

lop_status lopi_lottery(const lopi_retraining *job, lop_network **network, lopi_retrained *out,
                        lop_error *error)
{
    const lop_stage *stage = &job->recipe->stages[0];
    lop_network *masks = NULL;
    lop_prune_options target;
    lop_prune_outcome outcome = {0};
    size_t batch = job->recipe->train.batch_size;
    size_t steps = (job->split->train_count + batch - 1) / batch * job->recipe->train.epochs;
    if (stage->rewind_step >= steps)
        return lopi_fail(error, LOP_E_RANGE,
                         "rewind_step: training has %zu steps, found %zu; name an earlier one",
                         steps, stage->rewind_step);
    lop_status status = lopi_retrain_options(job, 0, &target, error);
    target.outcome = &outcome;
    for (size_t round = 0; status == LOP_OK && round <= stage->rounds; round++) {
        lop_network *trained = NULL;
        status = train_round(job, round, masks, &trained, out, error);
        if (status != LOP_OK)
            break;
        lop_network_free(masks);
        masks = trained;
        if (round == stage->rounds)
            break;
        /* The same share of what is left each time. */
        double rounds = (double)(round + 1) / (double)stage->rounds;
        double start = lop_clock_seconds();
        target.sparsity =
            round + 1 == stage->rounds ? stage->sparsity : 1 - pow(1 - stage->sparsity, rounds);
        status = lop_prune(masks, &target, error);
        out->prune_seconds += lop_clock_seconds() - start;
    }
    if (status == LOP_OK) {
        lopi_retrain_warn(job, masks, &outcome);
        *network = masks;
    } else {
        lop_network_free(masks);
    }
    return status;
}
