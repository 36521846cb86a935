/** The directory of a sweep: its lock, its recipe, and the results that are there. */
#ifndef LOPI_EXPERIMENT_DIRECTORY_H
#define LOPI_EXPERIMENT_DIRECTORY_H

#include <lop/experiment.h>

#include "base/file.h"

typedef struct lopi_sweep_directory {
    char *path, *results_path, *recipe_path, *lock_path;
    lopi_lock lock;
    lop_results results; /* those of earlier processes */
} lopi_sweep_directory;

/** Make, lock, hold against the recipe, read. Always end with lopi_sweep_directory_close. */
lop_status lopi_sweep_directory_open(lopi_sweep_directory *directory, const char *path,
                                     const lop_recipe *recipe, const lop_hooks *hooks,
                                     lop_error *error);
void lopi_sweep_directory_close(lopi_sweep_directory *directory);

#endif
