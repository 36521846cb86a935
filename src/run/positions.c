/**
 * A layer's positions, row by row. A row says how many weights it has, and then where: blocks of
 * columns that are empty take one bit, the others a bit for each column. How likely a weight is
 * follows from what is known: weights that the row still has to place, how often each column was
 * taken in the rows before, and what stands around it where the inputs are a picture.
 */
#include "run/positions.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define ONE         (1u << LOPI_CHANCE_BITS)
#define LEVELS      48 /* of expected weights, in quarters of a power of two */
#define LEVEL_ONE   44 /* the level of 1 */
#define MASS        16 /* that a weight adds to its column */
#define ROW_LEVELS  40 /* of weights in a row */
#define AROUND_SPAN 64 /* pixels above a block that are looked at */
#define GAP_LEVELS  24 /* of expected distances, in halves of a power of two */

/* What a position is coded by. `found` says what is known of its block: 0 that a weight was found
 * in it or nothing, 1 … 4 that one is to come, with few or many columns left for it. */
typedef struct models {
    lopi_chance place[LEVELS][5];
    lopi_chance around[64][4];
    lopi_chance other[LEVELS][32];
    lopi_chance block_place[LEVELS][4];
    lopi_chance block_around[32];
    lopi_chance block_other[LEVELS][ROW_LEVELS];
    lopi_mixer mixer[5], block_mixer;
    lopi_chance same, more;
    lopi_gamma change;
} models;

typedef struct work {
    lopi_coder *coder;
    lopi_packed_layer *layer;
    const lopi_position_form *form;
    const uint32_t *fan;
    uint32_t left;

    uint32_t count;       /* columns that have weights at all */
    uint32_t *input;      /* [count]: which inputs they are */
    uint32_t *rank;       /* by input: which column it is; for gaps, which need no level */
    uint32_t *mass;       /* [count]: how often they were taken */
    uint8_t *level;       /* [count]: the same as a level */
    uint32_t *block_mass; /* sums over blocks */
    uint64_t total;       /* sum over all */
    uint8_t *memory;      /* what `marks` points into */
    uint8_t *marks;       /* by input: 1 where this row has a weight; with a margin before it */
    models *m;
    lopi_gamma *gap; /* [GAP_LEVELS], or NULL where no gaps are coded */

    uint32_t before_count, before_first; /* of the row before */
} work;

/* Where a row is. */
typedef struct row {
    uint32_t column;    /* the next one */
    uint32_t left;      /* weights to come */
    uint32_t next, end; /* in layer->column */
    uint64_t rest;      /* mass of the columns to come */
    int rate;           /* left / rest as a level */
    unsigned size;      /* level of its weights */
    unsigned blocks;    /* bit 0: the last block had weights; bit 1: the one before */
    bool first;         /* none found yet */
} row;

/* Beginnings. -----------------------------------------------------------------------------------
 */

static lopi_chance chance_of(uint64_t one, uint32_t seen)
{
    one = one < ONE / 3328 ? ONE / 3328 : one > ONE / 50 * 49 ? ONE / 50 * 49 : one;
    return (lopi_chance)one << 10 | seen;
}

/* 2^((level − LEVEL_ONE) / 4), in units of ONE. */
static uint64_t level_value(int level)
{
    static const uint32_t quarters[4] = {2097152, 2493948, 2965821, 3526975};
    int above = level - LEVEL_ONE + 4 * 12;
    return ((uint64_t)quarters[above % 4] << (above / 4)) >> 11;
}

static uint64_t power(uint64_t base, unsigned exponent)
{
    uint64_t product = ONE;
    for (unsigned i = 0; i < exponent; i++)
        product = product * base >> LOPI_CHANCE_BITS;
    return product;
}

/* That a column has a weight, where one of `columns` is known to have one. */
static uint64_t among(uint64_t one, unsigned columns)
{
    return (one << LOPI_CHANCE_BITS) / (ONE - power(ONE - one, columns));
}

