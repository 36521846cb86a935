/** Learning rates: a pure function of the step, so that resuming needs no state. */
#ifndef LOPI_TRAIN_RATE_H
#define LOPI_TRAIN_RATE_H

#include <stddef.h>

#include <lop/train.h>

/**
 * Rate of optimizer step `step` (from 0 over the whole training).
 *
 * With W = warmup_epochs · steps_per_epoch and T = epochs · steps_per_epoch: learning_rate ·
 * (step + 1) / W while step < W; behind that the schedule of the options. Every rate is above zero
 * where learning_rate and the schedule's floor allow it: no step is wasted.
 *
 * @param steps_per_epoch  at least 1
 */
double lopi_rate(const lop_train_options *options, size_t step, size_t steps_per_epoch);

#endif
