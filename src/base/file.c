#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

lop_status lopi_fail_errno(lop_error *error, lop_status code, const char *path, const char *what,
                           int number)
{
    char reason[128];
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
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
        ssize_t count = read(descriptor, data + size, capacity - size);
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
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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
    close(descriptor);
    return result;
}

lop_status lopi_directory_make(const char *path, lop_error *error)
{
    char *copy = lopi_strdup(path);
    if (!copy)
        return lopi_fail_memory(error, strlen(path));
    lop_status result = LOP_OK;
    for (char *end = copy + 1; result == LOP_OK; end++) {
        if (*end != '/' && *end != 0)
            continue;
        char kept = *end;
        *end = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            result = lopi_fail_errno(error, LOP_E_CREATE, copy, "make the directory", errno);
        else if (!lopi_file_is_directory(copy))
            result =
                lopi_fail_file(error, LOP_E_CREATE, copy, "expected a directory, found a file");
        *end = kept;
        if (kept == 0)
            break;
    }
    lopi_free(copy);
    return result;
}

/* Without this a rename may be forgotten by a power cut although the file's bytes are safe. */
static int sync_directory_of(const char *path)
{
    char *copy = lopi_strdup(path);
    if (!copy)
        return ENOMEM;
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lopi_free(copy);
    if (descriptor < 0)
        return errno;
    /* Some file systems cannot sync a directory and say EINVAL; there is nothing more to do there.
     */
    int number = fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
    close(descriptor);
    return number;
}

#define TEMPORARY_SIZE 32 /* bytes that a temporary name is longer than its path, at most */

/*
 * A new file beside `path`. Not mkstemp: an output has the usual permissions, which the system
 * gives by itself here, while asking for the umask would change it for the other threads.
 */
static int create_temporary(char *name, const char *path)
{
    int descriptor = -1;
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        snprintf(name, strlen(path) + TEMPORARY_SIZE, "%s.%ld-%u", path, (long)getpid(), attempt);
        descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            break;
    }
    return descriptor;
}

lop_status lopi_output_open(lopi_output *output, const char *path, bool overwrite, lop_error *error)
{
    if (strcmp(path, "-") == 0) {
        *output = (lopi_output){.stream = stdout};
        return LOP_OK;
    }
    if (lopi_file_is_directory(path))
        return lopi_fail_file(error, LOP_E_CREATE, path, "expected a file name, found a directory");
    if (!overwrite && lopi_file_exists(path))
        return lopi_fail_file(error, LOP_E_EXISTS, path, "exists already; -f overwrites it");
    size_t size = strlen(path) + TEMPORARY_SIZE;
    char *temporary = lopi_alloc(size, 1), *kept = lopi_strdup(path);
    int descriptor = -1;
    FILE *stream = NULL;
    lop_status result = LOP_OK;
    if (!temporary || !kept) {
        result = lopi_fail_memory(error, size);
        goto out;
    }
    descriptor = create_temporary(temporary, path);
    if (descriptor < 0) {
        result = lopi_fail_errno(error, LOP_E_CREATE, path, "create", errno);
        goto out;
    }
    struct stat old; /* an output that is replaced keeps its permissions */
    bool replaces = stat(path, &old) == 0;
    if ((replaces && fchmod(descriptor, old.st_mode & 0777) != 0) ||
        !(stream = fdopen(descriptor, "wb"))) {
        result = lopi_fail_errno(error, LOP_E_CREATE, path, "create", errno);
        unlink(temporary);
        goto out;
    }
    *output = (lopi_output){stream, kept, temporary};
    return LOP_OK;
out:
    if (descriptor >= 0)
        close(descriptor);
    lopi_free(temporary);
    lopi_free(kept);
    return result;
}

lop_status lopi_output_commit(lopi_output *output, lop_error *error)
{
    if (!output->temporary) { /* standard output */
        *output = (lopi_output){0};
        if (fflush(stdout) != 0 || ferror(stdout))
            return lopi_fail_errno(error, LOP_E_IO, "standard output", "write", errno);
        return LOP_OK;
    }
    const char *what = "write";
    int number = 0;
    errno = EIO; /* a write that failed earlier may have left no number */
    if (ferror(output->stream) || fflush(output->stream) != 0)
        number = errno;
    else if (fsync(fileno(output->stream)) != 0)
        number = errno;
    if (fclose(output->stream) != 0 && number == 0)
        number = errno;
    output->stream = NULL;
    if (number == 0 && rename(output->temporary, output->path) != 0) {
        number = errno;
        what = "rename the finished file to this name";
    }
    lop_status result = LOP_OK;
    if (number != 0) {
        unlink(output->temporary);
        result = lopi_fail_errno(error, LOP_E_IO, output->path, what, number);
    } else if ((number = sync_directory_of(output->path)) != 0) {
        result = lopi_fail_errno(error, LOP_E_IO, output->path, "sync the directory of", number);
    }
    lopi_free(output->path);
    lopi_free(output->temporary);
    *output = (lopi_output){0};
    return result;
}

