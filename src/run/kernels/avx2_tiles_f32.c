/* AVX2, batches, float32: tiles of 16 samples, feature after feature: a feature is a cache line.
 *
 *     sparse:  row r: column, w | column, w | …      each w, broadcast, times its column's line
 *     dense:   rows in groups of six: w of row 0 … 5 for column 0 | for column 1 | …
 *
 * Sparse rows have two sums for even and odd weights, so that products need not wait for each
 * other; of a dense group twelve registers are sums, and what is loaded serves six rows.
 */
#include "run/kernels/avx2.h"

#ifdef __AVX2__

enum { TILE = 16, GROUP = 6 };

/* Tiles that a row, or a group, is multiplied with before the next: its weights are read once. */
enum { AT_ONCE = 4 };

typedef struct entry {
    uint32_t column;
    float weight;
} entry;

typedef struct sparse {
    lopi_prepared common;
    uint32_t *start; /* [outputs + 1] */
    entry *entries;
} sparse;

typedef struct dense {
    lopi_prepared common;
    float *weight; /* [groups][inputs][6] */
} dense;

static sparse *take_sparse(const lopi_layer *layer, lopi_shelf *shelf)
{
    sparse *s = lopi_shelf_take(shelf, 1, sizeof *s);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)layer->outputs + 1, sizeof *start);
    entry *entries = lopi_shelf_take(shelf, layer->row_start[layer->outputs], sizeof *entries);
    if (s)
        *s = (sparse){common, start, entries};
    return s;
}

static size_t sparse_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_sparse(layer, &shelf);
    return shelf.used;
}

static void sparse_prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    sparse *s = take_sparse(layer, &shelf);
    for (uint32_t r = 0; r <= layer->outputs; r++)
        s->start[r] = layer->row_start[r];
    for (uint32_t i = 0; i < layer->row_start[layer->outputs]; i++)
        s->entries[i] = (entry){layer->column[i], layer->value[i]};
}

static size_t groups_of(uint32_t outputs) { return ((size_t)outputs + GROUP - 1) / GROUP; }

static dense *take_dense(const lopi_layer *layer, lopi_shelf *shelf)
{
    dense *d = lopi_shelf_take(shelf, 1, sizeof *d);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    float *weight =
        lopi_shelf_take(shelf, groups_of(layer->outputs) * layer->inputs * GROUP, sizeof *weight);
    if (d)
        *d = (dense){common, weight};
    return d;
}

static size_t dense_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take_dense(layer, &shelf);
    return shelf.used;
}

static void dense_prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    dense *d = take_dense(layer, &shelf);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++)
            d->weight[((size_t)(r / GROUP) * layer->inputs + layer->column[i]) * GROUP +
                      r % GROUP] = layer->value[i];
}

static bool fits_dense(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 30;
}

static inline void finish(const lopi_prepared *p, uint32_t row, const __m256 acc[2], float *y)
{
    __m256 offset = _mm256_set1_ps(p->offset[row]);
    for (uint32_t v = 0; v < 2; v++)
        _mm256_store_ps(y + (size_t)row * TILE + 8 * v,
                        lopi_avx2_relu(p, _mm256_add_ps(acc[v], offset)));
}

/* acc[v] += w · samples 8v … 8v + 7 of a column. */
static inline void add_product(const float *x, const entry *e, __m256 acc[2])
{
    __m256 w = _mm256_broadcast_ss(&e->weight);
    const float *at = x + (size_t)e->column * TILE;
    acc[0] = _mm256_fmadd_ps(w, _mm256_load_ps(at), acc[0]);
    acc[1] = _mm256_fmadd_ps(w, _mm256_load_ps(at + 8), acc[1]);
}

static inline void sparse_row(const sparse *s, uint32_t row, const float *x, float *y)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 even[2] = {zero, zero}, odd[2] = {zero, zero};
    const entry *e = s->entries + s->start[row], *end = s->entries + s->start[row + 1];
    for (; end - e >= 4; e += 4) {
        add_product(x, e, even);
        add_product(x, e + 1, odd);
        add_product(x, e + 2, even);
        add_product(x, e + 3, odd);
    }
    for (; e < end; e++)
        add_product(x, e, even);
    even[0] = _mm256_add_ps(even[0], odd[0]);
    even[1] = _mm256_add_ps(even[1], odd[1]);
    finish(&s->common, row, even, y);
}

