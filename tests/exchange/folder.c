#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

static char directory[] = "/tmp/lop-test-XXXXXX";

int folder_begin(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

int folder_end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

const char *folder_path(const char *name)
{
    static char paths[16][256];
    static size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

const char *folder_write(const char *name, const void *data, size_t size)
{
    const char *path = folder_path(name);
    FILE *file = fopen(path, "wb"); /* quicker than the library's, which syncs */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *folder_write_tensors(const char *name, const char *header, const void *data,
                                 size_t size)
{
    size_t length = strlen(header);
    uint8_t *content = calloc(8 + length + size, 1);
    assert_non_null(content);
    for (int i = 0; i < 8; i++)
        content[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(content + 8, header, length);
    if (size > 0)
        memcpy(content + 8 + length, data, size);
    const char *path = folder_write(name, content, 8 + length + size);
    free(content);
    return path;
}
