/**
 * Forward: what a packed network yields for samples, by its definition: each sum in float32, begun
 * with the bias, products added in the order of the columns, each rounded. Not the fastest way
 * (that is the runtime's), but the same bits everywhere.
 */
#ifndef LOPI_PACK_FORWARD_H
#define LOPI_PACK_FORWARD_H

#include <lop/data.h>

#include "run/model.h"

#define LOPI_TILE 64 /* samples that go through the network side by side */

typedef struct lopi_forward {
    const lop_packed *packed; /* borrowed */
    float **weight;           /* [layers]: of each layer, as floats */
    float *rows;              /* [LOPI_TILE][inputs]: samples as they come */
    float *x, *y;             /* [widest][LOPI_TILE] */
} lopi_forward;

/** What layer `layer` reads: x[input · LOPI_TILE + sample], `batch` samples. */
typedef void lopi_forward_look(void *context, size_t layer, const float *x, size_t batch);

/** Zero it first; end with lopi_forward_end also on failure. LOP_E_MEMORY. */
lop_status lopi_forward_begin(lopi_forward *forward, const lop_packed *packed, lop_error *error);
void lopi_forward_end(lopi_forward *forward);

/**
 * Samples forward->rows[0 … batch − 1], at most LOPI_TILE.
 * @param look  called for each layer in turn; may be NULL
 * @return [outputs][LOPI_TILE], until the next call
 */
const float *lopi_forward_rows(lopi_forward *forward, size_t batch, lopi_forward_look *look,
                               void *context);

/** Put samples indices[first …], or first …, into rows. Returns how many: up to LOPI_TILE. */
size_t lopi_forward_load(lopi_forward *forward, const lop_samples *samples, const uint32_t *indices,
                         size_t first, size_t count);

/** How many of samples indices[0 … count − 1] a network puts into their class. */
lop_status lopi_forward_correct(const lop_packed *packed, const lop_samples *samples,
                                const uint32_t *indices, size_t count, size_t *correct,
                                lop_error *error);

#endif
