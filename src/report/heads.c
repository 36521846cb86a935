#include "report/heads.h"

#include <math.h>
#include <stdio.h>

#include "report/text.h"

enum { MOST_DECIMALS = 6 };

/* A point that was found, and the quantity it is found by. */
typedef struct found {
    const lopi_series *series;
    const lopi_point *point, *dense;
    bool by_validation;
    double value;
} found;

static double mean_of(const lopi_point *point, size_t offset)
{
    return lopi_point_stat(point, offset).mean;
}

/* Whether a point may stand in a head; what chose it is written to *by_validation. */
static bool holds(const lopi_point *point, const lopi_point *dense, bool *by_validation)
{
    double lost = 100 * (mean_of(dense, offsetof(lop_result, valid_accuracy)) -
                         mean_of(point, offsetof(lop_result, valid_accuracy)));
    *by_validation = isfinite(lost);
    if (!*by_validation)
        lost = lopi_accuracy_lost(point, dense);
    return lost <= LOPI_TOLERANCE + 1e-9;
}

/* The pruned point with the least of a quantity among those that hold. */
static found find_least(const lopi_block *block, size_t offset)
{
    found best = {.value = INFINITY};
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        const lopi_point *dense = lopi_dense_point(block, series);
        for (size_t j = 0; dense && j < series->count; j++) {
            const lopi_point *point = series->points + j;
            double value = mean_of(point, offset);
            bool by_validation = false;
            if (point->target > 0 && value > 0 && value < best.value &&
                holds(point, dense, &by_validation))
                best = (found){series, point, dense, by_validation, value};
        }
    }
    return best;
}

/* "98.30 ± 0.08" into `text`. */
static void with_deviation(char *text, size_t size, lopi_stat stat, double scale, int decimals)
{
    char mean[LOPI_NUMBER_SIZE], deviation[LOPI_NUMBER_SIZE];
    lopi_fixed_text(mean, scale * stat.mean, decimals);
    if (isfinite(stat.deviation))
        snprintf(text, size, "%s ± %s", mean,
                 lopi_fixed_text(deviation, scale * stat.deviation, decimals));
    else
        snprintf(text, size, "%s", mean);
}

static void bytes_with_deviation(char *text, size_t size, lopi_stat stat)
{
    char mean[LOPI_NUMBER_SIZE], deviation[LOPI_NUMBER_SIZE];
    lopi_bytes_text(mean, stat.mean);
    if (stat.deviation >= 0.5)
        snprintf(text, size, "%s ± %s", mean, lopi_bytes_text(deviation, round(stat.deviation)));
    else
        snprintf(text, size, "%s", mean);
}

static void put_source(lopi_head *head, const found *f, const char *members)
{
    char k[LOPI_NUMBER_SIZE], seeds[64] = "one seed";
    if (f->point->count > 1)
        snprintf(seeds, sizeof seeds, "mean of %zu seeds ± standard deviation", f->point->count);
    snprintf(head->source, sizeof head->source,
             "Pruned by %.150s, k = %s %%; %s. From %s; chosen on %s accuracy.", f->series->name,
             lopi_percent_text(k, f->point->target), seeds, members,
             f->by_validation ? "validation" : "test");
}

static void describe_accuracy(char *text, size_t size, const found *f)
{
    char pruned[2 * LOPI_NUMBER_SIZE], dense[2 * LOPI_NUMBER_SIZE];
    const size_t offset = offsetof(lop_result, test_accuracy);
    with_deviation(pruned, sizeof pruned, lopi_point_stat(f->point, offset), 100, 2);
    with_deviation(dense, sizeof dense, lopi_point_stat(f->dense, offset), 100, 2);
    snprintf(text, size, "%s %% instead of %s %%", pruned, dense);
}

/* Times smaller or faster: whole from 10 on. */
static void put_times(lopi_head *head, double times)
{
    char text[LOPI_NUMBER_SIZE];
    snprintf(head->figure, sizeof head->figure, "%s",
             times < 9.95 ? lopi_fixed_text(text, times, 1) : lopi_count_text(text, times));
    head->unit = "×";
}

/* Per cent gone: with so many decimals that something is left, as there is. */
static char *share_text(char *text, double gone)
{
    int decimals = gone < 99 ? 0 : 1;
    while (decimals < MOST_DECIMALS && 100 - gone < 0.5 * pow(10, -decimals) * (1 + 1e-9))
        decimals++;
    return lopi_fixed_text(text, gone, decimals);
}

