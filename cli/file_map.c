#include "file_map.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"

/* The format: 8 bytes of length, little-endian; that many bytes of JSON; the tensors' bytes. */
enum { LENGTH_BYTES = 8, LARGEST_HEADER = 100000000 };

static lop_status fail(lop_error *error, lop_status code, const char *path, const char *text)
{
    usage_error(error, code, "%s", text);
    blame(error, path);
    return code;
}

static int by_offset(const void *a, const void *b)
{
    const file_part *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static void add(file_map *map, const char *name, uint64_t offset, uint64_t size)
{
    file_part *part = &map->parts[map->count++];
    snprintf(part->name, sizeof part->name, "%s", name);
    part->offset = offset;
    part->size = size;
}

/* What no tensor owns is padding: spaces behind the header, alignment between tensors. */
static void fill_gaps(file_map *map)
{
    size_t named = map->count;
    uint64_t end = 0;
    qsort(map->parts, named, sizeof *map->parts, by_offset);
    for (size_t i = 0; i < named; i++) {
        const file_part part = map->parts[i];
        if (part.offset > end)
            add(map, "padding", end, part.offset - end);
        if (part.offset + part.size > end)
            end = part.offset + part.size;
    }
    if (map->size > end)
        add(map, "padding", end, map->size - end);
    qsort(map->parts, map->count, sizeof *map->parts, by_offset);
}

static lop_status map_header(file_map *map, char *text, uint64_t length, const char *path,
                             lop_error *error)
{
    json_t *header = json_loadb(text, (size_t)length, 0, NULL), *tensor;
    const char *name;
    if (!json_is_object(header)) {
        json_decref(header);
        return fail(error, LOP_E_FORMAT, path, "expected a header in JSON, found none");
    }
    uint64_t used = length, start = LENGTH_BYTES + length;
    while (used > 0 && text[used - 1] == ' ')
        used--;
    lop_status status = LOP_OK;
    map->parts = calloc(2 * json_object_size(header) + 6, sizeof *map->parts);
    if (!map->parts)
        status = fail(error, LOP_E_MEMORY, path, "out of memory for the header's parts");
    if (status == LOP_OK) {
        add(map, "header length", 0, LENGTH_BYTES);
        add(map, "header", LENGTH_BYTES, used);
    }
    json_object_foreach(header, name, tensor)
    {
        /* json_unpack asks for memory. */
        const json_t *offsets = json_object_get(tensor, "data_offsets");
        const json_t *first = json_array_get(offsets, 0), *behind = json_array_get(offsets, 1);
        json_int_t begin = json_integer_value(first), end = json_integer_value(behind);
        if (status != LOP_OK || strcmp(name, "__metadata__") == 0)
            continue;
        if (!json_is_integer(first) || !json_is_integer(behind) || begin < 0 || end < begin ||
            (uint64_t)end > map->size - start)
            status = fail(error, LOP_E_FORMAT, path, "expected tensors with offsets in the file");
        else
            add(map, name, start + (uint64_t)begin, (uint64_t)(end - begin));
    }
    json_decref(header);
    if (status == LOP_OK)
        fill_gaps(map);
    return status;
}

static lop_status read_header(FILE *file, file_map *map, const char *path, lop_error *error)
{
    struct stat found;
    unsigned char bytes[LENGTH_BYTES];
    uint64_t length = 0;
    if (fstat(fileno(file), &found) != 0 || fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
        return fail(error, LOP_E_TRUNCATED, path, "expected a header, found the end of the file");
    map->size = (uint64_t)found.st_size;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > LARGEST_HEADER || length > map->size - LENGTH_BYTES)
        return fail(error, LOP_E_LIMIT, path, "the header is longer than the file");
    char *text = malloc((size_t)length + 1);
    if (!text)
        return fail(error, LOP_E_MEMORY, path, "out of memory for the header");
    lop_status status;
    if (fread(text, 1, (size_t)length, file) == length)
        status = map_header(map, text, length, path, error);
    else
        status = fail(error, LOP_E_TRUNCATED, path, "the file ends in its header");
    free(text);
    return status;
}

lop_status file_map_read(file_map *out, const char *path, lop_error *error)
{
    file_map map = {0};
    FILE *file = fopen(path, "rbe");
    if (!file)
        return fail(error, LOP_E_NOT_FOUND, path, strerror(errno));
    lop_status status = read_header(file, &map, path, error);
    fclose(file);
    if (status == LOP_OK)
        *out = map;
    else
        file_map_free(&map);
    return status;
}

void file_map_free(file_map *map)
{
    free(map->parts);
    *map = (file_map){0};
}
