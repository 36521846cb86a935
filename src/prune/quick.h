/**
 * The quick way: weights by magnitude, which a training prunes with again and again, without scores
 * and keys in double. It comes to the same, to the bit, as the long way in prune.c.
 */
#ifndef LOPI_PRUNE_QUICK_H
#define LOPI_PRUNE_QUICK_H

#include <stdbool.h>

#include "prune/plan.h"

/** Whether the quick way goes where these options want to go. */
bool lopi_quick_fits(const lopi_plan *plan);

/** Prune as planned. LOP_E_MEMORY, and then only masks of ones are new. */
lop_status lopi_quick_prune(const lopi_plan *plan, lop_network *network, lop_error *error);

#endif
