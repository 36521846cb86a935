/**
 * Dense products, by oneDNN, which dense.c and dense_kernels.c alone know.
 *
 * relu is not done by oneDNN together with the product, although it could be: its relu makes zero
 * of NaN, and a network gone bad would look well.
 */
#ifndef LOPI_NN_DENSE_H
#define LOPI_NN_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/status.h>

/** One owner; not for two threads at once. Keeps the primitives it has made, by shape. */
typedef struct lopi_dense lopi_dense;

/**
 * y = op(a) · op(b), all row-major and without gaps; y is [rows][columns].
 */
typedef struct lopi_product {
    size_t rows, inner, columns;
    bool a_transposed; /* a is stored [inner][rows], else [rows][inner] */
    bool b_transposed; /* b is stored [columns][inner], else [inner][columns] */
    bool half;         /* a and b are bf16, else float32 */
    bool half_result;  /* y is bf16, else float32; needs `half` */
} lopi_product;

lop_status lopi_dense_new(lopi_dense **out, lop_error *error);
void lopi_dense_free(lopi_dense *dense);

/**
 * Compute a product.
 *
 * @param bias  [columns] float32, added to each row; NULL: none
 * @return LOP_OK; LOP_E_MEMORY; LOP_E_UNSUPPORTED where oneDNN cannot do it on this machine
 */
lop_status lopi_dense_multiply(lopi_dense *dense, const lopi_product *product, const void *a,
                               const void *b, const float *bias, void *y, lop_error *error);

/**
 * Whether products of bf16 can be computed at all, and whether the CPU has instructions for it.
 * LOP_OK; LOP_E_MEMORY, and then neither is known.
 */
lop_status lopi_dense_bf16(bool *possible, bool *fast, lop_error *error);

#endif
