/** Numbers in order. */
#ifndef LOPI_BASE_SORTED_H
#define LOPI_BASE_SORTED_H

#include <stddef.h>

/** Put finite numbers in rising order. */
void lopi_sort_numbers(double *values, size_t count);

#endif