static void begin_models(const work *w)
{
    static const unsigned ahead[5] = {0, 2, 3, 6, 8};
    models *m = w->m;
    for (int level = 0; level < LEVELS; level++) {
        uint64_t expected = level_value(level);
        uint64_t one = expected > ONE / 20 * 19 ? ONE / 20 * 19 : expected;
        m->place[level][0] = chance_of(one, 2);
        for (int found = 1; found < 5; found++)
            m->place[level][found] = chance_of(among(one, ahead[found]), 2);
        lopi_chances_set(m->other[level], 32, chance_of(one, 2));
        lopi_chance any = chance_of((expected << LOPI_CHANCE_BITS) / (expected + ONE), 2);
        lopi_chances_set(m->block_place[level], 4, any);
        lopi_chances_set(m->block_other[level], ROW_LEVELS, any);
    }
    lopi_chances_set(&m->around[0][0], 64 * 4, LOPI_EVEN);
    lopi_chances_set(m->block_around, 32, LOPI_EVEN);
    for (int i = 0; i < 5; i++)
        m->mixer[i] = (lopi_mixer){{26000, 20000, 20000}};
    m->block_mixer = m->mixer[0];
    m->same = m->more = LOPI_EVEN;
    lopi_gamma_begin(&m->change);
    for (int i = 0; w->gap && i < GAP_LEVELS; i++)
        lopi_gamma_begin(&w->gap[i]);
}

static void add_mass(work *w, uint32_t column, uint32_t mass)
{
    w->mass[column] += mass;
    w->level[column] = (uint8_t)lopi_quarter_log2(w->mass[column]);
    w->block_mass[column >> w->form->block] += mass;
    w->total += mass;
}

static void begin_masses(work *w)
{
    uint64_t all = 0;
    for (uint32_t j = 0; w->fan && j < w->count; j++)
        all += w->fan[w->input[j] + 1] - w->fan[w->input[j]];
    for (uint32_t j = 0; j < w->count; j++) {
        uint64_t mass = MASS;
        if (w->fan && all > 0) {
            uint64_t fan = w->fan[w->input[j] + 1] - w->fan[w->input[j]];
            mass = 4 + 12 * fan * w->count / all;
        }
        add_mass(w, j, (uint32_t)mass);
    }
}

/* Inputs and counts. ----------------------------------------------------------------------------
 */

static void code_inputs(work *w)
{
    const lopi_packed_layer *layer = w->layer;
    uint32_t grid = w->form->grid;
    if (lopi_coder_writes(w->coder))
        for (uint32_t i = 0; i < w->left; i++)
            w->marks[layer->column[i]] = 1;
    bool all = true;
    for (uint32_t i = 0; i < layer->inputs; i++)
        all = all && w->marks[i];
    lopi_chance every = LOPI_EVEN, used[8];
    lopi_chances_set(used, 8, LOPI_EVEN);
    all = lopi_code(w->coder, &every, all);
    for (uint32_t i = 0; i < layer->inputs; i++) {
        const uint8_t *mark = &w->marks[i];
        unsigned context =
            grid ? mark[-1] + 2u * mark[-(ptrdiff_t)grid] + 4u * mark[1 - (ptrdiff_t)grid]
                 : mark[-1];
        if (all || lopi_code(w->coder, &used[context], *mark)) {
            w->marks[i] = 1;
            w->rank[i] = w->count;
            w->input[w->count++] = i;
        }
    }
    memset(w->marks, 0, layer->inputs);
}

/* How many weights a row has: as many as the one before, or by how many fewer or more. */
static lop_status code_count(work *w, uint32_t index, uint32_t *count, lop_error *error)
{
    models *m = w->m;
    uint32_t *start = w->layer->row_start, before = w->before_count;
    uint32_t here = start[index + 1] - start[index];
    bool writing = lopi_coder_writes(w->coder);
    bool more = writing && here > before;
    if (lopi_code(w->coder, &m->same, here == before)) {
        here = before;
    } else {
        if (!w->form->sorted)
            more = lopi_code(w->coder, &m->more, more);
        uint32_t by = writing ? (more ? here - before : before - here) - 1 : 0;
        by = lopi_code_gamma(w->coder, &m->change, by);
        if (more ? by >= w->count - before : by >= before)
            return lopi_fail(error, LOP_E_FORMAT,
                             "layer %s: row %u has more weights than inputs, or fewer than none",
                             w->layer->name, index);
        here = more ? before + by + 1 : before - by - 1;
    }
    if (!writing && here > w->left - start[index])
        return lopi_fail(error, LOP_E_FORMAT, "layer %s: expected %u weights, row %u has more",
                         w->layer->name, w->left, index);
    if (!writing)
        start[index + 1] = start[index] + here;
    *count = here;
    return LOP_OK;
}

