/** A quick 64-bit hash that tells things apart by accident, not by malice. */
#ifndef LOPI_RUN_HASH_H
#define LOPI_RUN_HASH_H

#include <stddef.h>
#include <stdint.h>

#define LOPI_HASH_START 0xcbf29ce484222325u

/** FNV-1a on little-endian words of eight bytes, the last one filled up with zeros. NULL adds
 * nothing. */
uint64_t lopi_hash(uint64_t sum, const void *data, size_t size);

#endif
