/* AMX, batches, int8: a tile register holds 16 samples × 64 inputs as they lie in memory, another
 * the weights of 16 units for these inputs, and tdpbusd adds all their products to 16 × 16 sums.
 *
 *     a block, 32 units × 64 inputs, two tiles:   quad 0: unit 0: w w w w | … | unit 15: w w w w
 *                                                 quad 1: …                            up to quad
 * 15
 *
 *     sums:        units 0 … 15   16 … 31      Two tiles of samples and two of weights are loaded
 *     samples 0 …      tmm0         tmm1       for four products, which take twice as long as that:
 *     samples 16 …     tmm2         tmm3       64 · 32 · 32 multiplications in 64 cycles.
 *
 * A group of 32 units has all blocks, or those that have a weight in them. Samples beyond the last
 * full 32 have tiles of fewer rows.
 *
 * Samples stay in the first cache, and weights pass by: loaded as a stream they push out less of
 * them, which took 15 % off a layer of 1000 × 1000. Finishing a group's sums between the products
 * of the next took off 10 % more. Fetching weights ahead, or what the next samples read and write:
 * no more than 1 %. 1000 × 1000 then takes 1.2 times what the products alone would.
 */
#include <string.h>

#include "run/kernels/amx.h"
#include "run/kernels/avx512.h"
#include "run/kernels/formats.h"

#if defined(__AMX_INT8__) && defined(__AVX512VBMI__)

enum {
    SIDE = 16,          /* rows of a tile, and its columns of 32 bits */
    UNITS = 2 * SIDE,   /* of a group */
    AT_ONCE = 2 * SIDE, /* samples */
    INPUTS = 64,        /* of a block */
    TILE_BYTES = SIDE * INPUTS,
    ROW = UNITS * sizeof(int32_t), /* bytes of a sample's sums */
    MAX_WEIGHTS = 1 << 30
};

typedef struct blocks {
    lopi_prepared common;
    uint32_t *start; /* [groups + 1] */
    uint32_t *block; /* which 64 inputs, rising in a group */
    int8_t *weight;  /* [blocks][2][16 quads][16 units][4] */
} blocks;

static size_t groups_of(uint32_t outputs) { return ((size_t)outputs + UNITS - 1) / UNITS; }
static size_t blocks_of(uint32_t inputs) { return ((size_t)inputs + INPUTS - 1) / INPUTS; }

/* Lay the blocks of a group from place `at` on; where they end. Without `to` they are only counted.
 */
static uint32_t lay_group(const lopi_layer *layer, uint32_t group, bool dense, const blocks *to,
                          uint32_t at)
{
    uint32_t cursor[UNITS], first = group * UNITS, left = layer->outputs - first;
    uint32_t rows = left < UNITS ? left : UNITS;
    memcpy(cursor, layer->row_start + first, rows * sizeof *cursor);
    for (uint32_t b = 0; b < blocks_of(layer->inputs); b++) {
        bool any = dense;
        for (uint32_t r = 0; r < rows; r++)
            for (; cursor[r] < layer->row_start[first + r + 1] &&
                   layer->column[cursor[r]] / INPUTS == b;
                 cursor[r]++) {
                uint32_t inside = layer->column[cursor[r]] % INPUTS;
                size_t quad = (r / SIDE * SIDE + inside / 4) * SIDE + r % SIDE;
                any = true;
                if (to)
                    to->weight[2 * (size_t)at * TILE_BYTES + 4 * quad + inside % 4] =
                        layer->q[cursor[r]];
            }
        if (any && to)
            to->block[at] = b;
        at += any;
    }
    return at;
}

static size_t count_blocks(const lopi_layer *layer, bool dense)
{
    size_t count = 0;
    for (uint32_t g = 0; g < groups_of(layer->outputs); g++)
        count += lay_group(layer, g, dense, NULL, 0);
    return count;
}

static blocks *take(const lopi_layer *layer, bool dense, lopi_shelf *shelf)
{
    size_t count = count_blocks(layer, dense);
    blocks *d = lopi_shelf_take(shelf, 1, sizeof *d);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, groups_of(layer->outputs) + 1, sizeof *start);
    uint32_t *block = lopi_shelf_take(shelf, count, sizeof *block);
    int8_t *weight = lopi_shelf_take(shelf, count, 2 * TILE_BYTES);
    if (d)
        *d = (blocks){common, start, block, weight};
    return d;
}