/* Rows. -----------------------------------------------------------------------------------------
 */

static inline int clamp_level(int level)
{
    return level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level;
}

static inline void set_rate(row *at)
{
    at->rate = lopi_quarter_log2((uint64_t)at->left * 64) -
               lopi_quarter_log2(at->rest ? at->rest : 1) - 24 + LEVEL_ONE;
}

/* The next column has a weight. */
static inline void take(work *w, row *at)
{
    if (at->first)
        w->before_first = at->column;
    at->first = false;
    uint32_t input = w->input[at->column];
    if (!lopi_coder_writes(w->coder))
        w->layer->column[at->next] = input;
    at->next++;
    if (w->form->grid)
        w->marks[input] = 1;
    add_mass(w, at->column, MASS);
    at->left--;
}

static unsigned pixels(const uint8_t *marks, uint32_t count)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += marks[i];
    return sum;
}

/* Whether the columns up to `end` have a weight. */
static unsigned code_block(work *w, const row *at, uint32_t end, uint64_t mass, unsigned bit)
{
    models *m = w->m;
    uint32_t columns = end - at->column;
    int level = clamp_level(at->rate + lopi_quarter_log2(mass));
    unsigned size = columns <= 2 ? 0 : columns <= 4 ? 1 : columns < 8 ? 2 : 3;
    lopi_chance *chances[3] = {&m->block_place[level][size], &m->block_other[level][at->size],
                               &m->block_around[0]};
    if (!w->form->grid)
        return lopi_code_mixed(w->coder, &m->block_mixer, chances, 2, bit);
    uint32_t grid = w->form->grid, from = w->input[at->column];
    uint32_t span = w->input[end - 1] - from + 1;
    span = span > AROUND_SPAN ? AROUND_SPAN : span;
    const uint8_t *mark = &w->marks[from];
    unsigned above = pixels(mark - grid, span), over = pixels(mark - 2 * (size_t)grid, span);
    unsigned vertical = (above > 3 ? 3 : above) * 2 + (over > 0), beside = mark[-1] + 2u * mark[-2];
    chances[1] = &m->block_other[level][vertical * 2 + (beside > 0)];
    chances[2] = &m->block_around[vertical * 4 + beside];
    return lopi_code_mixed(w->coder, &m->block_mixer, chances, 3, bit);
}

/* Whether the next column has a weight. `found` as models have it. */
static inline unsigned code_column(work *w, const row *at, unsigned found, unsigned bit)
{
    static const uint8_t known[5] = {0, 1, 1, 2, 3};
    models *m = w->m;
    int level = clamp_level(at->rate + w->level[at->column]);
    lopi_chance *chances[3] = {&m->place[level][found]};
    uint32_t input = w->input[at->column];
    if (!w->form->grid) {
        unsigned fan = w->fan ? w->fan[input + 1] - w->fan[input] : 0;
        fan = (unsigned)lopi_quarter_log2(fan + 1) / 2 & 15;
        chances[1] = &m->other[at->size][fan * 2 + (found > 0)];
        return lopi_code_mixed(w->coder, &m->mixer[found], chances, 2, bit);
    }
    const uint8_t *mark = &w->marks[input], *above = mark - w->form->grid;
    unsigned pattern = mark[-1] | (unsigned)mark[-2] << 1 | (unsigned)above[0] << 2 |
                       (unsigned)above[1] << 3 | (unsigned)above[-1] << 4 |
                       (unsigned)above[-(ptrdiff_t)w->form->grid] << 5;
    unsigned near = (unsigned)mark[-1] + mark[-2] + above[0] + above[1] + above[-1] +
                    above[-(ptrdiff_t)w->form->grid];
    chances[1] = &m->other[level][(near > 3 ? 3 : near) * 2 + (found > 0)];
    chances[2] = &m->around[pattern][known[found]];
    return lopi_code_mixed(w->coder, &m->mixer[found], chances, 3, bit);
}

