/**
 * Places: the points of a sweep in their order, and the results in that order.
 */
#ifndef LOPI_EXPERIMENT_PLACES_H
#define LOPI_EXPERIMENT_PLACES_H

#include "experiment/sweep.h"

/** What a point is made from; its recipe is made when it is its turn. */
typedef struct lopi_place {
    uint64_t seed;
    size_t way, sparsity; /* indices */
} lopi_place;

typedef struct lopi_places {
    lopi_place *items;   /* [count] in order, seed by seed; lopi_free */
    size_t count, total; /* that are missing; and all */
} lopi_places;

/** The point, and what its result is identified by. */
lop_status lopi_place_point(const lopi_sweep *s, const lopi_place *at, lopi_point_job *out,
                            lop_result *identity, lop_error *error);

/** All points that are not on the disk. `out` is to be freed on failure too. */
lop_status lopi_places_list(const lopi_sweep *s, lopi_places *out, lop_error *error);

/**
 * Put the lines of results.jsonl into the order of the points: side by side they come as they are
 * done. Lines of other points, and of a recipe that had more of them, stay behind in their order.
 */
lop_status lopi_places_order(const lopi_sweep *s, lop_error *error);

#endif
