/** Calibration: the ranges that activations are rounded in when a packed network runs in int8. */
#ifndef LOPI_PACK_CALIBRATE_H
#define LOPI_PACK_CALIBRATE_H

#include <lop/pack.h>

#include "run/model.h"

/** A range of numbers as whole ones: x ≈ scale · (q − zero), q in 0 … 127. */
typedef struct lopi_range {
    float scale;
    int32_t zero;
} lopi_range;

/**
 * The range for `values` [count] of the smallest mean squared error, as lop_pack says.
 * @param relu  none is below 0
 */
lopi_range lopi_range_find(const float *values, size_t count, bool relu);

/** Set scale, zero point and density of what each layer of a checked network reads. As lop_pack. */
lop_status lopi_calibrate(lop_packed *packed, const lop_pack_options *options, lop_error *error);

#endif
