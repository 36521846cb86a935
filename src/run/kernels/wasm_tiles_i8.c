/* WebAssembly, batches, int8: on tiles of 16 samples, feature after feature.
 *
 * A tile of x is widened to 16 bits first. A row's weights are taken by twos: the samples of their
 * columns are interleaved, and i32x4.dot_i16x8_s adds the two products of each sample.
 *
 *     column a:  x₀ x₁ x₂ x₃ …      interleaved:  x₀ x₀' | x₁ x₁' | x₂ x₂' | …
 *     column b:  x₀' x₁' x₂' …      weights:      w  w'  | w  w'  | w  w'  | …
 *
 * Dense, columns are taken in their order, so the interleaving is done once for all rows.
 */
#include "run/kernels/formats.h"
#include "run/kernels/wasm.h"

#ifdef __wasm_simd128__

enum { TILE = 16, VECTORS = TILE / 4, HALF = TILE / 2, DENSE_ROWS = 2 };

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

/* Two bytes for each sample of each feature, and of one more that is zero. */
static size_t scratch(const void *prepared, size_t samples)
{
    (void)samples;
    return ((size_t)((const lopi_prepared *)prepared)->inputs + 1) * TILE * sizeof(int16_t);
}

/* Feature after feature, in 16 bits; behind the last one zeros. */
static void widen(const uint8_t *x, uint32_t inputs, int16_t *out)
{
    for (uint32_t c = 0; c < inputs; c++) {
        v128_t all = wasm_v128_load(x + (size_t)c * TILE);
        wasm_v128_store(out + (size_t)c * TILE, wasm_u16x8_extend_low_u8x16(all));
        wasm_v128_store(out + (size_t)c * TILE + HALF, wasm_u16x8_extend_high_u8x16(all));
    }
    wasm_v128_store(out + (size_t)inputs * TILE, wasm_i16x8_const_splat(0));
    wasm_v128_store(out + (size_t)inputs * TILE + HALF, wasm_i16x8_const_splat(0));
}

