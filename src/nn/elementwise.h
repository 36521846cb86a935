/** What is done value by value between the products: relu, dropout, sums of columns. */
#ifndef LOPI_NN_ELEMENTWISE_H
#define LOPI_NN_ELEMENTWISE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"

/** Values of either type. */
typedef struct lopi_floats {
    void *data; /* float, or uint16_t holding bf16 */
    bool half;
} lopi_floats;

/** y = x < 0 ? 0 : x, so NaN stays NaN. y may be x; the types may differ where it is not. */
void lopi_relu(lopi_floats x, lopi_floats y, size_t count);

/** gradient = y > 0 ? gradient · scale : 0. */
void lopi_relu_backward(lopi_floats y, lopi_floats gradient, float scale, size_t count);

/**
 * What a dropout rate comes to: the nearest multiple of 1/256, and not 0 unless the rate is 0, so
 * that one block of random numbers serves sixteen values. The scale is that of the rate as it is.
 */
typedef struct lopi_dropout {
    int threshold; /* a value is dropped where its 8 random bits are below */
    float scale;   /* of those kept: 256 / (256 − threshold) */
} lopi_dropout;
lopi_dropout lopi_dropout_from_rate(double rate);

/**
 * Inverted dropout, in place (Srivastava et al. 2014): value i is decided by 8 bits of block
 * i / 16 of `random`, whatever the number of threads.
 */
void lopi_dropout_apply(const lopi_dropout *dropout, const lopi_random *random, lopi_floats x,
                        size_t count);

/** sums[c] = Σ_r x[r][c], each in the order of the rows. */
void lopi_column_sums(lopi_floats x, size_t rows, size_t columns, float *sums);

#endif
