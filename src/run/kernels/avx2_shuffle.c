/* AVX2, one sample at a time, int8: sparse rows whose inputs are fetched by byte shuffles.
 *
 * A block of 64 rows is cut into windows of 16, 32 or 64 columns, whose inputs fit one, two or four
 * registers. In a window each row has 2 or 4 slots; a step is 32 slots, of 16 or of 8 rows:
 *
 *     index:   c c c c | c c c c | … (a byte a slot: the column within the window)
 *     weight:  w w w w | w w w w | …
 *              row 0     row 1         (4 slots; with 2, a row has 16 bits of each)
 *
 * vpshufb with the indices puts each slot's input beside its weight, vpmaddubsw multiplies and adds
 * by twos, vpmaddwd by fours. The steps of all 64 rows are a pass over the window. What finds no
 * slot in a block's passes goes to its list of rest: column, row and weight. How wide its windows
 * are, how many slots and passes they have is what costs least for the block; the plan has put rows
 * of like counts together. Windows whose inputs are all zero are left out.
 *
 * With windows of 16, two steps share their indices: low and high half of each byte.
 */
#include "run/kernels/avx2.h"

#ifdef __AVX2__

#include <string.h>

enum {
    BLOCK = 64,  /* rows: LOPI_ROWS_A_PART */
    WIDEST = 64, /* columns of a window */
    NARROWEST = 16,
    SLOTS = 32, /* in a step */
    MAX_PASSES = 4,
    MAX_COLUMNS = 65536
};

typedef struct shape {
    uint32_t columns, slots; /* of a window */
    double step;             /* cycles */
} shape;

static const shape shapes[] = {
    {16, 4, 1.9}, {32, 4, 2.2}, {64, 4, 3.2}, {16, 2, 2.3}, {32, 2, 2.7}, {64, 2, 3.6},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };
static const double window_cycles = 2.5, rest_cycles = 1.8;

typedef struct rest {
    uint16_t column;
    uint8_t row; /* within the block */
    int8_t weight;
} rest;

typedef struct block {
    uint32_t shape, passes; /* passes over each window */
    uint32_t rest, rest_end;
    size_t at; /* where its first pass begins in shuffle.passes, in bytes */
} block;

typedef struct shuffle {
    lopi_prepared common;
    block *blocks;
    uint8_t *passes; /* of each block: [windows][passes][steps]: indices and weights */
    rest *rests;
} shuffle;

static uint32_t steps_of(const shape *s) { return BLOCK * s->slots / SLOTS; }

static uint32_t pass_bytes(const shape *s)
{
    return steps_of(s) * (s->columns == NARROWEST ? SLOTS + SLOTS / 2 : 2 * SLOTS);
}

static uint32_t windows_of(const shape *s, uint32_t inputs)
{
    return (inputs + s->columns - 1) / s->columns;
}

/* Laying out. ---------------------------------------------------------------------------------- */

/* A walk over the rows of a block, window by window. */
typedef struct walk {
    const lopi_layer *layer;
    uint32_t first, rows;
    uint32_t at[BLOCK]; /* of each row: its first weight not yet taken */
} walk;

static walk start_walk(const lopi_layer *layer, uint32_t first)
{
    walk w = {.layer = layer, .first = first};
    w.rows = layer->outputs - first < BLOCK ? layer->outputs - first : BLOCK;
    memcpy(w.at, layer->row_start + first, w.rows * sizeof *w.at);
    return w;
}

/* How many weights row r has left of the columns below `end`. */
static uint32_t count_to(const walk *w, uint32_t r, uint32_t end)
{
    uint32_t i = w->at[r], stop = w->layer->row_start[w->first + r + 1];
    while (i < stop && w->layer->column[i] < end)
        i++;
    return i - w->at[r];
}

/* The share of a layer's windows that are not left out. */
static double share_read(const lopi_layer *layer, uint32_t columns)
{
    double none = 1;
    for (uint32_t i = 0; i < columns / 2; i++) /* inputs that are zero lie together */
        none *= 1 - (double)layer->density;
    return layer->density > 0 ? 1 - none : 1;
}

/* How a block is laid out, and the cycles it takes. */
typedef struct choice {
    uint32_t shape, passes, rest;
    double cycles;
} choice;

