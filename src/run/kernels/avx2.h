/**
 * What the AVX2 kernels share: lists of the inputs that are not zero, and epilogues on registers.
 * Only files compiled with AVX2 use what is behind the #if.
 */
#ifndef LOPI_RUN_KERNELS_AVX2_H
#define LOPI_RUN_KERNELS_AVX2_H

#include "run/kernels/prepared.h"

/** The places of the bits that are set in a byte, rising, a byte each; zeros behind them. */
extern const uint64_t lopi_avx2_places[256];

extern const lopi_kernel_list lopi_kernels_avx2_columns;
extern const lopi_kernel_list lopi_kernels_avx2_lists;
extern const lopi_kernel_list lopi_kernels_avx2_shuffle;
extern const lopi_kernel_list lopi_kernels_avx2_tiles_f32;
extern const lopi_kernel_list lopi_kernels_avx2_tiles_i8;
extern const lopi_kernel_list lopi_kernels_avx2_quads_i8;

#ifdef __AVX2__

#include <immintrin.h>

/** Room that a list of places needs behind its last one: it is written eight at a time. */
enum { LOPI_AVX2_SPARE = 8 };

/* Write the places (base + bit) of the bits of `mask`; how many they are. */
static inline size_t lopi_avx2_list(uint32_t mask, uint32_t base, uint32_t *places)
{
    __m128i bits = _mm_loadl_epi64((const __m128i *)&lopi_avx2_places[mask]);
    __m256i all = _mm256_add_epi32(_mm256_cvtepu8_epi32(bits), _mm256_set1_epi32((int)base));
    _mm256_storeu_si256((__m256i *)places, all);
    return (size_t)__builtin_popcount(mask);
}

/** List which of `count` bytes are not zero; what pads them to 64 is. Returns how many. */
static inline size_t lopi_avx2_nonzero_i8(const uint8_t *x, uint32_t count, uint32_t *places)
{
    size_t found = 0;
    for (uint32_t i = 0; i < count; i += 32) {
        __m256i zero =
            _mm256_cmpeq_epi8(_mm256_load_si256((const __m256i *)(x + i)), _mm256_setzero_si256());
        uint32_t mask = ~(uint32_t)_mm256_movemask_epi8(zero);
        if (!mask)
            continue;
        for (uint32_t b = 0; b < 32; b += 8)
            found += lopi_avx2_list(mask >> b & 255, i + b, places + found);
    }
    return found;
}

/** The same of floats, which are padded to 16. */
static inline size_t lopi_avx2_nonzero_f32(const float *x, uint32_t count, uint32_t *places)
{
    size_t found = 0;
    for (uint32_t i = 0; i < count; i += 8) {
        __m256 other = _mm256_cmp_ps(_mm256_load_ps(x + i), _mm256_setzero_ps(), _CMP_NEQ_UQ);
        uint32_t mask = (uint32_t)_mm256_movemask_ps(other);
        if (mask)
            found += lopi_avx2_list(mask, i, places + found);
    }
    return found;
}

/* acc · mult + offset of eight outputs, as kernel.h defines it: two roundings. */
static inline __m256 lopi_avx2_scale(const lopi_prepared *p, uint32_t row, __m256i acc)
{
    __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(p->mult + row));
    return _mm256_add_ps(product, _mm256_loadu_ps(p->offset + row));
}

static inline __m256 lopi_avx2_relu(const lopi_prepared *p, __m256 y)
{
    /* max takes its second operand where one is NaN, and −0 for 0: y < 0 ? 0 : y in all cases. */
    return p->relu ? _mm256_max_ps(_mm256_setzero_ps(), y) : y;
}

/** Hidden layer: the bytes of outputs row … row + 31. */
static inline __m256i lopi_avx2_bytes(const lopi_prepared *p, uint32_t row, const __m256i acc[4])
{
    __m256i whole[4];
    for (uint32_t i = 0; i < 4; i++) {
        __m256 t = lopi_avx2_scale(p, row + 8 * i, acc[i]);
        t = _mm256_min_ps(_mm256_max_ps(t, _mm256_setzero_ps()), _mm256_set1_ps(127));
        whole[i] = _mm256_cvtps_epi32(t);
    }
    __m256i low = _mm256_packs_epi32(whole[0], whole[1]);
    __m256i high = _mm256_packs_epi32(whole[2], whole[3]);
    /* The packs work within halves: groups of four come out as 0 2 4 6 1 3 5 7. */
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high),
                                       _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/** Outputs row … row + 31 of a sample, 32 dividing row; y is the sample, padded to 64 bytes. */
static inline void lopi_avx2_finish_i8(const lopi_prepared *p, uint32_t row, const __m256i acc[4],
                                       void *y)
{
    if (!p->last) {
        _mm256_store_si256((__m256i *)((uint8_t *)y + row), lopi_avx2_bytes(p, row, acc));
        return;
    }
    for (uint32_t i = 0; i < 4 && row + 8 * i < p->outputs; i++)
        _mm256_store_ps((float *)y + row + 8 * i,
                        lopi_avx2_relu(p, lopi_avx2_scale(p, row + 8 * i, acc[i])));
}

/** The same of eight outputs of a float32 layer. */
static inline void lopi_avx2_finish_f32(const lopi_prepared *p, uint32_t row, __m256 acc, float *y)
{
    if (row < p->outputs)
        _mm256_store_ps(y + row,
                        lopi_avx2_relu(p, _mm256_add_ps(acc, _mm256_loadu_ps(p->offset + row))));
}

#endif
#endif
