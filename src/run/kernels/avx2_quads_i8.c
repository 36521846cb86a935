/* AVX2, batches, int8: dense layers and blocks, on tiles of 32 samples.
 *
 * A tile is first interleaved by fours of features, so that a register holds four features of
 * eight samples, and a row's four weights lie side by side too:
 *
 *     x, quad k, register j:  x₄ₖ x₄ₖ₊₁ x₄ₖ₊₂ x₄ₖ₊₃ of sample 8j | … | of sample 8j + 7
 *     row r:                  w₄ₖ w₄ₖ₊₁ w₄ₖ₊₂ w₄ₖ₊₃, broadcast
 *
 * vpmaddubsw adds the products by pairs in 16 bits (two of at most 127 · 127 fit), vpmaddwd with
 * ones adds the pairs in 32. Two rows share what is loaded. A pair of rows lists the quads that it
 * reads: all of them where the layer is dense, else those in which one of the rows has a weight.
 */
#include "run/kernels/avx2.h"
#include "run/kernels/formats.h"

#ifdef __AVX2__

enum { TILE = 32, PAIR = 2, QUAD = 4, GROUPS = TILE / 8, QUAD_BYTES = QUAD * TILE };

/* Tiles that a pair of rows is multiplied with before the next: its weights are read once then. */
enum { AT_ONCE = 4 };

typedef struct cell {
    uint32_t quad;         /* which four columns */
    uint32_t weight[PAIR]; /* of each row: four bytes */
} cell;

typedef struct quads {
    lopi_prepared common;
    uint32_t *start; /* [pairs of rows + 1] */
    cell *cells;
} quads;

/* List the quads of a pair of rows; count only where `out` is NULL. */
static uint32_t list_quads(const lopi_layer *l, uint32_t row, bool all, cell *out)
{
    uint32_t at[PAIR], end[PAIR], count = 0;
    for (uint32_t r = 0; r < PAIR; r++) {
        uint32_t here = row + r < l->outputs ? row + r : l->outputs; /* none behind the last */
        at[r] = l->row_start[here];
        end[r] = l->row_start[here + (here < l->outputs)];
    }
    for (uint32_t quad = 0; quad * QUAD < l->inputs; quad++) {
        uint8_t weight[PAIR][QUAD] = {{0}};
        bool any = all;
        for (uint32_t r = 0; r < PAIR; r++)
            for (; at[r] < end[r] && l->column[at[r]] / QUAD == quad; at[r]++) {
                weight[r][l->column[at[r]] % QUAD] = (uint8_t)l->q[at[r]];
                any = true;
            }
        if (!any)
            continue;
        if (out) {
            out[count].quad = quad;
            for (uint32_t r = 0; r < PAIR; r++)
                out[count].weight[r] = weight[r][0] | (uint32_t)weight[r][1] << 8 |
                                       (uint32_t)weight[r][2] << 16 | (uint32_t)weight[r][3] << 24;
        }
        count++;
    }
    return count;
}

static uint32_t count_cells(const lopi_layer *layer, bool all)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < layer->outputs; r += PAIR)
        count += list_quads(layer, r, all, NULL);
    return count;
}

static quads *take(const lopi_layer *layer, bool all, lopi_shelf *shelf)
{
    quads *q = lopi_shelf_take(shelf, 1, sizeof *q);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)layer->outputs / PAIR + 2, sizeof *start);
    cell *cells = lopi_shelf_take(shelf, count_cells(layer, all), sizeof *cells);
    if (q)
        *q = (quads){common, start, cells};
    return q;
}

static size_t bytes(const lopi_layer *layer, bool all)
{
    lopi_shelf shelf = {0};
    take(layer, all, &shelf);
    return shelf.used;
}

static void prepare(const lopi_layer *layer, void *memory, bool all)
{
    lopi_shelf shelf = {.base = memory};
    quads *q = take(layer, all, &shelf);
    uint32_t count = 0, group = 0;
    for (uint32_t r = 0; r < layer->outputs; r += PAIR) {
        count += list_quads(layer, r, all, q->cells + count);
        q->start[++group] = count;
    }
}

static size_t dense_bytes(const lopi_layer *layer) { return bytes(layer, true); }
static size_t block_bytes(const lopi_layer *layer) { return bytes(layer, false); }
static void dense_prepare(const lopi_layer *layer, void *memory) { prepare(layer, memory, true); }
static void block_prepare(const lopi_layer *layer, void *memory) { prepare(layer, memory, false); }

static bool fits_dense(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 30;
}

/* Computing. ----------------------------------------------------------------------------------- */

static size_t quads_of(const lopi_prepared *p) { return ((size_t)p->inputs + QUAD - 1) / QUAD; }

static size_t scratch_bytes(const void *prepared, size_t samples)
{
    size_t tiles = (samples + TILE - 1) / TILE;
    return (tiles < AT_ONCE ? tiles : AT_ONCE) * quads_of(prepared) * QUAD_BYTES;
}

/* The features of a tile by fours. Unpacking works within halves of registers: the samples of
 * register j are 4j … 4j + 3 and 16 + 4j … 16 + 4j + 3. */
