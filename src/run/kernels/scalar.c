/* The kernels in plain C: every slot has one, and what they compute is the definition. Sums go in
 * the order of the columns. */
#include "run/kernels/formats.h"

#include <string.h>

enum { SIDE = LOPI_BLOCK_SIDE, TILE = LOPI_SCALAR_TILE };

/* Epilogues: one output of each type. --------------------------------------------------------- */

static void finish_float(const lopi_prepared *p, uint32_t row, float acc, float *y)
{
    float sum = acc + p->offset[row];
    *y = p->relu && sum < 0 ? 0 : sum;
}

/* Output `at` of y, which holds bytes or, behind the last layer, floats. */
static void finish_int(const lopi_prepared *p, uint32_t row, int32_t acc, void *y, size_t at)
{
    if (!p->last) {
        ((uint8_t *)y)[at] = lopi_requantize(acc, p->mult[row], p->offset[row]);
        return;
    }
    float t = (float)acc * p->mult[row] + p->offset[row];
    ((float *)y)[at] = p->relu && t < 0 ? 0 : t;
}

static const void *sample_x(const lopi_call *call, size_t sample)
{
    return (const uint8_t *)call->x + sample * call->x_stride;
}

static void *sample_y(const lopi_call *call, size_t sample)
{
    return (uint8_t *)call->y + sample * call->y_stride;
}

/* Dense: rows. -------------------------------------------------------------------------------- */

static void dense_rows_f32(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const float *x = sample_x(call, s);
        float *y = sample_y(call, s);
        for (uint32_t r = rows.first; r < rows.last; r++) {
            const float *w = (const float *)f->weight + (size_t)r * f->common.inputs;
            float acc = 0;
            for (uint32_t c = 0; c < f->common.inputs; c++)
                acc += w[c] * x[c];
            finish_float(&f->common, r, acc, &y[r]);
        }
    }
}

static void dense_rows_i8(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const uint8_t *x = sample_x(call, s);
        void *y = sample_y(call, s);
        for (uint32_t r = rows.first; r < rows.last; r++) {
            const int8_t *w = (const int8_t *)f->weight + (size_t)r * f->common.inputs;
            int32_t acc = 0;
            for (uint32_t c = 0; c < f->common.inputs; c++)
                acc += w[c] * x[c];
            finish_int(&f->common, r, acc, y, r);
        }
    }
}

/* Sparse: rows. ------------------------------------------------------------------------------- */

static void sparse_rows_f32(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const float *w = f->weight;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const float *x = sample_x(call, s);
        float *y = sample_y(call, s);
        for (uint32_t r = rows.first; r < rows.last; r++) {
            float acc = 0;
            for (uint32_t i = f->start[r]; i < f->start[r + 1]; i++)
                acc += w[i] * x[f->index[i]];
            finish_float(&f->common, r, acc, &y[r]);
        }
    }
}

static void sparse_rows_i8(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const int8_t *w = f->weight;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const uint8_t *x = sample_x(call, s);
        void *y = sample_y(call, s);
        for (uint32_t r = rows.first; r < rows.last; r++) {
            int32_t acc = 0;
            for (uint32_t i = f->start[r]; i < f->start[r + 1]; i++)
                acc += w[i] * x[f->index[i]];
            finish_int(&f->common, r, acc, y, r);
        }
    }
}

/* Sparse: tiles. ------------------------------------------------------------------------------ */

