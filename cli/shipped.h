/** Sizes of a network as results and their pages have them: of what would be shipped. */
#ifndef CLI_SHIPPED_H
#define CLI_SHIPPED_H

#include <lop/network.h>
#include <lop/status.h>

typedef struct shipped {
    size_t sparse; /* lop_sparse_bytes */
    size_t zstd;   /* lop_zstd_bytes; 0 where no level was given */
} shipped;

/**
 * Bytes without what is dead, as lop_compact leaves it out. A network with weights that are no
 * numbers has nothing that is known to be dead, and is measured as it is. `zstd_level` 0: without
 * zstd. LOP_E_MEMORY.
 */
lop_status shipped_bytes(shipped *out, const lop_network *network, int zstd_level,
                         lop_error *error);

#endif
