#include "prune/rank.h"

#include <math.h>

#include "base/error.h"
#include "prune/select.h"

lop_status lopi_rank_layer(lopi_plan *plan, const lop_network *network, size_t index,
                           const double *collected, lop_error *error)
{
    const lop_layer *layer = lop_network_layer(network, index);
    const lopi_score_context context = {.network = network,
                                        .layer = layer,
                                        .index = index,
                                        .options = &plan->options,
                                        .collected = collected};
    lop_status status = plan->criterion->score(&context, plan->score, error);
    if (status)
        return status;

    const lopi_target target = {network, index, &plan->options};
    uint64_t *key = plan->key + plan->start[index];
    uint8_t *removed = plan->remove + plan->start[index];
    plan->granularity->removed(&target, removed);
    for (size_t i = 0; i < lopi_plan_items(plan, index); i++) {
        if (!isfinite(plan->score[i]))
            return lopi_fail(error, LOP_E_NAN, "the %s score of %s %zu in layer '%s' is not finite",
                             plan->criterion->shown.name, plan->granularity->name, i, layer->name);
        key[i] = removed[i] ? LOPI_KEY_FIRST : lopi_key(plan->score[i]);
    }
    return LOP_OK;
}
