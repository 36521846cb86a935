/** Pruning layer by layer: each knows what those before it yield once they are pruned. */
#ifndef LOPI_PRUNE_ORDER_H
#define LOPI_PRUNE_ORDER_H

#include "prune/plan.h"

/**
 * Choose in every layer, in order, for a criterion that collects what layers read.
 *
 * @param out  receives a copy of the network with its weights set anew; one owner; untouched on
 *             failure
 * @return LOP_OK, LOP_E_NAN, LOP_E_MEMORY
 */
lop_status lopi_prune_in_order(lopi_plan *plan, const lop_network *network, lop_network **out,
                               lop_error *error);

#endif
