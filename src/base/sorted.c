#include "base/sorted.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void lopi_sort_numbers(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
}
