/**
 * Numbers: a layer's values, biases, scales and tables, to and from the coder (docs/format.md,
 * "Values").
 */
#ifndef LOPI_RUN_NUMBERS_H
#define LOPI_RUN_NUMBERS_H

#include <stdint.h>

#include "run/coder.h"
#include "run/model.h"
#include "run/positions.h"

/** What the values of a layer took, in bits. */
typedef struct lopi_value_bits {
    double biases, tables, values; /* tables: scales too */
} lopi_value_bits;

/**
 * Code the values of a layer whose positions are there.
 *
 * Reading fills the arrays of the layer's kind and its bias, which are the caller's, of the sizes
 * that model.h says; lopi_packed_check still has to look at the numbers. Writing changes nothing.
 * Both take about 3 bytes for each input, and 40 kB.
 *
 * @param form  of its positions: what stands around a value is looked at but for LOPI_GAPS
 * @param bits  may be NULL
 * @return LOP_OK; LOP_E_FORMAT; LOP_E_TRUNCATED; LOP_E_MEMORY; writing, LOP_E_RANGE where a value
 * of FLOAT16 is none
 */
lop_status lopi_code_values(lopi_coder *coder, lopi_packed_layer *layer,
                            const lopi_position_form *form, lopi_value_bits *bits,
                            lop_error *error);

#endif
