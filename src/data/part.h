/** Part: samples with the memory they lie in; a data set has two, training and test. */
#ifndef LOPI_DATA_PART_H
#define LOPI_DATA_PART_H

#include <lop/data.h>

typedef struct lopi_part {
    lop_samples samples;
    void *values;     /* block that samples.bytes or samples.floats lies in */
    uint16_t *labels; /* block of samples.labels */
} lopi_part;

/** Frees both blocks and zeroes the part; a zeroed part is fine. */
void lopi_part_free(lopi_part *part);

/** Make the floats of a part bytes; they must be integers in 0 … 255. LOP_E_MEMORY. */
lop_status lopi_part_to_bytes(lopi_part *part, lop_error *error);

/**
 * Divide a part of floats: a sixth of its samples, chosen by a fixed shuffle, goes to `test`, both
 * in their old order. LOP_E_FORMAT where there are fewer than six; LOP_E_MEMORY.
 *
 * @param part  replaced by the training part on success, untouched on failure
 * @param path  for the error
 */
lop_status lopi_part_divide(lopi_part *part, lopi_part *test, const char *path, lop_error *error);

#endif