static size_t bytes(const lopi_layer *layer, bool dense)
{
    lopi_shelf shelf = {0};
    take(layer, dense, &shelf);
    return shelf.used;
}

static void prepare(const lopi_layer *layer, bool dense, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    blocks *d = take(layer, dense, &shelf);
    for (uint32_t g = 0; g < groups_of(layer->outputs); g++)
        d->start[g + 1] = lay_group(layer, g, dense, d, d->start[g]);
}

/* Tile registers. ------------------------------------------------------------------------------ */

/* What ldtilecfg reads (Intel SDM, volume 1, 18.2). */
typedef struct tile_shape {
    uint8_t palette, start_row, reserved[14];
    uint16_t column_bytes[16];
    uint8_t rows[16];
} tile_shape;

/* Registers 0 … 3 hold sums, 4 and 5 samples, 6 and 7 weights; `samples` is 1 … 32. */
static void shape_tiles(uint32_t samples)
{
    _Alignas(64) tile_shape shape = {.palette = 1};
    uint8_t first = (uint8_t)(samples < SIDE ? samples : SIDE);
    uint8_t second = (uint8_t)(samples - first);
    const uint8_t rows[] = {first, first, second, second, first, second, SIDE, SIDE};
    for (size_t i = 0; i < sizeof rows; i++) {
        shape.rows[i] = rows[i];
        shape.column_bytes[i] = rows[i] ? INPUTS : 0;
    }
    _tile_loadconfig(&shape);
}

/* Running. ------------------------------------------------------------------------------------- */

/* Samples of a call. */
typedef struct sample_block {
    const uint8_t *x;
    size_t x_stride;
    uint8_t *y;
    size_t y_stride;
    uint32_t count; /* 1 … 32 */
} sample_block;

/* The sums of a group for some samples, on their way to y. */
typedef struct sums {
    _Alignas(64) int32_t of[AT_ONCE][UNITS];
    uint32_t row;   /* the group's first unit */
    uint32_t next;  /* sample that waits to be finished; AT_ONCE: none does */
    uint32_t hurry; /* samples to finish for each block of the group that is computed meanwhile */
} sums;

/* Finish samples next … until − 1; for a hidden layer. Behind the last row there are zeros. */
static inline void finish_some(const lopi_prepared *p, const sample_block *at, sums *from,
                               uint32_t until)
{
    const float *mult = p->mult + from->row, *offset = p->offset + from->row;
    until = until < at->count ? until : at->count;
    for (; from->next < until; from->next++) {
        __m512i whole[2];
        for (uint32_t i = 0; i < 2; i++) {
            __m512i acc = _mm512_load_si512(&from->of[from->next][i * SIDE]);
            whole[i] = lopi_avx512_whole(lopi_avx512_scale(acc, _mm512_loadu_ps(mult + i * SIDE),
                                                           _mm512_loadu_ps(offset + i * SIDE)));
        }
        _mm256_storeu_si256((__m256i *)(at->y + from->next * at->y_stride + from->row),
                            lopi_avx512_bytes(whole[0], whole[1]));
    }
}

static void finish_last(const lopi_prepared *p, const sample_block *at, sums *from)
{
    for (; from->next < at->count; from->next++)
        for (uint32_t r = 0; r < UNITS && from->row + r < p->outputs; r += SIDE)
            lopi_avx512_finish_i8(p, from->row + r, _mm512_load_si512(&from->of[from->next][r]),
                                  at->y + from->next * at->y_stride);
}

/* Sums of a group for up to 16 samples, while those of the group before are finished. */
static void few(const blocks *d, uint32_t g, const sample_block *at, sums *out, sums *before)
{
    _tile_zero(0);
    _tile_zero(1);
    for (uint32_t b = d->start[g]; b < d->start[g + 1]; b++) {
        const int8_t *w = d->weight + 2 * (size_t)b * TILE_BYTES;
        _tile_loadd(4, at->x + (size_t)d->block[b] * INPUTS, at->x_stride);
        _tile_stream_loadd(6, w, INPUTS);
        _tile_dpbusd(0, 4, 6);
        _tile_stream_loadd(7, w + TILE_BYTES, INPUTS);
        _tile_dpbusd(1, 4, 7);
        finish_some(&d->common, at, before, before->next + before->hurry);
    }
    _tile_stored(0, out->of, ROW);
    _tile_stored(1, &out->of[0][SIDE], ROW);
}

