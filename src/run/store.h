/** Where a plan keeps its layers as they are laid out: close together, in few large pieces. */
#ifndef LOPI_RUN_STORE_H
#define LOPI_RUN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Begins as {0}. What is taken stays where it is, and ends with the store. */
typedef struct lopi_store {
    struct lopi_store_piece *pieces;
    uint8_t *at; /* [left], the end of the newest piece */
    size_t left;
} lopi_store;

/** What `bytes` need in a store: they begin at a multiple of LOPI_ALIGNMENT. */
size_t lopi_store_bytes(size_t bytes);

/** One piece for all that is taken next, whose lopi_store_bytes are `bytes` in sum; false where
 * there is no memory. Without it, pieces are made as they are needed. */
bool lopi_store_reserve(lopi_store *store, size_t bytes);

/** `bytes` > 0, zeroed; NULL where there is no memory. */
void *lopi_store_take(lopi_store *store, size_t bytes);

void lopi_store_end(lopi_store *store);

#endif