static size_t parts_by_tiles(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

static void sparse_tiles_f32(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const float *w = f->weight;
    for (size_t tile = call->first; tile < call->last; tile++) {
        const float *x = sample_x(call, tile);
        float *y = sample_y(call, tile);
        for (uint32_t r = 0; r < f->common.outputs; r++) {
            float acc[TILE] = {0};
            for (uint32_t i = f->start[r]; i < f->start[r + 1]; i++)
                for (size_t t = 0; t < TILE; t++)
                    acc[t] += w[i] * x[(size_t)f->index[i] * TILE + t];
            for (size_t t = 0; t < TILE; t++)
                finish_float(&f->common, r, acc[t], &y[(size_t)r * TILE + t]);
        }
    }
}

static void sparse_tiles_i8(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const int8_t *w = f->weight;
    for (size_t tile = call->first; tile < call->last; tile++) {
        const uint8_t *x = sample_x(call, tile);
        void *y = sample_y(call, tile);
        for (uint32_t r = 0; r < f->common.outputs; r++) {
            int32_t acc[TILE] = {0};
            for (uint32_t i = f->start[r]; i < f->start[r + 1]; i++)
                for (size_t t = 0; t < TILE; t++)
                    acc[t] += w[i] * x[(size_t)f->index[i] * TILE + t];
            for (size_t t = 0; t < TILE; t++)
                finish_int(&f->common, r, acc[t], y, (size_t)r * TILE + t);
        }
    }
}

/* Blocks: rows; a row of blocks never spans two parts, since 4 divides the rows of a part. ------
 */

static void block_rows_f32(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const float *x = sample_x(call, s);
        float *y = sample_y(call, s);
        for (uint32_t first = rows.first; first < rows.last; first += SIDE) {
            float acc[SIDE] = {0};
            for (uint32_t b = f->start[first / SIDE]; b < f->start[first / SIDE + 1]; b++) {
                const float *w = (const float *)f->weight + (size_t)b * SIDE * SIDE;
                const float *at = x + (size_t)f->index[b] * SIDE;
                for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
                    acc[i / SIDE] += w[i] * at[i % SIDE];
            }
            for (uint32_t r = 0; r < SIDE && first + r < rows.last; r++)
                finish_float(&f->common, first + r, acc[r], &y[first + r]);
        }
    }
}

static void block_rows_i8(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const uint8_t *x = sample_x(call, s);
        void *y = sample_y(call, s);
        for (uint32_t first = rows.first; first < rows.last; first += SIDE) {
            int32_t acc[SIDE] = {0};
            for (uint32_t b = f->start[first / SIDE]; b < f->start[first / SIDE + 1]; b++) {
                const int8_t *w = (const int8_t *)f->weight + (size_t)b * SIDE * SIDE;
                const uint8_t *at = x + (size_t)f->index[b] * SIDE;
                for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
                    acc[i / SIDE] += w[i] * at[i % SIDE];
            }
            for (uint32_t r = 0; r < SIDE && first + r < rows.last; r++)
                finish_int(&f->common, first + r, acc[r], y, first + r);
        }
    }
}

/* Columns of the inputs that are not zero. ---------------------------------------------------- */

static size_t column_scratch(const void *prepared, size_t samples)
{
    (void)samples;
    return (size_t)((const lopi_prepared *)prepared)->outputs * sizeof(int32_t);
}

static void column_rows_f32(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const float *w = f->weight;
    float *acc = call->scratch;
    for (size_t s = call->first; s < call->last; s++) {
        const float *x = sample_x(call, s);
        float *y = sample_y(call, s);
        memset(acc, 0, f->common.outputs * sizeof *acc);
        for (uint32_t c = 0; c < f->common.inputs; c++) {
            if (x[c] == 0)
                continue;
            for (uint32_t i = f->start[c]; i < f->start[c + 1]; i++)
                acc[f->index[i]] += w[i] * x[c];
        }
        for (uint32_t r = 0; r < f->common.outputs; r++)
            finish_float(&f->common, r, acc[r], &y[r]);
    }
}

static void column_rows_i8(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    const int8_t *w = f->weight;
    int32_t *acc = call->scratch;
    for (size_t s = call->first; s < call->last; s++) {
        const uint8_t *x = sample_x(call, s);
        void *y = sample_y(call, s);
        memset(acc, 0, f->common.outputs * sizeof *acc);
        for (uint32_t c = 0; c < f->common.inputs; c++) {
            if (x[c] == 0)
                continue;
            for (uint32_t i = f->start[c]; i < f->start[c + 1]; i++)
                acc[f->index[i]] += w[i] * x[c];
        }
        for (uint32_t r = 0; r < f->common.outputs; r++)
            finish_int(&f->common, r, acc[r], y, r);
    }
}

/* Guesses, in nanoseconds a product and an output at some 3 GHz: sums that wait for each other. -
 */

