/** One output of a layer as the dense product has it: slow, and right for what is not finite. */
#ifndef LOPI_RUN_REFERENCE_H
#define LOPI_RUN_REFERENCE_H

#include "run/convert.h"
#include "run/model.h"

/**
 * Unit `unit` of a layer for a sample, in float32: all weights are multiplied, those that were
 * pruned as zeros, so that 0 · NaN and 0 · inf are NaN. Summed in the order of the columns.
 * @param place  where x has each input: [inputs]; NULL: in order
 */
float lopi_reference_row(const lopi_packed_layer *layer, uint32_t unit, const uint32_t *place,
                         const lopi_values *x, size_t sample);

#endif
