#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

/*
 * Where the last whole line ends: 0 where there is none, −1 where the file cannot be read. A line
 * is whole that ends with a newline and has no zero byte in it: of what was not yet synced when the
 * power went any block may be missing, and a missing block is read as zeros. That can be the last
 * line alone, since each was synced before the next.
 */
static off_t end_of_lines(int descriptor)
{
    off_t end = 0; /* behind the last newline */
    bool torn = false;
    for (off_t at = lseek(descriptor, 0, SEEK_END); at != 0;) {
        char block[4096];
        off_t start = at > (off_t)sizeof block ? at - (off_t)sizeof block : 0;
        ssize_t count = at < 0 ? -1 : pread(descriptor, block, (size_t)(at - start), start);
        if (count != (ssize_t)(at - start)) {
            errno = count < 0 ? errno : EIO;
            return -1;
        }
        for (ssize_t i = count; i > 0; i--) {
            if (block[i - 1] == '\n' && end > 0)
                return torn ? start + i : end;
            if (block[i - 1] == '\n')
                end = start + i;
            torn |= end > 0 && block[i - 1] == 0;
        }
        at = start;
    }
    return torn ? 0 : end;
}

/* Asks about the bytes behind the last whole line. */
static lop_status judge_tail(int descriptor, off_t end, size_t size, const char *path,
                             lopi_line_judge judge, lop_error *error)
{
    char *tail = lopi_alloc(size, 1);
    ssize_t count = tail ? pread(descriptor, tail, size, end) : 0;
    lop_status status = LOP_OK;
    if (!tail)
        status = lopi_fail_memory(error, size);
    else if (count != (ssize_t)size)
        status = lopi_fail_errno(error, LOP_E_IO, path, "read", count < 0 ? errno : EIO);
    else
        status = judge(tail, size, error);
    lopi_free(tail);
    return status;
}

/*
 * Leaves whole lines, and the descriptor behind them, at *end. Nothing that a crash left is to be
 * mixed with what is written in its place, so what is done here is on the disk first.
 */
static lop_status settle(int descriptor, off_t *end, const char *path, lopi_line_judge judge,
                         lop_error *error)
{
    *end = end_of_lines(descriptor);
    off_t size = *end < 0 ? -1 : lseek(descriptor, 0, SEEK_END);
    if (size == *end && size >= 0)
        return LOP_OK;
    lop_status torn = LOP_E_FORMAT;
    if (size > 0 && judge)
        torn = judge_tail(descriptor, *end, (size_t)(size - *end), path, judge, error);
    if (torn != LOP_OK && torn != LOP_E_FORMAT)
        return torn;
    int failed = size < 0 ? -1
                 : torn   ? lopi_file_system.truncate(descriptor, *end)
                          : lopi_descriptor_write(descriptor, "\n", 1);
    *end = torn ? *end : size + 1;
    if (failed || lseek(descriptor, *end, SEEK_SET) < 0 || lopi_descriptor_sync(descriptor) != 0)
        return lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
    return LOP_OK;
}

lop_status lopi_file_append_line(const char *path, const char *line, lopi_line_judge judge,
                                 lop_error *error)
{
    int descriptor = lopi_descriptor_open(path, O_RDWR | O_CREAT);
    if (descriptor < 0)
        return lopi_fail_errno(error, LOP_E_CREATE, path, "open", errno);
    off_t end = 0;
    lop_status result = settle(descriptor, &end, path, judge, error);
    /* One write for line and newline: a crash leaves a torn line, never two joined ones. */
    size_t length = strlen(line);
    char *copy = result == LOP_OK ? lopi_alloc(length + 2, 1) : NULL;
    if (result == LOP_OK && !copy)
        result = lopi_fail_memory(error, length + 2);
    if (result == LOP_OK) {
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
    /* Also where the file was there: who made it may have been killed before this. */
    int number = result == LOP_OK ? lopi_directory_sync(path) : 0;
    if (number != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "sync the directory of", number);
    return result;
}
