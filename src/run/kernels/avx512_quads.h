/**
 * AVX-512, batches, int8: quads (quads.h) on tiles of 64 samples. The code of two files, which are
 * compiled without and with VNNI.
 *
 * Interleaving works within the 128 bits of a lane, so register j of a quad holds the samples
 * 16·lane + 4·j … 16·lane + 4·j + 3; packing the sums brings them back in order.
 */
#ifndef LOPI_RUN_KERNELS_AVX512_QUADS_H
#define LOPI_RUN_KERNELS_AVX512_QUADS_H

#include <string.h>

#include "run/kernels/avx512.h"
#include "run/kernels/quads.h"

#ifdef __AVX512BW__

enum {
    TILE = 64,
    REGISTERS = 4, /* of a quad, and of a row's sums */
    QUAD_BYTES = LOPI_QUAD * TILE,
    DENSE_ROWS = 4, /* that share what is loaded of x */
    AT_ONCE = 2     /* tiles that share what is loaded of sparse weights */
};

static const lopi_quads_shape dense_shape = {.rows = DENSE_ROWS, .dense = true};
static const lopi_quads_shape sparse_shape = {.rows = 1};

/* acc += the four products of each 32 bits. */
static inline __m512i dot(__m512i acc, __m512i x, __m512i w)
{
#ifdef __AVX512VNNI__
    return _mm512_dpbusd_epi32(acc, x, w);
#else
    /* Two products of 127 · 127 at most fit 16 bits. */
    __m512i pairs = _mm512_maddubs_epi16(x, w);
    return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#endif
}

static void interleave(const uint8_t *x, size_t quads, uint8_t *out)
{
    for (size_t k = 0; k < quads; k++) {
        __m512i row[LOPI_QUAD];
        for (uint32_t i = 0; i < LOPI_QUAD; i++)
            row[i] = _mm512_loadu_si512(x + (k * LOPI_QUAD + i) * TILE);
        __m512i low_ab = _mm512_unpacklo_epi8(row[0], row[1]);
        __m512i low_cd = _mm512_unpacklo_epi8(row[2], row[3]);
        __m512i high_ab = _mm512_unpackhi_epi8(row[0], row[1]);
        __m512i high_cd = _mm512_unpackhi_epi8(row[2], row[3]);
        uint8_t *to = out + k * QUAD_BYTES;
        _mm512_storeu_si512(to, _mm512_unpacklo_epi16(low_ab, low_cd));
        _mm512_storeu_si512(to + 64, _mm512_unpackhi_epi16(low_ab, low_cd));
        _mm512_storeu_si512(to + 128, _mm512_unpacklo_epi16(high_ab, high_cd));
        _mm512_storeu_si512(to + 192, _mm512_unpackhi_epi16(high_ab, high_cd));
    }
}

/* The sums of a row for a tile; y is the tile. */
static inline void finish(const lopi_prepared *p, uint32_t row, const __m512i acc[REGISTERS],
                          uint8_t *y)
{
    __m512 mult = _mm512_set1_ps(p->mult[row]), offset = _mm512_set1_ps(p->offset[row]);
    __m512i whole[REGISTERS];
    for (uint32_t j = 0; j < REGISTERS; j++) {
        __m512 t = lopi_avx512_scale(acc[j], mult, offset);
        if (p->last) {
            float *to = (float *)y + (size_t)row * TILE + 4 * j;
            t = lopi_avx512_relu(p, t);
            _mm_storeu_ps(to, _mm512_castps512_ps128(t));
            _mm_storeu_ps(to + 16, _mm512_extractf32x4_ps(t, 1));
            _mm_storeu_ps(to + 32, _mm512_extractf32x4_ps(t, 2));
            _mm_storeu_ps(to + 48, _mm512_extractf32x4_ps(t, 3));
        }
        whole[j] = lopi_avx512_whole(t);
    }
    if (p->last)
        return;
    __m512i low = _mm512_packs_epi32(whole[0], whole[1]);
    __m512i high = _mm512_packs_epi32(whole[2], whole[3]);
    _mm512_storeu_si512(y + (size_t)row * TILE, _mm512_packus_epi16(low, high));
}

/* Tiles of a call: x interleaved, and where y goes. */
typedef struct tile_block {
    const uint8_t *x;
    size_t x_stride;
    uint8_t *y;
    size_t y_stride;
} tile_block;

