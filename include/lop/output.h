/**
 * Outputs: files that appear whole or not at all.
 *
 * What is written goes to a temporary name in the same directory; committing syncs it, gives it its
 * name and syncs the directory. For programs that pass a stream to functions such as
 * lop_report_html.
 */
#ifndef LOP_OUTPUT_H
#define LOP_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <lop/export.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lop_output lop_output; /* opaque; one owner: ends by commit or abandon */

/**
 * Begin a file; "-" is standard output.
 * @return LOP_OK; LOP_E_EXISTS where `path` exists and `overwrite` is false; LOP_E_CREATE;
 *         LOP_E_MEMORY
 */
LOP_API lop_status lop_output_open(lop_output **out, const char *path, bool overwrite,
                                   lop_error *error);

/** Where to write; belongs to the output. A failed write is found by lop_output_commit. */
LOP_API FILE *lop_output_stream(lop_output *output);

/** Put the file in place, and end the output. On failure nothing is left, an old file stays. */
LOP_API lop_status lop_output_commit(lop_output *output, lop_error *error);

/** End the output and leave nothing. NULL is fine. */
LOP_API void lop_output_abandon(lop_output *output);

#ifdef __cplusplus
}
#endif

#endif
