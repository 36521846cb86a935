#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>

#include "base/system.h"

int lopi_descriptor_write(int descriptor, const void *bytes, size_t size)
{
    const uint8_t *data = bytes;
    while (size > 0) {
        ssize_t count = lopi_file_system.write(descriptor, data, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        data += count;
        size -= (size_t)count;
    }
    return 0;
}

int lopi_descriptor_sync(int descriptor)
{
    int result;
    do
        result = lopi_file_system.sync(descriptor);
    while (result != 0 && errno == EINTR);
    return result;
}

/*
 * Without this a rename may be forgotten by a power cut although the file's bytes are safe. The
 * file is in place by now, so no memory is asked for, which might fail; the system takes no longer
 * names.
 */
int lopi_directory_sync(const char *path)
{
    char copy[4096];
    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
        return ENAMETOOLONG;
    int descriptor = lopi_descriptor_open(dirname(copy), O_RDONLY | O_DIRECTORY), number = 0;
    if (descriptor < 0)
        return errno;
    /* Some file systems cannot sync a directory and say EINVAL: there is nothing more to do. */
    if (lopi_descriptor_sync(descriptor) != 0 && errno != EINVAL)
        number = errno;
    lopi_descriptor_close(descriptor);
    return number;
}
