/**
 * Cursor: reading numbers from hostile bytes. Every read checks its bounds; a failed read leaves
 * the cursor where it was and returns false. Offsets are kept for error texts.
 */
#ifndef LOPI_BASE_CURSOR_H
#define LOPI_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lopi_cursor {
    const uint8_t *data;
    size_t size;
    size_t position;
} lopi_cursor;

/** Bytes that are left. */
size_t lopi_cursor_left(const lopi_cursor *cursor);
bool lopi_cursor_u8(lopi_cursor *cursor, uint8_t *out);
bool lopi_cursor_u32_be(lopi_cursor *cursor, uint32_t *out);
bool lopi_cursor_u32_le(lopi_cursor *cursor, uint32_t *out);
bool lopi_cursor_u64_le(lopi_cursor *cursor, uint64_t *out);
/**
 * A number in groups of seven bits, lowest first, each in a byte whose top bit says that another
 * follows (LEB128). False also where it is longer than it need be, or above 2³² − 1.
 */
bool lopi_cursor_varint(lopi_cursor *cursor, uint32_t *out);
/** Borrow `size` bytes and step over them. */
bool lopi_cursor_take(lopi_cursor *cursor, size_t size, const uint8_t **out);

#endif
