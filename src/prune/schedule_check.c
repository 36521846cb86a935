#include <lop/pruner.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/schedule.h"

/* Epochs and steps: what the timeline is made from. */
static lop_status check_training(const lop_pruner_options *options, lop_error *error)
{
    size_t steps;
    if (options->epochs < 1 || options->steps_per_epoch < 1)
        return lopi_fail(error, LOP_E_ARG,
                         "a schedule needs a training: expected at least one epoch and one step in "
                         "each, found %zu and %zu",
                         options->epochs, options->steps_per_epoch);
    if (!lopi_multiply(options->epochs, options->steps_per_epoch, &steps) || steps > 1ull << 37)
        return lopi_fail(error, LOP_E_LIMIT, "a training of %zu epochs of %zu steps is too long",
                         options->epochs, options->steps_per_epoch);
    return LOP_OK;
}

static lop_status check_span(const lopi_schedule *schedule, const lop_pruner_options *options,
                             lop_error *error)
{
    const char *name = schedule->shown.name;
    double begin = options->begin_epoch, end = options->end_epoch, epochs = (double)options->epochs;
    if (schedule->at_start && !schedule->spans)
        return LOP_OK;
    if (!(begin >= 0 && begin <= epochs))
        return lopi_fail(error, LOP_E_RANGE,
                         "schedule '%s' begins at epoch %g, but training goes from 0 to %zu", name,
                         begin, options->epochs);
    if (!schedule->spans)
        return LOP_OK;
    if (!(end >= begin))
        return lopi_fail(error, LOP_E_ARG,
                         "schedule '%s' ends (epoch %g) before it begins (epoch %g)", name, end,
                         begin);
    if (!(end <= epochs))
        return lopi_fail(error, LOP_E_ARG,
                         "schedule '%s' ends at epoch %g, after training ends (epoch %zu)", name,
                         end, options->epochs);
    return LOP_OK;
}

static lop_status check_rise(const lopi_schedule *schedule, const lop_pruner_options *options,
                             lop_error *error)
{
    const char *name = schedule->shown.name;
    double initial = options->initial_sparsity, target = options->target.sparsity;
    if (!(target >= 0 && target < 1))
        return lopi_fail(error, LOP_E_RANGE, "sparsity must be in [0, 1), found %g", target);
    if (!(initial >= 0 && initial < 1))
        return lopi_fail(error, LOP_E_RANGE, "initial sparsity must be in [0, 1), found %g",
                         initial);
    if (initial > 0 && !schedule->rises)
        return lopi_fail(error, LOP_E_ARG,
                         "schedule '%s' has no initial sparsity, but %g is given; leave it out, or "
                         "take gradual, linear or iterative",
                         name, initial);
    if (target < initial && options->target.allocation != LOP_ALLOCATION_LIST)
        return lopi_fail(error, LOP_E_ARG,
                         "the target sparsity %g is below the initial sparsity %g", target,
                         initial);
    return LOP_OK;
}

static lop_status check_rounds(const lop_pruner_options *options, lop_error *error)
{
    const lopi_timeline time = lopi_timeline_of(options);
    if (options->rounds < 1)
        return lopi_fail(error, LOP_E_RANGE,
                         "schedule 'iterative' needs at least one round, found 0");
    if (options->rounds - 1 > time.end - time.begin)
        return lopi_fail(error, LOP_E_ARG,
                         "%zu rounds of pruning do not fit into %zu optimizer steps",
                         options->rounds, time.end - time.begin);
    return LOP_OK;
}

/* N:M is one step from all to N; there is nothing between. */
static lop_status check_granularity(const lopi_schedule *schedule,
                                    const lop_pruner_options *options, lop_error *error)
{
    if (options->target.granularity != LOP_GRANULARITY_NM || !schedule->spans)
        return LOP_OK;
    return lopi_fail(error, LOP_E_ARG,
                     "N of M weights are kept from one step to the next, but schedule '%s' takes "
                     "many; take oneshot or constant",
                     schedule->shown.name);
}

static lop_status check_dynamic(const lopi_schedule *schedule, const lop_pruner_options *options,
                                lop_error *error)
{
    const char *name = schedule->shown.name;
    double fraction = options->drop_fraction;
    if (options->target.granularity != LOP_GRANULARITY_WEIGHT)
        return lopi_fail(error, LOP_E_ARG,
                         "schedule '%s' drops and grows weights, but pruning is by %s", name,
                         lop_granularity_name((size_t)options->target.granularity));
    if (!(fraction > 0 && fraction < 1))
        return lopi_fail(error, LOP_E_RANGE,
                         "the drop fraction of schedule '%s' must be in (0, 1), found %g", name,
                         fraction);
    return LOP_OK;
}

lop_status lop_pruner_options_check(const lop_pruner_options *options, lop_error *error)
{
    if (!options)
        return lopi_fail(error, LOP_E_ARG, "expected a pruner's options, found none");
    const lopi_schedule *schedule = lopi_schedule_row(options->schedule);
    if (!schedule)
        return lopi_fail(error, LOP_E_ARG,
                         "this schedule is not of the table; take one from lop_schedule_find");
    if (!lop_granularity_name((size_t)options->target.granularity))
        return lopi_fail(error, LOP_E_ARG, "unknown granularity %d",
                         (int)options->target.granularity);
    lop_status status = check_training(options, error);
    if (status == LOP_OK)
        status = check_span(schedule, options, error);
    if (status == LOP_OK)
        status = check_rise(schedule, options, error);
    if (status == LOP_OK)
        status = check_granularity(schedule, options, error);
    if (status == LOP_OK && schedule->rounds)
        status = check_rounds(options, error);
    if (status == LOP_OK && schedule->dynamic)
        status = check_dynamic(schedule, options, error);
    return status;
}
