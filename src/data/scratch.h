/** Scratch: a directory of our own for what is on its way, removed with all that is in it. */
#ifndef LOPI_DATA_SCRATCH_H
#define LOPI_DATA_SCRATCH_H

#include <lop/status.h>

/**
 * Make an empty directory in `parent`, which must exist.
 * @param out  its path; end with lopi_scratch_remove
 */
lop_status lopi_scratch_new(char **out, const char *parent, lop_error *error);

/** Remove it and all below, and free the path; NULL is fine. Links are not followed. */
void lopi_scratch_remove(char *path);

#endif
