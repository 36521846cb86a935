/**
 * A pruning on its way: the options with their defaults filled in, and the items of all layers that
 * may be pruned, one behind the other. prune.c says in which order it is filled.
 */
#ifndef LOPI_PRUNE_PLAN_H
#define LOPI_PRUNE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>
#include <lop/prune.h>

#include "prune/choose.h"
#include "prune/criterion.h"
#include "prune/granularity.h"

typedef struct lopi_plan {
    lop_prune_options options;
    const lopi_criterion *criterion;
    const lopi_granularity *granularity;
    size_t layers;
    size_t *start;   /* [layers + 1]: items of layer l are start[l] … start[l + 1] − 1 */
    size_t *wanted;  /* [layers]: how many of them to remove, where the scope is the layer */
    size_t largest;  /* items of the largest layer */
    double *score;   /* [largest], scratch */
    uint64_t *key;   /* [items], see select.h */
    uint8_t *remove; /* [items] */
    uint8_t *units;  /* [outputs of the widest layer], scratch of the report */
} lopi_plan;

/**
 * Check options against each other and against the network, lay the items out and decide how many
 * each layer loses.
 *
 * @param plan  zeroed; end with lopi_plan_end also on failure
 * @return LOP_OK, LOP_E_ARG, LOP_E_RANGE, LOP_E_SHAPE, LOP_E_MEMORY
 */
lop_status lopi_plan_make(lopi_plan *plan, const lop_network *network,
                          const lop_prune_options *options, lop_error *error);
void lopi_plan_end(lopi_plan *plan);

static inline size_t lopi_plan_items(const lopi_plan *plan, size_t layer)
{
    return plan->start[layer + 1] - plan->start[layer];
}

/** How the items of a layer compete for the places that are left. */
lopi_contest lopi_plan_contest(const lopi_plan *plan, const lop_layer *layer);

#endif
