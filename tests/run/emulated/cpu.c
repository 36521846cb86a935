/* Stands for kernels/cpu.c where kernels are emulated: a machine that has LOP_EMULATED. */
#include "run/kernels/kernel.h"

#include <stdio.h>

void lopi_cpu_name(char *name, size_t size) { snprintf(name, size, "emulated"); }

lopi_isa lopi_isa_detect(void) { return LOP_EMULATED; }