static inline bool taken(const work *w, const row *at, uint32_t end)
{
    return lopi_coder_writes(w->coder) && at->next < at->end &&
           w->layer->column[at->next] <= w->input[end - 1];
}

/* The columns of a block, the next one to `end`; `sure` that one of them has a weight. */
static void code_columns(work *w, row *at, uint32_t end, bool sure)
{
    static const uint8_t ahead[9] = {0, 0, 1, 2, 3, 3, 3, 4, 4};
    bool some = !sure;
    for (; at->column < end && at->left > 0; at->column++) {
        uint32_t here = at->column, columns = end - here;
        unsigned bit = 1;
        if ((some || columns > 1) && w->count - here > at->left) {
            unsigned found = some ? 0 : ahead[columns > 8 ? 8 : columns];
            bit = code_column(w, at, found, taken(w, at, here + 1));
        }
        at->rest -= w->mass[here];
        if (bit) {
            take(w, at);
            some = true;
            set_rate(at);
        }
    }
}

static uint64_t mass_between(const work *w, uint32_t column, uint32_t end)
{
    uint64_t mass = 0;
    for (; column < end; column++)
        mass += w->mass[column];
    return mass;
}

static void code_row(work *w, uint32_t index, uint32_t count, uint32_t from)
{
    unsigned shift = w->form->block;
    uint32_t *start = w->layer->row_start;
    unsigned size = (unsigned)lopi_quarter_log2((uint64_t)count * 16 + 1) / 2;
    row at = {.column = from,
              .left = count,
              .next = start[index],
              .end = start[index + 1],
              .rest = w->total,
              .size = size < ROW_LEVELS ? size : ROW_LEVELS - 1,
              .first = true};
    for (uint32_t b = 0; b < from >> shift; b++)
        at.rest -= w->block_mass[b];
    at.rest -= mass_between(w, from >> shift << shift, from);
    while (at.left > 0 && !lopi_coder_starved(w->coder)) {
        uint32_t block = at.column >> shift, end = (block + 1) << shift;
        end = end > w->count ? w->count : end;
        if (w->count - at.column == at.left) { /* all that is left has weights */
            for (; at.left > 0; at.column++)
                take(w, &at);
            break;
        }
        set_rate(&at);
        bool asked = end - at.column > 1 && w->count - end >= at.left;
        unsigned some = 1;
        if (asked) {
            bool whole = at.column == block << shift;
            uint64_t mass = whole ? w->block_mass[block] : mass_between(w, at.column, end);
            some = code_block(w, &at, end, mass, taken(w, &at, end));
            if (!some) {
                at.rest -= mass;
                at.column = end;
            }
        }
        if (some)
            code_columns(w, &at, end, asked);
    }
    for (uint32_t i = start[index]; w->form->grid && i < at.next; i++)
        w->marks[w->layer->column[i]] = 0;
}

/* Gaps: each weight by the columns that are empty before it, as many as there may be on average. */
static lop_status code_gaps(work *w, uint32_t index, uint32_t count, uint32_t from,
                            lop_error *error)
{
    uint32_t *start = w->layer->row_start, *column = w->layer->column, at = from;
    for (uint32_t i = 0; i < count && !lopi_coder_starved(w->coder); i++) {
        uint32_t left = count - i, room = w->count - at - left, gap = 0;
        uint32_t *here = &column[start[index] + i];
        if (lopi_coder_writes(w->coder))
            gap = w->rank[*here] - at;
        if (room > 0) {
            unsigned level = (unsigned)lopi_quarter_log2((w->count - at) / left) / 2;
            lopi_gamma *gamma = &w->gap[level < GAP_LEVELS ? level : GAP_LEVELS - 1];
            gap = lopi_code_gamma_even(w->coder, gamma, gap);
        }
        if (gap > room)
            return lopi_fail(error, LOP_E_FORMAT, "layer %s: row %u has a weight beyond its inputs",
                             w->layer->name, index);
        at += gap;
        if (i == 0)
            w->before_first = at;
        if (!lopi_coder_writes(w->coder))
            *here = w->input[at];
        at++;
    }
    return LOP_OK;
}

