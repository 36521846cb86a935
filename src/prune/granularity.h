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

/** A layer to prune. */
typedef struct lopi_target {
    const lop_network *network;
    size_t index;
    const lop_prune_options *options;
} lopi_target;

typedef struct lopi_granularity {
    const char *name;
    lop_granularity scored_as; /* whose criteria it takes: its own, or those of weights */
    bool prunes_output;        /* the output layer can be pruned, when asked */
    bool keeps_last;           /* ranking over all layers leaves each layer its best item */
    bool by_weight;            /* an item is a weight */
    /** Fill in defaults and check them; NULL where there is nothing. LOP_E_ARG, LOP_E_RANGE. */
    lop_status (*resolve)(lop_prune_options *options, lop_error *error);
    /** Check a layer against the options; NULL where every layer will do. */
    lop_status (*fits)(const lop_layer *layer, const lop_prune_options *options, lop_error *error);
    /** Items of a layer. */
    size_t (*items)(const lop_layer *layer, const lop_prune_options *options);
    /** Write 1 into removed [items] where `remove` would change nothing any more, else 0. */
    void (*removed)(const lopi_target *target, uint8_t *removed);
    /** Make every mask that `remove` will write. */
    lop_status (*prepare)(lop_network *network, size_t index, lop_error *error);
    /** Mask the items that are 1 in remove [items], and zero biases that go with them. */
    void (*remove)(const lopi_target *target, const uint8_t *remove);
} lopi_granularity;

/** NULL beyond the last. */
const lopi_granularity *lopi_granularity_at(size_t index);

#endif