/* The weights of a quad, in every 32 bits. */
static inline __m512i weights(const int8_t *four)
{
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

/* Group `g` of `rows` rows for `count` tiles, both constants where it is called. */
static inline __attribute__((always_inline)) void group(const lopi_quads *q, uint32_t g,
                                                        const tile_block *tiles,
                                                        const uint32_t rows, const uint32_t count)
{
    __m512i acc[AT_ONCE * DENSE_ROWS][REGISTERS];
    for (uint32_t i = 0; i < count * rows; i++)
        for (uint32_t j = 0; j < REGISTERS; j++)
            acc[i][j] = _mm512_setzero_si512();
    for (size_t cell = q->start[g]; cell < q->start[g + 1]; cell++)
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *at = tiles->x + i * tiles->x_stride + (size_t)q->quad[cell] * QUAD_BYTES;
            for (uint32_t r = 0; r < rows; r++) {
                __m512i w = weights(q->weight + (cell * rows + r) * LOPI_QUAD);
                for (uint32_t j = 0; j < REGISTERS; j++)
                    acc[i * rows + r][j] =
                        dot(acc[i * rows + r][j], _mm512_loadu_si512(at + j * 64), w);
            }
        }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t r = 0; r < rows && g * rows + r < q->common.outputs; r++)
            finish(&q->common, g * rows + r, acc[i * rows + r], tiles->y + i * tiles->y_stride);
}

static size_t scratch_bytes(const void *prepared, size_t samples)
{
    (void)samples;
    return AT_ONCE * lopi_quads_of(((const lopi_prepared *)prepared)->inputs) * QUAD_BYTES;
}

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

/* Interleave up to `most` tiles from `first` on; how many. */
static uint32_t next_tiles(const lopi_call *call, size_t first, uint32_t most, tile_block *tiles)
{
    const lopi_quads *q = call->prepared;
    size_t quads = lopi_quads_of(q->common.inputs), left = call->last - first;
    uint32_t count = left < most ? (uint32_t)left : most;
    *tiles = (tile_block){call->scratch, quads * QUAD_BYTES,
                          (uint8_t *)call->y + first * call->y_stride, call->y_stride};
    for (uint32_t i = 0; i < count; i++)
        interleave((const uint8_t *)call->x + (first + i) * call->x_stride, quads,
                   (uint8_t *)call->scratch + i * tiles->x_stride);
    return count;
}

static void run_sparse(const lopi_call *call)
{
    const lopi_quads *q = call->prepared;
    tile_block tiles;
    for (size_t tile = call->first, count; tile < call->last; tile += count) {
        count = next_tiles(call, tile, AT_ONCE, &tiles);
        for (uint32_t row = 0; row < q->common.outputs; row++)
            if (count == AT_ONCE)
                group(q, row, &tiles, 1, AT_ONCE);
            else
                group(q, row, &tiles, 1, 1);
    }
}

static void run_dense(const lopi_call *call)
{
    const lopi_quads *q = call->prepared;
    tile_block tiles;
    for (size_t tile = call->first; tile < call->last; tile++) {
        next_tiles(call, tile, 1, &tiles);
        for (uint32_t g = 0; g * DENSE_ROWS < q->common.outputs; g++)
            group(q, g, &tiles, DENSE_ROWS, 1);
    }
}

static bool fits_sparse(const lopi_layer *layer) { return lopi_quads_fit(&sparse_shape, layer); }
static bool fits_dense(const lopi_layer *layer) { return lopi_quads_fit(&dense_shape, layer); }

static size_t sparse_bytes(const lopi_layer *l) { return lopi_quads_bytes(&sparse_shape, l); }
static size_t dense_bytes(const lopi_layer *l) { return lopi_quads_bytes(&dense_shape, l); }

static void sparse_prepare(const lopi_layer *layer, void *memory)
{
    lopi_quads_prepare(&sparse_shape, layer, memory);
}

static void dense_prepare(const lopi_layer *layer, void *memory)
{
    lopi_quads_prepare(&dense_shape, layer, memory);
}

/* Nanoseconds of a tile at some 3 GHz: interleaving, epilogues, and so much a cell. */
static double tiles_ns(const lopi_layer *layer, size_t samples, double cells_ns)
{
    double tiles = (double)parts(NULL, samples);
    return tiles * (3.0 * (double)lopi_quads_of(layer->inputs) + 8.0 * layer->outputs + cells_ns);
}

#endif
#endif
