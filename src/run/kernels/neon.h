/**
 * What the NEON kernels share. Only files compiled for aarch64 use what is behind the #if.
 */
#ifndef LOPI_RUN_KERNELS_NEON_H
#define LOPI_RUN_KERNELS_NEON_H

#include "run/kernels/prepared.h"

extern const lopi_kernel_list lopi_kernels_neon_i8;
extern const lopi_kernel_list lopi_kernels_neon_dot_i8;
extern const lopi_kernel_list lopi_kernels_neon_tiles_f32;

#ifdef __aarch64__

#include <arm_neon.h>

/* Where a value is below 0, 0; NaN and −0 stay. */
static inline float32x4_t lopi_neon_relu(const lopi_prepared *p, float32x4_t y)
{
    return p->relu ? vbslq_f32(vcltzq_f32(y), vdupq_n_f32(0), y) : y;
}

/* acc · mult + offset, as kernel.h defines it: two roundings. */
static inline float32x4_t lopi_neon_scale(int32x4_t acc, float32x4_t mult, float32x4_t offset)
{
    return vaddq_f32(vmulq_f32(vcvtq_f32_s32(acc), mult), offset);
}

/** Four values of a hidden layer, 0 … 127 in 32 bits each. */
static inline int32x4_t lopi_neon_whole(float32x4_t t)
{
    return vcvtnq_s32_f32(vminq_f32(vmaxq_f32(t, vdupq_n_f32(0)), vdupq_n_f32(127)));
}

#endif
#endif
