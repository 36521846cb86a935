/** Making errors: each function fills `error` (may be NULL) and returns its code. */
#ifndef LOPI_BASE_ERROR_H
#define LOPI_BASE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/status.h>

/** An error without a file. */
lop_status lopi_fail(lop_error *error, lop_status code, const char *format, ...) LOP_PRINTF(3, 4);

/** An error of a file as a whole. */
lop_status lopi_fail_file(lop_error *error, lop_status code, const char *file, const char *format,
                          ...) LOP_PRINTF(4, 5);

/** An error at a byte of a file. */
lop_status lopi_fail_at(lop_error *error, lop_status code, const char *file, uint64_t offset,
                        const char *format, ...) LOP_PRINTF(5, 6);

/** An error in a line of a file, from 1. */
lop_status lopi_fail_line(lop_error *error, lop_status code, const char *file, uint64_t line,
                          const char *format, ...) LOP_PRINTF(5, 6);

/** LOP_E_MEMORY for a request of `size` bytes. */
lop_status lopi_fail_memory(lop_error *error, size_t size);

#endif
