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

size_t lopi_round_share(double fraction, size_t count)
{
    double n = (double)count;
    double rounded = floor(fraction * n + n * 0x1p-50 + 0.5);
    return rounded < n ? (size_t)rounded : count;
}
