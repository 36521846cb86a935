/**
 * Search: which points of a grid a budget search looks at, and which it likes best.
 *
 * It knows nothing of networks. Points count from 0, the densest, on; sparser ones are assumed to
 * be no larger and no more accurate, and what it promises does not depend on that (fit.h).
 */
#ifndef LOPI_EXPERIMENT_SEARCH_H
#define LOPI_EXPERIMENT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/status.h>

/** What was found at a point. */
typedef struct lopi_probe {
    size_t point;
    bool lossy;    /* loses more than is allowed */
    bool large;    /* a limit of size is not kept … */
    double excess; /* … by this factor, where it is above 1 */
    double accuracy;
} lopi_probe;

typedef struct lopi_search {
    size_t count;      /* points, at least 1 */
    size_t neighbours; /* at least 1 */
    bool has_loss;     /* the sparsest point that is not lossy is wanted; else the densest that is
                          not large */
    bool dense_first;  /* with a limit of loss: begin at point 0, beside which there may be none */
    /** Fill `out`, whose point is set. Called once for a point. */
    lop_status (*look)(void *context, lopi_probe *out, lop_error *error);
    void *context;
} lopi_search;

/** Look at points until the search is done. LOP_E_MEMORY, or what `look` gives. */
lop_status lopi_search_run(const lopi_search *search, lop_error *error);

/** Whether `a` is liked better than `b`: the winner, or the nearest, is the best of all seen. */
bool lopi_probe_better(const lopi_probe *a, const lopi_probe *b, bool has_loss);

#endif
