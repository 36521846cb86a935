/* AVX2, few samples: dense columns, of which only those whose input is not zero are read.
 *
 * Behind ReLU, and in images, most inputs are zero. A layer is kept in blocks of 64 rows, in each
 * block column after column, so that a column's part is one cache line of int8 (four of float32):
 *
 *     block 0:  column 0: rows 0 … 63 | column 1: rows 0 … 63 | … | zeros (a column for odd counts)
 *     block 1:  column 0: rows 64 … 127 | …
 *
 * int8. Two columns a, b are multiplied at once: their bytes are interleaved, a₀b₀ a₁b₁ …, and
 * vpmaddubsw with x_a x_b x_a x_b … adds the two products of each row in 16 bits. Sums of more
 * pairs stay in 16 bits as long as Σ x_c · max|column c| allows, which is known before the weights
 * are read; then they move on into 32 bits. Within each 32 rows the bytes stand such that the sums
 * come out in order:
 *
 *     byte 16·h + 8·k + 2·i + j  holds  row 16·k + 8·j + 4·h + i,   h, j, k = 0 … 1, i = 0 … 3
 */
#include "run/kernels/avx2.h"

#ifdef __AVX2__

enum {
    BLOCK = 64,     /* rows: LOPI_ROWS_A_PART */
    AHEAD = 8,      /* pairs, or columns, that are fetched ahead */
    MAX_SUM = 32767 /* of 16 bits */
};

typedef struct dense_columns {
    lopi_prepared common;
    size_t block_bytes;
    uint8_t *peak; /* I8: [inputs + 1]: largest |q| of each column */
    void *weight;  /* [blocks][inputs + 1][64] */
} dense_columns;

static dense_columns *take(const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t size = layer->q ? sizeof(int8_t) : sizeof(float);
    size_t columns = (size_t)layer->inputs + 1, blocks = ((size_t)layer->outputs + 63) / BLOCK;
    dense_columns *d = lopi_shelf_take(shelf, 1, sizeof *d);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint8_t *peak = lopi_shelf_take(shelf, columns, 1);
    void *weight = lopi_shelf_take(shelf, blocks * columns * BLOCK, size);
    if (d)
        *d = (dense_columns){common, columns * BLOCK * size, peak, weight};
    return d;
}

static size_t prepare_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(layer, &shelf);
    return shelf.used;
}

/* Where a row stands within its block of int8. */
static uint32_t place_i8(uint32_t row)
{
    uint32_t i = row % 4, h = row / 4 % 2, j = row / 8 % 2, k = row / 16 % 2;
    return row / 32 % 2 * 32 + 16 * h + 8 * k + 2 * i + j;
}

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    dense_columns *d = take(layer, &shelf);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            uint32_t c = layer->column[i];
            size_t cell = (r / BLOCK * ((size_t)layer->inputs + 1) + c) * BLOCK;
            if (!layer->q) {
                ((float *)d->weight)[cell + r % BLOCK] = layer->value[i];
                continue;
            }
            int8_t q = layer->q[i];
            uint8_t size = (uint8_t)(q < 0 ? -q : q);
            ((int8_t *)d->weight)[cell + place_i8(r % BLOCK)] = q;
            d->peak[c] = size > d->peak[c] ? size : d->peak[c];
        }
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 30;
}

/* int8. ---------------------------------------------------------------------------------------- */

/* Two columns whose inputs are not zero. Offsets are bytes from a block's beginning. */
typedef struct pair {
    uint32_t a, b;
    uint32_t x;   /* x_a, x_b, x_a, x_b */
    uint32_t run; /* of a run's first pair: how many pairs sums of 16 bits can take from here */
} pair;

typedef struct pair_list {
    size_t count;
    pair *pairs; /* [count + AHEAD]; behind them those of the next block, for fetching ahead */
    uint32_t *places;
} pair_list;

