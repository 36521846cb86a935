/* AVX-512 with VNNI, batches, int8: vpdpbusd on quads. */
#include "run/kernels/avx512_quads.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 0.9 * lopi_quads_estimate(&sparse_shape, layer));
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return tiles_ns(layer, samples, 2.7 * lopi_quads_estimate(&dense_shape, layer));
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-i8-avx512-vnni",
        .isa = LOPI_ISA_AVX512_VNNI,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .fits = fits_sparse,
        .cost_ns = sparse_cost,
        .prepare_bytes = sparse_bytes,
        .prepare = sparse_prepare,
        .scratch_bytes = scratch_bytes,
        .parts = parts,
        .run = run_sparse,
    },
    {
        .name = "dense-tiles-i8-avx512-vnni",
        .isa = LOPI_ISA_AVX512_VNNI,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = fits_dense,
        .cost_ns = dense_cost,
        .prepare_bytes = dense_bytes,
        .prepare = dense_prepare,
        .scratch_bytes = scratch_bytes,
        .parts = parts,
        .run = run_dense,
    },
};

const lopi_kernel_list lopi_kernels_avx512_vnni_quads_i8 = {kernels,
                                                            sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_vnni_quads_i8 = {NULL, 0};

#endif
