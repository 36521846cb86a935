/**
 * Criteria: what an item (a weight, a unit, …) is worth.
 *
 * A criterion is a function and a row of the table in criteria.c. It scores one layer at a time;
 * higher is more worth keeping. What it looks at beside the weights is collected by calibrate.c as
 * its row says. A criterion that sets the weights that stay anew is a solver instead (solve.h).
 */
#ifndef LOPI_PRUNE_CRITERION_H
#define LOPI_PRUNE_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>
#include <lop/prune.h>

#include "prune/calibrate.h"
#include "prune/solve.h"

typedef struct lopi_score_context {
    const lop_network *network;
    const lop_layer *layer;           /* the layer to score */
    size_t index;                     /* … and its index */
    const lop_prune_options *options; /* with their defaults filled in */
    const double *collected;          /* of the layer, see lopi_collects; NULL for nothing */
} lopi_score_context;

typedef struct lopi_criterion {
    lop_criterion shown; /* what the public interface sees of the row */
    /** Write the score of each item of the layer into score [items]; must be finite. */
    lop_status (*score)(const lopi_score_context *context, double *score, lop_error *error);
    /** Of what layers read: they are pruned in order then, each knowing those before it pruned. */
    lopi_collects collects;
    bool by_row; /* weights compete within their output alone */
    lop_status (*solve)(const lopi_problem *problem, lop_error *error); /* in place of `score` */
    bool no_min_keep; /* cannot promise that weights stay */
} lopi_criterion;

/** The row behind what lop_criterion_at and lop_criterion_find hand out; NULL for anything else. */
const lopi_criterion *lopi_criterion_row(const lop_criterion *shown);

/** Whether layers are pruned one after the other, each with what those before it then yield. */
static inline bool lopi_criterion_in_order(const lopi_criterion *criterion)
{
    return criterion->collects == LOPI_COLLECTS_INPUT_NORM ||
           criterion->collects == LOPI_COLLECTS_HESSIAN;
}

#endif
