#include "run/coder.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Tables. -------------------------------------------------------------------------------------- */

/* 65536 / (1 + exp(−x / 170)) at x = 0, 64, 128 … 2048: docs/format.md repeats them. */
static const uint32_t knots[33] = {32768, 38864, 44553, 49528, 53638, 56877, 59337, 61152, 62463,
                                   63395, 64052, 64510, 64828, 65049, 65201, 65306, 65378, 65427,
                                   65461, 65485, 65501, 65512, 65519, 65525, 65528, 65531, 65532,
                                   65533, 65534, 65535, 65535, 65535, 65536};

static uint16_t squashed(int x)
{
    unsigned size = (unsigned)(x < 0 ? -x : x), knot = size / 64, beyond = size % 64;
    uint32_t one = knots[knot];
    if (beyond)
        one += (knots[knot + 1] - knots[knot]) * beyond / 64;
    if (x < 0)
        one = 65536 - one;
    return (uint16_t)(one < 8 ? 8 : one > 65528 ? 65528 : one);
}

void lopi_coder_tables_fill(lopi_coder_tables *tables)
{
    for (int i = 0; i < 4096; i++)
        tables->squash[i] = squashed(i - 2048);
    /* The inverse: the first place where the probability is reached. */
    int x = 0;
    for (uint32_t i = 0; i < 4096; i++) {
        while (x < 4095 && tables->squash[x] < i * 16 + 8)
            x++;
        tables->stretch[i] = (int16_t)(x - 2048);
    }
    for (uint32_t seen = 0; seen <= LOPI_SEEN_MAX; seen++)
        tables->step[seen] = (uint16_t)(655360 / (10 * seen + 16));
}

void lopi_chances_set(lopi_chance *chances, size_t count, lopi_chance chance)
{
    for (size_t i = 0; i < count; i++)
        chances[i] = chance;
}

/* Reading. ------------------------------------------------------------------------------------- */

static void begin(lopi_coder *coder, const lopi_coder_tables *tables)
{
    memset(coder, 0, sizeof *coder);
    coder->range = UINT32_MAX;
    coder->tables = tables;
}

void lopi_coder_read(lopi_coder *coder, const lopi_coder_tables *tables, const uint8_t *data,
                     size_t size)
{
    begin(coder, tables);
    coder->data = data;
    coder->size = size;
    for (int i = 0; i < 4; i++)
        lopi_coder_shift_in(coder);
}

double lopi_coder_bits(const lopi_coder *coder)
{
    size_t bytes = lopi_coder_writes(coder) ? coder->out_size + coder->pending + coder->holds
                                            : coder->position - 4;
    return 8.0 * (double)bytes + 32 - log2(coder->range);
}

/* Writing: bytes leave when no carry can reach them any more. -----------------------------------
 */

void lopi_coder_write(lopi_coder *coder, const lopi_coder_tables *tables)
{
    begin(coder, tables);
    coder->writing = true;
}

static void emit(lopi_coder *coder, uint8_t byte)
{
    if (coder->out_size == coder->out_capacity) {
        size_t capacity = coder->out_capacity ? coder->out_capacity * 2 : 4096;
        uint8_t *out = lopi_realloc(coder->out, capacity, 1);
        if (!out) {
            coder->failed = true;
            return;
        }
        coder->out = out;
        coder->out_capacity = capacity;
    }
    coder->out[coder->out_size++] = byte;
}

void lopi_coder_shift_out(lopi_coder *coder)
{
    uint8_t carry = (uint8_t)(coder->low >> 32);
    uint8_t top = (uint8_t)(coder->low >> 24);
    if (carry || top != 0xff) {
        if (coder->holds)
            emit(coder, (uint8_t)(coder->held + carry));
        for (; coder->pending > 0; coder->pending--)
            emit(coder, (uint8_t)(0xff + carry));
        coder->held = top;
        coder->holds = true;
    } else if (!coder->holds) {
        /* Nothing stands before it that a carry could go to. */
        coder->held = top;
        coder->holds = true;
    } else {
        coder->pending++;
    }
    coder->low = (coder->low & 0xffffff) << 8;
}

