#include "prune/lamp.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

static double square(float w) { return (double)w * (double)w; }

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first place in rising `sorted` [count] that holds `value`, which is there. */
static size_t first_place(const double *sorted, size_t count, double value)
{
    size_t low = 0;
    while (count > 1) {
        size_t half = count / 2;
        low += sorted[low + half - 1] < value ? half : 0;
        count -= half;
    }
    return low;
}

lop_status lopi_lamp_scores(const lop_layer *layer, double *score, lop_error *error)
{
    size_t count = layer->outputs * layer->inputs;
    double *sorted = lopi_alloc(count, sizeof *sorted), *sum = lopi_alloc(count, sizeof *sum);
    lop_status status = LOP_OK;
    if (!sorted || !sum) {
        status = lopi_fail_memory(error, 2 * count * sizeof *sum);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = square(layer->weight[i]);
    qsort(sorted, count, sizeof *sorted, compare);
    double above = 0;
    for (size_t i = count; i-- > 0;)
        sum[i] = above += sorted[i];
    for (size_t i = 0; i < count; i++) {
        double own = square(layer->weight[i]);
        score[i] = own > 0 ? own / sum[first_place(sorted, count, own)] : 0;
    }
out:
    lopi_free(sorted);
    lopi_free(sum);
    return status;
}
