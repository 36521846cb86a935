/** The processors' counters, below any directory: for tests. */
#ifndef LOPI_PACK_ENERGY_H
#define LOPI_PACK_ENERGY_H

#include <lop/energy.h>

/** lop_energy_read with counters in DIRECTORY/intel-rapl:N/energy_uj. */
double lopi_energy_read(lop_energy_meter *meter, const char *directory);

#endif
