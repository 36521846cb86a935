#include "prune/linear.h"

#include <cblas.h>
#include <lapacke.h>

/* Sizes of networks (LOP_MAX_WIDTH) fit an int. */

void lopi_gram_add(double *h, size_t n, const double *x, size_t rows)
{
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)n, (blasint)rows, 1, x, (blasint)n,
                1, h, (blasint)n);
}

void lopi_mirror(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i];
    }
}

/* LAPACK counts by columns: its lower triangle is the upper one here. */
bool lopi_cholesky(double *a, size_t n)
{
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a, (lapack_int)n) == 0;
}

bool lopi_invert(double *a, size_t n)
{
    bool done = lopi_cholesky(a, n) &&
                LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a, (lapack_int)n) == 0;
    if (done)
        lopi_mirror(a, n);
    return done;
}

bool lopi_solve(double *a, size_t n, double *b)
{
    return LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, 1, a, (lapack_int)n, b,
                              (lapack_int)n) == 0;
}

void lopi_gemm_run(const lopi_gemm *gemm, lopi_rows y, lopi_rows a, lopi_rows b)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)gemm->rows,
                (blasint)gemm->columns, (blasint)gemm->inner, gemm->scale, a.at, (blasint)a.step,
                b.at, (blasint)b.step, gemm->keep, y.at, (blasint)y.step);
}
