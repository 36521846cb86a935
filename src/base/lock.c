#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

lop_status lopi_lock_take(lopi_lock *lock, const char *path, lop_error *error)
{
    *lock = (lopi_lock){.descriptor = -1};
    char *kept = lopi_strdup(path);
    if (!kept)
        return lopi_fail_memory(error, strlen(path));
    for (;;) {
        int descriptor = lopi_descriptor_open(path, O_RDWR | O_CREAT);
        if (descriptor < 0) {
            int number = errno;
            lopi_free(kept);
            return lopi_fail_errno(error, LOP_E_CREATE, path, "create", number);
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            char holder[32] = "";
            ssize_t count = pread(descriptor, holder, sizeof holder - 1, 0);
            holder[count > 0 ? count : 0] = 0;
            holder[strcspn(holder, "\n")] = 0;
            lopi_descriptor_close(descriptor);
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
            *lock = (lopi_lock){descriptor, kept};
            if (lopi_file_system.truncate(descriptor, 0) == 0 &&
                lopi_descriptor_write(descriptor, text, (size_t)length) == 0)
                return LOP_OK;
            int number = errno;
            lopi_lock_release(lock);
            return lopi_fail_errno(error, LOP_E_IO, path, "write", number);
        }
        lopi_descriptor_close(descriptor);
    }
}

void lopi_lock_release(lopi_lock *lock)
{
    if (lock->descriptor >= 0) {
        lopi_file_remove(lock->path);
        lopi_descriptor_close(lock->descriptor);
    }
    lopi_free(lock->path);
    *lock = (lopi_lock){.descriptor = -1};
}
