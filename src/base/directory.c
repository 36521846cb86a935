#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

/*
 * Without this a rename may be forgotten by a power cut although the file's bytes are safe. The
 * file is in place by now, so no memory is asked for, which might fail; the system takes no longer
 * names.
 */
int lopi_directory_sync(const char *path)
{
    char copy[4096];
    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
        return ENAMETOOLONG;
    int descriptor = lopi_descriptor_open(dirname(copy), O_RDONLY | O_DIRECTORY), number = 0;
    if (descriptor < 0)
        return errno;
    /* Some file systems cannot sync a directory and say EINVAL: there is nothing more to do. */
    if (lopi_descriptor_sync(descriptor) != 0 && errno != EINVAL)
        number = errno;
    lopi_descriptor_close(descriptor);
    return number;
}

/* Of a directory that was there, which is somebody else's perhaps: whether its disk failed. That it
 * may not be looked at, or cannot be synced, is no fault of what is made in it. */
static bool disk_failed(int number)
{
    return number == EIO || number == ENOSPC || number == EDQUOT || number == ENOMEM;
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
        bool made = lopi_file_system.directory(copy, 0777) == 0;
        int number = 0;
        if (!made && errno != EEXIST)
            result = lopi_fail_errno(error, LOP_E_CREATE, copy, "make the directory", errno);
        else if (!lopi_file_is_directory(copy))
            result =
                lopi_fail_file(error, LOP_E_CREATE, copy, "expected a directory, found a file");
        /* What is synced within is lost with its directory. One that is there may be of a process
         * that was killed before this. */
        else if ((number = lopi_directory_sync(copy)) != 0 && (made || disk_failed(number)))
            result = lopi_fail_errno(error, LOP_E_IO, copy, "sync the directory of", number);
        *end = kept;
        if (kept == 0)
            break;
    }
    lopi_free(copy);
    return result;
}

/* "NAME.lop~PID-N". */
static bool is_temporary(const char *name)
{
    const char *at = strstr(name, LOPI_TEMPORARY);
    if (!at || at == name)
        return false;
    at += strlen(LOPI_TEMPORARY);
    size_t process = strspn(at, "0123456789");
    size_t number = at[process] == '-' ? strspn(at + process + 1, "0123456789") : 0;
    return process > 0 && number > 0 && at[process + 1 + number] == 0;
}

void lopi_directory_clean(const char *path)
{
    DIR *directory = opendir(path);
    char place[4096]; /* the system takes no longer names */
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int length = snprintf(place, sizeof place, "%s/%s", path, entry->d_name);
        if (is_temporary(entry->d_name) && length > 0 && (size_t)length < sizeof place)
            lopi_file_remove(place);
    }
    if (directory)
        closedir(directory);
}
