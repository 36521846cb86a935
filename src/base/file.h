/**
 * Files: whole files in, whole files out. An output is written to a temporary name in the same
 * directory, synced, renamed, and the directory synced, so that a reader sees the old file or the
 * new one and never a half. Nothing else in the library opens files.
 */
#ifndef LOPI_BASE_FILE_H
#define LOPI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <lop/status.h>

/** Bytes of a file in memory. */
typedef struct lopi_bytes {
    uint8_t *data; /* [size], and one zero byte behind; end with lopi_free */
    size_t size;
} lopi_bytes;

/**
 * Read a regular file (or "-": standard input) whole.
 * @param limit  most bytes to accept: LOP_E_LIMIT above
 * @return LOP_OK; LOP_E_NOT_FOUND; LOP_E_IO (a directory, a device, unreadable); LOP_E_MEMORY
 */
lop_status lopi_file_read(lopi_bytes *out, const char *path, size_t limit, lop_error *error);

bool lopi_file_exists(const char *path);
bool lopi_file_is_directory(const char *path);
/** Size of a regular file; false where there is none. */
bool lopi_file_size(const char *path, uint64_t *size);

/** Make a directory and its parents, and sync those. One that is there is fine. LOP_E_CREATE,
 * LOP_E_IO. */
lop_status lopi_directory_make(const char *path, lop_error *error);

/** Remove a file that is of no use any more. Where that fails it stays, and nothing is lost. */
void lopi_file_remove(const char *path);

/** "dir/name" in new memory; NULL where there is none. */
char *lopi_path_join(const char *dir, const char *name);

#define LOPI_TEMPORARY                                                                             \
    ".lop~" /* stands between a file's name and the process, in temporary names */

/**
 * Remove the files in `path` that have temporary names: whole ones of processes which were killed
 * before they could rename them. Only where nobody else writes. Asks for no memory.
 */
void lopi_directory_clean(const char *path);

/** An output on its way. Zero it before lopi_output_open. */
typedef struct lopi_output {
    FILE *stream; /* write here; the first failed write is remembered until the commit */
    struct lopi_sink *sink;
    char *path, *temporary; /* NULL: standard output; the latter is "" as long as it has no name */
} lopi_output;

/**
 * Begin a file. "-" is standard output. That and what is there as a device or a pipe are written
 * as they are, not overwritten, synced or renamed. Behind a symbolic link its target is replaced.
 * @return LOP_OK; LOP_E_EXISTS where `path` exists and `overwrite` is false; LOP_E_CREATE
 */
lop_status lopi_output_open(lopi_output *output, const char *path, bool overwrite,
                            lop_error *error);
/**
 * Sync and put in place. On failure nothing is left behind and the old file stays; but where the
 * directory alone cannot be synced, the new file is there and may be gone after a power cut.
 */
lop_status lopi_output_commit(lopi_output *output, lop_error *error);
/** Give up; a no-op after commit. */
void lopi_output_abandon(lopi_output *output);

/**
 * Flush a stream that somebody else owns. LOP_OK; LOP_E_FULL or LOP_E_IO where any write to it
 * failed: why is told by errno, so nothing that changes it belongs between the last write and this.
 * @param what  is written: "the page"
 */
lop_status lopi_stream_flush(FILE *stream, const char *what, lop_error *error);

/** Both steps for bytes that are ready. */
lop_status lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                           lop_error *error);

typedef lop_status (*lopi_line_judge)(const char *text, size_t size, lop_error *error);

/**
 * Append `line`, which has no zero byte, and a newline to `path`, sync. What a crash left at the
 * end is cut off first: bytes behind the last newline, and a last line with zero bytes in it. When
 * it returns LOP_OK the line is on the disk.
 * @param judge  looks at bytes behind the last newline: LOP_E_FORMAT where they are half a line,
 *               LOP_OK where only the newline is missing, which they get; others end it. NULL: half
 */
lop_status lopi_file_append_line(const char *path, const char *line, lopi_line_judge judge,
                                 lop_error *error);

/** An exclusive lock on `path`, held until lopi_lock_release or the end of the process. */
typedef struct lopi_lock {
    int descriptor; /* −1: not held */
    char *path;
} lopi_lock;
/** LOP_E_BUSY says which process holds it. */
lop_status lopi_lock_take(lopi_lock *lock, const char *path, lop_error *error);
/** Removes the file and lets go. A zeroed or released lock must have descriptor −1. */
void lopi_lock_release(lopi_lock *lock);

/** What errno `number` means, in `text`. */
char *lopi_errno_text(int number, char *text, size_t size);

/** The error for errno `number` while doing `what` ("write", "open") to `path`. */
lop_status lopi_fail_errno(lop_error *error, lop_status code, const char *path, const char *what,
                           int number);

#endif