/* Try a shape with each number of passes. */
static void judge(const lopi_layer *layer, uint32_t first, uint32_t index, choice *best)
{
    const shape *s = &shapes[index];
    walk w = start_walk(layer, first);
    uint32_t over[MAX_PASSES + 1] = {0}; /* rest, for each number of passes */
    for (uint32_t end = s->columns; end - s->columns < layer->inputs; end += s->columns)
        for (uint32_t r = 0; r < w.rows; r++) {
            uint32_t count = count_to(&w, r, end);
            for (uint32_t p = 0; p <= MAX_PASSES && count > p * s->slots; p++)
                over[p] += count - p * s->slots;
            w.at[r] += count;
        }
    double windows = windows_of(s, layer->inputs) * share_read(layer, s->columns);
    for (uint32_t p = 0; p <= MAX_PASSES; p++) {
        double cycles =
            rest_cycles * over[p] + (p > 0) * windows * (window_cycles + p * steps_of(s) * s->step);
        if ((index == 0 && p == 0) || cycles < best->cycles)
            *best = (choice){index, p, over[p], cycles};
    }
}

/* Totals of a layer, and on the way its blocks where `blocks` is given. */
typedef struct totals {
    size_t pass_bytes, rests;
    double cycles;
} totals;

static totals lay_out(const lopi_layer *layer, block *blocks)
{
    totals t = {0};
    for (uint32_t first = 0; first < layer->outputs; first += BLOCK) {
        choice best;
        for (uint32_t i = 0; i < SHAPES; i++)
            judge(layer, first, i, &best);
        const shape *s = &shapes[best.shape];
        if (blocks)
            blocks[first / BLOCK] = (block){best.shape, best.passes, (uint32_t)t.rests,
                                            (uint32_t)t.rests + best.rest, t.pass_bytes};
        t.pass_bytes += (size_t)windows_of(s, layer->inputs) * best.passes * pass_bytes(s);
        t.rests += best.rest;
        t.cycles += best.cycles;
    }
    return t;
}

static shuffle *take(const lopi_layer *layer, const totals *t, lopi_shelf *shelf)
{
    size_t count = ((size_t)layer->outputs + BLOCK - 1) / BLOCK;
    shuffle *s = lopi_shelf_take(shelf, 1, sizeof *s);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    block *blocks = lopi_shelf_take(shelf, count, sizeof *blocks);
    uint8_t *passes = lopi_shelf_take(shelf, t->pass_bytes, 1);
    rest *rests = lopi_shelf_take(shelf, t->rests, sizeof *rests);
    if (s)
        *s = (shuffle){common, blocks, passes, rests};
    return s;
}

static size_t prepare_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    totals t = lay_out(layer, NULL);
    take(layer, &t, &shelf);
    return shelf.used;
}

/* Write a weight into slot `slot` of a row. With two slots, the rows of a step stand such that the
 * sums of even and of odd places come out in order: 0 8 1 9 … 7 15. */
static void put(uint8_t *pass, const shape *s, uint32_t row, uint32_t slot, uint32_t column,
                int8_t weight)
{
    uint32_t rows = SLOTS / s->slots, step = row / rows, place = row % rows;
    if (s->slots == 2)
        place = place % 8 * 2 + place / 8;
    uint32_t at = place * s->slots + slot;
    if (s->columns == NARROWEST) {
        uint8_t *pair = pass + step / 2 * (3 * SLOTS);
        pair[at] |= (uint8_t)(column << (step % 2 * 4));
        pair[SLOTS + step % 2 * SLOTS + at] = (uint8_t)weight;
    } else {
        pass[step * 2 * SLOTS + at] = (uint8_t)column;
        pass[step * 2 * SLOTS + SLOTS + at] = (uint8_t)weight;
    }
}

static void fill_block(const lopi_layer *layer, uint32_t first, const shuffle *out)
{
    const block *b = &out->blocks[first / BLOCK];
    const shape *s = &shapes[b->shape];
    uint8_t *pass = out->passes + b->at;
    rest *over = out->rests + b->rest;
    walk w = start_walk(layer, first);
    for (uint32_t begin = 0; begin < layer->inputs; begin += s->columns) {
        for (uint32_t r = 0; r < w.rows; r++) {
            uint32_t count = count_to(&w, r, begin + s->columns);
            for (uint32_t k = 0; k < count; k++, w.at[r]++) {
                uint32_t column = layer->column[w.at[r]];
                int8_t weight = layer->q[w.at[r]];
                if (k < b->passes * s->slots)
                    put(pass + (size_t)(k / s->slots) * pass_bytes(s), s, r, k % s->slots,
                        column - begin, weight);
                else
                    *over++ = (rest){(uint16_t)column, (uint8_t)r, weight};
            }
        }
        pass += (size_t)b->passes * pass_bytes(s);
    }
}

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    totals t = lay_out(layer, NULL);
    shuffle *s = take(layer, &t, &shelf);
    lay_out(layer, s->blocks);
    for (uint32_t first = 0; first < layer->outputs; first += BLOCK)
        fill_block(layer, first, s);
}

