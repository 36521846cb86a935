#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/memory.h"
#include "files.h"

static char directory[] = "/tmp/lop-test-XXXXXX";

int files_begin(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

int files_end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

const char *files_path(const char *name)
{
    static char paths[16][256];
    static size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

const char *files_write(const char *name, const void *data, size_t size)
{
    const char *path = files_path(name);
    FILE *file = fopen(path, "wb"); /* quicker than the library's, which syncs */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *files_write_text(const char *name, const char *text)
{
    return files_write(name, text, strlen(text));
}

lopi_bytes files_gzip(const void *data, size_t size)
{
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t capacity = deflateBound(&stream, (uLong)size);
    lopi_bytes out = {lopi_alloc(capacity, 1), 0};
    stream.next_out = out.data;
    stream.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

lopi_bytes files_idx(const uint32_t *shape, uint8_t dimensions, const uint8_t *values, size_t size)
{
    size_t header = 4 + 4u * dimensions;
    lopi_bytes out = {lopi_alloc(header + size, 1), header + size};
    out.data[2] = 8;
    out.data[3] = dimensions;
    for (size_t i = 0; i < dimensions; i++)
        for (size_t j = 0; j < 4; j++)
            out.data[4 + 4 * i + j] = (uint8_t)(shape[i] >> (24 - 8 * j));
    if (size > 0)
        memcpy(out.data + header, values, size);
    return out;
}
