#define _GNU_SOURCE /* for posix_spawn_file_actions_addchdir_np */

#include "data/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hooks.h"

#define POLL_MILLISECONDS  100
#define GRACE_MILLISECONDS 2000 /* between asking a program to end and ending it */

/* The end of what a program said: its last words are its reason. */
typedef struct tail {
    char text[2048];
    size_t size;
} tail;

static void tail_add(tail *kept, const char *data, size_t size)
{
    size_t room = sizeof kept->text;
    if (size >= room) {
        data += size - room;
        size = room;
    }
    size_t keep = kept->size < room - size ? kept->size : room - size;
    memmove(kept->text, kept->text + kept->size - keep, keep);
    memcpy(kept->text + keep, data, size);
    kept->size = keep + size;
}

/* The last line that is not empty. */
static void last_line(const tail *kept, const char **line, int *size)
{
    size_t end = kept->size;
    while (end > 0 && (kept->text[end - 1] == '\n' || kept->text[end - 1] == '\r'))
        end--;
    size_t start = end;
    while (start > 0 && kept->text[start - 1] != '\n')
        start--;
    size_t length = end - start < 160 ? end - start : 160;
    *line = kept->text + start;
    *size = (int)length;
}

static lop_status start(const char *const *arguments, const char *directory, int output,
                        pid_t *process, lop_error *error)
{
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return lopi_fail(error, LOP_E_INTERNAL, "cannot start %s: %s", arguments[0],
                         strerror(number));
    if ((number = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (number = posix_spawn_file_actions_adddup2(&actions, output, 1)) == 0 &&
        (number = posix_spawn_file_actions_adddup2(&actions, output, 2)) == 0 &&
        (number = posix_spawn_file_actions_addchdir_np(&actions, directory)) == 0)
        /* The array is not written to: the cast is history's. */
        number =
            posix_spawnp(process, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (number == ENOENT)
        return lopi_fail(error, LOP_E_NOT_FOUND, "%s is not installed", arguments[0]);
    if (number != 0)
        return lopi_fail(error, LOP_E_INTERNAL, "cannot start %s: %s", arguments[0],
                         strerror(number));
    return LOP_OK;
}

/* What is there now; false at the end. */
static bool drain(int input, tail *kept)
{
    for (;;) {
        char block[4096];
        ssize_t count = read(input, block, sizeof block);
        if (count > 0)
            tail_add(kept, block, (size_t)count);
        else if (count == 0)
            return false;
        else if (errno != EINTR)
            return errno == EAGAIN || errno == EWOULDBLOCK;
    }
}

/*
 * Listen until the program ends, which is asked of the system: a daemon that it leaves behind may
 * keep the pipe open for ever.
 */
static int watch(pid_t process, int input, const lop_hooks *hooks, tail *kept, bool *cancelled)
{
    int result = 0, waited = 0;
    bool open = true;
    for (;;) {
        pid_t ended = waitpid(process, &result, WNOHANG);
        if (ended == process || (ended < 0 && errno != EINTR))
            break;
        struct pollfd entry = {.fd = open ? input : -1, .events = POLLIN};
        int ready = poll(&entry, 1, open ? POLL_MILLISECONDS : POLL_MILLISECONDS / 10);
        if (ready > 0)
            open = drain(input, kept);
        if (*cancelled)
            waited += POLL_MILLISECONDS;
        else if (lopi_cancelled(hooks)) {
            *cancelled = true;
            kill(process, SIGTERM);
        }
        if (waited >= GRACE_MILLISECONDS)
            kill(process, SIGKILL);
    }
    if (open)
        drain(input, kept);
    return result;
}

lop_status lopi_process_run(const char *const *arguments, const char *directory,
                            const lop_hooks *hooks, lop_error *error)
{
    int ends[2];
    if (pipe(ends) != 0)
        return lopi_fail(error, LOP_E_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t process = 0;
    lop_status status = start(arguments, directory, ends[1], &process, error);
    close(ends[1]);
    if (status == LOP_OK) {
        tail kept = {.size = 0};
        bool cancelled = false;
        int result = watch(process, ends[0], hooks, &kept, &cancelled);
        const char *line;
        int size;
        last_line(&kept, &line, &size);
        if (cancelled)
            status = lopi_fail(error, LOP_E_CANCELLED, "%s was cancelled", arguments[0]);
        else if (WIFSIGNALED(result))
            status =
                lopi_fail(error, LOP_E_IO, "%s ended by signal %d", arguments[0], WTERMSIG(result));
        else if (WEXITSTATUS(result) != 0)
            status = lopi_fail(error, LOP_E_IO, "%s failed with %d (%.*s)", arguments[0],
                               WEXITSTATUS(result), size, line);
    }
    close(ends[0]);
    return status;
}