static bool fits(const lopi_layer *layer) { return layer->inputs <= MAX_COLUMNS; }

/* Computing. ----------------------------------------------------------------------------------- */

/* Windows with an input that is not zero, for each width: 16, 32 and 64. */
enum { WIDTHS = 3 };
typedef struct window_lists {
    uint32_t *list[WIDTHS];
    uint32_t count[WIDTHS];
} window_lists;

static uint32_t width_index(uint32_t columns) { return columns / 32; }

static size_t list_length(const lopi_prepared *p, uint32_t width)
{
    return p->inputs / ((size_t)NARROWEST << width) + 4;
}

static size_t scratch_bytes(const void *prepared, size_t samples)
{
    (void)samples;
    size_t count = BLOCK; /* sums of a block, for its rest */
    for (uint32_t width = 0; width < WIDTHS; width++)
        count += list_length(prepared, width);
    return count * sizeof(uint32_t);
}

static void list_windows(const shuffle *s, const uint8_t *x, window_lists *out)
{
    uint32_t *const narrow = out->list[0], *const middle = out->list[1], *const wide = out->list[2];
    uint32_t narrows = 0, middles = 0, wides = 0;
    for (uint32_t i = 0; i < s->common.inputs; i += WIDEST) {
        const __m128i *at = (const __m128i *)(x + i);
        uint32_t some[4];
        for (uint32_t k = 0; k < 4; k++) {
            __m128i value = _mm_load_si128(at + k);
            some[k] = !_mm_testz_si128(value, value);
            narrow[narrows] = i / 16 + k;
            narrows += some[k];
        }
        for (uint32_t k = 0; k < 2; k++) {
            middle[middles] = i / 32 + k;
            middles += some[2 * k] | some[2 * k + 1];
        }
        wide[wides] = i / 64;
        wides += some[0] | some[1] | some[2] | some[3];
    }
    out->count[0] = narrows;
    out->count[1] = middles;
    out->count[2] = wides;
}

/* The inputs of 32 slots; `tables` is a constant. */
static inline __m256i fetch(const __m256i table[4], uint32_t tables, __m256i index)
{
    __m256i a = _mm256_shuffle_epi8(table[0], index);
    if (tables == 1)
        return a;
    /* Blending looks at the highest bit of each byte: bit 4 of the index, then bit 5. */
    __m256i bit4 = _mm256_slli_epi16(index, 3);
    a = _mm256_blendv_epi8(a, _mm256_shuffle_epi8(table[1], index), bit4);
    if (tables == 2)
        return a;
    __m256i b = _mm256_blendv_epi8(_mm256_shuffle_epi8(table[2], index),
                                   _mm256_shuffle_epi8(table[3], index), bit4);
    return _mm256_blendv_epi8(a, b, _mm256_slli_epi16(index, 2));
}

/* The products of step k of a pass, in 16 bits. */
static inline __m256i multiply(const __m256i table[4], uint32_t tables, const uint8_t *pass,
                               uint32_t k)
{
    const __m256i *at = (const __m256i *)(pass + k * 2 * SLOTS);
    if (tables > 1)
        return _mm256_maddubs_epi16(fetch(table, tables, _mm256_load_si256(at)),
                                    _mm256_load_si256(at + 1));
    at = (const __m256i *)(pass + k / 2 * 3 * SLOTS);
    __m256i index = _mm256_load_si256(at);
    index = k % 2 ? _mm256_srli_epi16(index, 4) : index;
    index = _mm256_and_si256(index, _mm256_set1_epi8(15));
    return _mm256_maddubs_epi16(fetch(table, 1, index), _mm256_load_si256(at + 1 + k % 2));
}

