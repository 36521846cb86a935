/** Random packed networks for the tests of the runtime. */
#ifndef LOP_TESTS_RUN_PACKED_H
#define LOP_TESTS_RUN_PACKED_H

#include "base/random.h"
#include "run/model.h"

/**
 * A chain of layers of the given widths, relu behind all but the last, each weight kept with
 * probability `density`, calibrated for inputs in 0 … 1.
 * @param widths  [layers + 1]
 */
lop_packed *test_packed_new(lopi_random *random, const uint32_t *widths, size_t layers,
                            float density, lop_values kind);

/** What the network computes, in double, from its weights one by one. y [outputs]. */
void test_packed_compute(const lop_packed *packed, const float *x, double *y);

/** What int8 must give to the bit, from the definitions in kernel.h and layers.h. y [outputs]. */
void test_packed_compute_int8(const lop_packed *packed, const float *x, float *y);

/** What layer `layer`, from 0, reads in int8, by the same definitions: in [inputs]. */
void test_packed_read_int8(const lop_packed *packed, const float *x, size_t layer, int *in);

#endif
