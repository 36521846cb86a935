/**
 * Source: a file's content from front to back, gzip taken off where it is on.
 *
 * The file is read whole; what gzip expands to is bounded by what the reader asks for, and by 16
 * MiB and 32 bytes for each byte of the file: a small file cannot ask for much memory or time.
 * Offsets are those of the content, after gzip.
 */
#ifndef LOPI_DATA_SOURCE_H
#define LOPI_DATA_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#include <lop/status.h>

#include "base/file.h"

typedef struct lopi_source {
    const char *path; /* borrowed */
    size_t limit;     /* most bytes of the file, and of values that readers may make of it */
    lopi_bytes file;
    size_t position; /* of the next byte of the file, where it is plain */
    uint64_t offset; /* of the next byte of the content */
    bool gzip, ended;
    z_stream stream;
} lopi_source;

/** Begin. `path` is borrowed until lopi_source_close, which is for success only. LOP_E_LIMIT where
 * the file has more than `limit` bytes. */
lop_status lopi_source_open(lopi_source *source, const char *path, size_t limit, lop_error *error);
/** Ends it; a zeroed one is fine. */
void lopi_source_close(lopi_source *source);

/** Up to `size` bytes; fewer only at the end. LOP_E_FORMAT where the gzip data is damaged. */
lop_status lopi_source_read(lopi_source *source, void *out, size_t size, size_t *count,
                            lop_error *error);

/**
 * Everything that is left, which must be exactly `size` bytes.
 *
 * @param owner  receives the block that `data` lies in; end it with lopi_free
 * @return LOP_OK, LOP_E_TRUNCATED, LOP_E_FORMAT (more bytes than that, damaged gzip), LOP_E_LIMIT
 *         (more than a gzip file of its size may have), LOP_E_MEMORY
 */
lop_status lopi_source_rest(lopi_source *source, size_t size, void **owner, const uint8_t **data,
                            lop_error *error);

/** A whole file's content, at most `limit` bytes of it: LOP_E_LIMIT. As lopi_file_read otherwise.
 */
lop_status lopi_source_load(lopi_bytes *out, const char *path, size_t limit, lop_error *error);

#endif
