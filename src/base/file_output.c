#define _GNU_SOURCE /* for fopencookie, which musl has too */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

#define TEMPORARY_SIZE 32 /* bytes that a temporary name is longer than its path, at most */
#define BUFFER_SIZE    (1 << 16)

/* What is under the stream. A stream forgets why a write failed; this remembers. */
struct lopi_sink {
    int descriptor;
    int number; /* of the first failure; 0: none */
};

static ssize_t sink_write(void *cookie, const char *bytes, size_t size)
{
    struct lopi_sink *sink = cookie;
    if (sink->number == 0 && lopi_descriptor_write(sink->descriptor, bytes, size) != 0)
        sink->number = errno;
    errno = sink->number;
    return sink->number == 0 ? (ssize_t)size : 0; /* 0 is how a cookie says that it failed */
}

/*
 * A new file beside `path`. Not mkstemp: an output has the usual permissions, which the system
 * gives by itself here, while asking for the umask would change it for the other threads.
 */
static int create_temporary(char *name, const char *path)
{
    int descriptor = -1;
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        snprintf(name, strlen(path) + TEMPORARY_SIZE, "%s.%ld-%u", path, (long)getpid(), attempt);
        descriptor = lopi_descriptor_open(name, O_WRONLY | O_CREAT | O_EXCL);
        if (descriptor >= 0 || errno != EEXIST)
            break;
    }
    return descriptor;
}

/* A stream onto the descriptor, by way of a sink that the output owns. */
static bool attach(lopi_output *output, int descriptor)
{
    output->sink = lopi_alloc(1, sizeof *output->sink);
    if (!output->sink) {
        errno = ENOMEM;
        return false;
    }
    *output->sink = (struct lopi_sink){.descriptor = descriptor};
    output->stream = fopencookie(output->sink, "wb", (cookie_io_functions_t){.write = sink_write});
    if (!output->stream)
        return false;
    /* No buffer of ours: where there is none to be had the stream works without. */
    setvbuf(output->stream, NULL, _IOFBF, BUFFER_SIZE);
    return true;
}

/* Ends stream and descriptor. 0, or the number of what failed first. */
static int detach(lopi_output *output, bool sync)
{
    int number = 0;
    if (output->stream) {
        if (fclose(output->stream) != 0)
            number = output->sink->number ? output->sink->number : errno ? errno : EIO;
        number = output->sink->number ? output->sink->number : number;
        output->stream = NULL;
    }
    if (output->sink) {
        if (number == 0 && sync && lopi_descriptor_sync(output->sink->descriptor) != 0)
            number = errno;
        if (lopi_descriptor_close(output->sink->descriptor) != 0 && number == 0)
            number = errno;
    }
    return number;
}

static void forget(lopi_output *output)
{
    lopi_free(output->sink);
    lopi_free(output->path);
    lopi_free(output->temporary);
    *output = (lopi_output){0};
}

lop_status lopi_output_open(lopi_output *output, const char *path, bool overwrite, lop_error *error)
{
    if (strcmp(path, "-") == 0) {
        *output = (lopi_output){.stream = stdout};
        return LOP_OK;
    }
    struct stat old;
    bool replaces = stat(path, &old) == 0;
    if (replaces && S_ISDIR(old.st_mode))
        return lopi_fail_file(error, LOP_E_CREATE, path, "expected a file name, found a directory");
    /* A device or a pipe is written to, never replaced, or /dev/null would become a file. */
    bool straight = replaces && !S_ISREG(old.st_mode);
    if (!overwrite && replaces && !straight)
        return lopi_fail_file(error, LOP_E_EXISTS, path, "exists already; -f overwrites it");
    /* Behind a link it is the file at its end that is replaced, and the link stays. */
    char *end = replaces && !straight ? realpath(path, NULL) : NULL;
    const char *place = end ? end : path;
    size_t size = strlen(place) + TEMPORARY_SIZE;
    lopi_output made = {.path = lopi_strdup(place), .temporary = lopi_alloc(size, 1)};
    int descriptor = -1;
    lop_status result = LOP_OK;
    if (!made.path || !made.temporary) {
        result = lopi_fail_memory(error, size);
        goto out;
    }
    descriptor =
        straight ? lopi_descriptor_open(place, O_WRONLY) : create_temporary(made.temporary, place);
    if (descriptor < 0 || (replaces && !straight && fchmod(descriptor, old.st_mode & 0777) != 0) ||
        !attach(&made, descriptor)) {
        result = errno == ENOMEM ? lopi_fail_memory(error, BUFFER_SIZE)
                                 : lopi_fail_errno(error, LOP_E_CREATE, path, "create", errno);
        goto out;
    }
    if (straight)
        made.temporary[0] = 0;
    *output = made;
    free(end);
    return LOP_OK;
out:
    if (descriptor >= 0) {
        lopi_descriptor_close(descriptor);
        if (!straight)
            unlink(made.temporary);
    }
    free(end);
    forget(&made);
    return result;
}

lop_status lopi_output_commit(lopi_output *output, lop_error *error)
{
    if (!output->temporary) { /* standard output */
        *output = (lopi_output){0};
        errno = EIO; /* a write that failed earlier may have left no number */
        if (fflush(stdout) != 0 || ferror(stdout))
            return lopi_fail_errno(error, LOP_E_IO, "standard output", "write", errno);
        return LOP_OK;
    }
    bool straight = output->temporary[0] == 0;
    lop_status result = LOP_OK;
    int number = detach(output, !straight);
    if (number != 0)
        result = lopi_fail_errno(error, LOP_E_IO, output->path, "write", number);
    else if (!straight && lopi_file_system.rename(output->temporary, output->path) != 0)
        result = lopi_fail_errno(error, LOP_E_IO, output->path,
                                 "rename the finished file to this name", errno);
    else if (!straight && (number = lopi_directory_sync(output->path)) != 0)
        result = lopi_fail_errno(error, LOP_E_IO, output->path, "sync the directory of", number);
    if (result != LOP_OK && !straight)
        unlink(output->temporary); /* not there any more where only the directory was not synced */
    forget(output);
    return result;
}

void lopi_output_abandon(lopi_output *output)
{
    if (output->temporary) {
        detach(output, false);
        if (output->temporary[0])
            unlink(output->temporary);
    }
    forget(output);
}

lop_status lopi_stream_flush(FILE *stream, const char *what, lop_error *error)
{
    errno = EIO; /* where an earlier write failed and left nothing to flush */
    if (fflush(stream) == 0 && !ferror(stream))
        return LOP_OK;
    int number = errno;
    char reason[128];
    return lopi_fail(error, number == ENOSPC || number == EDQUOT ? LOP_E_FULL : LOP_E_IO,
                     "cannot write %s: %s", what, lopi_errno_text(number, reason, sizeof reason));
}

lop_status lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                           lop_error *error)
{
    lopi_output output = {0};
    lop_status result = lopi_output_open(&output, path, overwrite, error);
    if (result != LOP_OK)
        return result;
    if (size > 0)
        fwrite(data, 1, size, output.stream); /* a failure is remembered until the commit */
    return lopi_output_commit(&output, error);
}
