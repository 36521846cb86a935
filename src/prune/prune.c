/* lop_prune: plan, rank, choose, and only then change the network. */
#include <lop/prune.h>

#include <string.h>

#include "nn/floats.h"
#include "prune/order.h"
#include "prune/outcome.h"
#include "prune/plan.h"
#include "prune/quick.h"
#include "prune/rank.h"
#include "prune/select.h"

static const char *const scopes[] = {[LOP_SCOPE_LAYER] = "layer", [LOP_SCOPE_GLOBAL] = "global"};

enum { SCOPES = sizeof scopes / sizeof scopes[0] };

const char *lop_scope_name(size_t index) { return index < SCOPES ? scopes[index] : NULL; }

static lop_status rank(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    lopi_collection collected = {0};
    lop_status status = LOP_OK;
    if (plan->criterion->collects != LOPI_COLLECTS_NOTHING)
        status =
            lopi_collect(&collected, network, plan->criterion->collects, &plan->options, error);
    for (size_t l = 0; l < plan->layers && status == LOP_OK; l++) {
        if (lopi_plan_items(plan, l) > 0)
            status = lopi_rank_layer(plan, network, l, collected.layer ? collected.layer[l] : NULL,
                                     error);
    }
    lopi_collection_end(&collected);
    return status;
}

/* Put each layer's best item (of equals the last) out of reach; returns how many that are. */
static size_t protect_last(lopi_plan *plan)
{
    size_t held = 0;
    for (size_t l = 0; l < plan->layers; l++) {
        size_t best = plan->start[l];
        for (size_t i = best; i < plan->start[l + 1]; i++) {
            if (plan->key[i] >= plan->key[best])
                best = i;
        }
        if (best < plan->start[l + 1]) {
            plan->key[best] = LOPI_KEY_LAST;
            held++;
        }
    }
    return held;
}

static void choose_globally(lopi_plan *plan, const lop_network *network)
{
    size_t items = plan->start[plan->layers];
    size_t wanted = lopi_round_share(plan->options.sparsity, items);
    size_t held = plan->granularity->keeps_last ? protect_last(plan) : 0;
    for (size_t l = 0; l < plan->layers; l++) {
        lopi_contest contest = lopi_plan_contest(plan, lop_network_layer(network, l));
        if (lopi_plan_items(plan, l) > 0)
            held +=
                lopi_protect(&contest, plan->key + plan->start[l], plan->remove + plan->start[l]);
    }
    lopi_select_lowest(plan->key, items, wanted < items - held ? wanted : items - held,
                       plan->remove);
}

static void choose_by_layer(lopi_plan *plan, const lop_network *network)
{
    for (size_t l = 0; l < plan->layers; l++) {
        lopi_contest contest = lopi_plan_contest(plan, lop_network_layer(network, l));
        if (lopi_plan_items(plan, l) > 0)
            lopi_choose(&contest, plan->key + plan->start[l], plan->wanted[l],
                        plan->remove + plan->start[l]);
    }
}

static bool removes_any(const lopi_plan *plan, size_t l)
{
    size_t items = lopi_plan_items(plan, l);
    return items > 0 && memchr(plan->remove + plan->start[l], 1, items);
}

/* All that can fail comes first; a mask of ones prunes nothing. `solved` has the weights anew, or
 * is NULL. */
static lop_status remove_chosen(lopi_plan *plan, lop_network *network, const lop_network *solved,
                                lop_error *error)
{
    for (size_t l = 0; l < plan->layers; l++) {
        lop_status status =
            removes_any(plan, l) ? plan->granularity->prepare(network, l, error) : LOP_OK;
        if (status)
            return status;
    }
    for (size_t l = 0; l < plan->layers; l++) {
        const lopi_target target = {network, l, &plan->options};
        if (removes_any(plan, l))
            plan->granularity->remove(&target, plan->remove + plan->start[l]);
        const lop_layer *layer = lop_network_layer(network, l);
        if (solved && lopi_plan_items(plan, l) > 0)
            memcpy(layer->weight, lop_network_layer(solved, l)->weight,
                   layer->outputs * layer->inputs * sizeof *layer->weight);
    }
    lop_network_apply_masks(network);
    return LOP_OK;
}

static lop_status prune_by_scores(lopi_plan *plan, lop_network *network, lop_error *error)
{
    lop_status status = rank(plan, network, error);
    if (status)
        return status;
    if (plan->options.scope == LOP_SCOPE_GLOBAL)
        choose_globally(plan, network);
    else
        choose_by_layer(plan, network);
    return remove_chosen(plan, network, NULL, error);
}

static lop_status prune_in_order(lopi_plan *plan, lop_network *network, lop_error *error)
{
    lop_network *solved = NULL;
    lop_status status = lopi_prune_in_order(plan, network, &solved, error);
    if (status == LOP_OK)
        status = remove_chosen(plan, network, solved, error);
    lop_network_free(solved);
    return status;
}

lop_status lop_prune(lop_network *network, const lop_prune_options *options, lop_error *error)
{
    lopi_plan plan = {0};
    lopi_floats_begin();
    lop_status status = lopi_plan_make(&plan, network, options, error);
    if (status)
        goto out;
    if (lopi_quick_fits(&plan))
        status = lopi_quick_prune(&plan, network, error);
    else if (lopi_criterion_in_order(plan.criterion))
        status = prune_in_order(&plan, network, error);
    else
        status = prune_by_scores(&plan, network, error);
    if (status == LOP_OK && options->outcome)
        lopi_outcome_tell(options->outcome, &plan, network);
out:
    lopi_plan_end(&plan);
    lopi_floats_end();
    return status;
}
