/** NPY: NumPy's file of one array,
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef LOPI_DATA_NPY_H
#define LOPI_DATA_NPY_H

#include "base/file.h"
#include "data/part.h"

/** Whether a file's content begins as an NPY file does. */
bool lopi_npy_is(const lopi_bytes *content);

/**
 * Samples of an array of uint8, float32 or float64, little-endian, in C order: [features], or
 * [samples][…] with `features` values behind the first dimension. The part has no labels.
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_TRUNCATED with the offset; LOP_E_SHAPE; LOP_E_LIMIT;
 *         LOP_E_MEMORY
 */
lop_status lopi_npy_parse(lopi_part *part, const char *path, const lopi_bytes *content,
                          size_t features, lop_error *error);

#endif
