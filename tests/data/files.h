/** Files for tests of data: a directory for each program, and bytes to put into it. */
#ifndef LOP_TEST_DATA_FILES_H
#define LOP_TEST_DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

/** Group set-up and tear-down: a fresh directory, removed with all that is in it. */
int files_begin(void **state);
int files_end(void **state);

/** Path of `name` in the directory; good until the 16th call after this one. */
const char *files_path(const char *name);
/** Write a file, replacing what is there, and give its path. */
const char *files_write(const char *name, const void *data, size_t size);
const char *files_write_text(const char *name, const char *text);

/** One gzip member around `data`. End with lopi_free. */
lopi_bytes files_gzip(const void *data, size_t size);

/** An IDX file: `dimensions` sizes, then `size` values. End with lopi_free. */
lopi_bytes files_idx(const uint32_t *shape, uint8_t dimensions, const uint8_t *values, size_t size);

#endif
