#include "experiment/sharing.h"

#include <math.h>

#include "base/error.h"
#include "experiment/stage.h"

lop_sharing lopi_sharing_none(void)
{
    return (lop_sharing){.begin_epoch = NAN, .hold_epoch = NAN, .rate = NAN};
}

size_t lopi_sharing_epochs(const lop_recipe *recipe)
{
    return recipe->stage_count > 0 ? lopi_stage_epochs(recipe, recipe->stage_count - 1)
                                   : recipe->train.epochs;
}

/* Where the pruning of the last training ends; 0 where nothing is pruned in it. */
static double pruning_end(const lop_recipe *recipe)
{
    if (recipe->stage_count == 0)
        return 0;
    const lop_stage *last = &recipe->stages[recipe->stage_count - 1];
    bool prunes = last->sparsity > 0 || last->list_count > 0;
    double end = last->schedule == LOP_SCHEDULE_ONESHOT ? last->begin_epoch : last->end_epoch;
    return prunes && !isnan(end) ? end : 0;
}

void lopi_sharing_resolve(lop_recipe *recipe)
{
    lop_sharing *share = &recipe->share;
    double epochs = (double)lopi_sharing_epochs(recipe);
    if (share->entry_count == 0 || epochs == 0)
        return;
    if (isnan(share->begin_epoch))
        share->begin_epoch = fmax(0.75 * epochs, pruning_end(recipe));
    if (isnan(share->hold_epoch))
        share->hold_epoch = (share->begin_epoch + epochs) / 2;
    if (isnan(share->rate))
        share->rate = 0;
}

static lop_sharer_options options_of(const lop_recipe *recipe, size_t steps_per_epoch)
{
    const lop_sharing *share = &recipe->share;
    return (lop_sharer_options){
        .entries = share->entries,
        .entry_count = share->entry_count,
        .epochs = lopi_sharing_epochs(recipe),
        .steps_per_epoch = steps_per_epoch,
        .begin_epoch = share->begin_epoch,
        .hold_epoch = share->hold_epoch,
        .rate = share->rate,
    };
}

static lop_status fail_untrained(lop_error *error)
{
    return lopi_fail(error, LOP_E_ARG,
                     "share: weights are shared in a training, but there are no epochs of "
                     "recovery and pruning is not part of the training");
}

lop_status lopi_sharing_check_sweep(const lop_recipe *recipe, lop_error *error)
{
    bool trains = recipe->prune_while_training || recipe->recovery.epochs > 0;
    return recipe->share.entry_count > 0 && !trains ? fail_untrained(error) : LOP_OK;
}

/* What says how to share, but not that weights are to be shared, would be passed over. */
static lop_status check_unshared(const lop_sharing *share, lopi_fault *fault, lop_error *error)
{
    const struct {
        const char *key;
        double value;
    } said[] = {{"begin_epoch", share->begin_epoch},
                {"hold_epoch", share->hold_epoch},
                {"rate", share->rate}};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        if (isnan(said[i].value))
            continue;
        *fault = (lopi_fault){"share", said[i].key, 0};
        return lopi_fail(error, LOP_E_ARG,
                         "share %s: weights are not shared; say in how many entries (--share), or "
                         "leave it out",
                         said[i].key);
    }
    return LOP_OK;
}

/* One member after the other, so that it is known which is wrong. */
static lop_status check_members(const lop_recipe *resolved, lopi_fault *fault, lop_error *error)
{
    const lop_sharing *share = &resolved->share;
    lop_sharer_options options = options_of(resolved, 1);
    options.begin_epoch = options.hold_epoch = options.rate = 0;
    fault->key = "entries";
    lop_status status = lop_sharer_options_check(&options, error);
    if (status != LOP_OK)
        return status;
    options.begin_epoch = options.hold_epoch = share->begin_epoch;
    fault->key = "begin_epoch";
    status = lop_sharer_options_check(&options, error);
    if (status != LOP_OK)
        return status;
    options.hold_epoch = share->hold_epoch;
    fault->key = "hold_epoch";
    status = lop_sharer_options_check(&options, error);
    if (status != LOP_OK)
        return status;
    options.rate = share->rate;
    fault->key = "rate";
    return lop_sharer_options_check(&options, error);
}

lop_status lopi_sharing_check(const lop_recipe *recipe, lopi_fault *fault, lop_error *error)
{
    if (recipe->share.entry_count == 0)
        return check_unshared(&recipe->share, fault, error);
    *fault = (lopi_fault){"share", "entries", 0};
    if (recipe->share.entry_count > LOP_MAX_HIDDEN + 1)
        return lopi_fail(error, LOP_E_RANGE, "entries: expected at most %d, found %zu",
                         LOP_MAX_HIDDEN + 1, recipe->share.entry_count);
    if (recipe->stage_count > 0 && lopi_stage_is_lottery(&recipe->stages[0]))
        return lopi_fail(error, LOP_E_ARG,
                         "share: lottery trains from the start, time and again; "
                         "its weights cannot be shared");
    if (lopi_sharing_epochs(recipe) == 0)
        return fail_untrained(error);
    if (recipe->train.patience > 0) {
        *fault = (lopi_fault){"train", "patience", 0};
        return lopi_fail(error, LOP_E_ARG,
                         "share: patience keeps the best epoch, which may be one before weights "
                         "are shared; leave out one of the two");
    }
    lop_recipe resolved = *recipe; /* a shallow copy, for numbers alone */
    lopi_recipe_resolve(&resolved);
    fault->key = "begin_epoch";
    if (resolved.share.begin_epoch < pruning_end(&resolved))
        return lopi_fail(error, LOP_E_ARG,
                         "begin_epoch: weights are shared from epoch %g on, but pruning ends at "
                         "epoch %g",
                         resolved.share.begin_epoch, pruning_end(&resolved));
    return check_members(&resolved, fault, error);
}

lop_status lopi_sharing_new(lop_sharer **out, const lop_recipe *recipe, const lop_split *split,
                            const lop_network *network, lop_error *error)
{
    size_t batch = recipe->train.batch_size; /* of retraining too */
    const lop_sharer_options options = options_of(recipe, (split->train_count + batch - 1) / batch);
    return lop_sharer_new(out, &options, network, error);
}