/* The same for up to 32. */
static void many(const blocks *d, uint32_t g, const sample_block *at, sums *out, sums *before)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (uint32_t b = d->start[g]; b < d->start[g + 1]; b++) {
        const uint8_t *x = at->x + (size_t)d->block[b] * INPUTS;
        const int8_t *w = d->weight + 2 * (size_t)b * TILE_BYTES;
        _tile_loadd(4, x, at->x_stride);
        _tile_stream_loadd(6, w, INPUTS);
        _tile_dpbusd(0, 4, 6);
        _tile_stream_loadd(7, w + TILE_BYTES, INPUTS);
        _tile_dpbusd(1, 4, 7);
        _tile_loadd(5, x + SIDE * at->x_stride, at->x_stride);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
        finish_some(&d->common, at, before, before->next + before->hurry);
    }
    _tile_stored(0, out->of, ROW);
    _tile_stored(1, &out->of[0][SIDE], ROW);
    _tile_stored(2, out->of[SIDE], ROW);
    _tile_stored(3, &out->of[SIDE][SIDE], ROW);
}

/* All groups for the samples. */
static void run_samples(const blocks *d, const sample_block *at)
{
    _Alignas(64) sums sum[2];
    const lopi_prepared *p = &d->common;
    sums *now = &sum[0], *before = &sum[1];
    *before = (sums){.next = AT_ONCE};
    for (uint32_t g = 0; g < groups_of(p->outputs); g++) {
        uint32_t count = d->start[g + 1] - d->start[g];
        before->hurry = count ? (AT_ONCE + count - 1) / count : 0;
        (at->count > SIDE ? many : few)(d, g, at, now, before);
        finish_some(p, at, before, AT_ONCE);
        now->row = g * UNITS;
        now->next = 0;
        if (p->last)
            finish_last(p, at, now);
        sums *other = before;
        before = now;
        now = other;
    }
    finish_some(p, at, before, AT_ONCE);
}

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + AT_ONCE - 1) / AT_ONCE;
}

static void run(const lopi_call *call)
{
    uint32_t shaped = 0;
    for (size_t part = call->first; part < call->last; part++) {
        size_t first = part * AT_ONCE, left = call->samples - first;
        sample_block at = {(const uint8_t *)call->x + first * call->x_stride, call->x_stride,
                           (uint8_t *)call->y + first * call->y_stride, call->y_stride,
                           (uint32_t)(left < AT_ONCE ? left : AT_ONCE)};
        if (at.count != shaped)
            shape_tiles(shaped = at.count);
        run_samples(call->prepared, &at);
    }
    _tile_release();
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= MAX_WEIGHTS;
}

/* At some 3 GHz. */
static double cost(const lopi_layer *layer, size_t samples, double blocks_left)
{
    size_t whole = samples / AT_ONCE, rest = samples % AT_ONCE;
    double groups = (double)groups_of(layer->outputs);
    double rounds = (double)whole + (rest > SIDE ? 1 : rest > 0 ? 0.6 : 0);
    return 60 + rounds * (60 * groups + 24 * blocks_left);
}

static size_t dense_bytes(const lopi_layer *layer) { return bytes(layer, true); }
static size_t block_bytes(const lopi_layer *layer) { return bytes(layer, false); }
static void dense_prepare(const lopi_layer *layer, void *memory) { prepare(layer, true, memory); }
static void block_prepare(const lopi_layer *layer, void *memory) { prepare(layer, false, memory); }

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples,
                (double)groups_of(layer->outputs) * (double)blocks_of(layer->inputs));
}

static double block_cost(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, lopi_block_estimate(layer, UNITS, INPUTS));
}

static const lopi_kernel kernels[] = {
    {
        .name = "dense-rows-i8-amx",
        .isa = LOPI_ISA_AMX,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .fits = fits,
        .cost_ns = dense_cost,
        .prepare_bytes = dense_bytes,
        .prepare = dense_prepare,
        .parts = parts,
        .run = run,
    },
    {
        .name = "block-rows-i8-amx",
        .isa = LOPI_ISA_AMX,
        .arithmetic = LOPI_I8,
        .operation = LOPI_BLOCK,
        .fits = fits,
        .cost_ns = block_cost,
        .prepare_bytes = block_bytes,
        .prepare = block_prepare,
        .parts = parts,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_amx_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_amx_i8 = {NULL, 0};

#endif
