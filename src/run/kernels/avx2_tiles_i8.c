/* AVX2, batches, int8: sparse layers, on tiles of 32 samples, feature after feature.
 *
 * A row's weights stand in runs of pairs, each run short enough that its sums fit 16 bits whatever
 * x is:
 *
 *     run:   a b | a b | … (pairs)     column a: x x x x … (32 samples)   interleaved:
 *            w w | w w | …             column b: x x x x …            →   x_a x_b x_a x_b …
 *
 * vpmaddubsw of that with w_a w_b w_a w_b … adds a pair's two products for 16 samples. x is at most
 * 127, so a run fits where neither its positive nor its negative weights exceed MOST. Weights are
 * dealt to the runs such that both signs are spread evenly; what is missing is filled up by weights
 * of zero. All runs of a layer have the same number of pairs, that which costs least. At a run's
 * end its sums move on into 32 bits.
 */
#include "run/kernels/avx2.h"

#ifdef __AVX2__

enum {
    TILE = 32,
    MOST = 258, /* 258 · 127 < 2¹⁵ */
    MAX_PAIRS = 8,
    MAX_COLUMNS = 65536,
    ROWS_JUDGED = 32 /* to choose the number of pairs by */
};

/* Pairs a run may have. */
static const uint32_t lengths[] = {1, 2, 3, 4, 6, MAX_PAIRS};

typedef struct tiles {
    lopi_prepared common;
    uint32_t pairs;   /* in each run */
    uint32_t *start;  /* [outputs + 1], in runs */
    uint16_t *column; /* [runs][pairs][2] */
    uint32_t *weight; /* [runs][pairs]: w_a, w_b, w_a, w_b */
} tiles;

/* Dealing. ------------------------------------------------------------------------------------- */

typedef struct dealer {
    const lopi_layer *layer;
    uint32_t pairs;
    tiles *out; /* NULL: count only */
    uint32_t runs;
    /* The open run. */
    uint32_t count; /* weights so far */
    uint16_t column[2 * MAX_PAIRS];
    int8_t weight[2 * MAX_PAIRS];
    int32_t sum[2]; /* of the sizes of those not below zero, and of those below */
} dealer;

/* Close the open run: write it, filled up. */
static void close_run(dealer *d)
{
    if (d->count == 0)
        return;
    for (uint32_t i = d->count; i < 2 * d->pairs; i++) {
        d->column[i] = d->column[d->count - 1];
        d->weight[i] = 0;
    }
    for (uint32_t i = 0; d->out && i < d->pairs; i++) {
        size_t at = (size_t)d->runs * d->pairs + i;
        uint32_t a = (uint8_t)d->weight[2 * i], b = (uint8_t)d->weight[2 * i + 1];
        d->out->weight[at] = (a | b << 8) * 0x10001u;
        d->out->column[2 * at] = d->column[2 * i];
        d->out->column[2 * at + 1] = d->column[2 * i + 1];
    }
    d->runs++;
    d->count = 0;
    d->sum[0] = d->sum[1] = 0;
}

/* Add a weight to the open run, if there is room for it. */
static bool add_weight(dealer *d, uint32_t i)
{
    int8_t q = d->layer->q[i];
    bool below = q < 0;
    int32_t sum = d->sum[below] + (below ? -q : q);
    if (d->count == 2 * d->pairs || sum > MOST)
        return false;
    d->sum[below] = sum;
    d->column[d->count] = (uint16_t)d->layer->column[i];
    d->weight[d->count++] = q;
    return true;
}

/* The next weight at or behind `at` that is below zero, or is not. */
static uint32_t next_of(const lopi_layer *layer, uint32_t at, uint32_t end, bool below)
{
    while (at < end && (layer->q[at] < 0) != below)
        at++;
    return at;
}

/* Of the sign that has more left first. */
static void deal_row(dealer *d, uint32_t row)
{
    const lopi_layer *l = d->layer;
    uint32_t first = l->row_start[row], end = l->row_start[row + 1], left[2] = {0};
    for (uint32_t i = first; i < end; i++)
        left[l->q[i] < 0]++;
    uint32_t at[2] = {next_of(l, first, end, false), next_of(l, first, end, true)};
    while (left[0] + left[1] > 0) {
        bool below = left[1] > left[0], taken = false;
        for (uint32_t attempt = 0; attempt < 2 && !taken; attempt++, below = !below) {
            if (left[below] == 0 || !add_weight(d, at[below]))
                continue;
            at[below] = next_of(l, at[below] + 1, end, below);
            left[below]--;
            taken = true;
        }
        if (!taken)
            close_run(d);
    }
    close_run(d);
}

/* Deal every `step`-th row. */
static void deal(dealer *d, uint32_t step)
{
    d->runs = 0;
    for (uint32_t r = 0; r < d->layer->outputs; r += step) {
        deal_row(d, r);
        if (d->out)
            d->out->start[r + 1] = d->runs;
    }
}

/* With the number of pairs that costs least, in instructions, of a few rows. */
static dealer new_dealer(const lopi_layer *layer)
{
    uint32_t best = 0;
    double least = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        dealer d = {.layer = layer, .pairs = lengths[i]};
        deal(&d, layer->outputs / ROWS_JUDGED + 1);
        double cost = d.runs * (12.0 * d.pairs + 10);
        if (i == 0 || cost < least) {
            least = cost;
            best = d.pairs;
        }
    }
    return (dealer){.layer = layer, .pairs = best};
}