static size_t scratch_i8(const void *prepared, size_t samples)
{
    (void)samples;
    size_t inputs = ((const lopi_prepared *)prepared)->inputs;
    return (inputs / 2 + 1 + AHEAD) * sizeof(pair) +
           (inputs + 1 + LOPI_AVX2_SPARE) * sizeof(uint32_t) + 2 * 64;
}

static void list_pairs(const dense_columns *d, const uint8_t *x, pair_list *list)
{
    uint32_t inputs = d->common.inputs, *places = list->places, sum = MAX_SUM;
    size_t found = lopi_avx2_nonzero_i8(x, inputs, places);
    places[found] = inputs; /* the zero column */
    list->count = (found + 1) / 2;
    pair *run = list->pairs;
    for (size_t i = 0; i < list->count; i++) {
        uint32_t a = places[2 * i], b = places[2 * i + 1];
        uint32_t x_a = x[a], x_b = b < inputs ? x[b] : 0;
        uint32_t most = x_a * d->peak[a] + x_b * d->peak[b];
        pair *p = &list->pairs[i];
        *p = (pair){a * BLOCK, b * BLOCK, (x_a | x_b << 8) * 0x10001u, 0};
        sum += most;
        if (sum > MAX_SUM) {
            run = p;
            sum = most;
        }
        run->run++;
    }
    for (size_t i = 0; i < AHEAD; i++) {
        pair next = i < list->count ? list->pairs[i] : (pair){0};
        next.a += (uint32_t)d->block_bytes;
        next.b += (uint32_t)d->block_bytes;
        list->pairs[list->count + i] = next;
    }
}

/* sum[i] += the products of a pair with rows 16·i … 16·i + 15 of the block, in 16 bits. */
static inline void add_pair(const int8_t *block, const pair *p, __m256i sum[4])
{
    __m256i x = _mm256_set1_epi32((int)p->x);
    _mm_prefetch(block + p[AHEAD].a, _MM_HINT_T0);
    _mm_prefetch(block + p[AHEAD].b, _MM_HINT_T0);
    for (uint32_t i = 0; i < 2; i++) {
        __m256i a = _mm256_load_si256((const __m256i *)(block + p->a) + i);
        __m256i b = _mm256_load_si256((const __m256i *)(block + p->b) + i);
        __m256i low = _mm256_maddubs_epi16(x, _mm256_unpacklo_epi8(a, b));
        __m256i high = _mm256_maddubs_epi16(x, _mm256_unpackhi_epi8(a, b));
        sum[2 * i] = _mm256_add_epi16(sum[2 * i], low);
        sum[2 * i + 1] = _mm256_add_epi16(sum[2 * i + 1], high);
    }
}

static inline void block_i8(const int8_t *block, const pair_list *list, __m256i acc[8])
{
    const __m256i even = _mm256_set1_epi32(1);
    for (uint32_t i = 0; i < 8; i++)
        acc[i] = _mm256_setzero_si256();
    const pair *p = list->pairs, *end = p + list->count;
    while (p < end) {
        __m256i sum[4] = {0};
        for (const pair *stop = p + p->run; p < stop; p++)
            add_pair(block, p, sum);
        for (uint32_t i = 0; i < 4; i++) {
            acc[2 * i] = _mm256_add_epi32(acc[2 * i], _mm256_madd_epi16(sum[i], even));
            acc[2 * i + 1] = _mm256_add_epi32(acc[2 * i + 1], _mm256_srai_epi32(sum[i], 16));
        }
    }
}

static void run_i8(const lopi_call *call)
{
    const dense_columns *d = call->prepared;
    size_t places_bytes = ((size_t)d->common.inputs + 1 + LOPI_AVX2_SPARE) * sizeof(uint32_t);
    pair_list list = {.places = call->scratch};
    list.pairs = (pair *)((uint8_t *)call->scratch + (places_bytes + 63) / 64 * 64);
    for (size_t s = 0; s < call->samples; s++) {
        list_pairs(d, (const uint8_t *)call->x + s * call->x_stride, &list);
        uint8_t *y = (uint8_t *)call->y + s * call->y_stride;
        for (size_t b = call->first; b < call->last; b++) {
            __m256i acc[8];
            block_i8((const int8_t *)d->weight + b * d->block_bytes, &list, acc);
            lopi_avx2_finish_i8(&d->common, (uint32_t)b * BLOCK, acc, y);
            lopi_avx2_finish_i8(&d->common, (uint32_t)b * BLOCK + 32, acc + 4, y);
        }
    }
}

