/** Regrowth: the later events of dynamic schedules. A layer's count of weights stays what it is. */
#ifndef LOPI_PRUNE_REGROW_H
#define LOPI_PRUNE_REGROW_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>
#include <lop/status.h>

/** One event of one layer. */
typedef struct lopi_regrow {
    double share;          /* of the weights that are left, to be dropped: (0, 1) */
    const float *gradient; /* [outputs][inputs]: grow where it is largest; NULL: at random … */
    uint64_t seed, number; /* … from this stream; the number is below 2^48 */
} lopi_regrow;

/**
 * Drop round(share · weights left) weights of smallest |w|, and grow as many of those that were
 * masked before (fewer where fewer were), with the value zero. Ties go to the lower index.
 *
 * @return LOP_OK, also where nothing is masked; LOP_E_NAN where a gradient is not finite;
 *         LOP_E_MEMORY. On failure the layer is unchanged.
 */
lop_status lopi_regrow_layer(const lop_layer *layer, const lopi_regrow *how, lop_error *error);

#endif
