#include "base/cursor.h"

size_t lopi_cursor_left(const lopi_cursor *cursor) { return cursor->size - cursor->position; }

bool lopi_cursor_take(lopi_cursor *cursor, size_t size, const uint8_t **out)
{
    if (size > lopi_cursor_left(cursor))
        return false;
    *out = cursor->data + cursor->position;
    cursor->position += size;
    return true;
}

bool lopi_cursor_u8(lopi_cursor *cursor, uint8_t *out)
{
    const uint8_t *bytes;
    if (!lopi_cursor_take(cursor, 1, &bytes))
        return false;
    *out = bytes[0];
    return true;
}

bool lopi_cursor_u32_be(lopi_cursor *cursor, uint32_t *out)
{
    const uint8_t *bytes;
    if (!lopi_cursor_take(cursor, 4, &bytes))
        return false;
    *out = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return true;
}

bool lopi_cursor_u32_le(lopi_cursor *cursor, uint32_t *out)
{
    const uint8_t *bytes;
    if (!lopi_cursor_take(cursor, 4, &bytes))
        return false;
    *out = (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
    return true;
}

bool lopi_cursor_u64_le(lopi_cursor *cursor, uint64_t *out)
{
    const uint8_t *bytes;
    if (!lopi_cursor_take(cursor, 8, &bytes))
        return false;
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    *out = value;
    return true;
}

bool lopi_cursor_varint(lopi_cursor *cursor, uint32_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 5 && i < lopi_cursor_left(cursor); i++) {
        uint8_t byte = cursor->data[cursor->position + i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (value > UINT32_MAX || (i > 0 && byte == 0))
            return false;
        cursor->position += i + 1;
        *out = (uint32_t)value;
        return true;
    }
    return false;
}
