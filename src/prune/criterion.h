/**
 * Criteria: what an item (a weight, a unit, …) is worth.
 *
 * A criterion is a function and a row of the table in criteria.c. It scores one layer at a time;
 * higher is more worth keeping. What a criterion looks at beside the weights travels in the
 * context: one that needs gradients, activations or a Hessian adds a member there, which stays
 * NULL for all the others.
 */
#ifndef LOPI_PRUNE_CRITERION_H
#define LOPI_PRUNE_CRITERION_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>
#include <lop/prune.h>

typedef struct lopi_score_context {
    const lop_network *network;
    const lop_layer *layer;           /* the layer to score */
    size_t index;                     /* … and its index */
    const lop_prune_options *options; /* with their defaults filled in */
} lopi_score_context;

typedef struct lopi_criterion {
    lop_criterion shown; /* what the public interface sees of the row */
    /** Write the score of each item of the layer into score [items]; must be finite. */
    lop_status (*score)(const lopi_score_context *context, double *score, lop_error *error);
} lopi_criterion;

/** The row behind what lop_criterion_at and lop_criterion_find hand out; NULL for anything else. */
const lopi_criterion *lopi_criterion_row(const lop_criterion *shown);

#endif
