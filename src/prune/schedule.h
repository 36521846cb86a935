/**
 * Schedules: when is pruned, and how much. A schedule is a row of the table in schedule.c; the
 * pruner asks for its events and for the sparsity that each of them brings.
 */
#ifndef LOPI_PRUNE_SCHEDULE_H
#define LOPI_PRUNE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/pruner.h>

/** The options in optimizer steps. */
typedef struct lopi_timeline {
    size_t begin, end; /* t0 and t1 */
    size_t every;      /* steps from event to event */
    size_t steps;      /* of the whole training */
} lopi_timeline;

typedef struct lopi_schedule {
    lop_schedule shown;
    bool spans;     /* looks at the end too */
    bool rises;     /* from an initial sparsity */
    bool rounds;    /* has a number of rounds */
    bool at_start;  /* its mask is made before the first step */
    bool dynamic;   /* drops and grows weights at its later events */
    bool gradients; /* … and grows by them */
    /** The last event at or before `step`, which is not before the first one. */
    size_t (*event)(const lop_pruner_options *options, const lopi_timeline *time, size_t step);
    /** What the network's sparsity is to be from event `step` on. */
    double (*sparsity)(const lop_pruner_options *options, const lopi_timeline *time, size_t step);
} lopi_schedule;

/** The row behind a public schedule; NULL means the first row; NULL for what is not of the table.
 */
const lopi_schedule *lopi_schedule_row(const lop_schedule *shown);

/** Options that lop_pruner_options_check accepts. */
lopi_timeline lopi_timeline_of(const lop_pruner_options *options);

/** Whether something happens after `step` optimizer steps. */
bool lopi_schedule_due(const lop_pruner_options *options, size_t step);

/** Of the weights that are left, the share that a dynamic schedule drops at event `step`. */
double lopi_schedule_drop_share(const lop_pruner_options *options, size_t step);

#endif