/* A row's sums of 16 samples. */
typedef struct sum {
    __m256 low, high;
} sum;

static inline sum add_row(sum s, const float *w, __m256 low, __m256 high)
{
    __m256 weight = _mm256_broadcast_ss(w);
    return (sum){_mm256_fmadd_ps(weight, low, s.low), _mm256_fmadd_ps(weight, high, s.high)};
}

/* The sums of six rows. They have names, since compilers keep an array of them in memory. */
static inline void dense_sums(const float *w, const float *x, uint32_t inputs, __m256 out[GROUP][2])
{
    const sum zero = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    sum a = zero, b = zero, c = zero, d = zero, e = zero, f = zero;
    for (uint32_t i = 0; i < inputs; i++, x += TILE, w += GROUP) {
        __m256 low = _mm256_load_ps(x), high = _mm256_load_ps(x + 8);
        a = add_row(a, w, low, high);
        b = add_row(b, w + 1, low, high);
        c = add_row(c, w + 2, low, high);
        d = add_row(d, w + 3, low, high);
        e = add_row(e, w + 4, low, high);
        f = add_row(f, w + 5, low, high);
    }
    const sum all[GROUP] = {a, b, c, d, e, f};
    for (uint32_t r = 0; r < GROUP; r++) {
        out[r][0] = all[r].low;
        out[r][1] = all[r].high;
    }
}

static inline void dense_group(const dense *d, uint32_t group, const float *x, float *y)
{
    uint32_t inputs = d->common.inputs, first = group * GROUP;
    __m256 sums[GROUP][2];
    dense_sums(d->weight + (size_t)group * inputs * GROUP, x, inputs, sums);
    for (uint32_t r = 0; r < GROUP && first + r < d->common.outputs; r++)
        finish(&d->common, first + r, sums[r], y);
}

static const float *tile_x(const lopi_call *call, size_t tile)
{
    return (const float *)((const uint8_t *)call->x + tile * call->x_stride);
}

static float *tile_y(const lopi_call *call, size_t tile)
{
    return (float *)((uint8_t *)call->y + tile * call->y_stride);
}

static void run_sparse(const lopi_call *call)
{
    const sparse *s = call->prepared;
    for (size_t tile = call->first; tile < call->last; tile++)
        for (uint32_t row = 0; row < s->common.outputs; row++)
            sparse_row(s, row, tile_x(call, tile), tile_y(call, tile));
}

static void run_dense(const lopi_call *call)
{
    const dense *d = call->prepared;
    for (size_t first = call->first; first < call->last; first += AT_ONCE) {
        size_t last = call->last - first < AT_ONCE ? call->last : first + AT_ONCE;
        for (uint32_t group = 0; group < groups_of(d->common.outputs); group++)
            for (size_t tile = first; tile < last; tile++)
                dense_group(d, group, tile_x(call, tile), tile_y(call, tile));
    }
}

static size_t parts(const void *prepared, size_t samples)
{
    (void)prepared;
    return (samples + TILE - 1) / TILE;
}

/* Nanoseconds at some 3 GHz. */
static double sparse_cost(const lopi_layer *layer, size_t samples)
{
    double tiles = (double)parts(NULL, samples);
    return tiles * (10.0 * layer->outputs + 0.8 * layer->row_start[layer->outputs]);
}

static double dense_cost(const lopi_layer *layer, size_t samples)
{
    double tiles = (double)parts(NULL, samples);
    return tiles * (double)groups_of(layer->outputs) * GROUP * (10.0 + 0.36 * layer->inputs);
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-tiles-f32-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .layout = {TILE},
        .cost_ns = sparse_cost,
        .prepare_bytes = sparse_bytes,
        .prepare = sparse_prepare,
        .parts = parts,
        .run = run_sparse,
    },
    {
        .name = "dense-tiles-f32-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_F32,
        .operation = LOPI_DENSE,
        .layout = {TILE},
        .fits = fits_dense,
        .cost_ns = dense_cost,
        .prepare_bytes = dense_bytes,
        .prepare = dense_prepare,
        .parts = parts,
        .run = run_dense,
    },
};

const lopi_kernel_list lopi_kernels_avx2_tiles_f32 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_tiles_f32 = {NULL, 0};

#endif
