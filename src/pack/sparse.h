/**
 * Sparse: a network's layers as CSR, and what can be taken out of them or moved without changing
 * what they compute. Start reading at pack.c.
 */
#ifndef LOPI_PACK_SPARSE_H
#define LOPI_PACK_SPARSE_H

#include <lop/network.h>

#include "run/model.h"

/**
 * A network as it is, its values FLOAT32: every weight that is not zero.
 * @return LOP_OK; LOP_E_UNSUPPORTED where a relu stands anywhere but once behind a layer;
 *         LOP_E_NAN; LOP_E_MEMORY
 */
lop_status lopi_sparse_new(lop_packed **out, const lop_network *network, lop_error *error);

/**
 * Take out hidden units that nothing reads, and those that yield 0 whatever comes: no weights, and
 * no bias that relu lets through. Sums keep their order, so that not one bit of the result changes.
 * A layer never loses its last unit. LOP_E_MEMORY.
 */
lop_status lopi_sparse_trim(lop_packed *packed, lop_error *error);

/**
 * Sort the hidden units of each layer, and the columns of the layer behind it with them: those with
 * the most weights first, equal ones by where their weights stand. The file is smaller for it; sums
 * are added in another order. LOP_E_MEMORY.
 */
lop_status lopi_sparse_sort(lop_packed *packed, lop_error *error);

/** Whether one of the layer's weights is 0, whatever it is kept as; take those out. LOP_E_MEMORY.
 */
lop_status lopi_sparse_drop_zeros(lopi_packed_layer *layer, lop_error *error);

#endif
