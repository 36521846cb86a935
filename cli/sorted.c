#include "sorted.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sort_numbers(double *values, size_t count) { qsort(values, count, sizeof *values, compare); }

double median(double *values, size_t count)
{
    sort_numbers(values, count);
    return values[count / 2];
}
