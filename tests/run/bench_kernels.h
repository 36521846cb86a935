/** What a kernel takes. */
#ifndef LOP_TESTS_RUN_BENCH_KERNELS_H
#define LOP_TESTS_RUN_BENCH_KERNELS_H

#include "run/kernels/kernel.h"

/** Print what memory of some sizes yields when all of it is read, to hold the kernels against. */
void bench_memory(void);

/** Print ns a sample, non-zero weights a ns and bytes of the layout a ns for layers, sparsities and
 * batches that matter. */
void bench_kernel(const lopi_kernel *kernel);

#endif
