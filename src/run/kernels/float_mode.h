/**
 * How a thread's processor rounds, and what it does with subnormal numbers: a caller may have set
 * both (by -ffast-math, by an audio library), and results shall not depend on it.
 */
#ifndef LOPI_RUN_KERNELS_FLOAT_MODE_H
#define LOPI_RUN_KERNELS_FLOAT_MODE_H

#include <stdbool.h>
#include <stdint.h>

/** Whether this thread rounds to nearest and keeps subnormal numbers. */
bool lopi_float_mode_is_default(void);
/**
 * Round to nearest and keep subnormal numbers in this thread from now on.
 * @return the mode that was, for lopi_float_mode_restore
 */
uint64_t lopi_float_mode_default(void);
void lopi_float_mode_restore(uint64_t mode);

#endif
