/** What the table has of AMX. */
#ifndef LOPI_RUN_KERNELS_AMX_H
#define LOPI_RUN_KERNELS_AMX_H

#include "run/kernels/kernel.h"

extern const lopi_kernel_list lopi_kernels_amx_i8;

#endif
