#include "prune/outcome.h"

/* Does the layer keep fewer than one weight for an output that is still read? */
static bool starves(lop_prune_warning *warning, const lop_network *network, size_t l, uint8_t *gone)
{
    const lop_layer *layer = lop_network_layer(network, l);
    const lopi_target target = {.network = network, .index = l};
    *warning = (lop_prune_warning){.layer = l};
    lopi_granularity_at(LOP_GRANULARITY_UNIT)->removed(&target, gone);
    for (size_t unit = 0; unit < layer->outputs; unit++)
        warning->outputs += layer->output || !gone[unit];
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        warning->weights_left += layer->mask[i];
    return warning->weights_left < warning->outputs || warning->weights_left == 0;
}

void lopi_outcome_tell(lop_prune_outcome *outcome, lopi_plan *plan, const lop_network *network)
{
    *outcome = (lop_prune_outcome){.items = plan->start[plan->layers]};
    for (size_t l = 0; l < plan->layers; l++) {
        uint8_t *removed = plan->remove + plan->start[l];
        const lopi_target target = {network, l, &plan->options};
        if (lopi_plan_items(plan, l) == 0 || !lop_network_layer(network, l)->mask)
            continue;
        plan->granularity->removed(&target, removed);
        for (size_t i = 0; i < lopi_plan_items(plan, l); i++)
            outcome->removed += removed[i];
        if (outcome->warnings < LOP_MAX_WARNINGS &&
            starves(&outcome->warning[outcome->warnings], network, l, plan->units))
            outcome->warnings++;
    }
}
