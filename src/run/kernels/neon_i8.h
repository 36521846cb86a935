/**
 * NEON, int8: sparse layers of few samples by table look-up (strips.h), and batches by quads
 * (quads.h) on tiles of 16 samples. The code of two files, which are compiled without and with the
 * dot-product instructions.
 *
 * x is at most 127, so it is a signed byte too.
 */
#ifndef LOPI_RUN_KERNELS_NEON_I8_H
#define LOPI_RUN_KERNELS_NEON_I8_H

#include <string.h>

#include "run/kernels/neon.h"
#include "run/kernels/quads.h"
#include "run/kernels/strips.h"

#ifdef __aarch64__

enum {
    ROWS = 4,
    SLOTS = 4,
    STEP = ROWS * SLOTS,
    UNIT = LOPI_STRIP_UNIT,
    TILE = 16,
    REGISTERS = 4, /* of a quad, and of a row's sums */
    QUAD_BYTES = LOPI_QUAD * TILE,
    DENSE_ROWS = 4 /* that share what is loaded of x */
};

/* acc += the four products of each 32 bits. */
static inline int32x4_t dot(int32x4_t acc, int8x16_t x, int8x16_t w)
{
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(acc, x, w);
#else
    /* Two products of 127 · 127 at most fit 16 bits; pairs of lanes are added twice. */
    int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    int16x8_t high = vmull_high_s8(x, w);
    return vpadalq_s16(acc, vpaddq_s16(low, high));
#endif
}

/* Strips: vqtbl2q picks from 32 activations in two registers. ------------------------------------
 */

static size_t place(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * STEP + row * SLOTS + slot;
}

static const lopi_strip_shape strip_shape = {
    .rows = ROWS,
    .slots = SLOTS,
    .window = 32,
    .align = 1,
    .window_cost = 1,
    .step_cost = 2,
    .index_at = place,
    .weight_at = place,
};

static bool strips_fit(const lopi_layer *layer) { return lopi_strips_fit(&strip_shape, layer); }
static size_t strips_bytes(const lopi_layer *l) { return lopi_strips_bytes(&strip_shape, l); }

static void strips_prepare(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&strip_shape, layer, memory);
}

static double strips_cost(const lopi_layer *layer, size_t samples)
{
    return (double)samples * lopi_strips_cycles(&strip_shape, layer) / 3;
}

/* Outputs row … row + 3 of a sample; y is the sample, padded to 64 bytes. */
static inline void finish_rows(const lopi_prepared *p, uint32_t row, int32x4_t acc, void *y)
{
    float32x4_t t = lopi_neon_scale(acc, vld1q_f32(p->mult + row), vld1q_f32(p->offset + row));
    if (p->last) {
        vst1q_f32((float *)y + row, lopi_neon_relu(p, t));
        return;
    }
    int16x4_t half = vmovn_s32(lopi_neon_whole(t));
    int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
    int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
    memcpy((uint8_t *)y + row, &four, sizeof four);
}

/* `steps` of a window: a constant where it is called. */
static inline __attribute__((always_inline)) void strip_groups(const lopi_strips *s,
                                                               lopi_row_range rows,
                                                               const uint8_t *x, void *y,
                                                               const uint32_t steps)
{
    for (uint32_t g = rows.first / ROWS; g * ROWS < rows.last; g++) {
        int32x4_t acc[UNIT] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
        for (size_t unit = s->start[g]; unit < s->start[g + 1]; unit++) {
            const uint32_t *base = s->base + unit * (UNIT / steps);
            const uint8_t *index = s->index + unit * UNIT * STEP;
            const int8_t *weight = (const int8_t *)s->weight + unit * UNIT * STEP;
            for (uint32_t n = 0; n < UNIT; n++) {
                const uint8_t *window = x + base[n / steps];
                uint8x16x2_t table = {{vld1q_u8(window), vld1q_u8(window + 16)}};
                uint8x16_t picked = vqtbl2q_u8(table, vld1q_u8(index + n * STEP));
                acc[n] = dot(acc[n], vreinterpretq_s8_u8(picked), vld1q_s8(weight + n * STEP));
            }
        }
        int32x4_t sum = vaddq_s32(vaddq_s32(acc[0], acc[1]), vaddq_s32(acc[2], acc[3]));
        finish_rows(&s->common, g * ROWS, sum, y);
    }
}

static void strips_run(const lopi_call *call)
{
    const lopi_strips *s = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t i = 0; i < call->samples; i++) {
        const uint8_t *x = (const uint8_t *)call->x + i * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + i * call->y_stride;
        if (s->steps == 4)
            strip_groups(s, rows, x, y, 4);
        else if (s->steps == 2)
            strip_groups(s, rows, x, y, 2);
        else
            strip_groups(s, rows, x, y, 1);
    }
}

