/** Foreign: what network a file of another program holds, told from its tensors' names. */
#ifndef LOPI_EXCHANGE_FOREIGN_H
#define LOPI_EXCHANGE_FOREIGN_H

#include "exchange/safetensors.h"

/**
 * The spec of the network whose linear layers are the tensors "NAME.weight" [out][in], with or
 * without "NAME.bias" [out], in the order of names (numbers by value) if the shapes chain so, else
 * in the one order in which they chain. relu stands between the layers.
 *
 * @param json  caller frees with free()
 * @return LOP_OK; LOP_E_FORMAT (a tensor that is none of these); LOP_E_SHAPE (no order, or more
 *         than one); LOP_E_LIMIT; LOP_E_MEMORY
 */
lop_status lopi_foreign_spec(const lopi_safetensors *file, char **json, lop_error *error);

#endif
