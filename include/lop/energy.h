/**
 * Energy: what a run takes, estimated from what is counted, and measured where the machine
 * measures.
 */
#ifndef LOP_ENERGY_H
#define LOP_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An estimate for one sample alone. */
typedef struct lop_energy {
    double products;     /* multiplications with weights */
    double weight_bytes; /* read: the layers as the plan has laid them out */
    double microjoules;
} lop_energy;

/**
 * Estimate what a planned network takes for one sample, as the plan computes it in its first class.
 *
 * Energy of one operation in 45 nm as published by Horowitz ("Computing's energy problem", ISSCC
 * 2014) and in table 1 of Han et al. ("Learning both weights and connections", 2015): 0.2 pJ an
 * int8 and 3.7 pJ a float32 product, 5 pJ for four bytes from on-chip memory, where the weights are
 * taken to be. Inputs that are zero count, sums and activations do not.
 *
 * It is no measurement: it tells two networks on the same hypothetical chip apart.
 */
LOP_API void lop_energy_estimate(const lop_plan *plan, lop_energy *out);
/** Where the table is from, in a line. Static. */
LOP_API const char *lop_energy_source(void);

/** The processors' own counters between calls; zero it before the first one. */
typedef struct lop_energy_meter {
    struct {
        size_t zone;         /* its number among the counters */
        uint64_t last, wrap; /* microjoules */
    } package[8];
    size_t packages;
    bool started;
    double joules;
} lop_energy_meter;

/**
 * Joules that all processors of the machine took since the first call, whatever ran on them: Linux
 * hands the counters (RAPL) out under /sys/class/powercap, often to the superuser alone. Those of
 * packages are added, and not what counts them once more (psys). They wrap around within some
 * minutes, once between two calls is allowed for.
 * @return NaN where there is no counter, or one that may not be read
 */
LOP_API double lop_energy_read(lop_energy_meter *meter);

#ifdef __cplusplus
}
#endif

#endif
