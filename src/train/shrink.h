/** Shrinking: units that a callback has removed leave the network, and training goes on without. */
#ifndef LOPI_TRAIN_SHRINK_H
#define LOPI_TRAIN_SHRINK_H

#include <stdbool.h>

#include "train/state.h"

/**
 * Take out of network and state every hidden unit whose weights, and all that read it, are masked,
 * and whose bias is zero; a layer keeps its first unit where all are. The network's handle stays,
 * its layers get new memory; moments and seen masks are gathered. The best epoch so far is
 * forgotten.
 *
 * @param shrunk  set to true where something was taken out, else left alone
 * @return LOP_OK; LOP_E_MEMORY, and then the state is unchanged
 */
lop_status lopi_shrink(lopi_state *state, bool *shrunk, lop_error *error);

#endif
