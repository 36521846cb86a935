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

#define TEMPORARY_SIZE 40 /* bytes that a temporary name is longer than its path, at most */
#define BUFFER_SIZE    (1 << 16)
#define ATTEMPTS       1000 /* at a temporary name: other outputs of this process may have some */

/* What is under the stream. A stream forgets why a write failed; this remembers. */
struct lopi_sink {
    int descriptor;
    int number;    /* of the first failure; 0: none */
    bool straight; /* a device or a pipe: written as it is, and that is all */
};

static ssize_t sink_write(void *cookie, const char *bytes, size_t size)
{
    struct lopi_sink *sink = cookie;
    if (sink->number == 0 && lopi_descriptor_write(sink->descriptor, bytes, size) != 0)
        sink->number = errno;
    errno = sink->number;
    return sink->number == 0 ? (ssize_t)size : 0; /* 0 is how a cookie says that it failed */
}

/* "DIR/NAME.lop~PID-N", free for this process; how often it was tried is what tells apart. */
static void temporary_name(char *name, const char *path, unsigned attempt)
{
    snprintf(name, strlen(path) + TEMPORARY_SIZE, "%s" LOPI_TEMPORARY "%ld-%u", path,
             (long)getpid(), attempt);
}

/*
 * A new file in the directory of `path`, without a name where the system can do that, so that a
 * process which is killed leaves nothing; `name` is empty then. Not mkstemp: an output has the
 * usual permissions, which the system gives by itself, while asking for the umask would change it
 * for the other threads.
 */
static int create_temporary(char *name, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, strlen(path) + 2, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int descriptor = lopi_descriptor_open(name, O_WRONLY | O_TMPFILE);
    name[0] = 0;
    /* These say that the file system, or an old kernel, has no files without names. */
    bool named = descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
    for (unsigned attempt = 0; named && descriptor < 0 && attempt < ATTEMPTS; attempt++) {
        temporary_name(name, path, attempt);
        descriptor = lopi_descriptor_open(name, O_WRONLY | O_CREAT | O_EXCL);
        if (descriptor < 0 && errno != EEXIST)
            break;
    }
    return descriptor;
}

/* A name for a file that has none. */
static int give_name(char *name, const char *path, int descriptor)
{
    char itself[32];
    int result = -1;
    snprintf(itself, sizeof itself, "/proc/self/fd/%d", descriptor);
    for (unsigned attempt = 0; result != 0 && attempt < ATTEMPTS; attempt++) {
        temporary_name(name, path, attempt);
        result = lopi_file_system.link(itself, name);
        if (result != 0 && errno != EEXIST)
            break;
    }
    if (result != 0)
        name[0] = 0;
    return result;
}

/* A stream onto the descriptor, by way of a sink that the output owns. */
static bool attach(lopi_output *output, int descriptor, bool straight)
{
    output->sink = lopi_alloc(1, sizeof *output->sink);
    if (!output->sink) {
        errno = ENOMEM;
        return false;
    }
    *output->sink = (struct lopi_sink){.descriptor = descriptor, .straight = straight};
    output->stream = fopencookie(output->sink, "wb", (cookie_io_functions_t){.write = sink_write});
    if (!output->stream)
        return false;
    /* No buffer of ours: where there is none to be had the stream works without. */
    setvbuf(output->stream, NULL, _IOFBF, BUFFER_SIZE);
    return true;
}

/* Ends the stream. 0, or the number of what failed first. */
static int end_stream(lopi_output *output)
{
    int ended = fclose(output->stream) == 0 ? 0 : errno ? errno : EIO;
    output->stream = NULL;
    return output->sink->number ? output->sink->number : ended;
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
        !attach(&made, descriptor, straight)) {
        result = errno == ENOMEM ? lopi_fail_memory(error, BUFFER_SIZE)
                                 : lopi_fail_errno(error, LOP_E_CREATE, path, "create", errno);
        goto out;
    }
    *output = made;
    free(end);
    return LOP_OK;
out:
    if (descriptor >= 0) {
        lopi_descriptor_close(descriptor);
        if (made.temporary[0])
            lopi_file_remove(made.temporary);
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
    struct lopi_sink *sink = output->sink;
    const char *what = "write";
    int number = end_stream(output);
    if (number == 0 && !sink->straight && lopi_descriptor_sync(sink->descriptor) != 0)
        number = errno;
    if (number == 0 && !sink->straight && !output->temporary[0] &&
        give_name(output->temporary, output->path, sink->descriptor) != 0)
        number = errno;
    if (lopi_descriptor_close(sink->descriptor) != 0 && number == 0)
        number = errno;
    if (number == 0 && !sink->straight &&
        lopi_file_system.rename(output->temporary, output->path) != 0) {
        number = errno;
        what = "rename the finished file to this name";
    }
    if (number != 0 && output->temporary[0])
        lopi_file_remove(output->temporary);
    if (number == 0 && !sink->straight && (number = lopi_directory_sync(output->path)) != 0)
        what = "sync the directory of";
    lop_status result =
        number ? lopi_fail_errno(error, LOP_E_IO, output->path, what, number) : LOP_OK;
    forget(output);
    return result;
}

void lopi_output_abandon(lopi_output *output)
{
    if (output->sink) {
        end_stream(output);
        lopi_descriptor_close(output->sink->descriptor);
        if (output->temporary[0])
            lopi_file_remove(output->temporary);
    }
    forget(output);
}

void lopi_file_remove(const char *path) { (void)lopi_file_system.remove(path); }

lop_status lopi_stream_flush(FILE *stream, const char *what, lop_error *error)
{
    /* Where a write failed before and left nothing to flush, its reason is what errno still says.
     */
    if (!ferror(stream) || errno == 0)
        errno = EIO;
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
