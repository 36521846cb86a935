#include "prune/select.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { FEW = 32 };

uint64_t lopi_key(double score)
{
    const uint64_t sign = 1ull << 63;
    uint64_t bits;
    score += 0.0; /* −0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

/*
 * The key at place `rank` of the sorted keys: a radix search from the highest byte down, which
 * keeps only a prefix. `*below` receives how many keys are smaller.
 */
static uint64_t key_at_rank(const uint64_t *key, size_t count, size_t rank, size_t *below)
{
    uint64_t prefix = 0, known = 0; /* bits of the wanted key, and which of them are known */
    size_t smaller = 0;
    for (unsigned shift = 64; shift > 0;) {
        size_t histogram[256] = {0};
        shift -= 8;
        for (size_t i = 0; i < count; i++)
            histogram[key[i] >> shift & 0xFF] += (key[i] & known) == prefix;
        uint64_t digit = 0;
        while (smaller + histogram[digit] <= rank)
            smaller += histogram[digit++];
        prefix |= digit << shift;
        known |= 0xFFull << shift;
    }
    *below = smaller;
    return prefix;
}

/* The same by comparing each with each: for a few keys. */
static void select_few(const uint64_t *key, size_t count, size_t wanted, uint8_t *selected)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        for (size_t j = 0; j < count; j++)
            before += (key[j] < key[i]) | ((key[j] == key[i]) & (j < i));
        selected[i] = before < wanted;
    }
}

void lopi_select_lowest(const uint64_t *key, size_t count, size_t wanted, uint8_t *selected)
{
    if (wanted == 0 || wanted >= count) {
        memset(selected, wanted != 0, count);
        return;
    }
    if (count <= FEW) {
        select_few(key, count, wanted, selected);
        return;
    }
    size_t below;
    uint64_t last = key_at_rank(key, count, wanted - 1, &below);
    size_t ties = wanted - below;
    for (size_t i = 0; i < count; i++) {
        bool tie = key[i] == last && ties > 0;
        selected[i] = key[i] < last || tie;
        ties -= tie;
    }
}

/* Keys of 32 bits ------------------------------------------------------------------------------ */

enum { DIGIT = 11, DIGITS = 1 << DIGIT, PARALLEL_FROM = 1 << 15 };

/* Bits of the wanted key, and which of them are known. */
typedef struct prefix {
    uint32_t bits, known;
} prefix;

/*
 * How many of the keys with that prefix have each digit. Two counters a digit in turns: equal keys,
 * of which a pruned layer has many, would otherwise wait for one another.
 */
static void count_digits(const uint32_t *key, size_t count, prefix p, unsigned shift,
                         size_t histogram[DIGITS])
{
    memset(histogram, 0, DIGITS * sizeof *histogram);
#pragma omp parallel if (count >= PARALLEL_FROM)
    {
        uint32_t own[2][DIGITS] = {{0}};
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < count; i++)
            own[i & 1][key[i] >> shift & (DIGITS - 1)] += (key[i] & p.known) == p.bits;
#pragma omp critical
        for (size_t d = 0; d < DIGITS; d++)
            histogram[d] += (size_t)own[0][d] + own[1][d];
    }
}

static uint32_t key32_at_rank(const uint32_t *key, size_t count, size_t rank, size_t *below)
{
    static const unsigned shifts[] = {21, 10, 0}; /* the last digit sees one bit twice */
    size_t histogram[DIGITS], smaller = 0;
    prefix p = {0, 0};
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        uint32_t digit = 0;
        count_digits(key, count, p, shifts[s], histogram);
        while (smaller + histogram[digit] <= rank)
            smaller += histogram[digit++];
        p.bits |= digit << shifts[s];
        p.known |= (uint32_t)(DIGITS - 1) << shifts[s];
    }
    *below = smaller;
    return p.bits;
}

void lopi_select_lowest32(const uint32_t *key, size_t count, size_t wanted, uint8_t *selected)
{
    if (wanted == 0 || wanted >= count) {
        memset(selected, wanted != 0, count);
        return;
    }
    size_t below;
    uint32_t last = key32_at_rank(key, count, wanted - 1, &below);
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        selected[i] = key[i] < last;
    size_t ties = wanted - below;
    for (size_t i = 0; ties > 0; i++) {
        selected[i] |= key[i] == last;
        ties -= key[i] == last;
    }
}

size_t lopi_round_share(double fraction, size_t count)
{
    double n = (double)count;
    double rounded = floor(fraction * n + n * 0x1p-50 + 0.5);
    return rounded < n ? (size_t)rounded : count;
}
