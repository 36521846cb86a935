#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/system.h"

/* open is called with its mode always: a table has no variable arguments. */
static int open_with_mode(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static int link_followed(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

lopi_file_calls lopi_file_system = {open_with_mode, read,   write, ftruncate, fsync,
                                    link_followed,  rename, close, unlink,    mkdir};

int lopi_descriptor_open(const char *path, int flags)
{
    int descriptor;
    do
        descriptor = lopi_file_system.open(path, flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int lopi_descriptor_close(int descriptor)
{
    /* Interrupted or not, the descriptor is gone: closing it again might close another's. */
    return lopi_file_system.close(descriptor) != 0 && errno != EINTR ? -1 : 0;
}

char *lopi_errno_text(int number, char *text, size_t size)
{
    if (strerror_r(number, text, size) != 0)
        snprintf(text, size, "error %d", number);
    return text;
}

lop_status lopi_fail_errno(lop_error *error, lop_status code, const char *path, const char *what,
                           int number)
{
    if (number == ENOMEM)
        return lopi_fail_memory(error, 0);
    char reason[128];
    lopi_errno_text(number, reason, sizeof reason);
    if (number == ENOSPC || number == EDQUOT)
        return lopi_fail_file(error, LOP_E_FULL, path,
                              "cannot %s: %s; free some space and try again", what, reason);
    return lopi_fail_file(error, code, path, "cannot %s: %s", what, reason);
}

bool lopi_file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

bool lopi_file_is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool lopi_file_size(const char *path, uint64_t *size)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    *size = (uint64_t)status.st_size;
    return true;
}

char *lopi_path_join(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = lopi_alloc(size, 1);
    if (path)
        snprintf(path, size, "%s%s%s", dir, dir[0] && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
    return path;
}

/* Grow by doubling: the size of a pipe is not known ahead. */
static lop_status read_stream(lopi_bytes *out, int descriptor, const char *path, size_t expected,
                              size_t limit, lop_error *error)
{
    size_t capacity = expected < limit ? expected + 1 : limit;
    if (capacity < 4096)
        capacity = 4096;
    size_t size = 0;
    uint8_t *data = lopi_alloc(capacity, 1);
    if (!data)
        return lopi_fail_memory(error, capacity);
    for (;;) {
        ssize_t count = lopi_file_system.read(descriptor, data + size, capacity - size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            int number = errno;
            lopi_free(data);
            return lopi_fail_errno(error, LOP_E_IO, path, "read", number);
        }
        if (count == 0)
            break;
        size += (size_t)count;
        if (size > limit) {
            lopi_free(data);
            return lopi_fail_file(error, LOP_E_LIMIT, path,
                                  "expected at most %zu bytes, found more", limit);
        }
        if (size == capacity) {
            uint8_t *larger = lopi_realloc(data, capacity, 2);
            if (!larger) {
                lopi_free(data);
                return lopi_fail_memory(error, capacity);
            }
            data = larger;
            capacity *= 2;
        }
    }
    data[size] = 0; /* size < capacity: the loop grows as soon as they meet */
    *out = (lopi_bytes){data, size};
    return LOP_OK;
}

lop_status lopi_file_read(lopi_bytes *out, const char *path, size_t limit, lop_error *error)
{
    if (strcmp(path, "-") == 0)
        return read_stream(out, STDIN_FILENO, "standard input", 0, limit, error);
    /* Not blocking: a FIFO without a writer must be refused, not waited for. */
    int descriptor = lopi_descriptor_open(path, O_RDONLY | O_NONBLOCK);
    if (descriptor < 0)
        return lopi_fail_errno(error,
                               errno == ENOENT || errno == ENOTDIR ? LOP_E_NOT_FOUND : LOP_E_IO,
                               path, "open", errno);
    lop_status result;
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "look at", errno);
    else if (!S_ISREG(status.st_mode))
        result = lopi_fail_file(error, LOP_E_IO, path, "expected a regular file, found a %s",
                                S_ISDIR(status.st_mode) ? "directory" : "device or pipe");
    else if ((uintmax_t)status.st_size > limit)
        result = lopi_fail_file(error, LOP_E_LIMIT, path, "expected at most %zu bytes, found %ju",
                                limit, (uintmax_t)status.st_size);
    else
        result = read_stream(out, descriptor, path, (size_t)status.st_size, limit, error);
    lopi_descriptor_close(descriptor);
    return result;
}
