/* NEON, batches, float32: on tiles of 16 samples, feature after feature.
 *
 * A weight is multiplied with the samples of its column, four registers, and added to the sums of
 * its row, four more. Dense, four rows share the samples that are loaded.
 */
#include "run/kernels/formats.h"
#include "run/kernels/neon.h"

#ifdef __aarch64__

enum { TILE = 16, REGISTERS = TILE / 4, DENSE_ROWS = 4, CHAINS = 2 };

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

static inline void finish(const lopi_prepared *p, uint32_t row, const float32x4_t acc[REGISTERS],
                          float *y)
{
    float32x4_t offset = vdupq_n_f32(p->offset[row]);
    for (uint32_t j = 0; j < REGISTERS; j++) {
        float32x4_t t = lopi_neon_relu(p, vaddq_f32(acc[j], offset));
        vst1q_f32(y + (size_t)row * TILE + 4 * j, t);
    }
}

/* acc += w · x for the samples at x. */
static inline void add(float32x4_t acc[REGISTERS], const float *x, float w)
{
    float32x4_t all = vdupq_n_f32(w);
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[j] = vfmaq_f32(acc[j], all, vld1q_f32(x + 4 * j));
}

/* Even and odd weights have sums of their own, so that they do not wait for each other. */
static void sparse_row(const lopi_format *f, uint32_t row, const float *x, float *y)
{
    const float *w = f->weight;
    uint32_t i = f->start[row], end = f->start[row + 1];
    float32x4_t acc[CHAINS][REGISTERS];
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[0][j] = acc[1][j] = vdupq_n_f32(0);
    for (; i + 1 < end; i += CHAINS) {
        add(acc[0], x + (size_t)f->index[i] * TILE, w[i]);
        add(acc[1], x + (size_t)f->index[i + 1] * TILE, w[i + 1]);
    }
    if (i < end)
        add(acc[0], x + (size_t)f->index[i] * TILE, w[i]);
    for (uint32_t j = 0; j < REGISTERS; j++)
        acc[0][j] = vaddq_f32(acc[0][j], acc[1][j]);
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
    float32x4_t acc[DENSE_ROWS][REGISTERS];
    for (uint32_t r = 0; r < DENSE_ROWS; r++) {
        w[r] = (const float *)f->weight + (size_t)(first + (r < left ? r : left - 1)) * inputs;
        for (uint32_t j = 0; j < REGISTERS; j++)
            acc[r][j] = vdupq_n_f32(0);
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
        .name = "sparse-tiles-f32-neon",
        .isa = LOPI_ISA_NEON,
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
        .name = "dense-tiles-f32-neon",
        .isa = LOPI_ISA_NEON,
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

const lopi_kernel_list lopi_kernels_neon_tiles_f32 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_neon_tiles_f32 = {NULL, 0};

#endif
