#include "report/group.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/field.h"

static int compare_texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

/* Absent values, which are NaN, come last. */
static int compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)isnan(a) - (int)isnan(b) > 0 ? 1 : isnan(a) == isnan(b) ? 0 : -1;
    return (a > b) - (a < b);
}

static int compare_blocks(const lop_result *a, const lop_result *b)
{
    int order = compare_texts(a->dataset, b->dataset);
    return order ? order : compare_texts(a->network, b->network);
}

static int compare_series(const lop_result *a, const lop_result *b)
{
    int order = compare_texts(a->method, b->method);
    order = order ? order : compare_texts(a->criterion, b->criterion);
    order = order ? order : compare_texts(a->scope, b->scope);
    return order ? order : compare_texts(a->schedule, b->schedule);
}

/* Results lie in one array, so their addresses are their order. */
static int compare_results(const void *left, const void *right)
{
    const lop_result *a = *(const lop_result *const *)left, *b = *(const lop_result *const *)right;
    int order = compare_blocks(a, b);
    order = order ? order : compare_series(a, b);
    order = order ? order : compare_numbers(a->target_sparsity, b->target_sparsity);
    order = order ? order : (a->seed > b->seed) - (a->seed < b->seed);
    return order ? order : (a > b) - (a < b);
}

static const lop_result *earliest_of_series(const lopi_series *series)
{
    const lop_result *earliest = series->points[0].results[0];
    for (size_t i = 0; i < series->count; i++)
        for (size_t j = 0; j < series->points[i].count; j++)
            if (series->points[i].results[j] < earliest)
                earliest = series->points[i].results[j];
    return earliest;
}

static int compare_series_order(const void *left, const void *right)
{
    const lop_result *a = ((const lopi_series *)left)->first,
                     *b = ((const lopi_series *)right)->first;
    return (a > b) - (a < b);
}

static int compare_block_order(const void *left, const void *right)
{
    const lop_result *a = ((const lopi_block *)left)->series[0].first,
                     *b = ((const lopi_block *)right)->series[0].first;
    return (a > b) - (a < b);
}

/* Sorted results, each seed of a point once: of equals the last stays. */
static size_t sort_unique(const lop_result **sorted, const lop_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        sorted[i] = results->items + i;
    qsort(sorted, results->count, sizeof *sorted, compare_results);
    size_t kept = 0;
    for (size_t i = 0; i < results->count; i++) {
        if (kept && lop_result_same(sorted[kept - 1], sorted[i]) && sorted[i]->seed != LOP_ABSENT)
            kept--;
        sorted[kept++] = sorted[i];
    }
    return kept;
}

/* Cut the sorted results into points, series and blocks; each array is as long as the results. */
static void cut(lopi_view *view, size_t count)
{
    size_t points = 0, series = 0;
    const lop_result *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const lop_result *result = view->results[i];
        bool new_block = !last || compare_blocks(last, result) != 0;
        bool new_series = new_block || compare_series(last, result) != 0;
        bool new_point =
            new_series || compare_numbers(last->target_sparsity, result->target_sparsity) != 0;
        if (new_block)
            view->blocks[view->count++] =
                (lopi_block){.series = view->series + series,
                             .dataset = result->dataset ? result->dataset : "?",
                             .network = result->network ? result->network : "?"};
        if (new_series) {
            view->series[series++] = (lopi_series){.points = view->points + points};
            view->blocks[view->count - 1].count++;
        }
        if (new_point) {
            view->points[points++] =
                (lopi_point){.results = view->results + i, .target = result->target_sparsity};
            view->series[series - 1].count++;
        }
        view->points[points - 1].count++;
        last = result;
    }
}

/* "weight", or "weight global" where the block has weight pruning of another scope too. */
static void name_series(const lopi_block *block, lopi_series *series)
{
    static const size_t parts[] = {offsetof(lop_result, criterion), offsetof(lop_result, scope),
                                   offsetof(lop_result, schedule)};
    snprintf(series->name, sizeof series->name, "%.40s",
             series->first->method ? series->first->method : "?");
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        const char *mine = *(char *const *)((const char *)series->first + parts[part]);
        bool differs = false;
        for (size_t i = 0; i < block->count; i++) {
            const lop_result *other = block->series[i].first;
            const char *theirs = *(char *const *)((const char *)other + parts[part]);
            if (compare_texts(other->method, series->first->method) == 0 &&
                compare_texts(mine, theirs) != 0)
                differs = true;
        }
        size_t length = strlen(series->name);
        if (differs)
            snprintf(series->name + length, sizeof series->name - length, " %.36s",
                     mine ? mine : "?");
    }
}

