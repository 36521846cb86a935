/* AVX-512, batches, float32: on tiles of 64 samples, feature after feature.
 *
 * A weight is multiplied with the samples of its column, four registers, and added to the sums of
 * its row, four more. Dense, four rows share the samples that are loaded.
 */
#include "run/kernels/avx512.h"
#include "run/kernels/formats.h"

#ifdef __AVX512F__

enum { TILE = 64, REGISTERS = TILE / 16, DENSE_ROWS = 4, CHAINS = 2 };

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

static inline void finish(const lopi_prepared *p, uint32_t row, const __m512 acc[REGISTERS],
                          float *y)
{
    __m512 offset = _mm512_set1_ps(p->offset[row]);
    for (uint32_t j = 0; j < REGISTERS; j++) {
        __m512 t = lopi_avx512_relu(p, _mm512_add_ps(acc[j], offset));
        _mm512_storeu_ps(y + (size_t)row * TILE + 16 * j, t);
    }
}

/* acc += w · x for the samples at x. */
static inline void add(__m512 acc[REGISTERS], const float *x, float w)
{
    __m512 all = _mm512_set1_ps(w);
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[j] = _mm512_fmadd_ps(all, _mm512_loadu_ps(x + 16 * j), acc[j]);
}

/* Even and odd weights have sums of their own, so that they do not wait for each other. */
static void sparse_row(const lopi_format *f, uint32_t row, const float *x, float *y)
{
    const float *w = f->weight;
    uint32_t i = f->start[row], end = f->start[row + 1];
    __m512 acc[CHAINS][REGISTERS];
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[0][j] = acc[1][j] = _mm512_setzero_ps();
    for (; i + 1 < end; i += CHAINS) {
        add(acc[0], x + (size_t)f->index[i] * TILE, w[i]);
        add(acc[1], x + (size_t)f->index[i + 1] * TILE, w[i + 1]);
    }
    if (i < end)
        add(acc[0], x + (size_t)f->index[i] * TILE, w[i]);
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[0][j] = _mm512_add_ps(acc[0][j], acc[1][j]);
    finish(&f->common, row, acc[0], y);
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
    uint32_t inputs = f->common.inputs, left = f->common.outputs - first;
    const float *w[DENSE_ROWS];
    __m512 acc[DENSE_ROWS][REGISTERS];
    for (uint32_t r = 0; r < DENSE_ROWS; r++) {
        w[r] = (const float *)f->weight + (size_t)(first + (r < left ? r : left - 1)) * inputs;
        for (uint32_t j = 0; j < REGISTERS; j++)
            acc[r][j] = _mm512_setzero_ps();
    }
    for (uint32_t c = 0; c < inputs; c++)
        for (uint32_t r = 0; r < DENSE_ROWS; r++)
            add(acc[r], x + (size_t)c * TILE, w[r][c]);
    for (uint32_t r = 0; r < DENSE_ROWS && r < left; r++)
        finish(&f->common, first + r, acc[r], y);
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
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 28;
}

/* Nanoseconds of a tile at some 3 GHz: epilogues, and so much a weight. */
static double tiles_ns(const lopi_layer *layer, size_t samples, double weights_ns)
{
    return (double)parts(NULL, samples) * (4.0 * layer->outputs + weights_ns);
}

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 1.6 * layer->row_start[layer->outputs]);
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 0.8 * layer->outputs * layer->inputs);
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-f32-avx512",
        .isa = LOPI_ISA_AVX512,
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
        .name = "dense-tiles-f32-avx512",
        .isa = LOPI_ISA_AVX512,
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

const lopi_kernel_list lopi_kernels_avx512_tiles_f32 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_tiles_f32 = {NULL, 0};

#endif
