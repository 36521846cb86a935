/** Write: a packed network as a file, with the choice of its form in hand. */
#ifndef LOPI_PACK_WRITE_H
#define LOPI_PACK_WRITE_H

#include <lop/pack.h>

/** As lop_packed_encode, but `gaps` says whether the network is taken for a large one. */
lop_status lopi_packed_encode(const lop_packed *packed, bool gaps, uint8_t **data, size_t *size,
                              lop_error *error);

#endif
