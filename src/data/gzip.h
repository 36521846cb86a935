/** Gzip: how many bytes memory takes through it. */
#ifndef LOPI_DATA_GZIP_H
#define LOPI_DATA_GZIP_H

#include <stddef.h>

#include <lop/status.h>

typedef struct lopi_piece {
    const void *data; /* borrowed */
    size_t size;
} lopi_piece;

/** Bytes of the pieces, one behind the other, as one gzip file of `level`, 1 … 9. LOP_E_MEMORY. */
lop_status lopi_gzip_bytes(const lopi_piece *pieces, size_t count, int level, size_t *bytes,
                           lop_error *error);

#endif
