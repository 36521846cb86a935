/**
 * Choosing: which of a layer's items go, given their keys (select.h) and how many.
 */
#ifndef LOPI_PRUNE_CHOOSE_H
#define LOPI_PRUNE_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

/** Who competes with whom. Zero but for `items` means: all with all. */
typedef struct lopi_contest {
    size_t items;
    size_t group;    /* only with the others of `group` consecutive items; it divides `items` */
    size_t row;      /* items of a row, for min_keep */
    size_t min_keep; /* so many of each row stay: those that were not to go first anyway */
} lopi_contest;

/**
 * Write 1 into selected [items] for the `wanted` lowest keys, ties to the lower index; else 0.
 *
 * Groups share what is wanted evenly: of G groups, group g gives ⌊wanted (g + 1) / G⌋ −
 * ⌊wanted g / G⌋. What min_keep protects is not chosen, so that fewer may be.
 *
 * @param key  [items]; protected items become LOPI_KEY_LAST
 */
void lopi_choose(const lopi_contest *contest, uint64_t *key, size_t wanted, uint8_t *selected);

/** Put what min_keep protects out of reach; `selected` is scratch. Returns how many that are. */
size_t lopi_protect(const lopi_contest *contest, uint64_t *key, uint8_t *selected);

/** ⌊wanted · part / parts⌋ without overflow for sizes of networks. */
size_t lopi_portion(size_t wanted, size_t part, size_t parts);

#endif
