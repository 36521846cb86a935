/** Layouts of a layer's weights that need no vector instructions: what the scalar kernels use. */
#ifndef LOPI_RUN_KERNELS_FORMATS_H
#define LOPI_RUN_KERNELS_FORMATS_H

#include "run/kernels/prepared.h"

enum { LOPI_BLOCK_SIDE = 4, LOPI_SCALAR_TILE = 16 };

/**
 * Any of four layouts. `weight` is float [..] for F32 and int8_t [..] for I8.
 *
 *     dense    weight [outputs][inputs]
 *     sparse   CSR: start [outputs + 1], index = column, weight [left]
 *     column   CSC: start [inputs + 1],  index = row,    weight [left]
 *     block    start [⌈outputs / 4⌉ + 1], index = column / 4, weight [blocks][4][4]: the blocks of
 *              4 × 4 that are not all zero; edges are filled up with zeros
 */
typedef struct lopi_format {
    lopi_prepared common;
    uint32_t *start, *index;
    void *weight;
} lopi_format;

size_t lopi_dense_bytes(const lopi_layer *layer);
void lopi_dense_prepare(const lopi_layer *layer, void *memory);
size_t lopi_sparse_bytes(const lopi_layer *layer);
void lopi_sparse_prepare(const lopi_layer *layer, void *memory);
size_t lopi_column_bytes(const lopi_layer *layer);
void lopi_column_prepare(const lopi_layer *layer, void *memory);
size_t lopi_block_bytes(const lopi_layer *layer);
void lopi_block_prepare(const lopi_layer *layer, void *memory);

/** Blocks of `rows` × `columns` that hold a weight of the layer. */
size_t lopi_block_count(const lopi_layer *layer, uint32_t rows, uint32_t columns);
/** About how many, judged by some groups of rows, for cost models. */
double lopi_block_estimate(const lopi_layer *layer, uint32_t rows, uint32_t columns);

#endif
