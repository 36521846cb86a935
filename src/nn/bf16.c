#include "nn/bf16.h"

#include "base/wide.h"

enum {
    PARALLEL_FROM = 1 << 15, /* values: below, starting threads costs more than it saves */
    CHUNK = 1 << 12,         /* values a thread takes at a time */
};

LOPI_WIDE static void from_floats(const float *restrict from, uint16_t *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = lopi_bf16_from_float(from[i]);
}

LOPI_WIDE static void to_floats(const uint16_t *restrict from, float *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = lopi_bf16_to_float(from[i]);
}

static size_t rest(size_t first, size_t count)
{
    return count - first < CHUNK ? count - first : CHUNK;
}

void lopi_bf16_from_floats(const float *from, uint16_t *to, size_t count)
{
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t first = 0; first < count; first += CHUNK)
        from_floats(from + first, to + first, rest(first, count));
}

void lopi_bf16_to_floats(const uint16_t *from, float *to, size_t count)
{
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t first = 0; first < count; first += CHUNK)
        to_floats(from + first, to + first, rest(first, count));
}