static double outputs_of(const lopi_layer *layer, size_t samples)
{
    return (double)layer->outputs * (double)samples;
}

static double left_of(const lopi_layer *layer) { return layer->row_start[layer->outputs]; }

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return outputs_of(layer, samples) * (2 + 0.9 * layer->inputs);
}

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return 2 * outputs_of(layer, samples) + 1.0 * left_of(layer) * (double)samples;
}

static double tiles_cost(const lopi_layer *layer, size_t samples)
{
    double padded = (double)(parts_by_tiles(NULL, samples) * TILE);
    return padded * (2.0 * layer->outputs + 0.25 * left_of(layer));
}

static double block_cost(const lopi_layer *layer, size_t samples)
{
    double blocks = lopi_block_estimate(layer, SIDE, SIDE);
    return 2 * outputs_of(layer, samples) + 6.0 * blocks * (double)samples;
}

static double column_cost(const lopi_layer *layer, size_t samples)
{
    return (double)samples * (3.0 * layer->outputs + 1.0 * layer->inputs +
                              0.9 * left_of(layer) * (double)layer->density);
}

static const lopi_kernel kernels[] = {
    {
        .name = "dense-rows-f32-scalar",
        .arithmetic = LOPI_F32,
        .operation = LOPI_DENSE,
        .cost_ns = dense_cost,
        .prepare_bytes = lopi_dense_bytes,
        .prepare = lopi_dense_prepare,
        .parts = lopi_parts_by_rows,
        .run = dense_rows_f32,
    },
    {
        .name = "sparse-rows-f32-scalar",
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .cost_ns = sparse_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .parts = lopi_parts_by_rows,
        .run = sparse_rows_f32,
    },
    {
        .name = "sparse-tiles-f32-scalar",
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .cost_ns = tiles_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .parts = parts_by_tiles,
        .run = sparse_tiles_f32,
    },
    {
        .name = "block-rows-f32-scalar",
        .arithmetic = LOPI_F32,
        .operation = LOPI_BLOCK,
        .cost_ns = block_cost,
        .prepare_bytes = lopi_block_bytes,
        .prepare = lopi_block_prepare,
        .parts = lopi_parts_by_rows,
        .run = block_rows_f32,
    },
    {
        .name = "column-rows-f32-scalar",
        .arithmetic = LOPI_F32,
        .operation = LOPI_COLUMN,
        .cost_ns = column_cost,
        .prepare_bytes = lopi_column_bytes,
        .prepare = lopi_column_prepare,
        .scratch_bytes = column_scratch,
        .parts = lopi_parts_by_samples,
        .run = column_rows_f32,
    },
    {
        .name = "dense-rows-i8-scalar",
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .cost_ns = dense_cost,
        .prepare_bytes = lopi_dense_bytes,
        .prepare = lopi_dense_prepare,
        .parts = lopi_parts_by_rows,
        .run = dense_rows_i8,
    },
    {
        .name = "sparse-rows-i8-scalar",
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .cost_ns = sparse_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .parts = lopi_parts_by_rows,
        .run = sparse_rows_i8,
    },
    {
        .name = "sparse-tiles-i8-scalar",
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .cost_ns = tiles_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .parts = parts_by_tiles,
        .run = sparse_tiles_i8,
    },
    {
        .name = "block-rows-i8-scalar",
        .arithmetic = LOPI_I8,
        .operation = LOPI_BLOCK,
        .cost_ns = block_cost,
        .prepare_bytes = lopi_block_bytes,
        .prepare = lopi_block_prepare,
        .parts = lopi_parts_by_rows,
        .run = block_rows_i8,
    },
    {
        .name = "column-rows-i8-scalar",
        .arithmetic = LOPI_I8,
        .operation = LOPI_COLUMN,
        .cost_ns = column_cost,
        .prepare_bytes = lopi_column_bytes,
        .prepare = lopi_column_prepare,
        .scratch_bytes = column_scratch,
        .parts = lopi_parts_by_samples,
        .run = column_rows_i8,
    },
};

const lopi_kernel_list lopi_kernels_scalar = {kernels, sizeof kernels / sizeof *kernels};
