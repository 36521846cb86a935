#include "run/half.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Shifted into place a half is a float whose exponent is 112 too small; the product mends that,
 * and makes normal what was not. */
float lopi_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00)
        return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    float value = float_of(magnitude << 13) * 0x1p112f;
    return float_of(bits_of(value) | sign);
}

/* `bits` without its lowest `count`, rounded to nearest, ties to even. */
static uint32_t rounded(uint32_t bits, unsigned count)
{
    uint32_t odd = bits >> count & 1;
    return (bits + (1u << (count - 1)) - 1 + odd) >> count;
}

uint16_t lopi_float_to_half(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (magnitude > 0x7f800000)
        half = 0x7e00;
    else if (magnitude >= 0x47800000) /* 65536 and above */
        half = 0x7c00;
    else if (magnitude >= 0x38800000) /* 2⁻¹⁴: normal as a half */
        half = rounded(magnitude - 0x38000000, 13);
    else if (magnitude >= 0x33000000) /* 2⁻²⁵: the half of the smallest one */
        half = rounded((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >> 23));
    else
        half = 0;
    return (uint16_t)(sign | half);
}

float lopi_bfloat_to_float(uint16_t upper) { return float_of((uint32_t)upper << 16); }

uint16_t lopi_float_to_bfloat(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)rounded(bits, 16);
}
