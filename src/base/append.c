#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

/* Where the last whole line ends: 0 where there is none. */
static off_t end_of_lines(int descriptor)
{
    off_t end = lseek(descriptor, 0, SEEK_END);
    while (end > 0) {
        char block[4096];
        off_t start = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t count = pread(descriptor, block, (size_t)(end - start), start);
        if (count != (ssize_t)(end - start)) {
            errno = count < 0 ? errno : EIO;
            return -1;
        }
        for (ssize_t i = count; i > 0; i--)
            if (block[i - 1] == '\n')
                return start + i;
        end = start;
    }
    return 0;
}

lop_status lopi_file_append_line(const char *path, const char *line, lop_error *error)
{
    bool fresh = !lopi_file_exists(path);
    int descriptor = lopi_descriptor_open(path, O_RDWR | O_CREAT);
    if (descriptor < 0)
        return lopi_fail_errno(error, LOP_E_CREATE, path, "open", errno);
    lop_status result = LOP_OK;
    off_t end = end_of_lines(descriptor);
    /* One write for line and newline: a crash leaves a torn line, never two joined ones. */
    size_t length = strlen(line);
    char *copy = lopi_alloc(length + 2, 1);
    if (!copy)
        result = lopi_fail_memory(error, length + 2);
    else if (end < 0 || lopi_file_system.truncate(descriptor, end) != 0 ||
             lseek(descriptor, end, SEEK_SET) < 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
    else {
        memcpy(copy, line, length);
        copy[length] = '\n';
        if (lopi_descriptor_write(descriptor, copy, length + 1) != 0)
            result = lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
        if (result != LOP_OK && lopi_file_system.truncate(descriptor, end) != 0)
            result = lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
    }
    lopi_free(copy);
    if (result == LOP_OK && lopi_descriptor_sync(descriptor) != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "sync", errno);
    if (lopi_descriptor_close(descriptor) != 0 && result == LOP_OK)
        result = lopi_fail_errno(error, LOP_E_IO, path, "close", errno);
    int number = result == LOP_OK && fresh ? lopi_directory_sync(path) : 0;
    if (number != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "sync the directory of", number);
    return result;
}
