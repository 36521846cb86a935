/**
 * What the kernels for WebAssembly's 128-bit vectors share. Only files compiled with -msimd128 use
 * what is behind the #if. Relaxed instructions are left alone: their results differ from machine to
 * machine.
 */
#ifndef LOPI_RUN_KERNELS_WASM_H
#define LOPI_RUN_KERNELS_WASM_H

#include "run/kernels/prepared.h"

extern const lopi_kernel_list lopi_kernels_wasm_columns;
extern const lopi_kernel_list lopi_kernels_wasm_lists_i8;
extern const lopi_kernel_list lopi_kernels_wasm_strips_i8;
extern const lopi_kernel_list lopi_kernels_wasm_tiles_f32;
extern const lopi_kernel_list lopi_kernels_wasm_tiles_i8;

#ifdef __wasm_simd128__

#include <wasm_simd128.h>

/* Where a value is below 0, 0; NaN and −0 stay. */
static inline v128_t lopi_wasm_relu(const lopi_prepared *p, v128_t y)
{
    return p->relu ? wasm_v128_andnot(y, wasm_f32x4_lt(y, wasm_f32x4_const_splat(0))) : y;
}

/* acc · mult + offset, as kernel.h defines it: two roundings. */
static inline v128_t lopi_wasm_scale(v128_t acc, v128_t mult, v128_t offset)
{
    return wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(acc), mult), offset);
}

/* Four values of a hidden layer, 0 … 127 in 32 bits each: 1.5 · 2²³ leaves the whole number,
 * rounded to nearest even, in the low bits. There is no NaN here. */
static inline v128_t lopi_wasm_whole(v128_t t)
{
    v128_t clamped =
        wasm_f32x4_pmin(wasm_f32x4_const_splat(127), wasm_f32x4_pmax(wasm_f32x4_const_splat(0), t));
    v128_t shifted = wasm_f32x4_add(clamped, wasm_f32x4_const_splat(0x1.8p23f));
    return wasm_v128_and(shifted, wasm_i32x4_const_splat(0x7f));
}

/* Outputs row … row + 3 of a sample whose sums they are; y is the sample, padded to 64 bytes. */
static inline void lopi_wasm_finish_rows(const lopi_prepared *p, uint32_t row, v128_t acc,
                                         uint8_t *y)
{
    v128_t t = lopi_wasm_scale(acc, wasm_v128_load(p->mult + row), wasm_v128_load(p->offset + row));
    if (p->last) {
        wasm_v128_store((float *)(void *)y + row, lopi_wasm_relu(p, t));
        return;
    }
    v128_t half = wasm_i16x8_narrow_i32x4(lopi_wasm_whole(t), lopi_wasm_whole(t));
    wasm_v128_store32_lane(y + row, wasm_u8x16_narrow_i16x8(half, half), 0);
}

#endif
#endif
