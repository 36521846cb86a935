/** Tables: shared values, and biases beside them, as a file keeps them in few bytes. */
#ifndef LOPI_PACK_TABLE_H
#define LOPI_PACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "run/model.h"

/**
 * Round the entries of a table: up to 64 to multiples of one step (run/steps.h) where each bears
 * it, others each to binary16 where it does. What was rounded stays as it is, also where not all
 * entries are there any more.
 */
void lopi_table_round(float *entries, size_t count);

/** Round each value to binary16, but those at the ends of its range. */
void lopi_halves_round(float *values, size_t count);

/** Round a layer's biases to multiples of one step, unless they are that already. */
void lopi_biases_round(float *bias, size_t outputs);

#endif
