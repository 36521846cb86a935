/** Quantize: the values of a layer in fewer bits. */
#ifndef LOPI_PACK_QUANTIZE_H
#define LOPI_PACK_QUANTIZE_H

#include "run/model.h"

/**
 * Turn a layer of FLOAT32 into another kind. Weights that become 0 are taken out.
 *
 * INT8: scale = max |w| / 127 of the unit, rounded to a bfloat16, and q = w / scale to the nearest,
 * ties to even. SHARED: k-means over the layer's weights, begun with `entries` places evenly spaced
 * from the least to the greatest (Han et al. 2016, section 3); a layer that has no more different
 * weights than entries keeps all of them, rounded to binary16 where they bear it unless they are
 * multiples of a step already; other tables as lopi_table_round. What was quantized before comes
 * out the same.
 *
 * Biases: of INT8 and SHARED rounded to multiples of max / 127 unless they are multiples of a step
 * already, of FLOAT16 to binary16 where they bear it.
 *
 * @param entries  of SHARED, 1 … 256
 * @return LOP_OK; LOP_E_RANGE where a weight is too large for FLOAT16; LOP_E_MEMORY
 */
lop_status lopi_quantize(lopi_packed_layer *layer, lop_values kind, unsigned entries,
                         lop_error *error);

#endif
