/** Removed units: those that a callback has masked so that nothing of them is left. */
#ifndef LOPI_TRAIN_REMOVED_H
#define LOPI_TRAIN_REMOVED_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

/**
 * Write 1 into gone [outputs] for each unit of layer `index` whose weights, and all weights that
 * read it, are masked, and whose bias is zero; else 0. Of the output layer none is removed.
 */
void lopi_removed_units(const lop_network *network, size_t index, uint8_t *gone);

#endif
