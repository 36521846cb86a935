/** The LAMP score (Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning", 2021). */
#ifndef LOPI_PRUNE_LAMP_H
#define LOPI_PRUNE_LAMP_H

#include <lop/network.h>

/**
 * w² over the sum of the squares of all the layer's weights that are at least as large; 0 for a
 * zero. Scores of different layers compare.
 *
 * @param score  [outputs · inputs], written
 * @return LOP_OK, LOP_E_MEMORY
 */
lop_status lopi_lamp_scores(const lop_layer *layer, double *score, lop_error *error);

#endif
