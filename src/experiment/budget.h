/**
 * Budget: what is measured of a network against the limits of a search, and in which words.
 */
#ifndef LOPI_EXPERIMENT_BUDGET_H
#define LOPI_EXPERIMENT_BUDGET_H

#include <lop/fit.h>

/** Nothing measured: NaN where that is told from 0. */
lop_fit_step lopi_fit_step_empty(void);

/** Count, size and, where there is a limit of it, time; sets the bits of these. `whole` is what
 * sparsity counts from. */
lop_status lopi_fit_measure(const lop_fit_options *options, const lop_network *whole,
                            const lop_network *network, lop_fit_step *step, lop_error *error);

/** Hold the accuracy against the parent's; sets the bit of loss. */
void lopi_fit_judge(const lop_fit_options *options, const lop_fit_step *parent, double accuracy,
                    lop_fit_step *step);

/** "97.5 % removed, 2,400 weights (limit 2000), 14400 bytes, 0.12 points lost (limit 0.1)". */
char *lopi_fit_describe(const lop_fit_options *options, const lop_fit_step *step, char *buffer,
                        size_t size);

#endif
