/**
 * Granularities: what is removed as one, and how it is removed. A granularity is a row of the table
 * in granularity.c; the rest of the room speaks of a layer's items, counted from 0.
 */
#ifndef LOPI_PRUNE_GRANULARITY_H
#define LOPI_PRUNE_GRANULARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>
#include <lop/prune.h>

typedef struct lopi_granularity {
    const char *name;
    bool prunes_output; /* the output layer can be pruned, when asked */
    bool keeps_last;    /* ranking over all layers leaves each layer its best item */
    /** Items of a layer. */
    size_t (*items)(const lop_layer *layer);
    /** Write 1 into removed [items] where `remove` would change nothing any more, else 0. */
    void (*removed)(const lop_network *network, size_t index, uint8_t *removed);
    /** Make every mask that `remove` will write. */
    lop_status (*prepare)(lop_network *network, size_t index, lop_error *error);
    /** Mask the items that are 1 in remove [items], and zero biases that go with them. */
    void (*remove)(lop_network *network, size_t index, const uint8_t *remove);
} lopi_granularity;

/** NULL beyond the last. */
const lopi_granularity *lopi_granularity_at(size_t index);

#endif
