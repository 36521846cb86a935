/**
 * A layer's values. Small whole numbers (8-bit weights, places in a table) go through trees of
 * chances that know what stands beside them: the weight before in the row, the one above in the
 * column, and in a picture the pixels to the left and above. Floats go by their leading bits; what
 * follows those cannot be foreseen.
 */
#include "run/numbers.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/half.h"
#include "run/steps.h"

#define CLASSES 8 /* of symbols, from the lowest values to the highest; 8: no neighbour */
#define NONE    CLASSES

/* Floats. ---------------------------------------------------------------------------------------
 */

/* How floats are kept: in the fewest bits that hold all of them. `lead` bits of each are foreseen.
 */
typedef struct precision {
    int bits, lead;
    uint32_t (*pack)(float value);
    float (*unpack)(uint32_t bits);
} precision;

static uint32_t single_pack(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float single_unpack(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t half_pack(float value) { return lopi_float_to_half(value); }
static float half_unpack(uint32_t bits) { return lopi_half_to_float((uint16_t)bits); }
static uint32_t bfloat_pack(float value) { return lopi_float_to_bfloat(value); }
static float bfloat_unpack(uint32_t bits) { return lopi_bfloat_to_float((uint16_t)bits); }

enum { SINGLE, HALF, BFLOAT, STEPS, PRECISIONS = STEPS };
static const precision precisions[PRECISIONS] = {
    [SINGLE] = {32, 12, single_pack, single_unpack},
    [HALF] = {16, 9, half_pack, half_unpack},
    [BFLOAT] = {16, 11, bfloat_pack, bfloat_unpack},
};
#define LEAD_MAX 12

static bool exact(const precision *as, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (single_pack(as->unpack(as->pack(values[i]))) != single_pack(values[i]))
            return false;
    return true;
}

static unsigned narrowest(const float *values, size_t count)
{
    return count > 1 && lopi_steps_find(values, count) > 0 ? STEPS
           : exact(&precisions[HALF], values, count)       ? HALF
           : exact(&precisions[BFLOAT], values, count)     ? BFLOAT
                                                           : SINGLE;
}

/* Multiples of one step. */
static lop_status code_steps(lopi_coder *coder, float *values, size_t count, const char *name,
                             lop_error *error)
{
    lopi_chance chances[256];
    lopi_chances_set(chances, 256, LOPI_EVEN);
    float step = lopi_coder_writes(coder) ? lopi_steps_find(values, count) : 0;
    step = bfloat_unpack(lopi_code_even(coder, 16, bfloat_pack(step)));
    if (!(step > 0 && step <= FLT_MAX / LOPI_MOST_STEPS))
        return lopi_fail(error, LOP_E_FORMAT, "layer %s: its numbers have a step of %g", name,
                         (double)step);
    for (size_t i = 0; i < count && !lopi_coder_starved(coder); i++) {
        int steps = lopi_coder_writes(coder) ? lopi_step_count(values[i], step) : 0;
        uint32_t read = lopi_code_tree(coder, chances, 8, (uint32_t)(steps + 128));
        if (read == 0)
            return lopi_fail(error, LOP_E_FORMAT, "layer %s: a number has -128 steps", name);
        if (!lopi_coder_writes(coder))
            values[i] = lopi_step_value((int)read - 128, step);
    }
    return LOP_OK;
}

/* A list of floats, with its precision before it. */
static lop_status code_floats(lopi_coder *coder, float *values, size_t count, const char *name,
                              lop_error *error)
{
    lopi_chance choice[4];
    lopi_chances_set(choice, 4, LOPI_EVEN);
    unsigned which = lopi_coder_writes(coder) ? narrowest(values, count) : 0;
    which = lopi_code_tree(coder, choice, 2, which);
    if (which == STEPS)
        return code_steps(coder, values, count, name, error);
    const precision *as = &precisions[which];
    lopi_chance *lead = lopi_alloc((size_t)1 << as->lead, sizeof *lead);
    if (!lead)
        return lopi_fail_memory(error, ((size_t)1 << as->lead) * sizeof *lead);
    lopi_chances_set(lead, (size_t)1 << as->lead, LOPI_EVEN);
    int tail = as->bits - as->lead;
    for (size_t i = 0; i < count && !lopi_coder_starved(coder); i++) {
        uint32_t bits = lopi_coder_writes(coder) ? as->pack(values[i]) : 0;
        uint32_t read = lopi_code_tree(coder, lead, as->lead, bits >> tail);
        read = read << tail | lopi_code_even(coder, tail, bits);
        if (!lopi_coder_writes(coder))
            values[i] = as->unpack(read);
    }
    lopi_free(lead);
    return LOP_OK;
}

/* Symbols. --------------------------------------------------------------------------------------
 */

/* Pairs of neighbours are told apart by all classes up to so many bits a symbol … */
#define FINE 6
/* … and above that by so many, none included. */
#define COARSE 5
#define PAIRS  (COARSE * COARSE * 256) /* the most chances that pairs take */

typedef struct symbols {
    lopi_coder *coder;
    const lopi_packed_layer *layer;
    uint32_t grid, entries;
    bool plain; /* nothing around it is looked at */
    int bits;
    uint8_t *memory;
    uint8_t *marks; /* by input: class of this row's weight there, or NONE; with a margin before */
    uint8_t *last;  /* by input: class of the last weight of the column */
    lopi_chance alone[256];
    lopi_chance beside[CLASSES + 1][256];
    lopi_chance pair[PAIRS];
    lopi_mixer mixer[8]; /* by the place of the bit */
} symbols;

static uint32_t symbol_of(const lopi_packed_layer *layer, uint32_t i)
{
    return layer->kind == LOP_VALUES_INT8 ? (uint32_t)(layer->q[i] + 128) : layer->symbol[i];
}

static void symbol_set(const lopi_packed_layer *layer, uint32_t i, uint32_t symbol)
{
    if (layer->kind == LOP_VALUES_INT8)
        layer->q[i] = (int8_t)((int)symbol - 128);
    else
        layer->symbol[i] = (uint8_t)symbol;
}

/* How far a class is from the middle: 0 … 3; 4: none. */
static unsigned size_of(unsigned class)
{
    return class == NONE ? 4 : class < 4 ? 3 - class : class - 4;
}

/* In a picture: the mean of left and above, or whichever of the four there is. */
static unsigned picture(const uint8_t *mark, const uint8_t *above)
{
    if (mark[-1] != NONE && above[0] != NONE)
        return (mark[-1] + above[0] + 1u) / 2;
    const unsigned choice[4] = {mark[-1], above[0], above[1], above[-1]};
    unsigned i = 0;
    while (i < 3 && choice[i] == NONE)
        i++;
    return choice[i];
}

static uint32_t code_symbol(symbols *s, uint32_t input, unsigned before, uint32_t symbol)
{
    if (s->plain)
        return lopi_code_tree(s->coder, s->alone, s->bits, symbol);
    lopi_chance *beside = s->beside[size_of(before)], *pair;
    unsigned wide = (unsigned)s->bits;
    if (s->grid) {
        const uint8_t *mark = &s->marks[input], *above = mark - s->grid;
        beside = s->beside[picture(mark, above)];
        unsigned which = wide <= FINE ? above[0] * (CLASSES + 1u) + mark[-1]
                                      : (above[0] / 2u) * COARSE + mark[-1] / 2u;
        pair = &s->pair[(size_t)which << wide];
    } else {
        pair = &s->pair[(size_t)s->last[input] << wide];
    }
    uint32_t node = 1;
    for (int i = s->bits - 1; i >= 0; i--) {
        lopi_chance *chances[3] = {&s->alone[node], &beside[node], &pair[node]};
        node = node << 1 | lopi_code_mixed(s->coder, &s->mixer[i], chances, 3, symbol >> i & 1);
    }
    return node - (1u << s->bits);
}

static lop_status code_row(symbols *s, uint32_t row, lop_error *error)
{
    const uint32_t *start = s->layer->row_start, *column = s->layer->column;
    unsigned before = NONE;
    for (uint32_t i = start[row]; i < start[row + 1]; i++) {
        uint32_t symbol = lopi_coder_writes(s->coder) ? symbol_of(s->layer, i) : 0;
        symbol = code_symbol(s, column[i], before, symbol);
        if (symbol >= s->entries || (symbol == 0 && s->layer->kind == LOP_VALUES_INT8))
            return lopi_fail(error, LOP_E_FORMAT, "layer %s: a weight of row %u is no value",
                             s->layer->name, row);
        if (!lopi_coder_writes(s->coder))
            symbol_set(s->layer, i, symbol);
        before = symbol * CLASSES / s->entries;
        s->last[column[i]] = (uint8_t)before;
        if (s->grid)
            s->marks[column[i]] = (uint8_t)before;
    }
    for (uint32_t i = start[row]; s->grid && i < start[row + 1]; i++)
        s->marks[column[i]] = NONE;
    if (lopi_coder_starved(s->coder))
        return lopi_fail(error, LOP_E_TRUNCATED, "layer %s: its values end in row %u",
                         s->layer->name, row);
    return LOP_OK;
}

static lop_status code_symbols(lopi_coder *coder, const lopi_packed_layer *layer,
                               const lopi_position_form *form, lop_error *error)
{
    lop_status status = LOP_OK;
    uint32_t grid = form->grid;
    size_t inputs = layer->inputs, margin = (size_t)grid + 1;
    symbols *s = lopi_alloc(1, sizeof *s);
    uint8_t *memory = lopi_alloc(2 * inputs + margin, 1);
    if (!s || !memory) {
        status = lopi_fail_memory(error, 2 * inputs + margin + sizeof *s);
        goto out;
    }
    memset(memory, NONE, 2 * inputs + margin);
    s->coder = coder;
    s->layer = layer;
    s->grid = grid;
    s->plain = form->block == LOPI_GAPS;
    s->entries = layer->kind == LOP_VALUES_INT8 ? 256 : layer->entries;
    while (1u << s->bits < s->entries)
        s->bits++;
    s->last = memory;
    s->marks = memory + inputs + margin;
    lopi_chances_set(s->alone, 256, LOPI_EVEN);
    lopi_chances_set(&s->beside[0][0], sizeof s->beside / sizeof(lopi_chance), LOPI_EVEN);
    lopi_chances_set(s->pair, PAIRS, LOPI_EVEN);
    for (int i = 0; i < 8; i++)
        s->mixer[i] = (lopi_mixer){{24000, 20000, 20000}};
    for (uint32_t r = 0; r < layer->outputs && status == LOP_OK; r++)
        status = code_row(s, r, error);
out:
    lopi_free(memory);
    lopi_free(s);
    return status;
}

/* Layers. ---------------------------------------------------------------------------------------
 */

static lop_status code_tables(lopi_coder *coder, const lopi_packed_layer *layer, lop_error *error)
{
    if (layer->kind == LOP_VALUES_INT8)
        return code_floats(coder, layer->scale, layer->outputs, layer->name, error);
    if (layer->kind != LOP_VALUES_SHARED)
        return LOP_OK;
    lop_status status = code_floats(coder, layer->table, layer->entries, layer->name, error);
    for (uint32_t i = 1; i < layer->entries && status == LOP_OK; i++)
        if (!(layer->table[i] > layer->table[i - 1]))
            status = lopi_fail(error, LOP_E_FORMAT, "layer %s: its table does not rise at entry %u",
                               layer->name, i);
    return status;
}

/* What a layer of 16-bit floats holds is 16-bit floats, however its list is kept. */
static lop_status expect_half(const lopi_packed_layer *layer, lop_status otherwise,
                              lop_error *error)
{
    if (layer->kind != LOP_VALUES_FLOAT16 ||
        exact(&precisions[HALF], layer->values, lopi_packed_left(layer)))
        return LOP_OK;
    return lopi_fail(error, otherwise, "layer %s: a value is no float of 16 bits", layer->name);
}

static lop_status code_weights(lopi_coder *coder, const lopi_packed_layer *layer,
                               const lopi_position_form *form, lop_error *error)
{
    if (layer->kind == LOP_VALUES_INT8 || layer->kind == LOP_VALUES_SHARED)
        return code_symbols(coder, layer, form, error);
    bool writes = lopi_coder_writes(coder);
    lop_status status = writes ? expect_half(layer, LOP_E_RANGE, error) : LOP_OK;
    if (status == LOP_OK)
        status = code_floats(coder, layer->values, lopi_packed_left(layer), layer->name, error);
    if (status == LOP_OK && !writes && !lopi_coder_starved(coder))
        status = expect_half(layer, LOP_E_FORMAT, error);
    return status;
}

lop_status lopi_code_values(lopi_coder *coder, lopi_packed_layer *layer,
                            const lopi_position_form *form, lopi_value_bits *bits, lop_error *error)
{
    lop_status status = LOP_OK;
    double begin = lopi_coder_bits(coder);
    if (layer->bias)
        status = code_floats(coder, layer->bias, layer->outputs, layer->name, error);
    double biases = lopi_coder_bits(coder);
    if (status == LOP_OK)
        status = code_tables(coder, layer, error);
    double tables = lopi_coder_bits(coder);
    if (status == LOP_OK)
        status = code_weights(coder, layer, form, error);
    if (status == LOP_OK && lopi_coder_starved(coder))
        status =
            lopi_fail(error, LOP_E_TRUNCATED, "layer %s: its values end too early", layer->name);
    if (bits)
        *bits = (lopi_value_bits){biases - begin, tables - biases, lopi_coder_bits(coder) - tables};
    return status;
}
