#include "prune/goal.h"

#include "base/error.h"
#include "base/memory.h"
#include "prune/plan.h"
#include "prune/select.h"

static const double most = 1 - 0x1p-53; /* below 1, and all the same all of a layer when rounded */

/* Every layer of a list goes to its own target, by the same schedule. */
static void scale_list(lopi_goal *goal, size_t step, lop_prune_options *now)
{
    lop_pruner_options one = *goal->options;
    for (size_t i = 0; i < now->list_count; i++) {
        double target = goal->options->target.list[i], initial = goal->options->initial_sparsity;
        one.target.sparsity = target;
        one.initial_sparsity = initial < target ? initial : target;
        goal->list[i] = lop_pruner_sparsity(&one, step);
    }
    now->list = goal->list;
    now->sparsity = 0; /* the list says it all */
}

/* Of `present` items that are there, the share that makes `wanted` missing with those `gone`. */
static double share(size_t wanted, size_t gone, size_t present)
{
    if (wanted <= gone || present == 0)
        return 0;
    double found = (double)(wanted - gone) / (double)present;
    return found < most ? found : most;
}

/* Options that count from the start, as options for what is left of the network. */
static lop_status count_from_start(lopi_goal *goal, const lop_network *network,
                                   lop_prune_options *now, lop_error *error)
{
    lopi_plan plan = {0};
    size_t gone = 0, present = 0, next = 0;
    lop_status status = lopi_plan_make(&plan, goal->start, now, error);
    for (size_t l = 0; status == LOP_OK && l < plan.layers; l++) {
        size_t items = lopi_plan_items(&plan, l), left = lop_network_layer(network, l)->outputs;
        if (items == 0)
            continue;
        present += left;
        gone += items - left;
        if (now->scope == LOP_SCOPE_LAYER)
            goal->list[next++] = share(plan.wanted[l], items - left, left);
    }
    if (status == LOP_OK && now->scope == LOP_SCOPE_LAYER) {
        now->allocation = LOP_ALLOCATION_LIST;
        now->list = goal->list;
        now->list_count = next;
        now->sparsity = 0;
    } else if (status == LOP_OK) {
        now->sparsity = share(lopi_round_share(now->sparsity, gone + present), gone, present);
    }
    lopi_plan_end(&plan);
    return status;
}

/* Sparser already than the target, by more than rounding in each layer can make it. */
static lop_status check_reached(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    size_t items = plan->start[plan->layers], gone = 0, wanted = 0;
    double target = plan->options.sparsity;
    if (plan->options.granularity == LOP_GRANULARITY_NM)
        return LOP_OK;
    for (size_t l = 0; l < plan->layers; l++) {
        const lopi_target of = {network, l, &plan->options};
        uint8_t *removed = plan->remove + plan->start[l];
        if (lopi_plan_items(plan, l) > 0)
            plan->granularity->removed(&of, removed);
        for (size_t i = 0; i < lopi_plan_items(plan, l); i++)
            gone += removed[i];
        wanted += plan->wanted[l];
    }
    if (plan->options.scope == LOP_SCOPE_GLOBAL)
        wanted = lopi_round_share(target, items);
    if (gone <= wanted + plan->layers)
        return LOP_OK;
    return lopi_fail(error, LOP_E_ARG,
                     "the target, %zu of %zu %ss removed, is below what is reached already: %zu; "
                     "raise it, or begin with a denser network",
                     wanted, items, plan->granularity->name, gone);
}

lop_status lopi_goal_init(lopi_goal *goal, const lop_pruner_options *options,
                          const lop_network *network, lop_error *error)
{
    lopi_plan plan = {0};
    lopi_goal made = {.options = options};
    size_t layers = lop_network_layer_count(network);
    lop_status status = lopi_plan_make(&plan, network, &options->target, error);
    if (status != LOP_OK)
        goto out;
    status = check_reached(&plan, network, error);
    if (status != LOP_OK)
        goto out;
    made.list = lopi_alloc(layers, sizeof *made.list);
    if (!made.list)
        status = lopi_fail_memory(error, layers * sizeof *made.list);
    else if (options->target.granularity == LOP_GRANULARITY_UNIT)
        status = lop_network_copy(&made.start, network, error);
out:
    lopi_plan_end(&plan);
    if (status == LOP_OK)
        *goal = made;
    else
        lopi_goal_end(&made);
    return status;
}

void lopi_goal_end(lopi_goal *goal)
{
    lop_network_free(goal->start);
    lopi_free(goal->list);
    *goal = (lopi_goal){.options = NULL};
}

lop_status lopi_goal_at(lopi_goal *goal, const lop_network *network, size_t step,
                        lop_prune_options *now, lop_error *error)
{
    *now = goal->options->target;
    if (now->allocation == LOP_ALLOCATION_LIST)
        scale_list(goal, step, now);
    else if (now->granularity != LOP_GRANULARITY_NM)
        now->sparsity = lop_pruner_sparsity(goal->options, step);
    return goal->start ? count_from_start(goal, network, now, error) : LOP_OK;
}
