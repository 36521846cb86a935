#include "prune/quick.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/select.h"

enum { PARALLEL_FROM = 1 << 15 };

bool lopi_quick_fits(const lopi_plan *plan)
{
    const lop_prune_options *options = &plan->options;
    const lop_criterion *magnitude = NULL;
    (void)lop_criterion_find("magnitude", LOP_GRANULARITY_WEIGHT, &magnitude, NULL);
    return &plan->criterion->shown == magnitude && options->granularity == LOP_GRANULARITY_WEIGHT &&
           options->scope == LOP_SCOPE_LAYER && options->min_keep == 0;
}

/* What is masked comes first, the rest by |w|. */
static void rank_layer(const lop_layer *layer, size_t count, uint32_t *key)
{
    const uint8_t *mask = layer->mask;
    const float *weight = layer->weight;
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        key[i] = mask[i] ? lopi_magnitude_key(weight[i]) + 1 : 0;
}

static void mask_layer(const lop_layer *layer, size_t count, const uint8_t *remove)
{
    uint8_t *mask = layer->mask;
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        mask[i] = mask[i] & (uint8_t)~remove[i];
}

lop_status lopi_quick_prune(const lopi_plan *plan, lop_network *network, lop_error *error)
{
    lop_status status = LOP_OK;
    uint32_t *key = lopi_alloc(plan->largest, sizeof *key);
    uint8_t *remove = lopi_alloc(plan->largest, sizeof *remove);
    if (!key || !remove)
        status = lopi_fail_memory(error, plan->largest * sizeof *key);
    for (size_t l = 0; l < plan->layers && status == LOP_OK; l++)
        status = plan->wanted[l] > 0 ? lop_network_mask_new(network, l, error) : LOP_OK;
    for (size_t l = 0; l < plan->layers && status == LOP_OK; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t count = lopi_plan_items(plan, l);
        if (plan->wanted[l] == 0 || count == 0)
            continue;
        rank_layer(layer, count, key);
        lopi_select_lowest32(key, count, plan->wanted[l], remove);
        mask_layer(layer, count, remove);
    }
    if (status == LOP_OK)
        lop_network_apply_masks(network);
    lopi_free(key);
    lopi_free(remove);
    return status;
}