static tiles *take(const dealer *d, lopi_shelf *shelf)
{
    size_t pairs = (size_t)d->runs * d->pairs;
    tiles *t = lopi_shelf_take(shelf, 1, sizeof *t);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, d->layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)d->layer->outputs + 1, sizeof *start);
    uint16_t *column = lopi_shelf_take(shelf, pairs * 2, sizeof *column);
    uint32_t *weight = lopi_shelf_take(shelf, pairs, sizeof *weight);
    if (t)
        *t = (tiles){common, d->pairs, start, column, weight};
    return t;
}

static size_t prepare_bytes(const lopi_layer *layer)
{
    dealer d = new_dealer(layer);
    lopi_shelf shelf = {0};
    deal(&d, 1);
    take(&d, &shelf);
    return shelf.used;
}

static void prepare(const lopi_layer *layer, void *memory)
{
    dealer d = new_dealer(layer);
    lopi_shelf shelf = {.base = memory};
    deal(&d, 1);
    d.out = take(&d, &shelf);
    deal(&d, 1);
}

static bool fits(const lopi_layer *layer) { return layer->inputs <= MAX_COLUMNS; }

/* Computing. ----------------------------------------------------------------------------------- */

/* Sums of a row: the even and the odd samples of two halves, which are samples 0 … 7 with 16 … 23,
 * and 8 … 15 with 24 … 31. */
typedef struct sums {
    __m256i even[2], odd[2];
} sums;

/* Floats in the order of the samples. */
static void finish_floats(const lopi_prepared *p, const __m256 even[2], const __m256 odd[2],
                          float *y)
{
    for (uint32_t h = 0; h < 2; h++) {
        __m256 a = lopi_avx2_relu(p, even[h]), b = lopi_avx2_relu(p, odd[h]);
        __m256 low = _mm256_unpacklo_ps(a, b), high = _mm256_unpackhi_ps(a, b);
        _mm256_store_ps(y + 8 * h, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_store_ps(y + 8 * h + 16, _mm256_permute2f128_ps(low, high, 0x31));
    }
}

static inline __m256i whole(__m256 t)
{
    const __m256 zero = _mm256_setzero_ps(), top = _mm256_set1_ps(127);
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(t, zero), top));
}

/* Odd samples go beside the even ones, as 16 bits; packing the halves then restores the order. */
static inline void finish(const lopi_prepared *p, uint32_t row, const sums *s, uint8_t *y)
{
    const __m256 mult = _mm256_set1_ps(p->mult[row]), offset = _mm256_set1_ps(p->offset[row]);
    __m256 even[2], odd[2];
    __m256i half[2];
    for (uint32_t h = 0; h < 2; h++) {
        even[h] = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(s->even[h]), mult), offset);
        odd[h] = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(s->odd[h]), mult), offset);
        half[h] = _mm256_or_si256(whole(even[h]), _mm256_slli_epi32(whole(odd[h]), 16));
    }
    if (p->last)
        finish_floats(p, even, odd, (float *)y + (size_t)row * TILE);
    else
        _mm256_store_si256((__m256i *)(y + (size_t)row * TILE),
                           _mm256_packus_epi16(half[0], half[1]));
}

/* A run; `pairs` is a constant where this is called. */
static inline sums add_run(const uint8_t *x, const uint16_t *column, const uint32_t *weight,
                           uint32_t pairs, sums acc)
{
    __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (uint32_t p = 0; p < pairs; p++) {
        __m256i a = _mm256_load_si256((const __m256i *)(x + (size_t)column[2 * p] * TILE));
        __m256i b = _mm256_load_si256((const __m256i *)(x + (size_t)column[2 * p + 1] * TILE));
        __m256i w = _mm256_set1_epi32((int)weight[p]);
        __m256i low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), w);
        __m256i high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), w);
        sum[0] = _mm256_add_epi16(sum[0], low);
        sum[1] = _mm256_add_epi16(sum[1], high);
    }
    const __m256i even = _mm256_set1_epi32(1);
    for (uint32_t h = 0; h < 2; h++) {
        acc.even[h] = _mm256_add_epi32(acc.even[h], _mm256_madd_epi16(sum[h], even));
        acc.odd[h] = _mm256_add_epi32(acc.odd[h], _mm256_srai_epi32(sum[h], 16));
    }
    return acc;
}

static inline void run_tile(const tiles *t, const uint8_t *x, uint8_t *y, uint32_t pairs)
{
    const __m256i zero = _mm256_setzero_si256();
    for (uint32_t row = 0; row < t->common.outputs; row++) {
        sums acc = {{zero, zero}, {zero, zero}};
        for (uint32_t i = t->start[row]; i < t->start[row + 1]; i++)
            acc = add_run(x, t->column + (size_t)i * pairs * 2, t->weight + (size_t)i * pairs,
                          pairs, acc);
        finish(&t->common, row, &acc, y);
    }
}

static void run(const lopi_call *call)
{
    const tiles *t = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++) {
        const uint8_t *x = (const uint8_t *)call->x + tile * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + tile * call->y_stride;
        switch (t->pairs) {
        case 1:
            run_tile(t, x, y, 1);
            break;
        case 2:
            run_tile(t, x, y, 2);
            break;
        case 3:
            run_tile(t, x, y, 3);
            break;
        case 4:
            run_tile(t, x, y, 4);
            break;
        case 6:
            run_tile(t, x, y, 6);
            break;
        default:
            run_tile(t, x, y, MAX_PAIRS);
        }
    }
}

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

/* Nanoseconds at some 3 GHz. */
static double cost(const lopi_layer *layer, size_t samples)
{
    double tiles_in_all = (double)parts(NULL, samples);
    return tiles_in_all * (12.0 * layer->outputs + 0.5 * layer->row_start[layer->outputs]);
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .parts = parts,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_avx2_tiles_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_tiles_i8 = {NULL, 0};

#endif
