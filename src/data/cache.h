/** Cache: the directory that keeps known sets, as plain IDX files that were verified. */
#ifndef LOPI_DATA_CACHE_H
#define LOPI_DATA_CACHE_H

#include "data/registry.h"

/** Where the files of a set are; all in new memory, end with lopi_set_paths_free. */
typedef struct lopi_set_paths {
    char *directory;
    char *files[LOPI_FILE_COUNT];
} lopi_set_paths;

lop_status lopi_set_paths_new(lopi_set_paths *out, const lopi_known_set *set,
                              const lop_data_options *options, lop_error *error);
void lopi_set_paths_free(lopi_set_paths *paths);

/** As lop_data_present, lop_data_get and lop_data_verify, for a row. */
bool lopi_cache_present(const lopi_known_set *set, const lop_data_options *options);
lop_status lopi_cache_get(const lopi_known_set *set, const lop_data_options *options,
                          lop_error *error);
lop_status lopi_cache_verify(const lopi_known_set *set, const lop_data_options *options,
                             lop_error *error);

#endif
