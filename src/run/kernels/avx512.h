/**
 * What the AVX-512 kernels share: epilogues on registers. Only files compiled with AVX-512 use what
 * is behind the #if.
 */
#ifndef LOPI_RUN_KERNELS_AVX512_H
#define LOPI_RUN_KERNELS_AVX512_H

#include "run/kernels/prepared.h"

extern const lopi_kernel_list lopi_kernels_avx512_fp16_strips;
extern const lopi_kernel_list lopi_kernels_avx512_quads_i8;
extern const lopi_kernel_list lopi_kernels_avx512_strips_f32;
extern const lopi_kernel_list lopi_kernels_avx512_tiles_f32;
extern const lopi_kernel_list lopi_kernels_avx512_vnni_columns_i8;
extern const lopi_kernel_list lopi_kernels_avx512_vnni_quads_i8;
extern const lopi_kernel_list lopi_kernels_avx512_vnni_strips_i8;

#ifdef __AVX512F__

#include <immintrin.h>

static inline __m512 lopi_avx512_relu(const lopi_prepared *p, __m512 y)
{
    /* max takes its second operand where one is NaN, and −0 for 0: y < 0 ? 0 : y in all cases. */
    return p->relu ? _mm512_max_ps(_mm512_setzero_ps(), y) : y;
}

/* acc · mult + offset of one output after another, as kernel.h defines it: two roundings. */
static inline __m512 lopi_avx512_scale(__m512i acc, __m512 mult, __m512 offset)
{
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), mult), offset);
}

/** Sixteen values of a hidden layer, 0 … 127 in 32 bits each. */
static inline __m512i lopi_avx512_whole(__m512 t)
{
    t = _mm512_min_ps(_mm512_max_ps(t, _mm512_setzero_ps()), _mm512_set1_ps(127));
    return _mm512_cvtps_epi32(t);
}

#ifdef __AVX512VBMI__
/** The lowest byte of each 32 bits of two registers. */
static inline __m256i lopi_avx512_bytes(__m512i first, __m512i second)
{
    const __m512i lowest = _mm512_castsi256_si512(
        _mm256_set_epi8(124, 120, 116, 112, 108, 104, 100, 96, 92, 88, 84, 80, 76, 72, 68, 64, 60,
                        56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0));
    return _mm512_castsi512_si256(_mm512_permutex2var_epi8(first, lowest, second));
}
#endif

/** Outputs row … row + 15 of a sample, 16 dividing row; y is the sample, padded to 64 bytes. */
static inline void lopi_avx512_finish_i8(const lopi_prepared *p, uint32_t row, __m512i acc, void *y)
{
    __m512 mult = _mm512_loadu_ps(p->mult + row), offset = _mm512_loadu_ps(p->offset + row);
    __m512 t = lopi_avx512_scale(acc, mult, offset);
    if (p->last)
        _mm512_storeu_ps((float *)y + row, lopi_avx512_relu(p, t));
    else
        _mm_storeu_si128((__m128i *)((uint8_t *)y + row),
                         _mm512_cvtepi32_epi8(lopi_avx512_whole(t)));
}

/** The same of a float32 layer. */
static inline void lopi_avx512_finish_f32(const lopi_prepared *p, uint32_t row, __m512 acc,
                                          float *y)
{
    __m512 t = _mm512_add_ps(acc, _mm512_loadu_ps(p->offset + row));
    _mm512_storeu_ps(y + row, lopi_avx512_relu(p, t));
}

#endif
#endif
