/**
 * Coder: the adaptive binary arithmetic coder behind the packed file (docs/format.md, "The coder").
 *
 * One piece of code goes both ways: each function takes the bit to write, or gives back the bit
 * that was read, so that what is written and what is read cannot drift apart. Nothing here uses
 * floating point: a file means the same on every machine.
 */
#ifndef LOPI_RUN_CODER_H
#define LOPI_RUN_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

/** How likely a 1 is: 22 bits of probability above 10 bits that count what was seen. */
typedef uint32_t lopi_chance;

#define LOPI_CHANCE_BITS 22
#define LOPI_SEEN_MAX    1023
#define LOPI_EVEN        ((lopi_chance)(1u << (LOPI_CHANCE_BITS - 1)) << 10) /* ½, nothing seen */

#define LOPI_WEIGHT_MAX (4 << 16)

/** A sum of chances in the logistic domain: weights in 16.16 fixed point, −4 … 4. */
typedef struct lopi_mixer {
    int32_t weight[3];
} lopi_mixer;

typedef struct lopi_coder_tables {
    uint16_t squash[4096];            /* logistic domain → 16 bits of probability */
    int16_t stretch[4096];            /* 12 bits of probability → logistic domain */
    uint16_t step[LOPI_SEEN_MAX + 1]; /* how far a chance moves, by what it has seen */
} lopi_coder_tables;

typedef struct lopi_coder {
    bool writing, failed; /* failed: no memory for what is written */
    uint32_t range;

    /* Reading: bytes behind the end count as zeros, and are counted. */
    const uint8_t *data;
    size_t size, position;
    uint32_t code;

    /* Writing. */
    uint8_t *out;
    size_t out_size, out_capacity;
    uint64_t low;
    size_t pending; /* bytes 0xff that a carry may still change, behind `held` */
    uint8_t held;
    bool holds;

    const lopi_coder_tables *tables; /* borrowed */
} lopi_coder;

/** Whether it writes. Where nothing ever does, as in a page, compilers leave out what would. */
static inline bool lopi_coder_writes(const lopi_coder *coder)
{
#ifdef LOPI_READ_ONLY
    (void)coder;
    return false;
#else
    return coder->writing;
#endif
}

void lopi_coder_tables_fill(lopi_coder_tables *tables);
/** Begin to read `size` bytes, borrowed until the last bit. */
void lopi_coder_read(lopi_coder *coder, const lopi_coder_tables *tables, const uint8_t *data,
                     size_t size);
/** Begin to write. */
void lopi_coder_write(lopi_coder *coder, const lopi_coder_tables *tables);
/**
 * End writing: the fewest bytes that read as what was written, in coder->out[out_size], which the
 * caller frees. LOP_E_MEMORY.
 */
lop_status lopi_coder_finish(lopi_coder *coder, lop_error *error);
/** Bits coded up to here, to a fraction: differences say what something cost. */
double lopi_coder_bits(const lopi_coder *coder);
/** Whether more was read than is there: then what was read is not what was written. */
static inline bool lopi_coder_starved(const lopi_coder *coder)
{
    return coder->position > coder->size + 4;
}

/** Whether all that is there was read, and is no longer than a writer makes it. */
static inline bool lopi_coder_ends(const lopi_coder *coder)
{
    bool spare = coder->position < coder->size + 4; /* so a last byte of 0 was to be left out */
    return coder->position >= coder->size &&
           !(coder->size > 0 && spare && coder->data[coder->size - 1] == 0);
}

/** The slow ends of a bit: eight bits leave `low`; the next byte enters `code`. */
void lopi_coder_shift_out(lopi_coder *coder);
static inline void lopi_coder_shift_in(lopi_coder *coder)
{
    uint8_t byte = coder->position < coder->size ? coder->data[coder->position] : 0;
    coder->position++;
    coder->code = coder->code << 8 | byte;
}

/** Code one bit; `one` is the probability of a 1 in 65536ths, 1 … 65535. */
static inline unsigned lopi_code_bit(lopi_coder *coder, uint32_t one, unsigned bit)
{
    uint32_t bound = (coder->range >> 16) * one;
    if (!lopi_coder_writes(coder))
        bit = coder->code < bound;
    /* Without a branch on the bit: it is what cannot be foreseen. */
    uint32_t zero = bit - 1u;
    uint32_t skip = bound & zero;
    coder->range = (bound & ~zero) + ((coder->range - bound) & zero);
    coder->code -= skip;
    coder->low += skip;
    while (coder->range < 1u << 24) {
        coder->range <<= 8;
        if (lopi_coder_writes(coder))
            lopi_coder_shift_out(coder);
        else
            lopi_coder_shift_in(coder);
    }
    return bit;
}