/* Quads: the store that interleaves four registers makes them. ----------------------------------
 */

static const lopi_quads_shape dense_shape = {.rows = DENSE_ROWS, .dense = true};
static const lopi_quads_shape sparse_shape = {.rows = 1};

static void interleave(const uint8_t *x, size_t quads, uint8_t *out)
{
    for (size_t k = 0; k < quads; k++) {
        const uint8_t *from = x + k * LOPI_QUAD * TILE;
        uint8x16x4_t four = {{vld1q_u8(from), vld1q_u8(from + TILE), vld1q_u8(from + 2 * TILE),
                              vld1q_u8(from + 3 * TILE)}};
        vst4q_u8(out + k * QUAD_BYTES, four);
    }
}

/* The sums of a row for a tile; y is the tile. */
static inline void finish_tile(const lopi_prepared *p, uint32_t row, const int32x4_t acc[REGISTERS],
                               uint8_t *y)
{
    float32x4_t mult = vdupq_n_f32(p->mult[row]), offset = vdupq_n_f32(p->offset[row]);
    int32x4_t whole[REGISTERS];
    for (uint32_t j = 0; j < REGISTERS; j++) {
        float32x4_t t = lopi_neon_scale(acc[j], mult, offset);
        if (p->last)
            vst1q_f32((float *)y + (size_t)row * TILE + 4 * j, lopi_neon_relu(p, t));
        whole[j] = lopi_neon_whole(t);
    }
    if (p->last)
        return;
    int16x8_t low = vcombine_s16(vmovn_s32(whole[0]), vmovn_s32(whole[1]));
    int16x8_t high = vcombine_s16(vmovn_s32(whole[2]), vmovn_s32(whole[3]));
    int8x16_t bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    vst1q_u8(y + (size_t)row * TILE, vreinterpretq_u8_s8(bytes));
}

/* Group `g` of `rows` rows, a constant where it is called. */
static inline __attribute__((always_inline)) void
quad_group(const lopi_quads *q, uint32_t g, const uint8_t *x, uint8_t *y, const uint32_t rows)
{
    int32x4_t acc[DENSE_ROWS][REGISTERS];
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < REGISTERS; j++)
            acc[r][j] = vdupq_n_s32(0);
    for (size_t cell = q->start[g]; cell < q->start[g + 1]; cell++) {
        const uint8_t *at = x + (size_t)q->quad[cell] * QUAD_BYTES;
        for (uint32_t r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, q->weight + (cell * rows + r) * LOPI_QUAD, sizeof four);
            int8x16_t w = vreinterpretq_s8_s32(vdupq_n_s32(four));
            for (uint32_t j = 0; j < REGISTERS; j++)
                acc[r][j] = dot(acc[r][j], vreinterpretq_s8_u8(vld1q_u8(at + 16 * j)), w);
        }
    }
    for (uint32_t r = 0; r < rows && g * rows + r < q->common.outputs; r++)
        finish_tile(&q->common, g * rows + r, acc[r], y);
}

static size_t quads_scratch(const void *prepared, size_t samples)
{
    (void)samples;
    return lopi_quads_of(((const lopi_prepared *)prepared)->inputs) * QUAD_BYTES;
}

static size_t quads_parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

static inline __attribute__((always_inline)) void quads_run(const lopi_call *call,
                                                            const uint32_t rows)
{
    const lopi_quads *q = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        interleave((const uint8_t *)call->x + tile * call->x_stride,
                   lopi_quads_of(q->common.inputs), call->scratch);
        for (uint32_t g = 0; g * rows < q->common.outputs; g++)
            quad_group(q, g, call->scratch, (uint8_t *)call->y + tile * call->y_stride, rows);
    }
}

static void sparse_run(const lopi_call *call) { quads_run(call, 1); }
static void dense_run(const lopi_call *call) { quads_run(call, DENSE_ROWS); }

static bool sparse_fit(const lopi_layer *layer) { return lopi_quads_fit(&sparse_shape, layer); }
static bool dense_fit(const lopi_layer *layer) { return lopi_quads_fit(&dense_shape, layer); }
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

/* Nanoseconds at some 3 GHz: interleaving, epilogues, and so much a cell. */
static double tiles_ns(const lopi_layer *layer, size_t samples, double cells_ns)
{
    double tiles = (double)quads_parts(NULL, samples);
    return tiles * (2.0 * (double)lopi_quads_of(layer->inputs) + 8.0 * layer->outputs + cells_ns);
}

#endif
#endif
