/** Random layers for the tests of the runtime. */
#ifndef LOP_TESTS_RUN_LAYERS_H
#define LOP_TESTS_RUN_LAYERS_H

#include "base/random.h"
#include "run/kernels/kernel.h"

/** A layer and the memory behind its pointers. */
typedef struct test_layer {
    lopi_layer view;
    uint32_t *row_start, *column;
    float *value, *mult, *offset;
    int8_t *q;
} test_layer;

/** Random weights, each kept with probability `density`; int8 multipliers that use the range. */
test_layer test_layer_new(lopi_random *random, lopi_arithmetic arithmetic, uint32_t outputs,
                          uint32_t inputs, float density);
void test_layer_free(test_layer *layer);

#endif
