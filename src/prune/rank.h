/** Ranking: the keys of a layer's items. */
#ifndef LOPI_PRUNE_RANK_H
#define LOPI_PRUNE_RANK_H

#include "prune/plan.h"

/**
 * Score layer `index` of a network, and write the keys of its items into the plan: what the masks
 * remove comes first. The plan's flags of the layer say what that was.
 *
 * @param collected  of the layer, see lopi_collects; NULL for nothing
 * @return LOP_OK; LOP_E_NAN where a score is not finite; what the criterion returns
 */
lop_status lopi_rank_layer(lopi_plan *plan, const lop_network *network, size_t index,
                           const double *collected, lop_error *error);

#endif