lop_status lopi_view_new(lopi_view *out, const lop_results *results, lop_error *error)
{
    size_t count = results->count;
    lopi_view view = {.blocks = lopi_alloc(count, sizeof *view.blocks),
                      .series = lopi_alloc(count, sizeof *view.series),
                      .points = lopi_alloc(count, sizeof *view.points),
                      .results = lopi_alloc(count, sizeof *view.results)};
    if (!view.blocks || !view.series || !view.points || !view.results) {
        lopi_view_free(&view);
        return lopi_fail_memory(error, count * sizeof *view.series);
    }
    cut(&view, sort_unique(view.results, results));
    for (size_t i = 0; i < view.count; i++) {
        lopi_block *block = view.blocks + i;
        if (block->count > LOPI_MAX_SERIES) {
            size_t found = block->count;
            lopi_view_free(&view);
            return lopi_fail(error, LOP_E_LIMIT,
                             "expected at most %d ways of pruning for one network, found %zu",
                             LOPI_MAX_SERIES, found);
        }
        for (size_t j = 0; j < block->count; j++)
            block->series[j].first = earliest_of_series(block->series + j);
        qsort(block->series, block->count, sizeof *block->series, compare_series_order);
        for (size_t j = 0; j < block->count; j++)
            name_series(block, block->series + j);
    }
    if (view.count)
        qsort(view.blocks, view.count, sizeof *view.blocks, compare_block_order);
    *out = view;
    return LOP_OK;
}

void lopi_view_free(lopi_view *view)
{
    lopi_free(view->blocks);
    lopi_free(view->series);
    lopi_free(view->points);
    lopi_free(view->results);
    *view = (lopi_view){0};
}

lopi_stat lopi_stat_of(const lopi_field *field, const void *(*at)(const void *list, size_t index),
                       const void *list, size_t count)
{
    lopi_stat stat = {NAN, NAN, 0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double value = lopi_field_number(field, at(list, i));
        if (isfinite(value)) {
            sum += value;
            stat.count++;
        }
    }
    if (stat.count == 0)
        return stat;
    stat.mean = sum / (double)stat.count;
    for (size_t i = 0; i < count; i++) {
        double apart = lopi_field_number(field, at(list, i)) - stat.mean;
        if (isfinite(apart))
            squares += apart * apart;
    }
    if (stat.count > 1)
        stat.deviation = sqrt(squares / (double)(stat.count - 1));
    return stat;
}

static const void *result_at(const void *list, size_t index)
{
    return ((const lop_result *const *)list)[index];
}

lopi_stat lopi_point_stat(const lopi_point *point, size_t offset)
{
    const lopi_field *field = lopi_result_fields.rows;
    while (field->offset != offset)
        field++;
    return lopi_stat_of(field, result_at, point->results, point->count);
}

const lopi_point *lopi_series_find(const lopi_series *series, double k)
{
    for (size_t i = 0; i < series->count; i++)
        if (compare_numbers(series->points[i].target, k) == 0)
            return series->points + i;
    return NULL;
}

const lopi_point *lopi_dense_point(const lopi_block *block, const lopi_series *series)
{
    const lopi_point *dense = lopi_series_find(series, 0);
    for (size_t i = 0; !dense && i < block->count; i++)
        dense = lopi_series_find(block->series + i, 0);
    return dense;
}

double lopi_accuracy_lost(const lopi_point *point, const lopi_point *dense)
{
    if (!point || !dense)
        return NAN;
    return 100 * (lopi_point_stat(dense, offsetof(lop_result, test_accuracy)).mean -
                  lopi_point_stat(point, offsetof(lop_result, test_accuracy)).mean);
}

size_t lopi_block_seeds(const lopi_block *block)
{
    size_t most = 0;
    for (size_t i = 0; i < block->count; i++)
        for (size_t j = 0; j < block->series[i].count; j++)
            if (block->series[i].points[j].count > most)
                most = block->series[i].points[j].count;
    return most;
}

static int compare_targets(const void *left, const void *right)
{
    return compare_numbers(*(const double *)left, *(const double *)right);
}

lop_status lopi_block_targets(const lopi_block *block, double **targets, size_t *count,
                              lop_error *error)
{
    size_t all = 0, unique = 0;
    for (size_t i = 0; i < block->count; i++)
        all += block->series[i].count;
    double *list = lopi_alloc(all, sizeof *list);
    if (!list)
        return lopi_fail_memory(error, all * sizeof *list);
    all = 0;
    for (size_t i = 0; i < block->count; i++)
        for (size_t j = 0; j < block->series[i].count; j++)
            list[all++] = block->series[i].points[j].target;
    qsort(list, all, sizeof *list, compare_targets);
    for (size_t i = 0; i < all; i++)
        if (unique == 0 || compare_numbers(list[unique - 1], list[i]) != 0)
            list[unique++] = list[i];
    *targets = list;
    *count = unique;
    return LOP_OK;
}