/* float32. ------------------------------------------------------------------------------------- */

static size_t scratch_f32(const void *prepared, size_t samples)
{
    (void)samples;
    size_t inputs = ((const lopi_prepared *)prepared)->inputs;
    return (inputs + AHEAD + LOPI_AVX2_SPARE) * sizeof(uint32_t);
}

static inline void block_f32(const float *block, const float *x, const uint32_t *places,
                             size_t count, __m256 acc[8])
{
    for (uint32_t i = 0; i < 8; i++)
        acc[i] = _mm256_setzero_ps();
    for (size_t k = 0; k < count; k++) {
        __m256 value = _mm256_broadcast_ss(x + places[k]);
        const float *w = block + (size_t)places[k] * BLOCK;
        const float *later = block + (size_t)places[k + AHEAD] * BLOCK;
        for (uint32_t i = 0; i < 8; i++)
            acc[i] = _mm256_fmadd_ps(value, _mm256_load_ps(w + 8 * i), acc[i]);
        for (uint32_t i = 0; i < BLOCK; i += 16)
            _mm_prefetch((const char *)(later + i), _MM_HINT_T0);
    }
}

static void run_f32(const lopi_call *call)
{
    const dense_columns *d = call->prepared;
    uint32_t *places = call->scratch, columns = d->common.inputs + 1;
    for (size_t s = 0; s < call->samples; s++) {
        const float *x = (const float *)((const uint8_t *)call->x + s * call->x_stride);
        float *y = (float *)((uint8_t *)call->y + s * call->y_stride);
        size_t count = lopi_avx2_nonzero_f32(x, d->common.inputs, places);
        for (size_t i = 0; i < AHEAD; i++)
            places[count + i] = (i < count ? places[i] : 0) + columns;
        for (size_t b = call->first; b < call->last; b++) {
            __m256 acc[8];
            block_f32((const float *)d->weight + b * BLOCK * columns, x, places, count, acc);
            for (uint32_t i = 0; i < 8; i++)
                lopi_avx2_finish_f32(&d->common, (uint32_t)b * BLOCK + 8 * i, acc[i], y);
        }
    }
}

/* Costs, in nanoseconds at some 3 GHz; the bytes that are read decide. --------------------------
 */

static double cost(const lopi_layer *layer, size_t samples, double ns_a_weight)
{
    size_t blocks = ((size_t)layer->outputs + BLOCK - 1) / BLOCK;
    double rows = (double)(blocks * BLOCK);
    double read = layer->density > 0 ? (double)layer->density : 0.5;
    double sample = 50 + 0.3 * layer->inputs + rows * (0.1 + ns_a_weight * read * layer->inputs);
    return sample * (double)samples;
}

static double cost_i8(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 0.018);
}

static double cost_f32(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 0.07);
}

static const lopi_kernel kernels[] = {
    {
        .name = "dense-columns-f32-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_F32,
        .operation = LOPI_DENSE,
        .fits = fits,
        .cost_ns = cost_f32,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .scratch_bytes = scratch_f32,
        .parts = lopi_parts_by_rows,
        .run = run_f32,
    },
    {
        .name = "dense-columns-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_DENSE,
        .fits = fits,
        .cost_ns = cost_i8,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .scratch_bytes = scratch_i8,
        .parts = lopi_parts_by_rows,
        .run = run_i8,
    },
};

const lopi_kernel_list lopi_kernels_avx2_columns = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_columns = {NULL, 0};

#endif
