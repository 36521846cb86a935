#include "prune/lamp.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/select.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* Sort keys by radix, in three passes between two buffers; returns the one with the result. */
static uint32_t *sort(uint32_t *key, uint32_t *other, size_t count)
{
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        size_t place[DIGITS] = {0}, next = 0;
        for (size_t i = 0; i < count; i++)
            place[key[i] >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            size_t here = place[d];
            place[d] = next;
            next += here;
        }
        for (size_t i = 0; i < count; i++)
            other[place[key[i] >> shift & (DIGITS - 1)]++] = key[i];
        uint32_t *sorted = other;
        other = key;
        key = sorted;
    }
    return key;
}

/* The square of the weight behind a key of its magnitude; exact in double. */
static double square(uint32_t key)
{
    float magnitude;
    memcpy(&magnitude, &key, sizeof magnitude);
    return (double)magnitude * (double)magnitude;
}

/* The first place in rising `sorted` [count] that holds `key`, which is there. */
static size_t first_place(const uint32_t *sorted, size_t count, uint32_t key)
{
    size_t low = 0;
    while (count > 1) {
        size_t half = count / 2;
        low += sorted[low + half - 1] < key ? half : 0;
        count -= half;
    }
    return low;
}

lop_status lopi_lamp_scores(const lop_layer *layer, double *score, lop_error *error)
{
    size_t count = layer->outputs * layer->inputs;
    uint32_t *key = lopi_alloc(count, sizeof *key), *other = lopi_alloc(count, sizeof *other);
    double *sum = lopi_alloc(count, sizeof *sum), above = 0;
    lop_status status = LOP_OK;
    if (!key || !other || !sum) {
        status = lopi_fail_memory(error, count * (sizeof *sum + 2 * sizeof *key));
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        key[i] = lopi_magnitude_key(layer->weight[i]);
    const uint32_t *sorted = sort(key, other, count);
    for (size_t i = count; i-- > 0;)
        sum[i] = above += square(sorted[i]);
    for (size_t i = 0; i < count; i++) {
        uint32_t own = lopi_magnitude_key(layer->weight[i]);
        score[i] = own ? square(own) / sum[first_place(sorted, count, own)] : 0;
    }
out:
    lopi_free(key);
    lopi_free(other);
    lopi_free(sum);
    return status;
}
