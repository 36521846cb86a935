#define _XOPEN_SOURCE 700 /* for nftw */

#include "data/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

lop_status lopi_scratch_new(char **out, const char *parent, lop_error *error)
{
    char *path = lopi_path_join(parent, "fetch-XXXXXX");
    if (!path)
        return lopi_fail_memory(error, 16);
    if (!mkdtemp(path)) {
        int number = errno;
        lopi_free(path);
        return lopi_fail_errno(error, LOP_E_CREATE, parent, "make a directory in it", number);
    }
    *out = path;
    return LOP_OK;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    remove(path); /* what cannot be removed must not keep the rest */
    return 0;
}

void lopi_scratch_remove(char *path)
{
    if (path)
        nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    lopi_free(path);
}
