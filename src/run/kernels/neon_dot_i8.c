/* NEON with dot products, int8: sdot. */
#include "run/kernels/neon_i8.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 0.9 * lopi_quads_estimate(&sparse_shape, layer));
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 2.8 * lopi_quads_estimate(&dense_shape, layer));
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-strips-i8-neon-dot",
        .isa = LOPI_ISA_NEON_DOT,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .fits = strips_fit,
        .cost_ns = strips_cost,
        .prepare_bytes = strips_bytes,
        .prepare = strips_prepare,
        .parts = lopi_parts_by_rows,
        .run = strips_run,
    },
    {
        .name = "sparse-tiles-i8-neon-dot",
        .isa = LOPI_ISA_NEON_DOT,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .fits = sparse_fit,
        .cost_ns = sparse_cost,
        .prepare_bytes = sparse_bytes,
        .prepare = sparse_prepare,
        .scratch_bytes = quads_scratch,
        .parts = quads_parts,
        .run = sparse_run,
    },
    {
        .name = "dense-tiles-i8-neon-dot",
        .isa = LOPI_ISA_NEON_DOT,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = dense_fit,
        .cost_ns = dense_cost,
        .prepare_bytes = dense_bytes,
        .prepare = dense_prepare,
        .scratch_bytes = quads_scratch,
        .parts = quads_parts,
        .run = dense_run,
    },
};

const lopi_kernel_list lopi_kernels_neon_dot_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_neon_dot_i8 = {NULL, 0};

#endif
