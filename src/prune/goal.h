/**
 * The goal: what the pruner asks of lop_prune at an event. Shares are of the network that training
 * began with, also where units have left it since; a list of sparsities follows the schedule too.
 */
#ifndef LOPI_PRUNE_GOAL_H
#define LOPI_PRUNE_GOAL_H

#include <stddef.h>

#include <lop/pruner.h>

/** Zero it before lopi_goal_init. */
typedef struct lopi_goal {
    const lop_pruner_options *options; /* borrowed */
    lop_network *start;                /* its shapes count; NULL where no units can leave */
    double *list;                      /* [layers], of the event in hand */
} lopi_goal;

/**
 * Check the target against the network, and remember what has to be remembered.
 *
 * @return LOP_OK; what lop_prune says of options that do not fit; LOP_E_MEMORY
 */
lop_status lopi_goal_init(lopi_goal *goal, const lop_pruner_options *options,
                          const lop_network *network, lop_error *error);
void lopi_goal_end(lopi_goal *goal);

/** The options for lop_prune at event `step`; they borrow from `goal`. */
lop_status lopi_goal_at(lopi_goal *goal, const lop_network *network, size_t step,
                        lop_prune_options *now, lop_error *error);

#endif