static lop_status code_rows(work *w, lopi_position_bits *bits, lop_error *error)
{
    lop_status status = LOP_OK;
    w->before_count = w->count;
    for (uint32_t r = 0; r < w->layer->outputs && status == LOP_OK; r++) {
        double begin = bits ? lopi_coder_bits(w->coder) : 0;
        uint32_t count = 0, before = w->before_count;
        status = code_count(w, r, &count, error);
        if (bits)
            bits->counts += lopi_coder_bits(w->coder) - begin;
        if (status == LOP_OK) {
            uint32_t from = w->form->sorted && r > 0 && count == before ? w->before_first : 0;
            w->before_count = count;
            if (count > w->count - from)
                status =
                    lopi_fail(error, LOP_E_FORMAT, "layer %s: row %u has no place for %u weights",
                              w->layer->name, r, count);
            else if (count > 0 && w->form->block == LOPI_GAPS)
                status = code_gaps(w, r, count, from, error);
            else if (count > 0)
                code_row(w, r, count, from);
        }
        if (status == LOP_OK && lopi_coder_starved(w->coder))
            status = lopi_fail(error, LOP_E_TRUNCATED, "layer %s: its positions end in row %u",
                               w->layer->name, r);
    }
    if (status == LOP_OK && w->layer->row_start[w->layer->outputs] != w->left)
        status = lopi_fail(error, LOP_E_FORMAT, "layer %s: expected %u weights, found %u",
                           w->layer->name, w->left, w->layer->row_start[w->layer->outputs]);
    return status;
}

lop_status lopi_code_positions(lopi_coder *coder, lopi_packed_layer *layer, uint32_t left,
                               const lopi_position_form *form, const uint32_t *fan,
                               lopi_position_bits *bits, lop_error *error)
{
    lop_status status = LOP_OK;
    size_t inputs = layer->inputs, margin = 2 * (size_t)form->grid + 2;
    work w = {.coder = coder, .layer = layer, .form = form, .fan = fan, .left = left};
    w.memory = lopi_alloc(inputs + margin + AROUND_SPAN, 1);
    w.input = lopi_alloc(inputs, sizeof *w.input);
    w.mass = lopi_alloc(inputs, sizeof *w.mass);
    w.level = lopi_alloc(inputs, sizeof *w.level);
    w.rank = lopi_alloc(inputs, sizeof *w.rank);
    w.block_mass = lopi_alloc((inputs >> form->block) + 1, sizeof *w.block_mass);
    w.m = lopi_alloc(1, sizeof *w.m);
    bool gaps = form->block == LOPI_GAPS;
    w.gap = gaps ? lopi_alloc(GAP_LEVELS, sizeof *w.gap) : NULL;
    if (!w.memory || !w.input || !w.mass || !w.level || !w.rank || !w.block_mass || !w.m ||
        (gaps && !w.gap)) {
        status = lopi_fail_memory(error, inputs * 18);
        goto out;
    }
    w.marks = w.memory + margin;
    double begin = lopi_coder_bits(coder);
    code_inputs(&w);
    begin_models(&w);
    begin_masses(&w);
    double inputs_end = lopi_coder_bits(coder);
    status = code_rows(&w, bits, error);
    if (bits) {
        bits->inputs = inputs_end - begin;
        bits->columns = lopi_coder_bits(coder) - inputs_end - bits->counts;
    }
out:
    lopi_free(w.memory);
    lopi_free(w.input);
    lopi_free(w.mass);
    lopi_free(w.level);
    lopi_free(w.rank);
    lopi_free(w.block_mass);
    lopi_free(w.m);
    lopi_free(w.gap);
    return status;
}

bool lopi_positions_sorted(const lopi_packed_layer *layer)
{
    const uint32_t *start = layer->row_start;
    for (uint32_t r = 1; r < layer->outputs; r++) {
        uint32_t before = start[r] - start[r - 1], here = start[r + 1] - start[r];
        if (here > before ||
            (here == before && here > 0 && layer->column[start[r]] < layer->column[start[r - 1]]))
            return false;
    }
    return true;
}
