/**
 * Linear algebra in double: linear.c is the only file that knows BLAS and LAPACK. Matrices are
 * row-major and without gaps; symmetric ones are stored whole unless said otherwise.
 */
#ifndef LOPI_PRUNE_LINEAR_H
#define LOPI_PRUNE_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

/** Upper triangle of h [n][n] += xᵀ x for x [rows][n]. */
void lopi_gram_add(double *h, size_t n, const double *x, size_t rows);

/** Copy the upper triangle of a [n][n] onto the lower one. */
void lopi_mirror(double *a, size_t n);

/** a [n][n] symmetric becomes U with a = Uᵀ U, upper; what lies below stays. False: not positive
 * definite. */
bool lopi_cholesky(double *a, size_t n);

/** a [n][n] symmetric becomes its inverse. False: not positive definite; a is lost then. */
bool lopi_invert(double *a, size_t n);

/** b [n] becomes a⁻¹ b; a [n][n] symmetric is lost. False: not positive definite. */
bool lopi_solve(double *a, size_t n, double *b);

/** Where a product's rows lie: `step` values from one to the next. */
typedef struct lopi_rows {
    double *at;
    size_t step;
} lopi_rows;

/** y [rows][columns] = keep · y + scale · a [rows][inner] · b [inner][columns]. */
typedef struct lopi_gemm {
    size_t rows, inner, columns;
    double keep, scale;
} lopi_gemm;
void lopi_gemm_run(const lopi_gemm *gemm, lopi_rows y, lopi_rows a, lopi_rows b);

#endif
