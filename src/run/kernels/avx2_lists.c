/* AVX2, few samples, very few weights: each input that is not zero walks its column's weights.
 *
 *     column c:  row row row row | row row row row | …      (16 bits each)
 *                 w   w   w   w  |  w   w   w   0  | …      filled up to fours by zeros
 *
 * There is no instruction to add to eight rows in different places, so this is scalar code; what it
 * saves are the inputs that are zero, and lengths of fours, which keep branches predictable. What
 * fills up points behind the last row, where nothing is read.
 */
#include "run/kernels/avx2.h"

#ifdef __AVX2__

#include <string.h>

enum { CHUNK = 4, ROWS_PADDED = 64, MAX_ROWS = 65472 /* so that the row behind fits 16 bits */ };

typedef struct column_lists {
    lopi_prepared common;
    uint32_t *start; /* [inputs + 1], in chunks */
    uint16_t *row;   /* [chunks][4] */
    void *weight;    /* [chunks][4] */
} column_lists;

static uint32_t padded_rows(const lopi_prepared *p)
{
    return (p->outputs + ROWS_PADDED - 1) / ROWS_PADDED * ROWS_PADDED;
}

static bool fits(const lopi_layer *layer) { return layer->outputs <= MAX_ROWS; }

/* Each column has less than a chunk of padding. */
static column_lists *take(const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t room = layer->row_start[layer->outputs] + (size_t)(CHUNK - 1) * layer->inputs;
    column_lists *l = lopi_shelf_take(shelf, 1, sizeof *l);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)layer->inputs + 1, sizeof *start);
    uint16_t *row = lopi_shelf_take(shelf, room, sizeof *row);
    void *weight = lopi_shelf_take(shelf, room, layer->q ? sizeof(int8_t) : sizeof(float));
    if (l)
        *l = (column_lists){common, start, row, weight};
    return l;
}

static size_t prepare_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(layer, &shelf);
    return shelf.used;
}

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    column_lists *l = take(layer, &shelf);
    uint32_t *start = l->start, total = layer->row_start[layer->outputs], sum = 0;
    for (uint32_t i = 0; i < total; i++)
        start[layer->column[i]]++;
    for (uint32_t c = 0; c <= layer->inputs; c++) {
        uint32_t count = start[c];
        start[c] = sum;
        sum += (count + CHUNK - 1) / CHUNK * CHUNK;
    }
    for (uint32_t i = 0; i < sum; i++)
        l->row[i] = (uint16_t)padded_rows(&l->common);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            uint32_t at = start[layer->column[i]]++;
            l->row[at] = (uint16_t)r;
            if (layer->q)
                ((int8_t *)l->weight)[at] = layer->q[i];
            else
                ((float *)l->weight)[at] = layer->value[i];
        }
    /* Each start stands at its column's last weight now: the chunk behind it is the next start. */
    for (uint32_t c = layer->inputs; c > 0; c--)
        start[c] = (start[c - 1] + CHUNK - 1) / CHUNK;
    start[0] = 0;
}

/* Accumulators, then the places of inputs. */
static size_t scratch_bytes(const void *prepared, size_t samples)
{
    (void)samples;
    const lopi_prepared *p = prepared;
    return ((size_t)padded_rows(p) + ROWS_PADDED + p->inputs + LOPI_AVX2_SPARE) * 4;
}

static inline void add_columns_i8(const column_lists *l, const uint8_t *x, const uint32_t *places,
                                  size_t count, int32_t *restrict acc)
{
    for (size_t k = 0; k < count; k++) {
        uint32_t c = places[k], end = l->start[c + 1];
        int32_t value = x[c];
        for (uint32_t chunk = l->start[c]; chunk < end; chunk++) {
            const uint16_t *row = l->row + (size_t)chunk * CHUNK;
            const int8_t *w = (const int8_t *)l->weight + (size_t)chunk * CHUNK;
            acc[row[0]] += w[0] * value;
            acc[row[1]] += w[1] * value;
            acc[row[2]] += w[2] * value;
            acc[row[3]] += w[3] * value;
        }
    }
}

static inline void add_columns_f32(const column_lists *l, const float *x, const uint32_t *places,
                                   size_t count, float *restrict acc)
{
    for (size_t k = 0; k < count; k++) {
        uint32_t c = places[k], end = l->start[c + 1];
        float value = x[c];
        for (uint32_t chunk = l->start[c]; chunk < end; chunk++) {
            const uint16_t *row = l->row + (size_t)chunk * CHUNK;
            const float *w = (const float *)l->weight + (size_t)chunk * CHUNK;
            acc[row[0]] += w[0] * value;
            acc[row[1]] += w[1] * value;
            acc[row[2]] += w[2] * value;
            acc[row[3]] += w[3] * value;
        }
    }
}

static void run_i8(const lopi_call *call)
{
    const column_lists *l = call->prepared;
    uint32_t rows = padded_rows(&l->common);
    int32_t *acc = call->scratch;
    uint32_t *places = (uint32_t *)call->scratch + rows + ROWS_PADDED;
    for (size_t s = call->first; s < call->last; s++) {
        const uint8_t *x = (const uint8_t *)call->x + s * call->x_stride;
        size_t count = lopi_avx2_nonzero_i8(x, l->common.inputs, places);
        memset(acc, 0, rows * sizeof *acc);
        add_columns_i8(l, x, places, count, acc);
        for (uint32_t r = 0; r < rows; r += 32)
            lopi_avx2_finish_i8(&l->common, r, (const __m256i *)(acc + r),
                                (uint8_t *)call->y + s * call->y_stride);
    }
}

static void run_f32(const lopi_call *call)
{
    const column_lists *l = call->prepared;
    uint32_t rows = padded_rows(&l->common);
    float *acc = call->scratch;
    uint32_t *places = (uint32_t *)call->scratch + rows + ROWS_PADDED;
    for (size_t s = call->first; s < call->last; s++) {
        const float *x = (const float *)((const uint8_t *)call->x + s * call->x_stride);
        size_t count = lopi_avx2_nonzero_f32(x, l->common.inputs, places);
        memset(acc, 0, rows * sizeof *acc);
        add_columns_f32(l, x, places, count, acc);
        for (uint32_t r = 0; r < rows; r += 8)
            lopi_avx2_finish_f32(&l->common, r, _mm256_load_ps(acc + r),
                                 (float *)((uint8_t *)call->y + s * call->y_stride));
    }
}

/* Nanoseconds at some 3 GHz: a product is a load, a sum and a store, and a column a branch. */
static double cost(const lopi_layer *layer, size_t samples)
{
    double read = layer->density > 0 ? (double)layer->density : 0.5;
    double padded = layer->row_start[layer->outputs] + 1.5 * layer->inputs;
    double sample = 50 + 0.3 * layer->inputs + 0.2 * layer->outputs +
                    read * (0.5 * padded + 6.0 * layer->inputs);
    return sample * (double)samples;
}

static const lopi_kernel kernels[] = {
    {
        .name = "column-rows-f32-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_F32,
        .operation = LOPI_COLUMN,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .scratch_bytes = scratch_bytes,
        .parts = lopi_parts_by_samples,
        .run = run_f32,
    },
    {
        .name = "column-rows-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_COLUMN,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .scratch_bytes = scratch_bytes,
        .parts = lopi_parts_by_samples,
        .run = run_i8,
    },
};

const lopi_kernel_list lopi_kernels_avx2_lists = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_lists = {NULL, 0};

#endif