static void interleave(const uint8_t *x, size_t count, uint8_t *out)
{
    for (size_t quad = 0; quad < count; quad++) {
        const __m256i *in = (const __m256i *)(x + quad * QUAD_BYTES);
        __m256i *to = (__m256i *)(out + quad * QUAD_BYTES);
        __m256i a = _mm256_load_si256(in), b = _mm256_load_si256(in + 1);
        __m256i c = _mm256_load_si256(in + 2), d = _mm256_load_si256(in + 3);
        __m256i ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
        __m256i cd_low = _mm256_unpacklo_epi8(c, d), cd_high = _mm256_unpackhi_epi8(c, d);
        _mm256_store_si256(to, _mm256_unpacklo_epi16(ab_low, cd_low));
        _mm256_store_si256(to + 1, _mm256_unpackhi_epi16(ab_low, cd_low));
        _mm256_store_si256(to + 2, _mm256_unpacklo_epi16(ab_high, cd_high));
        _mm256_store_si256(to + 3, _mm256_unpackhi_epi16(ab_high, cd_high));
    }
}

static inline void multiply(const quads *q, uint32_t group, const uint8_t *x,
                            __m256i acc[PAIR][GROUPS])
{
    const __m256i ones = _mm256_set1_epi16(1);
    for (uint32_t r = 0; r < PAIR; r++)
        for (uint32_t j = 0; j < GROUPS; j++)
            acc[r][j] = _mm256_setzero_si256();
    const cell *end = q->cells + q->start[group + 1];
    for (const cell *c = q->cells + q->start[group]; c < end; c++) {
        const __m256i *at = (const __m256i *)(x + (size_t)c->quad * QUAD_BYTES);
        __m256i first = _mm256_set1_epi32((int)c->weight[0]);
        __m256i second = _mm256_set1_epi32((int)c->weight[1]);
        for (uint32_t j = 0; j < GROUPS; j++) {
            __m256i value = _mm256_load_si256(at + j);
            __m256i a = _mm256_madd_epi16(_mm256_maddubs_epi16(value, first), ones);
            __m256i b = _mm256_madd_epi16(_mm256_maddubs_epi16(value, second), ones);
            acc[0][j] = _mm256_add_epi32(acc[0][j], a);
            acc[1][j] = _mm256_add_epi32(acc[1][j], b);
        }
    }
}

/* One row of a tile. */
static inline void finish(const lopi_prepared *p, uint32_t row, const __m256i acc[GROUPS],
                          uint8_t *y)
{
    const __m256 mult = _mm256_set1_ps(p->mult[row]), offset = _mm256_set1_ps(p->offset[row]);
    const __m256 zero = _mm256_setzero_ps(), top = _mm256_set1_ps(127);
    __m256i whole[GROUPS];
    for (uint32_t j = 0; j < GROUPS; j++) {
        __m256 t = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(acc[j]), mult), offset);
        if (p->last) {
            float *at = (float *)y + (size_t)row * TILE + 4 * j;
            t = lopi_avx2_relu(p, t);
            _mm_store_ps(at, _mm256_castps256_ps128(t));
            _mm_store_ps(at + 16, _mm256_extractf128_ps(t, 1));
        }
        whole[j] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(t, zero), top));
    }
    __m256i low = _mm256_packs_epi32(whole[0], whole[1]);
    __m256i high = _mm256_packs_epi32(whole[2], whole[3]);
    if (!p->last)
        _mm256_store_si256((__m256i *)(y + (size_t)row * TILE), _mm256_packus_epi16(low, high));
}

static void run(const lopi_call *call)
{
    const quads *q = call->prepared;
    const lopi_prepared *p = &q->common;
    size_t stride = quads_of(p) * QUAD_BYTES;
    for (size_t first = call->first; first < call->last; first += AT_ONCE) {
        size_t count = call->last - first < AT_ONCE ? call->last - first : AT_ONCE;
        for (size_t i = 0; i < count; i++)
            interleave((const uint8_t *)call->x + (first + i) * call->x_stride, quads_of(p),
                       (uint8_t *)call->scratch + i * stride);
        for (uint32_t row = 0; row < p->outputs; row += PAIR)
            for (size_t i = 0; i < count; i++) {
                uint8_t *y = (uint8_t *)call->y + (first + i) * call->y_stride;
                __m256i acc[PAIR][GROUPS];
                multiply(q, row / PAIR, (const uint8_t *)call->scratch + i * stride, acc);
                for (uint32_t r = 0; r < PAIR && row + r < p->outputs; r++)
                    finish(p, row + r, acc[r], y);
            }
    }
}

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

/* Costs, in nanoseconds at some 3 GHz. --------------------------------------------------------- */

static double cost(const lopi_layer *layer, size_t samples, double read)
{
    double tiles = (double)parts(NULL, samples);
    return tiles * (layer->inputs * 2.0 + layer->outputs * (15 + 0.45 * read * layer->inputs));
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 1);
}

static double block_cost(const lopi_layer *layer, size_t samples)
{
    double all = ((double)layer->outputs + 1) / PAIR * layer->inputs / QUAD;
    return cost(layer, samples, lopi_block_estimate(layer, PAIR, QUAD) / all);
}

static const lopi_kernel kernels[] = {
    {
        .name = "dense-tiles-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = fits_dense,
        .cost_ns = dense_cost,
        .prepare_bytes = dense_bytes,
        .prepare = dense_prepare,
        .scratch_bytes = scratch_bytes,
        .parts = parts,
        .run = run,
    },
    {
        .name = "block-tiles-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_BLOCK,
        .layout = {TILE},
        .cost_ns = block_cost,
        .prepare_bytes = block_bytes,
        .prepare = block_prepare,
        .scratch_bytes = scratch_bytes,
        .parts = parts,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_avx2_quads_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_quads_i8 = {NULL, 0};

#endif
