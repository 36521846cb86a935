/** Selection: the lowest of many scores, in linear time and without regard to threads. */
#ifndef LOPI_PRUNE_SELECT_H
#define LOPI_PRUNE_SELECT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LOPI_KEY_FIRST  0          /* below the key of every finite score */
#define LOPI_KEY_SECOND 1          /* behind the first, and below the key of every finite score */
#define LOPI_KEY_LAST   UINT64_MAX /* above the key of every finite score */

/** A key in the order of finite scores: a < b exactly where key(a) < key(b); −0 is 0. */
uint64_t lopi_key(double score);

/** Write 1 into selected [count] for the `wanted` lowest keys, ties to the lower index; else 0. */
void lopi_select_lowest(const uint64_t *key, size_t count, size_t wanted, uint8_t *selected);

/**
 * The same for keys of 32 bits, of which two thirds fit where one of 64 does: for what is selected
 * again and again while training. The result does not depend on the number of threads.
 */
void lopi_select_lowest32(const uint32_t *key, size_t count, size_t wanted, uint8_t *selected);

/** |x| as a key, for finite x: 0 … 0x7F7FFFFF, in the order of |x|. */
static inline uint32_t lopi_magnitude_key(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7FFFFFFFu;
}

/**
 * round(fraction · count), halves away from zero, as somebody means it who writes the fraction in
 * decimal: 0.35 · 10 is 3.4999999999999996 in binary and gives 4. To that end products up to
 * 2^-50 · count below a half count as a half: more than binary rounding of a decimal fraction, or
 * of 1 − a decimal fraction, takes away, and less than anybody writes.
 *
 * @param fraction  0 … 1
 */
size_t lopi_round_share(double fraction, size_t count);

#endif
