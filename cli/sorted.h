/** Numbers in order. */
#ifndef CLI_SORTED_H
#define CLI_SORTED_H

#include <stddef.h>

/** Put finite numbers in rising order. */
void sort_numbers(double *values, size_t count);
/** The middle one, the upper of two; `values`, at least one, are put in order. */
double median(double *values, size_t count);

#endif
