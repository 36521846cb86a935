#include "prune/order.h"

#include "base/error.h"
#include "base/memory.h"
#include "prune/rank.h"

/* Hand a layer to the criterion's solver. */
static lop_status solve_layer(lopi_plan *plan, lop_network *work, size_t l, double *hessian,
                              lop_error *error)
{
    const lop_layer *layer = lop_network_layer(work, l);
    const lopi_target target = {work, l, &plan->options};
    uint8_t *silent = lopi_alloc(layer->inputs, sizeof *silent);
    uint8_t *removed = lopi_alloc(lopi_plan_items(plan, l), sizeof *removed);
    lop_status status = silent && removed
                            ? LOP_OK
                            : lopi_fail_memory(error, layer->inputs + lopi_plan_items(plan, l));
    if (status)
        goto out;
    plan->granularity->removed(&target, removed);
    lopi_damp(hessian, layer->inputs, silent);
    const lopi_problem problem = {.layer = layer,
                                  .hessian = hessian,
                                  .removed = removed,
                                  .silent = silent,
                                  .contest = lopi_plan_contest(plan, layer),
                                  .wanted = plan->wanted[l],
                                  .key = plan->key + plan->start[l],
                                  .remove = plan->remove + plan->start[l]};
    status = plan->criterion->solve(&problem, error);
out:
    lopi_free(silent);
    lopi_free(removed);
    return status;
}

static lop_status prune_layer(lopi_plan *plan, lop_network *work, size_t l, lop_error *error)
{
    const lop_layer *layer = lop_network_layer(work, l);
    const lopi_contest contest = lopi_plan_contest(plan, layer);
    lopi_collects what = plan->criterion->collects;
    size_t count = layer->inputs;
    double *collected = NULL;
    if (what != LOPI_COLLECTS_HESSIAN || lopi_multiply(count, count, &count))
        collected = lopi_alloc_aligned(count, sizeof *collected);
    if (!collected)
        return lopi_fail(error, LOP_E_MEMORY, "out of memory for the %zu inputs of layer '%s'",
                         layer->inputs, layer->name);
    lop_status status = lopi_collect_inputs(collected, work, l, what, &plan->options, error);
    if (status == LOP_OK && plan->criterion->solve)
        status = solve_layer(plan, work, l, collected, error);
    else if (status == LOP_OK)
        status = lopi_rank_layer(plan, work, l, collected, error);
    if (status == LOP_OK && !plan->criterion->solve)
        lopi_choose(&contest, plan->key + plan->start[l], plan->wanted[l],
                    plan->remove + plan->start[l]);
    for (size_t i = 0; i < layer->outputs * layer->inputs && status == LOP_OK; i++) {
        if (plan->remove[plan->start[l] + i])
            layer->weight[i] = 0;
    }
    lopi_free(collected);
    return status;
}

lop_status lopi_prune_in_order(lopi_plan *plan, const lop_network *network, lop_network **out,
                               lop_error *error)
{
    lop_network *work = NULL;
    lop_status status = lop_network_copy(&work, network, error);
    for (size_t l = 0; l < plan->layers && status == LOP_OK; l++) {
        if (lopi_plan_items(plan, l) > 0)
            status = prune_layer(plan, work, l, error);
    }
    if (status == LOP_OK)
        *out = work;
    else
        lop_network_free(work);
    return status;
}
