/** Half: the two floats of 16 bits, to and from float. */
#ifndef LOPI_RUN_HALF_H
#define LOPI_RUN_HALF_H

#include <stdint.h>

/** IEEE 754 binary16. To it: rounded to nearest, ties to even; too large becomes infinite. */
float lopi_half_to_float(uint16_t half);
uint16_t lopi_float_to_half(float value);

/** The upper half of a float (bfloat16). To it: rounded to nearest, ties to even. */
float lopi_bfloat_to_float(uint16_t upper);
uint16_t lopi_float_to_bfloat(float value);

#endif
