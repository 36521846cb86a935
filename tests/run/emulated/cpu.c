/* Stands for kernels/cpu.c where the kernels for AVX-512 and AMX are emulated: a machine that has it all.
 */
#include "run/kernels/kernel.h"

#include <stdio.h>

void lopi_cpu_name(char *name, size_t size) { snprintf(name, size, "emulated"); }

lopi_isa lopi_isa_detect(void) { return LOPI_ISA_AMX; }
