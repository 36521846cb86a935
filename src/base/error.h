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

/* clang's analyzer sees one file at a time. Told that making an error yields the error's code, it
 * knows that a function which ends with LOP_OK did set its outputs. */
#if defined(__clang_analyzer__) && !defined(LOPI_ERROR_MAKER)
#define lopi_fail(error, code, ...)      ((void)lopi_fail(error, code, __VA_ARGS__), (code))
#define lopi_fail_file(error, code, ...) ((void)lopi_fail_file(error, code, __VA_ARGS__), (code))
#define lopi_fail_at(error, code, ...)   ((void)lopi_fail_at(error, code, __VA_ARGS__), (code))
#define lopi_fail_line(error, code, ...) ((void)lopi_fail_line(error, code, __VA_ARGS__), (code))
#define lopi_fail_memory(error, size)    ((void)lopi_fail_memory(error, size), LOP_E_MEMORY)
#endif

#endif
