/** The outcome of a pruning. */
#ifndef LOPI_PRUNE_OUTCOME_H
#define LOPI_PRUNE_OUTCOME_H

#include "prune/plan.h"

/** What the masks of a network that was pruned say; overwrites the plan's flags. */
void lopi_outcome_tell(lop_prune_outcome *outcome, lopi_plan *plan, const lop_network *network);

#endif
