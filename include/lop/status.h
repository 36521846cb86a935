/**
 * Statuses and errors: how every function of lop says what went wrong.
 *
 * A function that can fail returns a `lop_status`: 0 for success, negative otherwise. The one list
 * below yields the codes, their names, their texts and the exit status a command line gives for
 * them. Details go into an optional `lop_error` that the caller owns.
 */
#ifndef LOP_STATUS_H
#define LOP_STATUS_H

#include <stdint.h>

#include <lop/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*      name            code  exit  text                                                      */
#define LOP_STATUS_LIST(X)                                                                         \
    X(LOP_OK, 0, 0, "success")                                                                     \
    X(LOP_E_ARG, -1, 64, "invalid argument")                                                       \
    X(LOP_E_RANGE, -2, 64, "value out of range")                                                   \
    X(LOP_E_NAME, -3, 64, "unknown name")                                                          \
    X(LOP_E_FORMAT, -4, 65, "malformed data")                                                      \
    X(LOP_E_TRUNCATED, -5, 65, "data ends too early")                                              \
    X(LOP_E_VERSION, -6, 65, "unsupported version")                                                \
    X(LOP_E_CHECKSUM, -7, 65, "checksum does not match")                                           \
    X(LOP_E_SHAPE, -8, 65, "shapes do not match")                                                  \
    X(LOP_E_NAN, -9, 65, "value is not finite")                                                    \
    X(LOP_E_LIMIT, -10, 65, "limit exceeded")                                                      \
    X(LOP_E_NOT_FOUND, -11, 66, "no such input")                                                   \
    X(LOP_E_UNSUPPORTED, -12, 64, "not supported on this machine or build")                        \
    X(LOP_E_INTERNAL, -13, 70, "internal error")                                                   \
    X(LOP_E_MEMORY, -14, 71, "out of memory")                                                      \
    X(LOP_E_CREATE, -15, 73, "cannot create output")                                               \
    X(LOP_E_EXISTS, -16, 73, "output exists")                                                      \
    X(LOP_E_IO, -17, 74, "input/output error")                                                     \
    X(LOP_E_FULL, -18, 74, "no space left on device")                                              \
    X(LOP_E_BUSY, -19, 75, "busy, try again")                                                      \
    X(LOP_E_CANCELLED, -20, 1, "cancelled")                                                        \
    X(LOP_E_TARGET, -21, 1, "finished, but the stated target was not met")

typedef enum lop_status {
#define LOP_STATUS_ENUM(name, code, exit_status, text) name = (code),
    LOP_STATUS_LIST(LOP_STATUS_ENUM)
#undef LOP_STATUS_ENUM
} lop_status;

#define LOP_NO_OFFSET UINT64_MAX /* in lop_error.offset: the error is not at a byte */

/**
 * What went wrong, for people. Owned by the caller; a zeroed one is ready for use. Functions write
 * it on failure only, so one error may serve a chain of calls.
 */
typedef struct lop_error {
    lop_status code;
    uint64_t offset; /* byte in `file`, or LOP_NO_OFFSET */
    uint64_t line;   /* line in `file` from 1, or 0 */
    char file[256];  /* file concerned, or "" ; shortened from the left when longer */
    char text[512];  /* what was expected, what was found; what to do next; one line, no newline */
} lop_error;

/** Name of a status, such as "LOP_E_ARG"; "LOP_E_?" for a code that is not in the list. Static. */
LOP_API const char *lop_status_name(lop_status status);

/** One short English text for a status, without details. Static. */
LOP_API const char *lop_status_text(lop_status status);

/** Exit status in the manner of sysexits.h that a command should end with; 70 for unknown codes. */
LOP_API int lop_status_exit(lop_status status);

/**
 * Write "FILE: at byte N (0x…): TEXT" (parts that are unknown are left out) into `buffer`.
 *
 * @param error   borrowed; NULL gives ""
 * @param buffer  [size], always terminated where size > 0
 * @return `buffer`
 */
LOP_API char *lop_error_format(const lop_error *error, char *buffer, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
