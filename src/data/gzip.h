/** Gzip and DEFLATE of memory. */
#ifndef LOPI_DATA_GZIP_H
#define LOPI_DATA_GZIP_H

#include <stddef.h>

#include <lop/status.h>

#include "base/file.h"

typedef struct lopi_piece {
    const void *data; /* borrowed */
    size_t size;
} lopi_piece;

/** Bytes of the pieces, one behind the other, as one gzip file of `level`, 1 … 9. LOP_E_MEMORY. */
lop_status lopi_gzip_bytes(const lopi_piece *pieces, size_t count, int level, size_t *bytes,
                           lop_error *error);

/** Bytes as raw DEFLATE (RFC 1951), at most 2 GiB of them; out->data for lopi_free. LOP_E_MEMORY,
 * LOP_E_LIMIT. */
lop_status lopi_deflate(lopi_bytes *out, const void *data, size_t size, lop_error *error);

#endif
