#include "prune/allocation.h"

#include "base/error.h"
#include "base/memory.h"
#include "prune/lamp.h"
#include "prune/select.h"

static lop_status count_uniform(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    (void)network, (void)error;
    for (size_t l = 0; l < plan->layers; l++)
        plan->wanted[l] = lopi_round_share(plan->options.sparsity, lopi_plan_items(plan, l));
    return LOP_OK;
}

/* ERK ----------------------------------------------------------------------------------------- */

/* What a layer's density is proportional to. */
static double erk_ratio(const lop_layer *layer)
{
    double inputs = (double)layer->inputs, outputs = (double)layer->outputs;
    return (inputs + outputs) / (inputs * outputs);
}

/*
 * Items to keep are shared out among the layers that are not dense: scale · ratio · items each.
 * Where that is more than all of a layer it becomes dense, and the rest is solved again. `dense`
 * [layers] is zeroed.
 */
static double erk_scale(const lopi_plan *plan, const lop_network *network, uint8_t *dense)
{
    for (;;) {
        double kept = (1 - plan->options.sparsity) * (double)plan->start[plan->layers];
        double weight = 0, scale;
        bool changed = false;
        for (size_t l = 0; l < plan->layers; l++) {
            double items = (double)lopi_plan_items(plan, l);
            if (dense[l])
                kept -= items;
            else
                weight += erk_ratio(lop_network_layer(network, l)) * items;
        }
        scale = weight > 0 ? kept / weight : 0;
        for (size_t l = 0; l < plan->layers; l++) {
            bool above = !dense[l] && lopi_plan_items(plan, l) > 0 &&
                         scale * erk_ratio(lop_network_layer(network, l)) > 1;
            dense[l] |= above;
            changed |= above;
        }
        if (!changed)
            return scale;
    }
}

static lop_status count_erk(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    uint8_t *dense = lopi_alloc(plan->layers, sizeof *dense);
    if (!dense)
        return lopi_fail_memory(error, plan->layers);
    double scale = erk_scale(plan, network, dense);
    for (size_t l = 0; l < plan->layers; l++) {
        double density = dense[l] ? 1 : scale * erk_ratio(lop_network_layer(network, l));
        plan->wanted[l] = lopi_round_share(density < 1 ? 1 - density : 0, lopi_plan_items(plan, l));
    }
    lopi_free(dense);
    return LOP_OK;
}

/* LAMP ---------------------------------------------------------------------------------------- */

static lop_status count_lamp(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    if (!plan->granularity->by_weight)
        return lopi_fail(error, LOP_E_ARG, "allocation 'lamp' is for weights, but pruning is by %s",
                         plan->granularity->name);
    double *score = plan->score;
    lop_status status = LOP_OK;
    for (size_t l = 0; l < plan->layers && status == LOP_OK; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        if (lopi_plan_items(plan, l) == 0)
            continue;
        status = lopi_lamp_scores(layer, score, error);
        for (size_t i = 0; i < lopi_plan_items(plan, l) && status == LOP_OK; i++) {
            bool gone = layer->mask && !layer->mask[i];
            plan->key[plan->start[l] + i] = gone ? LOPI_KEY_FIRST : lopi_key(score[i]);
        }
    }
    if (status)
        return status;
    size_t items = plan->start[plan->layers];
    lopi_select_lowest(plan->key, items, lopi_round_share(plan->options.sparsity, items),
                       plan->remove);
    for (size_t l = 0; l < plan->layers; l++) {
        plan->wanted[l] = 0;
        for (size_t i = plan->start[l]; i < plan->start[l + 1]; i++)
            plan->wanted[l] += plan->remove[i];
    }
    return LOP_OK;
}

/* A list -------------------------------------------------------------------------------------- */

enum { ROUGHLY = 1000 }; /* a list's total may be off by one in so many */

static lop_status count_list(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    (void)network;
    const lop_prune_options *options = &plan->options;
    size_t prunable = 0, next = 0;
    double removed = 0, items = (double)plan->start[plan->layers];
    for (size_t l = 0; l < plan->layers; l++)
        prunable += lopi_plan_items(plan, l) > 0;
    if (options->list_count != prunable || (prunable > 0 && !options->list))
        return lopi_fail(error, LOP_E_ARG,
                         "the list of sparsities needs one for each of the %zu layers to prune, "
                         "found %zu",
                         prunable, options->list ? options->list_count : 0);
    for (size_t l = 0; l < plan->layers; l++) {
        plan->wanted[l] = 0;
        if (lopi_plan_items(plan, l) == 0)
            continue;
        double share = options->list[next++];
        if (!(share >= 0 && share < 1))
            return lopi_fail(error, LOP_E_RANGE,
                             "sparsity %zu of the list must be in [0, 1), found %g", next, share);
        plan->wanted[l] = lopi_round_share(share, lopi_plan_items(plan, l));
        removed += share * (double)lopi_plan_items(plan, l);
    }
    double off = removed - options->sparsity * items;
    if (options->sparsity != 0 && (off > items / ROUGHLY || -off > items / ROUGHLY))
        return lopi_fail(error, LOP_E_ARG,
                         "contradictory: the list comes to a sparsity of %.4f, but %g is given too",
                         removed / items, options->sparsity);
    return LOP_OK;
}

/* The table ----------------------------------------------------------------------------------- */

typedef struct allocation {
    const char *name;
    lop_status (*count)(lopi_plan *plan, const lop_network *network, lop_error *error);
} allocation;

static const allocation allocations[] = {
    [LOP_ALLOCATION_UNIFORM] = {"uniform", count_uniform},
    [LOP_ALLOCATION_ERK] = {"erk", count_erk},
    [LOP_ALLOCATION_LAMP] = {"lamp", count_lamp},
    [LOP_ALLOCATION_LIST] = {"list", count_list},
};

enum { ALLOCATIONS = sizeof allocations / sizeof allocations[0] };

const char *lop_allocation_name(size_t index)
{
    return index < ALLOCATIONS ? allocations[index].name : NULL;
}

lop_status lopi_allocate(lopi_plan *plan, const lop_network *network, lop_error *error)
{
    const lop_prune_options *options = &plan->options;
    if ((size_t)options->allocation >= ALLOCATIONS)
        return lopi_fail(error, LOP_E_ARG, "unknown allocation %d", (int)options->allocation);
    const allocation *row = &allocations[options->allocation];
    if (options->scope == LOP_SCOPE_GLOBAL && options->allocation != LOP_ALLOCATION_UNIFORM)
        return lopi_fail(error, LOP_E_ARG,
                         "contradictory: ranking over all layers decides by itself how much each "
                         "loses, but allocation '%s' is given too; take scope '%s'",
                         row->name, lop_scope_name(LOP_SCOPE_LAYER));
    if (options->allocation != LOP_ALLOCATION_LIST && options->list_count > 0)
        return lopi_fail(error, LOP_E_ARG,
                         "contradictory: allocation '%s' takes no list of sparsities", row->name);
    return row->count(plan, network, error);
}
