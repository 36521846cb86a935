/** Activations on their way: from the caller into a kernel's layout, and between layouts. */
#ifndef LOPI_RUN_CONVERT_H
#define LOPI_RUN_CONVERT_H

#include <lop/status.h>

#include "run/kernels/inputs.h"

/** How a network's input becomes what its first layer reads. */
typedef struct lopi_input {
    size_t features;
    lopi_arithmetic arithmetic;
    float float_of_byte[256];        /* F32 */
    lopi_quantizer quantizer;        /* I8 */
    const lopi_input_kernel *kernel; /* I8 */
} lopi_input;

/** With the kernel of the widest set that `isa` has. */
lopi_input lopi_input_make(size_t features, lopi_arithmetic arithmetic, lopi_isa isa, float scale,
                           int32_t zero);

/** Samples as a caller gives them: one of the two is not NULL. */
typedef struct lopi_source {
    const float *floats;  /* [samples][features] */
    const uint8_t *bytes; /* [samples][features] */
} lopi_source;

/** Samples first … first + count − 1 into `out`, in `layout`, padding and all. */
void lopi_input_convert(const lopi_input *input, lopi_source source, size_t first, size_t count,
                        lopi_layout layout, void *out);

/** The first NaN among `count` values, or `count`. */
size_t lopi_find_nan(const float *x, size_t count);

/** Activations in memory. */
typedef struct lopi_values {
    void *data;
    lopi_layout layout;
    size_t features, size; /* size: bytes of an element, 1 or 4 */
    size_t samples;
} lopi_values;

/** Zero what lies behind the features: it must be zero before a kernel reads or writes. */
void lopi_values_pad(const lopi_values *values);

/** The same values in another layout, padding and all; to->data may not be from->data. */
void lopi_values_relayout(const lopi_values *from, const lopi_values *to);

/** Floats from any layout to y [samples][features]. */
void lopi_values_take(const lopi_values *from, float *y);

/**
 * Flag the samples that have a value that is not finite; true where there is one. For floats.
 * @param flags  [samples], written
 */
bool lopi_values_not_finite(const lopi_values *values, uint8_t *flags);

/** Element `feature` of `sample`, and the distance in elements to the next feature. */
void *lopi_values_at(const lopi_values *values, size_t feature, size_t sample);
size_t lopi_values_step(const lopi_values *values);

#endif