static void put_gone(lopi_head *head, const lopi_block *block)
{
    found f = find_least(block, offsetof(lop_result, weights_left));
    char accuracy[5 * LOPI_NUMBER_SIZE], left[LOPI_NUMBER_SIZE], all[LOPI_NUMBER_SIZE];
    double total = f.point ? mean_of(f.point, offsetof(lop_result, weights_total)) : NAN;
    if (!f.point || !(total > 0))
        return;
    snprintf(head->figure, sizeof head->figure, "%s",
             share_text(left, 100 * (1 - f.value / total)));
    head->unit = " %";
    head->label = "of the weights gone";
    describe_accuracy(accuracy, sizeof accuracy, &f);
    snprintf(head->sentence, sizeof head->sentence, "%s test accuracy: %s of %s weights are left.",
             accuracy, lopi_count_text(left, f.value), lopi_count_text(all, total));
    put_source(head, &f, "test_accuracy and weights_left");
}

/* By the packed file, or the best other size that was measured. */
static void put_smaller(lopi_head *head, const lopi_block *block)
{
    static const struct {
        size_t offset;
        const char *how, *members;
    } sizes[] = {
        {offsetof(lop_result, bytes_packed), "packed", "bytes_packed and bytes_dense"},
        {offsetof(lop_result, bytes_zstd), "through zstd", "bytes_zstd and bytes_dense"},
        {offsetof(lop_result, bytes_sparse), "as sparse matrices", "bytes_sparse and bytes_dense"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        found f = find_least(block, sizes[i].offset);
        double dense = f.point ? mean_of(f.point, offsetof(lop_result, bytes_dense)) : NAN;
        if (!f.point || !(dense > f.value))
            continue;
        char accuracy[5 * LOPI_NUMBER_SIZE], small[2 * LOPI_NUMBER_SIZE], large[LOPI_NUMBER_SIZE];
        describe_accuracy(accuracy, sizeof accuracy, &f);
        bytes_with_deviation(small, sizeof small, lopi_point_stat(f.point, sizes[i].offset));
        put_times(head, dense / f.value);
        head->label = "smaller";
        snprintf(head->sentence, sizeof head->sentence, "%s %s instead of %s as float32, at %s.",
                 small, sizes[i].how, lopi_bytes_text(large, dense), accuracy);
        put_source(head, &f, sizes[i].members);
        return;
    }
}

/* By the runtime, or by dense products of what is left. */
static void put_faster(lopi_head *head, const lopi_block *block)
{
    static const struct {
        size_t offset;
        const char *how, *members;
    } times[] = {
        {offsetof(lop_result, latency_us_batch1), "",
         "latency_us_batch1 and dense_latency_us_batch1"},
        {offsetof(lop_result, compacted_latency_us_batch1), ", by dense products of what is left",
         "compacted_latency_us_batch1 and dense_latency_us_batch1"},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        found f = find_least(block, times[i].offset);
        lopi_stat dense = {NAN, NAN, 0};
        if (f.point)
            dense = lopi_point_stat(f.point, offsetof(lop_result, dense_latency_us_batch1));
        if (f.point && !(dense.mean > 0))
            dense = lopi_point_stat(f.dense, offsetof(lop_result, dense_latency_us_batch1));
        if (!f.point || !(dense.mean > f.value))
            continue;
        char accuracy[5 * LOPI_NUMBER_SIZE], fast[2 * LOPI_NUMBER_SIZE], slow[2 * LOPI_NUMBER_SIZE];
        describe_accuracy(accuracy, sizeof accuracy, &f);
        with_deviation(fast, sizeof fast, lopi_point_stat(f.point, times[i].offset), 1, 1);
        with_deviation(slow, sizeof slow, dense, 1, 0);
        put_times(head, dense.mean / f.value);
        head->label = "faster than dense";
        snprintf(head->sentence, sizeof head->sentence, "%s µs a sample instead of %s µs%s, at %s.",
                 fast, slow, times[i].how, accuracy);
        put_source(head, &f, times[i].members);
        return;
    }
}

void lopi_heads(lopi_head heads[LOPI_HEADS], const lopi_block *block)
{
    for (size_t i = 0; i < LOPI_HEADS; i++)
        heads[i] = (lopi_head){.unit = "", .label = ""};
    put_gone(heads, block);
    put_smaller(heads + 1, block);
    put_faster(heads + 2, block);
}
