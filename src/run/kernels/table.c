/* All kernels of this build, and what this machine can run. */
#include "run/kernels/kernel.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "run/kernels/amx.h"
#include "run/kernels/avx2.h"
#include "run/kernels/avx512.h"
#include "run/kernels/neon.h"
#include "run/kernels/wasm.h"

static const lopi_kernel_list *const lists[] = {
    &lopi_kernels_scalar,
    &lopi_kernels_avx2_columns,
    &lopi_kernels_avx2_lists,
    &lopi_kernels_avx2_shuffle,
    &lopi_kernels_avx2_tiles_f32,
    &lopi_kernels_avx2_tiles_i8,
    &lopi_kernels_avx2_quads_i8,
    &lopi_kernels_avx512_quads_i8,
    &lopi_kernels_avx512_strips_f32,
    &lopi_kernels_avx512_tiles_f32,
    &lopi_kernels_avx512_fp16_strips,
    &lopi_kernels_avx512_vnni_columns_i8,
    &lopi_kernels_avx512_vnni_quads_i8,
    &lopi_kernels_avx512_vnni_strips_i8,
    &lopi_kernels_amx_i8,
    &lopi_kernels_neon_dot_i8,
    &lopi_kernels_neon_i8,
    &lopi_kernels_neon_tiles_f32,
    &lopi_kernels_wasm_columns,
    &lopi_kernels_wasm_lists_i8,
    &lopi_kernels_wasm_strips_i8,
    &lopi_kernels_wasm_tiles_f32,
    &lopi_kernels_wasm_tiles_i8,
};

enum { MOST_REGISTERED = 16 };

/* Slots are filled in order and never emptied, so readers need no lock. */
static _Atomic(const lopi_kernel *) registered[MOST_REGISTERED];

bool lopi_kernel_register(const lopi_kernel *kernel)
{
    for (size_t i = 0; i < MOST_REGISTERED; i++) {
        const lopi_kernel *there = NULL;
        if (atomic_compare_exchange_strong(&registered[i], &there, kernel) || there == kernel)
            return true;
    }
    return false;
}

const lopi_kernel *lopi_kernel_at(size_t index)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (index < lists[i]->count)
            return &lists[i]->kernels[index];
        index -= lists[i]->count;
    }
    return index < MOST_REGISTERED ? atomic_load(&registered[index]) : NULL;
}

const lopi_kernel *lopi_kernel_find(const char *name)
{
    const lopi_kernel *kernel;
    for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++)
        if (strcmp(kernel->name, name) == 0)
            return kernel;
    return NULL;
}

/* A set, its name, and the next narrower one. */
static const struct {
    const char *name;
    lopi_isa below;
} sets[LOPI_ISA_COUNT] = {
    [LOPI_ISA_SCALAR] = {"scalar", LOPI_ISA_SCALAR},
    [LOPI_ISA_AVX2] = {"avx2", LOPI_ISA_SCALAR},
    [LOPI_ISA_AVX512] = {"avx512", LOPI_ISA_AVX2},
    [LOPI_ISA_AVX512_VNNI] = {"avx512_vnni", LOPI_ISA_AVX512},
    [LOPI_ISA_AVX512_FP16] = {"avx512_fp16", LOPI_ISA_AVX512_VNNI},
    [LOPI_ISA_AMX] = {"amx", LOPI_ISA_AVX512_FP16},
    [LOPI_ISA_NEON] = {"neon", LOPI_ISA_SCALAR},
    [LOPI_ISA_NEON_DOT] = {"neon_dot", LOPI_ISA_NEON},
    [LOPI_ISA_WASM] = {"wasm", LOPI_ISA_SCALAR},
};

const char *lopi_isa_name(size_t isa) { return isa < LOPI_ISA_COUNT ? sets[isa].name : NULL; }

bool lopi_isa_has(lopi_isa widest, lopi_isa isa)
{
    while (widest != isa && widest != LOPI_ISA_SCALAR)
        widest = sets[widest].below;
    return widest == isa;
}

size_t lopi_layout_stride(lopi_layout layout, size_t features, size_t size)
{
    size_t bytes = layout.tile ? (features + 3) / 4 * 4 * layout.tile * size : features * size;
    return (bytes + LOPI_ALIGNMENT - 1) / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
}

size_t lopi_layout_bytes(lopi_layout layout, size_t features, size_t size, size_t samples)
{
    size_t units = layout.tile ? (samples + layout.tile - 1) / layout.tile : samples;
    return units * lopi_layout_stride(layout, features, size);
}