/** Move a chance towards the bit that came. */
static inline void lopi_chance_learn(const lopi_coder *coder, lopi_chance *chance, unsigned bit)
{
    uint32_t seen = *chance & LOPI_SEEN_MAX;
    uint32_t target = (0u - bit) & ((1u << LOPI_CHANCE_BITS) - 1);
    uint32_t gap = *chance >> 10 ^ target;
    gap -= (uint32_t)((uint64_t)gap * coder->tables->step[seen] >> 16);
    *chance = (gap ^ target) << 10 | (seen + (seen < LOPI_SEEN_MAX));
}

/** Code one bit by one chance. */
static inline unsigned lopi_code(lopi_coder *coder, lopi_chance *chance, unsigned bit)
{
    uint32_t one = *chance >> 16;
    one = one < 16 ? 16 : one > 65520 ? 65520 : one;
    bit = lopi_code_bit(coder, one, bit);
    lopi_chance_learn(coder, chance, bit);
    return bit;
}

/** A weight of a mixer, moved. A branch: it is hardly ever so far out that it must be held. */
static inline int32_t lopi_mixer_move(int32_t weight, int32_t by)
{
    weight += by;
    if (__builtin_expect((uint32_t)(weight + LOPI_WEIGHT_MAX) > 2u * LOPI_WEIGHT_MAX, 0))
        weight = weight < 0 ? -LOPI_WEIGHT_MAX : LOPI_WEIGHT_MAX;
    return weight;
}

/** The loop behind it, whose count is known where it is inlined, becomes straight code: but for
 * pages, which are to be small. */
#ifdef LOPI_READ_ONLY
#define LOPI_UNROLL_3
#elif defined(__clang__)
#define LOPI_UNROLL_3 _Pragma("unroll 3")
#elif defined(__GNUC__)
#define LOPI_UNROLL_3 _Pragma("GCC unroll 3")
#else
#define LOPI_UNROLL_3
#endif

/** Code one bit by `count` (2 or 3) chances, mixed as the mixer has learned to trust them. */
static inline unsigned lopi_code_mixed(lopi_coder *coder, lopi_mixer *mixer,
                                       lopi_chance *const *chances, int count, unsigned bit)
{
    int32_t opinion[3], sum = 0;
    LOPI_UNROLL_3
    for (int i = 0; i < count; i++) {
        if ((*chances[i] & LOPI_SEEN_MAX) == 0)
            *chances[i] = (*chances[0] & ~(lopi_chance)LOPI_SEEN_MAX) | 2;
        opinion[i] = coder->tables->stretch[*chances[i] >> 20];
        sum += mixer->weight[i] * opinion[i];
    }
    sum /= 65536;
    if (__builtin_expect((uint32_t)(sum + 2047) > 2 * 2047, 0))
        sum = sum < 0 ? -2047 : 2047;
    uint32_t one = coder->tables->squash[sum + 2048];
    bit = lopi_code_bit(coder, one, bit);
    int32_t wrong = (((int32_t)bit << 16) - (int32_t)one) * 3 / 8;
    LOPI_UNROLL_3
    for (int i = 0; i < count; i++) {
        mixer->weight[i] = lopi_mixer_move(mixer->weight[i], opinion[i] * wrong / 16384);
        lopi_chance_learn(coder, chances[i], bit);
    }
    return bit;
}

/**
 * Code a number of `bits` bits (0 … 24), highest first, by a tree of 1 << bits chances: chances[1]
 * is of the first bit.
 */
uint32_t lopi_code_tree(lopi_coder *coder, lopi_chance *chances, int bits, uint32_t number);

/** Code the lowest `bits` (0 … 32) bits of a number, each a 1 as often as a 0. */
uint32_t lopi_code_even(lopi_coder *coder, int bits, uint32_t number);

/** Chances for a number from 0 of any size: few bits where it is small (Elias gamma). */
typedef struct lopi_gamma {
    lopi_chance length[33];
    lopi_chance digit[33][3]; /* by the length, and for the first two digits apart */
} lopi_gamma;
void lopi_gamma_begin(lopi_gamma *gamma);
/** Code a number up to 2³² − 2. */
uint32_t lopi_code_gamma(lopi_coder *coder, lopi_gamma *gamma, uint32_t number);

/** The same, but all digits behind the first are even: faster. */
uint32_t lopi_code_gamma_even(lopi_coder *coder, lopi_gamma *gamma, uint32_t number);

/** Set `count` chances to `chance`. */
void lopi_chances_set(lopi_chance *chances, size_t count, lopi_chance chance);

/** Four times log2(x), rounded to nearest; 0 for 0. */
static inline int lopi_quarter_log2(uint64_t x)
{
    /* The place among the 64 steps from one power of two to the next where each quarter begins. */
    static const uint8_t quarter[64] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                        1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
                                        2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
                                        3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
    if (x == 0)
        return 0;
    int high = 63 - __builtin_clzll(x);
    unsigned place = (unsigned)(x << (63 - high) >> 57) & 63;
    return 4 * high + quarter[place];
}

#endif
