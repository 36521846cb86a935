#include "nn/bf16.h"

enum { PARALLEL_FROM = 1 << 15 }; /* values: below, starting threads costs more than it saves */

void lopi_bf16_from_floats(const float *from, uint16_t *to, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        to[i] = lopi_bf16_from_float(from[i]);
}

void lopi_bf16_to_floats(const uint16_t *from, float *to, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        to[i] = lopi_bf16_to_float(from[i]);
}
