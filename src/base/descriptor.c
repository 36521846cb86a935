#include "base/descriptor.h"

#include <errno.h>
#include <stdint.h>

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
