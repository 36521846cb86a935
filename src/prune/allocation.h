/** Allocations: how much from each layer. A row of the table in allocation.c. */
#ifndef LOPI_PRUNE_ALLOCATION_H
#define LOPI_PRUNE_ALLOCATION_H

#include "prune/plan.h"

/**
 * Check the allocation against the other options, and write into plan->wanted how many items each
 * layer loses. The plan is laid out; its keys and flags are scratch.
 */
lop_status lopi_allocate(lopi_plan *plan, const lop_network *network, lop_error *error);

#endif
