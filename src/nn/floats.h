/**
 * Results that do not depend on the caller's way with floats (run/kernels/float_mode.h): every
 * public function that computes begins and ends with these, which may nest.
 */
#ifndef LOPI_NN_FLOATS_H
#define LOPI_NN_FLOATS_H

/** This thread, and OpenMP's threads that it has, round to nearest and keep subnormal numbers. */
void lopi_floats_begin(void);
/** They are as they were before the first begin. */
void lopi_floats_end(void);

#endif
