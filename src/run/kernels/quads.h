/**
 * int8 in batches by fours of columns: the layout that AVX-512 and NEON share.
 *
 * Dot-product instructions add four products of bytes that lie side by side to one sum. So a tile
 * of x is interleaved first, and weights stand in cells: one quad of columns, some rows.
 *
 *     x, quad k:   x₄ₖ x₄ₖ₊₁ x₄ₖ₊₂ x₄ₖ₊₃ of one sample | of the next | …
 *     a cell:      row 0: w₄ₖ w₄ₖ₊₁ w₄ₖ₊₂ w₄ₖ₊₃ | row 1: … | …
 *
 * A group of rows has the cells in which it has a weight, or, where the layer is dense, all.
 */
#ifndef LOPI_RUN_KERNELS_QUADS_H
#define LOPI_RUN_KERNELS_QUADS_H

#include "run/kernels/prepared.h"

enum { LOPI_QUAD = 4 };

typedef struct lopi_quads_shape {
    uint32_t rows; /* of a group: 1 … 16 */
    bool dense;
} lopi_quads_shape;

typedef struct lopi_quads {
    lopi_prepared common;
    uint32_t *start; /* [groups + 1], in cells */
    uint32_t *quad;  /* [cells] */
    int8_t *weight;  /* [cells][rows][4]; the rows behind the last are zero */
} lopi_quads;

/** Bounded, so that a layer too large to be dense is not. */
bool lopi_quads_fit(const lopi_quads_shape *shape, const lopi_layer *layer);
size_t lopi_quads_bytes(const lopi_quads_shape *shape, const lopi_layer *layer);
void lopi_quads_prepare(const lopi_quads_shape *shape, const lopi_layer *layer, void *memory);
/** Cells of all groups. */
size_t lopi_quads_cells(const lopi_quads_shape *shape, const lopi_layer *layer);
/** About how many, for cost models. */
double lopi_quads_estimate(const lopi_quads_shape *shape, const lopi_layer *layer);

/** Quads that so many inputs make. */
static inline size_t lopi_quads_of(size_t inputs) { return (inputs + LOPI_QUAD - 1) / LOPI_QUAD; }

#endif