/* A block's sums; `form` is a constant where this is called, so that inner loops are unrolled. */
static inline void run_shape(const shuffle *s, const block *b, const shape form, const uint8_t *x,
                             const window_lists *windows, __m256i sums[8])
{
    const uint32_t tables = form.columns / 16, width = width_index(form.columns);
    const uint32_t bytes = pass_bytes(&form), passes = b->passes;
    const __m256i ones = _mm256_set1_epi16(1), even = _mm256_set1_epi32(1);
    const uint32_t *window = windows->list[width], *end = window + windows->count[width];
    __m256i acc[8];
    for (uint32_t k = 0; k < 8; k++)
        acc[k] = _mm256_setzero_si256();
    for (; window < end; window++) {
        const uint8_t *pass = s->passes + b->at + (size_t)*window * passes * bytes;
        __m256i table[4];
        for (uint32_t k = 0; k < tables; k++)
            table[k] = _mm256_broadcastsi128_si256(
                _mm_load_si128((const __m128i *)(x + (size_t)*window * form.columns) + k));
        for (uint32_t p = 0; p < passes; p++, pass += bytes)
            for (uint32_t k = 0; k < 8; k++)
                if (form.slots == 4) {
                    __m256i sum = _mm256_madd_epi16(multiply(table, tables, pass, k), ones);
                    acc[k] = _mm256_add_epi32(acc[k], sum);
                } else if (k % 2 == 0) {
                    __m256i sum = multiply(table, tables, pass, k / 2);
                    acc[k] = _mm256_add_epi32(acc[k], _mm256_madd_epi16(sum, even));
                    acc[k + 1] = _mm256_add_epi32(acc[k + 1], _mm256_srai_epi32(sum, 16));
                }
    }
    for (uint32_t k = 0; k < 8; k++)
        sums[k] = acc[k];
}

static void run_block(const shuffle *s, const block *b, const uint8_t *x,
                      const window_lists *windows, __m256i sums[8])
{
    switch (b->shape) {
    case 0:
        run_shape(s, b, (shape){16, 4, 0}, x, windows, sums);
        break;
    case 1:
        run_shape(s, b, (shape){32, 4, 0}, x, windows, sums);
        break;
    case 2:
        run_shape(s, b, (shape){64, 4, 0}, x, windows, sums);
        break;
    case 3:
        run_shape(s, b, (shape){16, 2, 0}, x, windows, sums);
        break;
    case 4:
        run_shape(s, b, (shape){32, 2, 0}, x, windows, sums);
        break;
    default:
        run_shape(s, b, (shape){64, 2, 0}, x, windows, sums);
    }
}

static void run(const lopi_call *call)
{
    const shuffle *s = call->prepared;
    int32_t *sums = call->scratch;
    window_lists windows = {.list = {(uint32_t *)call->scratch + BLOCK}};
    windows.list[1] = windows.list[0] + list_length(&s->common, 0);
    windows.list[2] = windows.list[1] + list_length(&s->common, 1);
    for (size_t i = 0; i < call->samples; i++) {
        const uint8_t *x = (const uint8_t *)call->x + i * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + i * call->y_stride;
        list_windows(s, x, &windows);
        for (size_t k = call->first; k < call->last; k++) {
            const block *b = &s->blocks[k];
            run_block(s, b, x, &windows, (__m256i *)sums);
            for (const rest *r = s->rests + b->rest; r < s->rests + b->rest_end; r++)
                sums[r->row] += r->weight * x[r->column];
            lopi_avx2_finish_i8(&s->common, (uint32_t)k * BLOCK, (const __m256i *)sums, y);
            lopi_avx2_finish_i8(&s->common, (uint32_t)k * BLOCK + 32, (const __m256i *)sums + 4, y);
        }
    }
}

/* Cycles of all blocks, judged by some of them. */
static double judge_some(const lopi_layer *layer)
{
    enum { JUDGED = 3 };
    size_t all = ((size_t)layer->outputs + BLOCK - 1) / BLOCK, step = (all + JUDGED - 1) / JUDGED;
    size_t judged = 0;
    double cycles = 0;
    for (size_t b = 0; b < all; b += step, judged++) {
        choice best = {0};
        for (uint32_t i = 0; i < SHAPES; i++)
            judge(layer, (uint32_t)b * BLOCK, i, &best);
        cycles += best.cycles;
    }
    return cycles * (double)all / (double)judged;
}

static double cost(const lopi_layer *layer, size_t samples)
{
    static const char who;
    double cycles;
    if (!lopi_note_find(layer, &who, 0, &cycles)) {
        cycles = judge_some(layer);
        lopi_note_keep(layer, &who, 0, cycles);
    }
    return (double)samples * (50 + 0.1 * layer->inputs + cycles / 3);
}

static const lopi_kernel kernels[] = {
    {
        .name = "shuffle-rows-i8-avx2",
        .isa = LOPI_ISA_AVX2,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = prepare_bytes,
        .prepare = prepare,
        .scratch_bytes = scratch_bytes,
        .parts = lopi_parts_by_rows,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_avx2_shuffle = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx2_shuffle = {NULL, 0};

#endif
