/**
 * Grouping: results become blocks (a data set and a network), series (a way of pruning) and points
 * (a sparsity), so that tables and charts need only walk.
 *
 * Blocks and series stand in the order in which the results first name them, points by rising
 * target sparsity, seeds by number. Where one seed of a point was measured twice, the later counts.
 */
#ifndef LOPI_REPORT_GROUP_H
#define LOPI_REPORT_GROUP_H

#include <stddef.h>

#include <lop/result.h>

#include "report/field.h"

/** One point: the seeds of it. */
typedef struct lopi_point {
    const lop_result *const *results; /* [count], borrowed from the results grouped */
    size_t count;                     /* 1 or more */
    double target;                    /* k as a fraction; NaN where absent */
} lopi_point;

enum { LOPI_MAX_SERIES = 256 }; /* in one block: more is no experiment but a mistake */

typedef struct lopi_series {
    const lopi_point *points;
    size_t count;            /* 1 or more */
    const lop_result *first; /* names what the series is; borrowed */
    char name[160];          /* the method, and what tells it from others in its block */
} lopi_series;

typedef struct lopi_block {
    lopi_series *series;
    size_t count; /* 1 or more */
    const char *dataset, *network;
} lopi_block;

typedef struct lopi_view {
    lopi_block *blocks;
    size_t count;
    /* what they point into */
    lopi_series *series;
    lopi_point *points;
    const lop_result **results;
} lopi_view;

/** Mean and sample standard deviation of what is present. */
typedef struct lopi_stat {
    double mean;      /* NaN where count is 0 */
    double deviation; /* NaN below two */
    size_t count;
} lopi_stat;

/** Group; `results` must outlive the view. LOP_E_LIMIT (too many series), LOP_E_MEMORY. */
lop_status lopi_view_new(lopi_view *out, const lop_results *results, lop_error *error);
void lopi_view_free(lopi_view *view);

/** Statistics of one field over records, each found in `list` by `at`. */
lopi_stat lopi_stat_of(const lopi_field *field, const void *(*at)(const void *list, size_t index),
                       const void *list, size_t count);

/** Statistics of a number of lop_result, named by its offset: offsetof(lop_result, test_loss). */
lopi_stat lopi_point_stat(const lopi_point *point, size_t offset);

/** The point of a series at target `k`; NULL where there is none. */
const lopi_point *lopi_series_find(const lopi_series *series, double k);

/** The unpruned point that a series is held against: its own at 0, or another one's of the block;
 *  NULL where there is none. */
const lopi_point *lopi_dense_point(const lopi_block *block, const lopi_series *series);

/** Points of accuracy below dense (positive is worse); NaN where either is absent. */
double lopi_accuracy_lost(const lopi_point *point, const lopi_point *dense);

/** Most seeds at any point of the block. */
size_t lopi_block_seeds(const lopi_block *block);

/** The block's targets, rising and unique, in new memory (lopi_free). LOP_E_MEMORY. */
lop_status lopi_block_targets(const lopi_block *block, double **targets, size_t *count,
                              lop_error *error);

#endif
