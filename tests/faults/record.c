#define _GNU_SOURCE /* O_TMPFILE */

#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system.h"

static lopi_file_calls file;
static FILE *record;
/* A call and its entry are one step, so that the entries stand in the order of the calls. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void begin(void) { pthread_mutex_lock(&lock); }

/* What a call returned, and its errno, past the entry. */
static int end(int result)
{
    int number = errno;
    fflush(record);
    pthread_mutex_unlock(&lock);
    errno = number;
    return result;
}

/* From the root, with the links in the directories followed: a name that a file may not have yet.
 */
static const char *whole(const char *path, char *place, size_t size)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    if (slash)
        *slash = 0;
    char *directory = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
    snprintf(place, size, "%s/%s", directory ? directory : "?", name);
    free(directory);
    return place;
}

static bool regular(int descriptor, struct stat *status)
{
    return fstat(descriptor, status) == 0 && S_ISREG(status->st_mode);
}

static int opened(const char *path, int flags, mode_t mode)
{
    char place[4200];
    struct stat status;
    begin();
    bool existed = access(path, F_OK) == 0;
    int descriptor = file.open(path, flags, mode);
    if (descriptor >= 0 && regular(descriptor, &status)) {
        if ((flags & O_TMPFILE) == O_TMPFILE)
            fprintf(record, "T %ju\n", (uintmax_t)status.st_ino);
        else if ((flags & O_CREAT) && !existed)
            fprintf(record, "C %ju %s\n", (uintmax_t)status.st_ino,
                    whole(path, place, sizeof place));
    }
    return end(descriptor);
}

static ssize_t written(int descriptor, const void *bytes, size_t size)
{
    struct stat status;
    begin();
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t count = file.write(descriptor, bytes, size);
    if (count > 0 && regular(descriptor, &status)) {
        fprintf(record, "W %ju %jd %zd\n", (uintmax_t)status.st_ino, (intmax_t)offset, count);
        fwrite(bytes, 1, (size_t)count, record);
        putc('\n', record);
    }
    end(0);
    return count;
}

static int truncated(int descriptor, off_t size)
{
    struct stat status;
    begin();
    int result = file.truncate(descriptor, size);
    if (result == 0 && regular(descriptor, &status))
        fprintf(record, "S %ju %jd\n", (uintmax_t)status.st_ino, (intmax_t)size);
    return end(result);
}

static int synced(int descriptor)
{
    struct stat status;
    begin();
    int result = file.sync(descriptor);
    if (result == 0 && regular(descriptor, &status))
        fprintf(record, "F %ju\n", (uintmax_t)status.st_ino);
    else if (result == 0) {
        char itself[64], place[4200];
        snprintf(itself, sizeof itself, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(itself, place, sizeof place - 1);
        fprintf(record, "D %.*s\n", length > 0 ? (int)length : 0, place);
    }
    return end(result);
}

static int linked(const char *from, const char *to)
{
    char place[4200];
    struct stat status;
    begin();
    int result = file.link(from, to);
    if (result == 0 && stat(to, &status) == 0)
        fprintf(record, "L %ju %s\n", (uintmax_t)status.st_ino, whole(to, place, sizeof place));
    return end(result);
}

static int renamed(const char *from, const char *to)
{
    char place[4200], target[4200];
    begin();
    int result = file.rename(from, to);
    if (result == 0)
        fprintf(record, "R %s\t%s\n", whole(from, place, sizeof place),
                whole(to, target, sizeof target));
    return end(result);
}

static int removed(const char *path)
{
    char place[4200];
    begin();
    int result = file.remove(path);
    if (result == 0)
        fprintf(record, "U %s\n", whole(path, place, sizeof place));
    return end(result);
}

static int directory_made(const char *path, mode_t mode)
{
    char place[4200];
    begin();
    int result = file.directory(path, mode);
    if (result == 0)
        fprintf(record, "M %s\n", whole(path, place, sizeof place));
    return end(result);
}

void record_kept(const char *path)
{
    char place[4200];
    if (!record)
        return;
    begin();
    fprintf(record, "K %s\n", whole(path, place, sizeof place));
    end(0);
}

void record_begin(const char *path)
{
    record = fopen(path, "wbe");
    if (!record)
        _exit(99);
    file = lopi_file_system;
    lopi_file_system = (lopi_file_calls){opened, file.read, written,    truncated, synced,
                                         linked, renamed,   file.close, removed,   directory_made};
}
