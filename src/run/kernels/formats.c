#include "run/kernels/formats.h"

#include <string.h>

/* The struct, its common part, and `count` weights; start and index of the lengths given. */
static lopi_format *take(const lopi_layer *layer, lopi_shelf *shelf, size_t starts, size_t indices,
                         size_t weights)
{
    lopi_format *format = lopi_shelf_take(shelf, 1, sizeof *format);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, starts, sizeof *start);
    uint32_t *index = lopi_shelf_take(shelf, indices, sizeof *index);
    void *weight = lopi_shelf_take(shelf, weights, layer->q ? sizeof(int8_t) : sizeof(float));
    if (format)
        *format = (lopi_format){common, start, index, weight};
    return format;
}

static size_t left(const lopi_layer *layer) { return layer->row_start[layer->outputs]; }

/* weight[at] = weight i of the layer, of either type. */
static void put(const lopi_format *format, size_t at, const lopi_layer *layer, size_t i)
{
    if (layer->q)
        ((int8_t *)format->weight)[at] = layer->q[i];
    else
        ((float *)format->weight)[at] = layer->value[i];
}

static lopi_format *take_dense(const lopi_layer *layer, lopi_shelf *shelf)
{
    return take(layer, shelf, 0, 0, (size_t)layer->outputs * layer->inputs);
}

size_t lopi_dense_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_dense(layer, &shelf);
    return shelf.used;
}

void lopi_dense_prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_format *format = take_dense(layer, &shelf);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++)
            put(format, (size_t)r * layer->inputs + layer->column[i], layer, i);
}

static lopi_format *take_sparse(const lopi_layer *layer, lopi_shelf *shelf)
{
    return take(layer, shelf, (size_t)layer->outputs + 1, left(layer), left(layer));
}

size_t lopi_sparse_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_sparse(layer, &shelf);
    return shelf.used;
}

void lopi_sparse_prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_format *format = take_sparse(layer, &shelf);
    memcpy(format->start, layer->row_start, ((size_t)layer->outputs + 1) * sizeof(uint32_t));
    memcpy(format->index, layer->column, left(layer) * sizeof(uint32_t));
    for (size_t i = 0; i < left(layer); i++)
        put(format, i, layer, i);
}

static lopi_format *take_column(const lopi_layer *layer, lopi_shelf *shelf)
{
    return take(layer, shelf, (size_t)layer->inputs + 1, left(layer), left(layer));
}

size_t lopi_column_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_column(layer, &shelf);
    return shelf.used;
}

void lopi_column_prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_format *format = take_column(layer, &shelf);
    uint32_t *start = format->start;
    /* Counts, then where each column begins; filling moves each beginning to its end, which is the
     * next one's beginning. */
    for (size_t i = 0; i < left(layer); i++)
        start[layer->column[i]]++;
    for (uint32_t c = 0, sum = 0; c <= layer->inputs; c++) {
        uint32_t count = start[c];
        start[c] = sum;
        sum += count;
    }
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            uint32_t at = start[layer->column[i]]++;
            format->index[at] = r;
            put(format, at, layer, i);
        }
    memmove(start + 1, start, layer->inputs * sizeof *start);
    start[0] = 0;
}

/* The next block column of a group of rows: each row's cursor stands at its first weight not yet
 * taken. Returns UINT32_MAX at the end. */
static uint32_t next_block(const lopi_layer *layer, const uint32_t *cursor, uint32_t first,
                           uint32_t rows, uint32_t columns)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t r = 0; r < rows; r++) {
        if (cursor[r] >= layer->row_start[first + r + 1])
            continue;
        uint32_t block = layer->column[cursor[r]] / columns;
        best = block < best ? block : best;
    }
    return best;
}

enum { MAX_BLOCK_ROWS = 64 };

static uint32_t start_cursors(const lopi_layer *layer, uint32_t *cursor, uint32_t first,
                              uint32_t rows)
{
    uint32_t here = layer->outputs - first < rows ? layer->outputs - first : rows;
    memcpy(cursor, layer->row_start + first, here * sizeof *cursor);
    return here;
}

/* Of every `stride`-th group of rows; `groups` counts them. */
static size_t count_blocks(const lopi_layer *layer, uint32_t rows, uint32_t columns,
                           uint32_t stride, size_t *groups)
{
    uint32_t cursor[MAX_BLOCK_ROWS], block;
    uint64_t step = (uint64_t)rows * stride;
    size_t count = 0;
    *groups = 0;
    for (uint64_t at = 0; at < layer->outputs; at += step, ++*groups) {
        uint32_t first = (uint32_t)at, here = start_cursors(layer, cursor, first, rows);
        for (; (block = next_block(layer, cursor, first, here, columns)) != UINT32_MAX; count++)
            for (uint32_t r = 0; r < here; r++)
                while (cursor[r] < layer->row_start[first + r + 1] &&
                       layer->column[cursor[r]] / columns == block)
                    cursor[r]++;
    }
    return count;
}

size_t lopi_block_count(const lopi_layer *layer, uint32_t rows, uint32_t columns)
{
    size_t groups;
    return count_blocks(layer, rows, columns, 1, &groups);
}

double lopi_block_estimate(const lopi_layer *layer, uint32_t rows, uint32_t columns)
{
    enum { JUDGED = 24 }; /* groups */
    static const char who;
    double noted;
    uint32_t which = rows << 16 | columns;
    if (lopi_note_find(layer, &who, which, &noted))
        return noted;
    size_t all = ((size_t)layer->outputs + rows - 1) / rows, groups;
    uint32_t stride = (uint32_t)((all + JUDGED - 1) / JUDGED);
    double count = (double)count_blocks(layer, rows, columns, stride, &groups);
    count *= (double)all / (double)groups;
    lopi_note_keep(layer, &who, which, count);
    return count;
}

static lopi_format *take_block(const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t groups = ((size_t)layer->outputs + LOPI_BLOCK_SIDE - 1) / LOPI_BLOCK_SIDE;
    size_t blocks = lopi_block_count(layer, LOPI_BLOCK_SIDE, LOPI_BLOCK_SIDE);
    return take(layer, shelf, groups + 1, blocks, blocks * LOPI_BLOCK_SIDE * LOPI_BLOCK_SIDE);
}

size_t lopi_block_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_block(layer, &shelf);
    return shelf.used;
}

void lopi_block_prepare(const lopi_layer *layer, void *memory)
{
    enum { SIDE = LOPI_BLOCK_SIDE };
    lopi_shelf shelf = {.base = memory};
    lopi_format *format = take_block(layer, &shelf);
    uint32_t cursor[SIDE], count = 0, group = 0, block;
    for (uint32_t first = 0; first < layer->outputs; first += SIDE) {
        uint32_t here = start_cursors(layer, cursor, first, SIDE);
        while ((block = next_block(layer, cursor, first, here, SIDE)) != UINT32_MAX) {
            for (uint32_t r = 0; r < here; r++)
                while (cursor[r] < layer->row_start[first + r + 1] &&
                       layer->column[cursor[r]] / SIDE == block) {
                    uint32_t inside = r * SIDE + layer->column[cursor[r]] % SIDE;
                    put(format, (size_t)count * SIDE * SIDE + inside, layer, cursor[r]);
                    cursor[r]++;
                }
            format->index[count++] = block;
        }
        format->start[++group] = count;
    }
}
