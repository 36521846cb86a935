#include "run/store.h"

#include <string.h>

#include "base/memory.h"

/* Heads a piece; what is taken lies behind it. */
typedef struct lopi_store_piece {
    struct lopi_store_piece *next;
} piece;

size_t lopi_store_bytes(size_t bytes)
{
    return (bytes + LOPI_ALIGNMENT - 1) / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
}

bool lopi_store_reserve(lopi_store *store, size_t bytes)
{
    size_t head = lopi_store_bytes(sizeof(piece)), whole;
    piece *made = lopi_add(bytes, head, &whole) ? lopi_alloc_pages(whole) : NULL;
    if (!made)
        return false;
    made->next = store->pieces;
    *store = (lopi_store){made, (uint8_t *)made + head, bytes};
    return true;
}

void *lopi_store_take(lopi_store *store, size_t bytes)
{
    size_t most = lopi_store_bytes(bytes);
    if (most < bytes) /* too many to be rounded up */
        return NULL;
    if (most > store->left &&
        !lopi_store_reserve(store, most > LOPI_LARGE_PIECE ? most : LOPI_LARGE_PIECE))
        return NULL;
    void *taken = store->at;
    store->at += most;
    store->left -= most;
    return memset(taken, 0, most);
}

void lopi_store_end(lopi_store *store)
{
    for (piece *p = store->pieces; p;) {
        piece *next = p->next;
        lopi_free(p);
        p = next;
    }
    *store = (lopi_store){0};
}
