/** Process: running another program, quietly, without a shell. */
#ifndef LOPI_DATA_PROCESS_H
#define LOPI_DATA_PROCESS_H

#include <lop/hooks.h>
#include <lop/status.h>

/**
 * Run a program found in PATH and wait for its end.
 *
 * It reads nothing; what it says is kept for the error. When the hooks cancel, it is ended.
 *
 * @param arguments  program first, ends with NULL; borrowed
 * @param directory  where it works
 * @return LOP_OK; LOP_E_NOT_FOUND (no such program); LOP_E_IO (it failed: the text has its exit
 *         status and its last line); LOP_E_CANCELLED; LOP_E_INTERNAL
 */
lop_status lopi_process_run(const char *const *arguments, const char *directory,
                            const lop_hooks *hooks, lop_error *error);

#endif
