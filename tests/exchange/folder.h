/** A directory for each test program, and safetensors files put together by hand. */
#ifndef LOP_TEST_EXCHANGE_FOLDER_H
#define LOP_TEST_EXCHANGE_FOLDER_H

#include <stddef.h>

/** Group set-up and tear-down: a fresh directory, removed with all that is in it. */
int folder_begin(void **state);
int folder_end(void **state);

/** Path of `name` in the directory; good until the 16th call after this one. */
const char *folder_path(const char *name);
/** Write a file, replacing what is there, and give its path. */
const char *folder_write(const char *name, const void *data, size_t size);
/** Write a safetensors file: this header, without padding, and these bytes behind it. */
const char *folder_write_tensors(const char *name, const char *header, const void *data,
                                 size_t size);

#endif
