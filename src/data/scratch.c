#define _XOPEN_SOURCE 700 /* for nftw */

#include "data/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

#define NAME_SIZE 48   /* "/fetch.PID-N", at most */
#define ATTEMPTS  1000 /* at a name: other fetches of this process may have some */

lop_status lopi_scratch_new(char **out, const char *parent, lop_error *error)
{
    size_t size = strlen(parent) + NAME_SIZE;
    char *path = lopi_alloc(size, 1);
    if (!path)
        return lopi_fail_memory(error, size);
    int made = -1;
    for (unsigned attempt = 0; made != 0 && attempt < ATTEMPTS; attempt++) {
        snprintf(path, size, "%s/fetch.%ld-%u", parent, (long)getpid(), attempt);
        made = lopi_file_system.directory(path, 0700);
        if (made != 0 && errno != EEXIST)
            break;
    }
    if (made != 0) {
        int number = errno;
        lopi_free(path);
        return lopi_fail_errno(error, LOP_E_CREATE, parent, "make a directory in it", number);
    }
    *out = path;
    return LOP_OK;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)walk;
    /* What cannot be removed must not keep the rest. */
    if (kind == FTW_DP)
        rmdir(path);
    else
        lopi_file_remove(path);
    return 0;
}

void lopi_scratch_remove(char *path)
{
    if (path)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    lopi_free(path);
}
