/** What a kernel takes. */
#ifndef LOP_TESTS_RUN_BENCH_KERNELS_H
#define LOP_TESTS_RUN_BENCH_KERNELS_H

#include "run/kernels/kernel.h"

/** Print ns a sample and non-zero weights a ns for layers, sparsities and batches that matter. */
void bench_kernel(const lopi_kernel *kernel);

#endif
