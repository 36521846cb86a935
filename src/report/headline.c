#include "report/headline.h"

#include <math.h>
#include <stdio.h>

#include "report/text.h"

bool lopi_has_fallen(const lopi_point *point, const lopi_point *dense)
{
    /* 98 % − 97 % is one point, whatever is left over in binary. */
    return lopi_accuracy_lost(point, dense) > LOPI_TOLERANCE + 1e-9;
}

lopi_size lopi_smallest_size(const lopi_point *point)
{
    static const struct {
        const char *how;
        size_t offset;
    } sizes[] = {{"packed", offsetof(lop_result, bytes_packed)},
                 {"zstd", offsetof(lop_result, bytes_zstd)},
                 {"sparse", offsetof(lop_result, bytes_sparse)}};
    lopi_size best = {NULL, NAN};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double bytes = lopi_point_stat(point, sizes[i].offset).mean;
        if (isfinite(bytes) && !(bytes >= best.bytes))
            best = (lopi_size){sizes[i].how, bytes};
    }
    return best;
}

const lopi_point *lopi_best_point(const lopi_block *block, const lopi_series *series)
{
    const lopi_point *dense = lopi_dense_point(block, series), *best = NULL;
    for (size_t i = 0; i < series->count; i++) {
        const lopi_point *point = series->points + i;
        if (!(point->target > 0))
            continue;
        if (isnan(lopi_accuracy_lost(point, dense)) || lopi_has_fallen(point, dense))
            break;
        best = point;
    }
    return best;
}

/* "at a cost of 0.74 points", "at no cost", "and gains 0.12 points". */
static void describe_cost(char *text, size_t size, double lost)
{
    char points[LOPI_NUMBER_SIZE];
    lopi_fixed_text(points, fabs(lost), 2);
    if (fabs(lost) < 0.005)
        snprintf(text, size, "at no cost in accuracy");
    else
        snprintf(text, size, "%s %s points of accuracy", lost > 0 ? "for" : "with a gain of",
                 points);
}

char *lopi_headline(char *text, const lopi_block *block, const lopi_series *series)
{
    const lopi_point *dense = lopi_dense_point(block, series);
    const lopi_point *best = lopi_best_point(block, series);
    char k[LOPI_NUMBER_SIZE], left[LOPI_NUMBER_SIZE], total[LOPI_NUMBER_SIZE];
    char small[LOPI_NUMBER_SIZE], large[LOPI_NUMBER_SIZE], cost[96];
    text[0] = 0;
    if (!dense || series->count < 2)
        return text;
    if (!best) {
        const lopi_point *first = series->points + (series->points[0].target > 0 ? 0 : 1);
        double lost = lopi_accuracy_lost(first, dense);
        if (isfinite(lost))
            snprintf(text, LOPI_SENTENCE_SIZE, "By %s, already %s %% costs %s points of accuracy.",
                     series->name, lopi_percent_text(k, first->target),
                     lopi_fixed_text(left, lost, 2));
        return text;
    }
    describe_cost(cost, sizeof cost, lopi_accuracy_lost(best, dense));
    int length = snprintf(text, LOPI_SENTENCE_SIZE, "By %s, %s %% can go %s", series->name,
                          lopi_percent_text(k, best->target), cost);
    double weights = lopi_point_stat(best, offsetof(lop_result, weights_left)).mean;
    double weights_total = lopi_point_stat(best, offsetof(lop_result, weights_total)).mean;
    if (isfinite(weights) && isfinite(weights_total))
        length += snprintf(text + length, (size_t)(LOPI_SENTENCE_SIZE - length),
                           ": %s of %s weights are left", lopi_count_text(left, weights),
                           lopi_count_text(total, weights_total));
    lopi_size size = lopi_smallest_size(best);
    double bytes_dense = lopi_point_stat(best, offsetof(lop_result, bytes_dense)).mean;
    if (size.how && size.bytes < bytes_dense)
        length += snprintf(text + length, (size_t)(LOPI_SENTENCE_SIZE - length),
                           ", %s (%s) instead of %s", lopi_bytes_text(small, size.bytes), size.how,
                           lopi_bytes_text(large, bytes_dense));
    snprintf(text + length, (size_t)(LOPI_SENTENCE_SIZE - length), ".");
    return text;
}
