#include "shipped.h"

#include <lop/prune.h>

lop_status shipped_bytes(shipped *out, const lop_network *network, int zstd_level, lop_error *error)
{
    lop_network *compacted = NULL;
    size_t zstd = 0;
    lop_status status = lop_compact(&compacted, network, error);
    if (status == LOP_E_NAN) {
        *error = (lop_error){0};
        status = LOP_OK;
    }
    const lop_network *measured = compacted ? compacted : network;
    if (status == LOP_OK && zstd_level > 0)
        status = lop_zstd_bytes(measured, zstd_level, &zstd, error);
    if (status == LOP_OK)
        *out = (shipped){.sparse = lop_sparse_bytes(measured), .zstd = zstd};
    lop_network_free(compacted);
    return status;
}
