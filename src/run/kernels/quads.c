#include "run/kernels/quads.h"

#include "run/kernels/formats.h"

enum { MAX_ROWS = 16, MAX_WEIGHTS = 1 << 30 };

static size_t groups_of(const lopi_quads_shape *shape, const lopi_layer *layer)
{
    return ((size_t)layer->outputs + shape->rows - 1) / shape->rows;
}

size_t lopi_quads_cells(const lopi_quads_shape *shape, const lopi_layer *layer)
{
    return shape->dense ? groups_of(shape, layer) * lopi_quads_of(layer->inputs)
                        : lopi_block_count(layer, shape->rows, LOPI_QUAD);
}

double lopi_quads_estimate(const lopi_quads_shape *shape, const lopi_layer *layer)
{
    return shape->dense ? (double)lopi_quads_cells(shape, layer)
                        : lopi_block_estimate(layer, shape->rows, LOPI_QUAD);
}

bool lopi_quads_fit(const lopi_quads_shape *shape, const lopi_layer *layer)
{
    uint64_t weights = shape->dense ? (uint64_t)layer->outputs * layer->inputs
                                    : (uint64_t)layer->row_start[layer->outputs] * shape->rows;
    return weights <= MAX_WEIGHTS / LOPI_QUAD;
}

static lopi_quads *take(const lopi_quads_shape *shape, const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t cells = lopi_quads_cells(shape, layer);
    lopi_quads *q = lopi_shelf_take(shelf, 1, sizeof *q);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, groups_of(shape, layer) + 1, sizeof *start);
    uint32_t *quad = lopi_shelf_take(shelf, cells, sizeof *quad);
    int8_t *weight = lopi_shelf_take(shelf, cells * shape->rows, LOPI_QUAD);
    if (q)
        *q = (lopi_quads){common, start, quad, weight};
    return q;
}

size_t lopi_quads_bytes(const lopi_quads_shape *shape, const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(shape, layer, &shelf);
    return shelf.used;
}

/* The least quad that a row of the group goes on with; UINT32_MAX at the end. */
static uint32_t next_quad(const lopi_layer *layer, const uint32_t *at, const uint32_t *end,
                          uint32_t rows)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t r = 0; r < rows; r++)
        if (at[r] < end[r] && layer->column[at[r]] / LOPI_QUAD < least)
            least = layer->column[at[r]] / LOPI_QUAD;
    return least;
}

/* Fill the cells of the rows from `first` on, beginning at cell `cell`; the cell behind them. */
static uint32_t fill_group(const lopi_quads_shape *shape, const lopi_layer *layer, uint32_t first,
                           lopi_quads *q, uint32_t cell)
{
    uint32_t at[MAX_ROWS], end[MAX_ROWS], left = layer->outputs - first;
    uint32_t rows = left < shape->rows ? left : shape->rows;
    for (uint32_t r = 0; r < rows; r++) {
        at[r] = layer->row_start[first + r];
        end[r] = layer->row_start[first + r + 1];
    }
    uint32_t all = (uint32_t)lopi_quads_of(layer->inputs), next = 0;
    for (;; next++, cell++) {
        uint32_t quad = shape->dense ? next : next_quad(layer, at, end, rows);
        if (quad >= all)
            return cell;
        q->quad[cell] = quad;
        for (uint32_t r = 0; r < rows; r++)
            for (; at[r] < end[r] && layer->column[at[r]] / LOPI_QUAD == quad; at[r]++)
                q->weight[((size_t)cell * shape->rows + r) * LOPI_QUAD +
                          layer->column[at[r]] % LOPI_QUAD] = layer->q[at[r]];
    }
}

void lopi_quads_prepare(const lopi_quads_shape *shape, const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_quads *q = take(shape, layer, &shelf);
    for (uint32_t g = 0; g < groups_of(shape, layer); g++)
        q->start[g + 1] = fill_group(shape, layer, g * shape->rows, q, q->start[g]);
}
