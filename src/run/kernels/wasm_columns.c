/* WebAssembly, few samples: dense columns, of which only those whose input is not zero are read.
 *
 * A layer is kept in blocks of 64 rows, in each block column after column:
 *
 *     block 0:  column 0: rows 0 … 63 | column 1: rows 0 … 63 | …
 *     block 1:  column 0: rows 64 … 127 | …
 *
 * The inputs that are not zero are listed first. int8 takes them by twos, any two: their weights
 * are widened to 16 bits and interleaved, and i32x4.dot_i16x8_s adds the two products of each row.
 */
#include "run/kernels/wasm.h"

#ifdef __wasm_simd128__

#include <string.h>

enum {
    BLOCK = LOPI_ROWS_A_PART, /* rows */
    STRIP = 32,               /* rows whose sums lie in registers */
    SUMS = STRIP / 4,
    SPARE = 2 /* entries of the list */
};

typedef struct columns {
    lopi_prepared common;
    uint8_t *weight; /* [blocks][inputs][64] of int8 or float */
} columns;

/* An input that is not zero. */
typedef struct entry {
    uint32_t column;
    union {
        int32_t whole;
        float real;
    } x;
} entry;

static size_t element(const lopi_layer *layer) { return layer->q ? 1 : sizeof(float); }

static columns *take(const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t blocks = ((size_t)layer->outputs + BLOCK - 1) / BLOCK;
    columns *c = lopi_shelf_take(shelf, 1, sizeof *c);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint8_t *weight = lopi_shelf_take(shelf, blocks * layer->inputs, BLOCK * element(layer));
    if (c)
        *c = (columns){common, weight};
    return c;
}

static size_t bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(layer, &shelf);
    return shelf.used;
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 26;
}

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    columns *c = take(layer, &shelf);
    size_t size = element(layer);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            size_t at =
                ((size_t)(r / BLOCK) * layer->inputs + layer->column[i]) * BLOCK + r % BLOCK;
            if (layer->q)
                c->weight[at] = (uint8_t)layer->q[i];
            else
                memcpy(c->weight + at * size, &layer->value[i], size);
        }
}

static size_t scratch(const void *prepared, size_t samples)
{
    (void)samples;
    return ((size_t)((const lopi_prepared *)prepared)->inputs + SPARE) * sizeof(entry);
}

/* int8. --------------------------------------------------------------------------------------- */

/* The list, filled up by an input of zero to an even count. */
static size_t list_i8(const uint8_t *x, uint32_t inputs, entry *list)
{
    size_t count = 0;
    for (uint32_t c = 0; c < inputs; c++) {
        list[count].column = c;
        list[count].x.whole = x[c];
        count += x[c] != 0;
    }
    list[count].column = 0;
    list[count].x.whole = 0;
    return (count + 1) / 2 * 2;
}

static void strip_i8(const columns *c, uint32_t row, const entry *list, size_t count, uint8_t *y)
{
    const uint8_t *weight =
        c->weight + (size_t)(row / BLOCK) * c->common.inputs * BLOCK + row % BLOCK;
    v128_t sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = wasm_i32x4_const_splat(0);
    for (size_t i = 0; i < count; i += 2) {
        const uint8_t *a = weight + (size_t)list[i].column * BLOCK;
        const uint8_t *b = weight + (size_t)list[i + 1].column * BLOCK;
        v128_t x = wasm_i32x4_splat(list[i].x.whole | list[i + 1].x.whole << 16);
        for (size_t k = 0; k < SUMS; k += 2) {
            v128_t left = wasm_i16x8_load8x8(a + 4 * k), right = wasm_i16x8_load8x8(b + 4 * k);
            v128_t low = wasm_i16x8_shuffle(left, right, 0, 8, 1, 9, 2, 10, 3, 11);
            v128_t high = wasm_i16x8_shuffle(left, right, 4, 12, 5, 13, 6, 14, 7, 15);
            sum[k] = wasm_i32x4_add(sum[k], wasm_i32x4_dot_i16x8(low, x));
            sum[k + 1] = wasm_i32x4_add(sum[k + 1], wasm_i32x4_dot_i16x8(high, x));
        }
    }
    for (uint32_t k = 0; k < SUMS; k++)
        if (row + 4 * k < c->common.outputs)
            lopi_wasm_finish_rows(&c->common, row + 4 * k, sum[k], y);
}

