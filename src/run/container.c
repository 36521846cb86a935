#include "run/container.h"

#include <string.h>

#include "base/cursor.h"
#include "base/error.h"

const char lopi_part_tags[LOPI_PARTS] = {[LOPI_GRAPH] = 'G', [LOPI_WEIGHTS] = 'W'};

uint32_t lopi_crc32c(const uint8_t *data, size_t size)
{
    /* Of the sixteen ways in which four bits can leave. */
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* A table entry as the file has it. */
typedef struct entry {
    uint8_t tag;
    uint64_t length;
    uint32_t checksum;
} entry;

static bool read_length(lopi_cursor *cursor, uint64_t *out)
{
    uint8_t low = 0;
    uint32_t high = 0;
    if (!lopi_cursor_u8(cursor, &low) || !lopi_cursor_u32_le(cursor, &high))
        return false;
    *out = low | (uint64_t)high << 8;
    return true;
}

static lop_status read_header(lopi_cursor *cursor, unsigned *count, const char *file,
                              lop_error *error)
{
    const uint8_t *signature;
    uint8_t major = 0, minor = 0, sections = 0;
    uint64_t length = 0;
    if (cursor->size < LOPI_SIGNATURE_SIZE || !lopi_cursor_take(cursor, 8, &signature) ||
        memcmp(signature, LOPI_SIGNATURE, LOPI_SIGNATURE_SIZE) != 0)
        return lopi_fail_at(error, LOP_E_FORMAT, file, 0,
                            "expected the signature of a packed network; this is no .lop file, or "
                            "it was changed on its way as text");
    if (!lopi_cursor_u8(cursor, &major) || !lopi_cursor_u8(cursor, &minor) ||
        !lopi_cursor_u8(cursor, &sections) || !read_length(cursor, &length))
        return lopi_fail_at(error, LOP_E_TRUNCATED, file, cursor->size,
                            "the header of %d bytes ends too early", LOPI_HEADER_SIZE);
    if (major != LOPI_MAJOR)
        return lopi_fail_at(error, LOP_E_VERSION, file, 8,
                            "expected format version %d, found %u.%u; read it with the lop that "
                            "wrote it or a later one",
                            LOPI_MAJOR, major, minor);
    if (length != cursor->size)
        return lopi_fail_at(error, length > cursor->size ? LOP_E_TRUNCATED : LOP_E_FORMAT, file,
                            length > cursor->size ? cursor->size : length,
                            "expected %llu bytes in all, found %zu", (unsigned long long)length,
                            cursor->size);
    *count = sections;
    if (*count > LOPI_MAX_SECTIONS)
        return lopi_fail_at(error, LOP_E_LIMIT, file, 10, "expected at most %d sections, found %u",
                            LOPI_MAX_SECTIONS, *count);
    return LOP_OK;
}

static lop_status read_table(lopi_cursor *cursor, entry *entries, unsigned count, const char *file,
                             lop_error *error)
{
    uint32_t checksum = 0;
    for (unsigned i = 0; i < count; i++)
        if (!lopi_cursor_u8(cursor, &entries[i].tag) || !read_length(cursor, &entries[i].length) ||
            !lopi_cursor_u32_le(cursor, &entries[i].checksum))
            return lopi_fail_at(error, LOP_E_TRUNCATED, file, cursor->size,
                                "the table of %u sections ends too early", count);
    size_t end = cursor->position;
    if (!lopi_cursor_u32_le(cursor, &checksum))
        return lopi_fail_at(error, LOP_E_TRUNCATED, file, cursor->size,
                            "the table of %u sections ends too early", count);
    if (checksum != lopi_crc32c(cursor->data, end))
        return lopi_fail_at(error, LOP_E_CHECKSUM, file, end,
                            "the header's checksum does not match: the file is damaged");
    for (unsigned i = 1; i < count; i++)
        if (entries[i].tag <= entries[i - 1].tag)
            return lopi_fail_at(error, LOP_E_FORMAT, file,
                                LOPI_HEADER_SIZE + (uint64_t)i * LOPI_ENTRY_SIZE,
                                "sections stand out of order, or one stands there twice");
    return LOP_OK;
}

static lopi_section *known(lopi_section *sections, uint8_t tag)
{
    for (int part = 0; part < LOPI_PARTS; part++)
        if (tag == (uint8_t)lopi_part_tags[part])
            return &sections[part];
    return NULL;
}

static lop_status read_section(lopi_cursor *cursor, const entry *of, lopi_section *section,
                               const char *file, lop_error *error)
{
    size_t offset = cursor->position;
    const uint8_t *data;
    if (of->length > lopi_cursor_left(cursor) ||
        !lopi_cursor_take(cursor, (size_t)of->length, &data))
        return lopi_fail_at(error, LOP_E_TRUNCATED, file, offset,
                            "a section of %llu bytes does not fit into the file",
                            (unsigned long long)of->length);
    if (lopi_crc32c(data, (size_t)of->length) != of->checksum)
        return lopi_fail_at(error, LOP_E_CHECKSUM, file, offset,
                            "a section's checksum does not match: the file is damaged");
    if (section)
        *section = (lopi_section){data, (size_t)of->length, offset};
    else if (!(of->tag & 0x20))
        return lopi_fail_at(error, LOP_E_VERSION, file, offset,
                            "found a section that this version does not know and must");
    return LOP_OK;
}

lop_status lopi_container_read(lopi_section sections[LOPI_PARTS], const uint8_t *data, size_t size,
                               const char *file, lop_error *error)
{
    lopi_cursor cursor = {data, size, 0};
    lopi_section found[LOPI_PARTS] = {{NULL, 0, 0}};
    entry entries[LOPI_MAX_SECTIONS];
    unsigned count = 0;
    lop_status status = read_header(&cursor, &count, file, error);
    if (status == LOP_OK)
        status = read_table(&cursor, entries, count, file, error);
    for (unsigned i = 0; i < count && status == LOP_OK; i++)
        status = read_section(&cursor, &entries[i], known(found, entries[i].tag), file, error);
    if (status == LOP_OK && lopi_cursor_left(&cursor) > 0)
        status = lopi_fail_at(error, LOP_E_FORMAT, file, cursor.position,
                              "%zu bytes stand behind the last section", lopi_cursor_left(&cursor));
    for (int part = 0; part < LOPI_PARTS && status == LOP_OK; part++)
        if (!found[part].data)
            status = lopi_fail_at(error, LOP_E_FORMAT, file, LOPI_HEADER_SIZE,
                                  "section %c is missing", lopi_part_tags[part]);
    if (status == LOP_OK)
        memcpy(sections, found, sizeof found);
    return status;
}