/* Columns a and b of a widened tile, interleaved. */
static inline void interleave(const int16_t *a, const int16_t *b, v128_t out[VECTORS])
{
    for (uint32_t h = 0; h < 2; h++) {
        v128_t left = wasm_v128_load(a + h * HALF), right = wasm_v128_load(b + h * HALF);
        out[2 * h] = wasm_i16x8_shuffle(left, right, 0, 8, 1, 9, 2, 10, 3, 11);
        out[2 * h + 1] = wasm_i16x8_shuffle(left, right, 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

static inline void clear(v128_t acc[VECTORS])
{
    for (uint32_t j = 0; j < VECTORS; j++)
        acc[j] = wasm_i32x4_const_splat(0);
}

/* acc += the products of a pair of columns with their weights. */
static inline void add(v128_t acc[VECTORS], const v128_t x[VECTORS], int32_t low, int32_t high)
{
    v128_t w = wasm_i32x4_splat((int32_t)((uint32_t)(uint16_t)low | (uint32_t)high << 16));
    for (uint32_t j = 0; j < VECTORS; j++)
        acc[j] = wasm_i32x4_add(acc[j], wasm_i32x4_dot_i16x8(x[j], w));
}

/* The sums of a row for a tile; y is the tile. */
static inline void finish(const lopi_prepared *p, uint32_t row, const v128_t acc[VECTORS],
                          uint8_t *y)
{
    v128_t mult = wasm_f32x4_splat(p->mult[row]), offset = wasm_f32x4_splat(p->offset[row]);
    v128_t whole[VECTORS];
    for (uint32_t j = 0; j < VECTORS; j++) {
        v128_t t = lopi_wasm_scale(acc[j], mult, offset);
        if (p->last)
            wasm_v128_store((float *)(void *)y + (size_t)row * TILE + 4 * j, lopi_wasm_relu(p, t));
        whole[j] = lopi_wasm_whole(t);
    }
    if (!p->last)
        wasm_v128_store(y + (size_t)row * TILE,
                        wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(whole[0], whole[1]),
                                                wasm_i16x8_narrow_i32x4(whole[2], whole[3])));
}

static void sparse_row(const lopi_format *f, uint32_t row, const int16_t *x, uint8_t *y)
{
    const int8_t *w = f->weight;
    uint32_t i = f->start[row], end = f->start[row + 1];
    v128_t acc[VECTORS], pair[VECTORS];
    clear(acc);
    for (; i + 1 < end; i += 2) {
        interleave(x + (size_t)f->index[i] * TILE, x + (size_t)f->index[i + 1] * TILE, pair);
        add(acc, pair, w[i], w[i + 1]);
    }
    if (i < end) {
        interleave(x + (size_t)f->index[i] * TILE, x + (size_t)f->common.inputs * TILE, pair);
        add(acc, pair, w[i], 0);
    }
    finish(&f->common, row, acc, y);
}

static void run_sparse(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        widen((const uint8_t *)call->x + tile * call->x_stride, f->common.inputs, call->scratch);
        for (uint32_t row = 0; row < f->common.outputs; row++)
            sparse_row(f, row, call->scratch, (uint8_t *)call->y + tile * call->y_stride);
    }
}

/* Columns 2k and 2k + 1 of a widened tile, interleaved where they stand. */
static void interleave_all(int16_t *x, uint32_t inputs)
{
    for (uint32_t c = 0; c < inputs; c += 2) {
        v128_t pair[VECTORS];
        interleave(x + (size_t)c * TILE, x + (size_t)(c + 1) * TILE, pair);
        for (uint32_t j = 0; j < VECTORS; j++)
            wasm_v128_store(x + (size_t)c * TILE + HALF * j, pair[j]);
    }
}

/* Behind the last row the last one is computed again, and not written. */
static void dense_rows(const lopi_format *f, uint32_t first, const int16_t *x, uint8_t *y)
{
    uint32_t inputs = f->common.inputs, second = first + 1 < f->common.outputs ? first + 1 : first;
    const int8_t *a = (const int8_t *)f->weight + (size_t)first * inputs;
    const int8_t *b = (const int8_t *)f->weight + (size_t)second * inputs;
    v128_t left[VECTORS], right[VECTORS], pair[VECTORS];
    clear(left);
    clear(right);
    for (uint32_t c = 0; c < inputs; c += 2) {
        bool both = c + 1 < inputs;
        for (uint32_t j = 0; j < VECTORS; j++)
            pair[j] = wasm_v128_load(x + (size_t)c * TILE + HALF * j);
        add(left, pair, a[c], both ? a[c + 1] : 0);
        add(right, pair, b[c], both ? b[c + 1] : 0);
    }
    finish(&f->common, first, left, y);
    if (second > first)
        finish(&f->common, second, right, y);
}

static void run_dense(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        widen((const uint8_t *)call->x + tile * call->x_stride, f->common.inputs, call->scratch);
        interleave_all(call->scratch, f->common.inputs);
        for (uint32_t row = 0; row < f->common.outputs; row += DENSE_ROWS)
            dense_rows(f, row, call->scratch, (uint8_t *)call->y + tile * call->y_stride);
    }
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits_dense(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 28;
}

/* Nanoseconds of a tile at some 3 GHz: widening, epilogues, and so much a weight. */
static double tiles_ns(const lopi_layer *layer, size_t samples, double weights_ns)
{
    size_t tiles = (samples + TILE - 1) / TILE;
    return (double)tiles * (2.0 * layer->inputs + 8.0 * layer->outputs + weights_ns);
}

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 1.1 * layer->row_start[layer->outputs]);
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 0.7 * layer->outputs * layer->inputs);
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-i8-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .cost_ns = sparse_cost,
        .prepare_bytes = lopi_sparse_bytes,
        .prepare = lopi_sparse_prepare,
        .scratch_bytes = scratch,
        .parts = parts,
        .run = run_sparse,
    },
    {
        .name = "dense-tiles-i8-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = fits_dense,
        .cost_ns = dense_cost,
        .prepare_bytes = lopi_dense_bytes,
        .prepare = lopi_dense_prepare,
        .scratch_bytes = scratch,
        .parts = parts,
        .run = run_dense,
    },
};

const lopi_kernel_list lopi_kernels_wasm_tiles_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_wasm_tiles_i8 = {NULL, 0};

#endif
