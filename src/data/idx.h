/**
 * IDX: the format of MNIST. Two zero bytes, a type, a number of dimensions, a big-endian 32-bit
 * size for each, then the values. lop reads unsigned bytes.
 */
#ifndef LOPI_DATA_IDX_H
#define LOPI_DATA_IDX_H

#include "data/part.h"
#include "data/source.h"

/**
 * Read images and their labels, plain or gzip.
 *
 * Images have 2 to 4 dimensions: count, height, width, channels (or count, features); labels one.
 * Header fields are checked against the file before memory is asked for. samples.classes becomes
 * the largest label + 1.
 *
 * @param part   untouched on failure; end with lopi_part_free
 * @param limit  most bytes of a file, and of its values
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_LIMIT, LOP_E_MEMORY, LOP_E_NOT_FOUND,
 *         LOP_E_IO
 */
lop_status lopi_idx_read(lopi_part *part, const char *images, const char *labels, size_t limit,
                         lop_error *error);

/** Images alone, from a source at its start; the part has no labels. As lopi_idx_read. */
lop_status lopi_idx_read_images(lopi_part *part, lopi_source *source, lop_error *error);

#endif