static void run_i8(const lopi_call *call)
{
    const columns *c = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const uint8_t *x = (const uint8_t *)call->x + s * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + s * call->y_stride;
        size_t count = list_i8(x, c->common.inputs, call->scratch);
        for (uint32_t row = rows.first; row < rows.last; row += STRIP)
            strip_i8(c, row, call->scratch, count, y);
    }
}

/* float32. ------------------------------------------------------------------------------------ */

static size_t list_f32(const float *x, uint32_t inputs, entry *list)
{
    size_t count = 0;
    for (uint32_t c = 0; c < inputs; c++) {
        list[count].column = c;
        list[count].x.real = x[c];
        count += x[c] != 0;
    }
    return count;
}

static void strip_f32(const columns *c, uint32_t row, const entry *list, size_t count, float *y)
{
    const float *weight = (const float *)(const void *)c->weight +
                          (size_t)(row / BLOCK) * c->common.inputs * BLOCK + row % BLOCK;
    v128_t sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = wasm_f32x4_const_splat(0);
    for (size_t i = 0; i < count; i++) {
        const float *w = weight + (size_t)list[i].column * BLOCK;
        v128_t x = wasm_f32x4_splat(list[i].x.real);
        for (size_t k = 0; k < SUMS; k++)
            sum[k] = wasm_f32x4_add(sum[k], wasm_f32x4_mul(wasm_v128_load(w + 4 * k), x));
    }
    for (uint32_t k = 0; k < SUMS; k++) {
        uint32_t r = row + 4 * k;
        v128_t t = wasm_f32x4_add(sum[k], wasm_v128_load(c->common.offset + r));
        if (r < c->common.outputs)
            wasm_v128_store(y + r, lopi_wasm_relu(&c->common, t));
    }
}

static void run_f32(const lopi_call *call)
{
    const columns *c = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t s = 0; s < call->samples; s++) {
        const float *x = (const float *)((const uint8_t *)call->x + s * call->x_stride);
        float *y = (float *)((uint8_t *)call->y + s * call->y_stride);
        size_t count = list_f32(x, c->common.inputs, call->scratch);
        for (uint32_t row = rows.first; row < rows.last; row += STRIP)
            strip_f32(c, row, call->scratch, count, y);
    }
}

/* Nanoseconds at some 3 GHz. */
static double cost(const lopi_layer *layer, size_t samples, double weight_ns)
{
    size_t rows = ((size_t)layer->outputs + STRIP - 1) / STRIP * STRIP;
    double read = (double)rows * layer->inputs * (double)layer->density * weight_ns;
    return (double)samples * (1.0 * layer->inputs + 2.0 * layer->outputs + read);
}

static double cost_i8(const lopi_layer *layer, size_t n) { return cost(layer, n, 0.1); }
static double cost_f32(const lopi_layer *layer, size_t n) { return cost(layer, n, 0.2); }

static const lopi_kernel kernels[] = {
    {
        .name = "dense-columns-i8-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .fits = fits,
        .cost_ns = cost_i8,
        .prepare_bytes = bytes,
        .prepare = prepare,
        .scratch_bytes = scratch,
        .parts = lopi_parts_by_rows,
        .run = run_i8,
    },
    {
        .name = "dense-columns-f32-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_F32,
        .operation = LOPI_DENSE,
        .fits = fits,
        .cost_ns = cost_f32,
        .prepare_bytes = bytes,
        .prepare = prepare,
        .scratch_bytes = scratch,
        .parts = lopi_parts_by_rows,
        .run = run_f32,
    },
};

const lopi_kernel_list lopi_kernels_wasm_columns = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_wasm_columns = {NULL, 0};

#endif
