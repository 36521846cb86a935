/** The grid of blocks that a layer's weights are cut into; smaller at the right and lower edge. */
#ifndef LOPI_PRUNE_BLOCKS_H
#define LOPI_PRUNE_BLOCKS_H

#include <stddef.h>

#include <lop/network.h>
#include <lop/prune.h>

typedef struct lopi_blocks {
    size_t rows, columns; /* of a block */
    size_t inputs;        /* of the layer */
    size_t down, across;  /* blocks */
} lopi_blocks;

/** @param options  with the defaults filled in */
static inline lopi_blocks lopi_blocks_of(const lop_layer *layer, const lop_prune_options *options)
{
    return (lopi_blocks){.rows = options->block_rows,
                         .columns = options->block_columns,
                         .inputs = layer->inputs,
                         .down = (layer->outputs - 1) / options->block_rows + 1,
                         .across = (layer->inputs - 1) / options->block_columns + 1};
}

/** The block that weight `i` lies in; blocks are counted row by row. */
static inline size_t lopi_blocks_at(const lopi_blocks *grid, size_t i)
{
    return i / grid->inputs / grid->rows * grid->across + i % grid->inputs / grid->columns;
}

#endif
