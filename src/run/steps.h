/** Steps: numbers that are whole multiples, −127 … 127, of one step, a bfloat16. */
#ifndef LOPI_RUN_STEPS_H
#define LOPI_RUN_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#define LOPI_MOST_STEPS 127

/**
 * The step for `values` [count]: max |v| / 127, rounded to a bfloat16; 1 where all are 0. 127 times
 * it is exact in float32, so that values which were rounded once have the same step again.
 */
float lopi_step_for(const float *values, size_t count);

/** The multiple that is nearest, ties to even. */
int lopi_step_count(float value, float step);

/** `count` steps, as a float. */
static inline float lopi_step_value(int count, float step) { return (float)count * step + 0.0f; }

/**
 * The step that all values are multiples of, to the bit: the first of max |v| / 127, / 126, … / 1,
 * rounded to bfloat16s, that is one; 0 where none is. So it is found again where the largest of
 * the values that were once rounded is no longer among them.
 */
float lopi_steps_find(const float *values, size_t count);

/** Whether values bear to be rounded to multiples of their step: none is below eight of them but 0
 * itself, so that each changes by a sixteenth at most. */
bool lopi_steps_suit(const float *values, size_t count);

/** Round values to multiples of their step. */
void lopi_steps_round(float *values, size_t count);

#endif
