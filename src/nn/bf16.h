/** bf16: the upper half of a float32. Stored as uint16_t; arithmetic is oneDNN's. */
#ifndef LOPI_NN_BF16_H
#define LOPI_NN_BF16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/wide.h"

/** To nearest, ties to even; NaN stays NaN (quiet), large values become infinite. */
static LOPI_INLINE uint16_t lopi_bf16_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    /* Rounding would carry a NaN with a long payload over into zero: set its quiet bit instead. */
    uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    uint32_t quiet = bits >> 16 | 0x40u;
    return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

static LOPI_INLINE float lopi_bf16_to_float(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/** `count` values, in parallel where there are many. */
void lopi_bf16_from_floats(const float *from, uint16_t *to, size_t count);
void lopi_bf16_to_floats(const uint16_t *from, float *to, size_t count);

#endif
