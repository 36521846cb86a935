/** lop bench: how soon a network answers, and whether its plan keeps what it promises. */
#ifndef CLI_BENCH_PLAN_H
#define CLI_BENCH_PLAN_H

#include "bench_measure.h"

/** Open the network's packed file, which is in memory, plan it for single samples, and run one;
 * several times. Times are of the wall clock. */
lop_status bench_start(bench_start_times *out, const packed_network *network,
                       const bench_samples *x, const packed_values *v, lop_error *error);

/**
 * Compare a plan, for each size of batch, with all networks that compute every layer they can by
 * one kernel, with as many threads, by the wall clock. Those whose layers' times add up to more
 * than twice those of the plan are left out.
 * One that computes every layer as the plan does is the plan: its ratio is 1.
 * @param out      [BENCH_BATCHES]
 * @param seconds  for each kernel and size of batch, about
 */
lop_status bench_singles(bench_single *out, const lop_plan *planned, const packed_network *network,
                         const bench_samples *x, const packed_values *v, double seconds,
                         lop_error *error);

#endif
