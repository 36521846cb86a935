#include "prune/plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "prune/allocation.h"

void lopi_plan_end(lopi_plan *plan)
{
    lopi_free(plan->start);
    lopi_free(plan->wanted);
    lopi_free(plan->score);
    lopi_free(plan->key);
    lopi_free(plan->remove);
    lopi_free(plan->units);
    *plan = (lopi_plan){0};
}

/* What the criterion asks of the other options; its samples are looked at later. */
static lop_status check_criterion(const lopi_criterion *criterion, const lop_prune_options *options,
                                  lop_error *error)
{
    const char *name = criterion->shown.name;
    if (options->scope != LOP_SCOPE_LAYER && lopi_criterion_in_order(criterion))
        return lopi_fail(error, LOP_E_ARG,
                         "contradictory: criterion '%s' compares within a layer only; take scope "
                         "'%s'",
                         name, lop_scope_name(LOP_SCOPE_LAYER));
    if (options->min_keep > 0 && criterion->no_min_keep)
        return lopi_fail(
            error, LOP_E_ARG,
            "criterion '%s' decides column by column and cannot promise min_keep; take "
            "'obs'",
            name);
    if (lop_criterion_needs_training(&criterion->shown) && !options->gathered)
        return lopi_fail(error, LOP_E_ARG,
                         "criterion '%s' is collected while training: it needs a schedule with "
                         "training",
                         name);
    return LOP_OK;
}

static lop_status resolve_criterion(lopi_plan *plan, lop_error *error)
{
    const lop_criterion *shown = plan->options.criterion;
    if (!shown) {
        lop_status status = lop_criterion_find(NULL, plan->options.granularity, &shown, error);
        if (status)
            return status;
    }
    plan->criterion = lopi_criterion_row(shown);
    if (!plan->criterion)
        return lopi_fail(error, LOP_E_ARG,
                         "this criterion is not of the table; take one from lop_criterion_find");
    if (shown->granularity != plan->granularity->scored_as)
        return lopi_fail(error, LOP_E_ARG, "criterion '%s' scores by %s, but pruning is by %s",
                         shown->name, lop_granularity_name((size_t)shown->granularity),
                         plan->granularity->name);
    return check_criterion(plan->criterion, &plan->options, error);
}

static lop_status resolve(lopi_plan *plan, const lop_prune_options *options, lop_error *error)
{
    lop_prune_options *own = &plan->options;
    *own = *options;
    plan->granularity = lopi_granularity_at((size_t)own->granularity);
    if (!plan->granularity)
        return lopi_fail(error, LOP_E_ARG, "unknown granularity %d", (int)own->granularity);
    if (!lop_scope_name((size_t)own->scope))
        return lopi_fail(error, LOP_E_ARG, "unknown scope %d", (int)own->scope);
    if (!(own->sparsity >= 0 && own->sparsity < 1))
        return lopi_fail(error, LOP_E_RANGE, "sparsity must be in [0, 1), found %g", own->sparsity);
    if (own->min_keep > 0 && own->granularity != LOP_GRANULARITY_WEIGHT)
        return lopi_fail(error, LOP_E_ARG,
                         "min_keep counts the weights of an output when pruning by %s, but pruning "
                         "is by %s",
                         lop_granularity_name(LOP_GRANULARITY_WEIGHT), plan->granularity->name);
    lop_status status =
        plan->granularity->resolve ? plan->granularity->resolve(own, error) : LOP_OK;
    return status ? status : resolve_criterion(plan, error);
}

/* Where each layer's items lie; a layer that is left alone has none. */
static lop_status lay_out(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    plan->layers = lop_network_layer_count(network);
    plan->start = lopi_alloc(plan->layers + 1, sizeof *plan->start);
    plan->wanted = lopi_alloc(plan->layers, sizeof *plan->wanted);
    if (!plan->start || !plan->wanted)
        return lopi_fail_memory(error, 2 * (plan->layers + 1) * sizeof *plan->start);
    for (size_t l = 0; l < plan->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        plan->start[l + 1] = plan->start[l];
        if (layer->output && !(plan->options.include_output && plan->granularity->prunes_output))
            continue;
        lop_status status = plan->granularity->fits
                                ? plan->granularity->fits(layer, &plan->options, error)
                                : LOP_OK;
        if (status)
            return status;
        size_t items = plan->granularity->items(layer, &plan->options);
        plan->start[l + 1] += items;
        if (items > plan->largest)
            plan->largest = items;
    }
    return LOP_OK;
}

static lop_status make_room(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    size_t items = plan->start[plan->layers], widest = 0;
    for (size_t l = 0; l < plan->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        widest = layer->outputs > widest ? layer->outputs : widest;
    }
    plan->score = lopi_alloc(plan->largest, sizeof *plan->score);
    plan->key = lopi_alloc(items, sizeof *plan->key);
    plan->remove = lopi_alloc(items, sizeof *plan->remove);
    plan->units = lopi_alloc(widest, sizeof *plan->units);
    if (!plan->score || !plan->key || !plan->remove || !plan->units)
        return lopi_fail_memory(error,
                                items * (sizeof *plan->key + sizeof *plan->score + 1) + widest);
    return LOP_OK;
}

lop_status lopi_plan_make(lopi_plan *plan, const lop_network *network,
                          const lop_prune_options *options, lop_error *error)
{
    lop_status status = resolve(plan, options, error);
    if (status)
        return status;
    status = lopi_calibration_check(network, options, &plan->criterion->shown, error);
    if (status)
        return status;
    status = lop_network_check_finite(network, error);
    if (status)
        return status;
    status = lay_out(plan, network, error);
    if (status)
        return status;
    status = make_room(plan, network, error);
    if (status)
        return status;
    return lopi_allocate(plan, network, error);
}

lopi_contest lopi_plan_contest(const lopi_plan *plan, const lop_layer *layer)
{
    const lop_prune_options *options = &plan->options;
    lopi_contest contest = {.items = plan->granularity->items(layer, options),
                            .row = layer->inputs,
                            .min_keep = options->min_keep};
    if (plan->criterion->by_row)
        contest.group = layer->inputs;
    if (options->granularity == LOP_GRANULARITY_NM)
        contest.group = options->m;
    return contest;
}
