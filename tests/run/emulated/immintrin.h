/**
 * Stands before the compiler's <immintrin.h> where kernels for AVX-512 are compiled to be emulated:
 * SIMDe's portable versions under the names of the intrinsics, and the few that it has not.
 */
#ifndef LOP_TESTS_RUN_EMULATED_IMMINTRIN_H
#define LOP_TESTS_RUN_EMULATED_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/compress.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/extract.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/packs.h>
#include <simde/x86/avx512/packus.h>
#include <simde/x86/avx512/permutex2var.h>
#include <simde/x86/avx512/set.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/srli.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/test.h>
#include <simde/x86/avx512/unpackhi.h>
#include <simde/x86/avx512/unpacklo.h>

#include <simde/x86/avx2.h>

#include <math.h>
#include <string.h>

/* These are the compiler's names, and must be. NOLINTBEGIN(*-reserved-identifier,*-dcl37-c) */

/* SIMDe 0.7.4 gives its alias four parameters. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

typedef simde__mmask16 __mmask16;

static inline __m512 _mm512_cvtepi32_ps(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m512_private to;
    for (int i = 0; i < 16; i++)
        to.f32[i] = (float)from.i32[i];
    return simde__m512_from_private(to);
}

/* To nearest even, as the control register has it. */
static inline __m512i _mm512_cvtepu16_epi32(__m256i a)
{
    uint16_t from[16];
    int32_t to[16];
    memcpy(from, &a, sizeof from);
    for (int i = 0; i < 16; i++)
        to[i] = from[i];
    return _mm512_loadu_si512(to);
}

static inline __m512i _mm512_cvtps_epi32(__m512 a)
{
    simde__m512_private from = simde__m512_to_private(a);
    simde__m512i_private to;
    for (int i = 0; i < 16; i++)
        to.i32[i] = (int32_t)rintf(from.f32[i]);
    return simde__m512i_from_private(to);
}

static inline __m128i _mm512_cvtepi32_epi8(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m128i_private to;
    for (int i = 0; i < 16; i++)
        to.i8[i] = (int8_t)from.i32[i];
    return simde__m128i_from_private(to);
}

/* AMX: eight registers of up to 16 rows of 64 bytes, in the shape that was set. */
typedef struct emulated_shape {
    uint8_t palette, start_row, reserved[14];
    uint16_t column_bytes[16];
    uint8_t rows[16];
} emulated_shape;
static emulated_shape tile_shape_set;
static uint8_t tile_register[8][16][64];

static inline void _tile_release(void)
{
    memset(&tile_shape_set, 0, sizeof tile_shape_set);
    memset(tile_register, 0x55, sizeof tile_register); /* nobody relies on them */
}

static inline void _tile_loadconfig(const void *shape)
{
    memcpy(&tile_shape_set, shape, sizeof tile_shape_set);
    memset(tile_register, 0, sizeof tile_register);
}

static inline void _tile_zero(int tile) { memset(tile_register[tile], 0, sizeof *tile_register); }

static inline void _tile_loadd(int tile, const void *from, size_t stride)
{
    _tile_zero(tile);
    for (size_t row = 0; row < tile_shape_set.rows[tile]; row++)
        memcpy(tile_register[tile][row], (const uint8_t *)from + row * stride,
               tile_shape_set.column_bytes[tile]);
}

static inline void _tile_stream_loadd(int tile, const void *from, size_t stride)
{
    _tile_loadd(tile, from, stride);
}

static inline void _tile_stored(int tile, void *to, size_t stride)
{
    for (size_t row = 0; row < tile_shape_set.rows[tile]; row++)
        memcpy((uint8_t *)to + row * stride, tile_register[tile][row],
               tile_shape_set.column_bytes[tile]);
}

static inline void _tile_dpbusd(int sums, int a, int b)
{
    size_t quads = tile_shape_set.column_bytes[a] / 4u;
    for (size_t row = 0; row < tile_shape_set.rows[sums]; row++)
        for (size_t column = 0; column < tile_shape_set.column_bytes[sums] / 4u; column++) {
            int32_t sum;
            uint8_t *at = &tile_register[sums][row][4 * column];
            memcpy(&sum, at, sizeof sum);
            for (size_t i = 0; i < 4 * quads; i++)
                sum +=
                    tile_register[a][row][i] * (int8_t)tile_register[b][i / 4][4 * column + i % 4];
            memcpy(at, &sum, sizeof sum);
        }
}

/* NOLINTEND(*-reserved-identifier,*-dcl37-c) */

#endif
