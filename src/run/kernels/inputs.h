/**
 * A network's inputs on their way into int8: the first thing that a run does, and half of the time
 * of a small network.
 */
#ifndef LOPI_RUN_KERNELS_INPUTS_H
#define LOPI_RUN_KERNELS_INPUTS_H

#include "run/kernels/kernel.h"

/** q = rint(min(max(x · inverse + zero, 0), 127)), to nearest even; product and sum are rounded. */
typedef struct lopi_quantizer {
    float inverse, zero;
    uint8_t of_byte[256]; /* q of the byte b, which stands for b / 255 */
} lopi_quantizer;

/** The same numbers from each instruction set. Neither reads or writes beyond `count`. */
typedef struct lopi_input_kernel {
    lopi_isa isa;
    void (*of_floats)(const lopi_quantizer *quantizer, const float *x, size_t count, uint8_t *q);
    void (*of_bytes)(const lopi_quantizer *quantizer, const uint8_t *x, size_t count, uint8_t *q);
} lopi_input_kernel;

/** Whose `isa` is the widest that `widest` has. */
const lopi_input_kernel *lopi_input_kernel_for(lopi_isa widest);

/** The definition. */
extern const lopi_input_kernel lopi_inputs_scalar;
/** NULL functions where the build is for another architecture. */
extern const lopi_input_kernel lopi_inputs_avx512_vnni;

#endif
