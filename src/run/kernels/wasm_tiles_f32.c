/* WebAssembly, batches, float32: on tiles of 16 samples, feature after feature.
 *
 * A weight is multiplied with the samples of its column, four vectors, and added to the sums of its
 * row, four more. Dense, two rows share the samples that are loaded.
 */
#include "run/kernels/formats.h"
#include "run/kernels/wasm.h"

#ifdef __wasm_simd128__

enum { TILE = 16, VECTORS = TILE / 4, DENSE_ROWS = 2 };

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

static inline void clear(v128_t acc[VECTORS])
{
    for (uint32_t j = 0; j < VECTORS; j++)
        acc[j] = wasm_f32x4_const_splat(0);
}

/* acc += w · x for the samples at x. */
static inline void add(v128_t acc[VECTORS], const float *x, float w)
{
    v128_t all = wasm_f32x4_splat(w);
    for (uint32_t j = 0; j < VECTORS; j++)
        acc[j] = wasm_f32x4_add(acc[j], wasm_f32x4_mul(all, wasm_v128_load(x + 4 * j)));
}

static inline void finish(const lopi_prepared *p, uint32_t row, const v128_t acc[VECTORS], float *y)
{
    v128_t offset = wasm_f32x4_splat(p->offset[row]);
    for (uint32_t j = 0; j < VECTORS; j++)
        wasm_v128_store(y + (size_t)row * TILE + 4 * j,
                        lopi_wasm_relu(p, wasm_f32x4_add(acc[j], offset)));
}

static void sparse_row(const lopi_format *f, uint32_t row, const float *x, float *y)
{
    const float *w = f->weight;
    v128_t acc[VECTORS];
    clear(acc);
    for (uint32_t i = f->start[row]; i < f->start[row + 1]; i++)
        add(acc, x + (size_t)f->index[i] * TILE, w[i]);
    finish(&f->common, row, acc, y);
}

static void run_sparse(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        const float *x = (const float *)((const uint8_t *)call->x + tile * call->x_stride);
        float *y = (float *)((uint8_t *)call->y + tile * call->y_stride);
        for (uint32_t row = 0; row < f->common.outputs; row++)
            sparse_row(f, row, x, y);
    }
}

/* Behind the last row the last one is computed again, and not written. */
static void dense_rows(const lopi_format *f, uint32_t first, const float *x, float *y)
{
    uint32_t inputs = f->common.inputs, second = first + 1 < f->common.outputs ? first + 1 : first;
    const float *a = (const float *)f->weight + (size_t)first * inputs;
    const float *b = (const float *)f->weight + (size_t)second * inputs;
    v128_t left[VECTORS], right[VECTORS];
    clear(left);
    clear(right);
    for (uint32_t c = 0; c < inputs; c++) {
        add(left, x + (size_t)c * TILE, a[c]);
        add(right, x + (size_t)c * TILE, b[c]);
    }
    finish(&f->common, first, left, y);
    if (second > first)
        finish(&f->common, second, right, y);
}

static void run_dense(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        const float *x = (const float *)((const uint8_t *)call->x + tile * call->x_stride);
        float *y = (float *)((uint8_t *)call->y + tile * call->y_stride);
        for (uint32_t row = 0; row < f->common.outputs; row += DENSE_ROWS)
            dense_rows(f, row, x, y);
    }
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits_dense(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 26;
}

/* Nanoseconds of a tile at some 3 GHz: epilogues, and so much a weight. */
static double tiles_ns(const lopi_layer *layer, size_t samples, double weights_ns)
{
    size_t tiles = (samples + TILE - 1) / TILE;
    return (double)tiles * (6.0 * layer->outputs + weights_ns);
}

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 2.2 * layer->row_start[layer->outputs]);
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 1.6 * layer->outputs * layer->inputs);
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-f32-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .cost_ns = sparse_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .parts = parts,
        .run = run_sparse,
    },
    {
        .name = "dense-tiles-f32-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_F32,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = fits_dense,
        .cost_ns = dense_cost,
        .prepare_bytes = lopi_dense_bytes,
        .prepare = lopi_dense_prepare,
        .parts = parts,
        .run = run_dense,
    },
};

const lopi_kernel_list lopi_kernels_wasm_tiles_f32 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_wasm_tiles_f32 = {NULL, 0};

#endif