void lopi_output_abandon(lopi_output *output)
{
    if (output->stream && output->stream != stdout) {
        fclose(output->stream);
        unlink(output->temporary);
    }
    lopi_free(output->path);
    lopi_free(output->temporary);
    *output = (lopi_output){0};
}

lop_status lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                           lop_error *error)
{
    lopi_output output = {0};
    lop_status result = lopi_output_open(&output, path, overwrite, error);
    if (result != LOP_OK)
        return result;
    errno = 0;
    if (size > 0 && fwrite(data, 1, size, output.stream) != size) {
        result = lopi_fail_errno(error, LOP_E_IO, path, "write", errno);
        lopi_output_abandon(&output);
        return result;
    }
    return lopi_output_commit(&output, error);
}

static lop_status write_all(int descriptor, const char *data, size_t size, const char *path,
                            lop_error *error)
{
    while (size > 0) {
        ssize_t count = write(descriptor, data, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
        data += count;
        size -= (size_t)count;
    }
    return LOP_OK;
}

/* Where the last whole line ends: 0 where there is none. */
static off_t end_of_lines(int descriptor)
{
    off_t end = lseek(descriptor, 0, SEEK_END);
    while (end > 0) {
        char block[4096];
        off_t start = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t count = pread(descriptor, block, (size_t)(end - start), start);
        if (count != (ssize_t)(end - start))
            return -1;
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
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return lopi_fail_errno(error, LOP_E_CREATE, path, "open", errno);
    lop_status result = LOP_OK;
    off_t end = end_of_lines(descriptor);
    /* One write for line and newline: a crash leaves a torn line, never two joined ones. */
    size_t length = strlen(line);
    char *copy = lopi_alloc(length + 2, 1);
    if (!copy)
        result = lopi_fail_memory(error, length + 2);
    else if (end < 0 || ftruncate(descriptor, end) != 0 || lseek(descriptor, end, SEEK_SET) < 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
    else {
        memcpy(copy, line, length);
        copy[length] = '\n';
        result = write_all(descriptor, copy, length + 1, path, error);
        if (result != LOP_OK && ftruncate(descriptor, end) != 0)
            result = lopi_fail_errno(error, LOP_E_IO, path, "append", errno);
    }
    lopi_free(copy);
    if (result == LOP_OK && fsync(descriptor) != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "sync", errno);
    if (close(descriptor) != 0 && result == LOP_OK)
        result = lopi_fail_errno(error, LOP_E_IO, path, "close", errno);
    int number = result == LOP_OK && fresh ? sync_directory_of(path) : 0;
    if (number != 0)
        result = lopi_fail_errno(error, LOP_E_IO, path, "sync the directory of", number);
    return result;
}

lop_status lopi_lock_take(lopi_lock *lock, const char *path, lop_error *error)
{
    *lock = (lopi_lock){.descriptor = -1};
    char *kept = lopi_strdup(path);
    if (!kept)
        return lopi_fail_memory(error, strlen(path));
    for (;;) {
        int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (descriptor < 0) {
            lopi_free(kept);
            return lopi_fail_errno(error, LOP_E_CREATE, path, "create", errno);
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            char holder[32] = "";
            ssize_t count = pread(descriptor, holder, sizeof holder - 1, 0);
            holder[count > 0 ? count : 0] = 0;
            holder[strcspn(holder, "\n")] = 0;
            close(descriptor);
            lopi_free(kept);
            return lopi_fail_file(error, LOP_E_BUSY, path,
                                  "process %s works here; wait for it or stop it",
                                  holder[0] ? holder : "(unknown)");
        }
        /* The holder before us removes the file when it ends: what we locked may be gone by now. */
        struct stat ours, named;
        if (fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 &&
            ours.st_ino == named.st_ino) {
            char text[32];
            int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
            if (ftruncate(descriptor, 0) == 0 && pwrite(descriptor, text, (size_t)length, 0) < 0)
                lopi_fail_errno(error, LOP_E_IO, path, "write", errno);
            *lock = (lopi_lock){descriptor, kept};
            return LOP_OK;
        }
        close(descriptor);
    }
}

void lopi_lock_release(lopi_lock *lock)
{
    if (lock->descriptor >= 0) {
        unlink(lock->path);
        close(lock->descriptor);
    }
    lopi_free(lock->path);
    *lock = (lopi_lock){.descriptor = -1};
}