lop_status lopi_coder_finish(lopi_coder *coder, lop_error *error)
{
    uint64_t last = coder->low + coder->range - 1, value = coder->low;
    for (int bits = 32; bits > 0; bits--) {
        uint64_t tail = ((uint64_t)1 << bits) - 1;
        value = (coder->low + tail) & ~tail;
        if (value <= last)
            break;
        value = coder->low;
    }
    coder->low = value;
    for (int i = 0; i < 5; i++)
        lopi_coder_shift_out(coder);
    /* The reader takes what is missing for zeros, but of more than four bytes it would not believe
     * that they were ever there. */
    size_t least = coder->out_size > 4 ? coder->out_size - 4 : 0;
    while (coder->out_size > least && coder->out[coder->out_size - 1] == 0)
        coder->out_size--;
    if (coder->failed)
        return lopi_fail_memory(error, coder->out_capacity * 2);
    return LOP_OK;
}

/* Numbers. ------------------------------------------------------------------------------------- */

uint32_t lopi_code_tree(lopi_coder *coder, lopi_chance *chances, int bits, uint32_t number)
{
    uint32_t node = 1;
    for (int i = bits - 1; i >= 0; i--)
        node = node << 1 | lopi_code(coder, &chances[node], number >> i & 1);
    return node - (1u << bits);
}

uint32_t lopi_code_even(lopi_coder *coder, int bits, uint32_t number)
{
    uint32_t read = 0;
    while (bits > 0) {
        int some = bits < 8 ? bits : 8;
        uint32_t most = (1u << some) - 1, part = number >> (bits - some) & most;
        coder->range >>= some;
        if (!lopi_coder_writes(coder)) {
            part = coder->code / coder->range;
            part = part > most ? most : part;
            coder->code -= part * coder->range;
        }
        coder->low += (uint64_t)part * coder->range;
        while (coder->range < 1u << 24) {
            coder->range <<= 8;
            if (lopi_coder_writes(coder))
                lopi_coder_shift_out(coder);
            else
                lopi_coder_shift_in(coder);
        }
        read = read << some | part;
        bits -= some;
    }
    return read;
}

void lopi_gamma_begin(lopi_gamma *gamma)
{
    lopi_chances_set(gamma->length, 33, LOPI_EVEN);
    lopi_chances_set(&gamma->digit[0][0], sizeof gamma->digit / sizeof(lopi_chance), LOPI_EVEN);
}

/* How many digits a number has behind its leading 1. */
static uint32_t code_length(lopi_coder *coder, lopi_gamma *gamma, uint32_t value)
{
    uint32_t digits = 0, length = 0;
    while (digits < 31 && value >> (digits + 1))
        digits++;
    while (length < 31 && lopi_code(coder, &gamma->length[length], length < digits))
        length++;
    return length;
}

uint32_t lopi_code_gamma(lopi_coder *coder, lopi_gamma *gamma, uint32_t number)
{
    uint32_t value = number + 1, length = code_length(coder, gamma, value), read = 1;
    for (uint32_t i = 0; i < length; i++) {
        lopi_chance *chance = &gamma->digit[length][i < 2 ? i : 2];
        read = read << 1 | lopi_code(coder, chance, value >> (length - 1 - i) & 1);
    }
    return read - 1;
}

uint32_t lopi_code_gamma_even(lopi_coder *coder, lopi_gamma *gamma, uint32_t number)
{
    uint32_t value = number + 1, length = code_length(coder, gamma, value);
    if (length == 0)
        return 0;
    int behind = (int)length - 1;
    uint32_t first = lopi_code(coder, gamma->digit[length], value >> behind & 1);
    uint32_t rest = lopi_code_even(coder, behind, value & ((1u << behind) - 1));
    return ((2 | first) << behind | rest) - 1;
}
