#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/report.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/group.h"
#include "report/text.h"

static const double shares[] = {0.5, 0.25, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001};
enum { SHARE_COUNT = sizeof shares / sizeof *shares };
static const double near = 0.02; /* so close is the same: 90 % of the weights leaves 10.08 % */

/* What one seed of a series comes to at a share. */
typedef struct sample {
    double accuracy, loss;
    bool known;
} sample;

static double share_of(const lop_result *result)
{
    if (result->weights_total == LOP_ABSENT || result->weights_left == LOP_ABSENT ||
        result->weights_total == 0 || result->weights_left == 0)
        return NAN;
    return (double)result->weights_left / (double)result->weights_total;
}

/* The result of `seed` at a point; NULL where there is none. */
static const lop_result *of_seed(const lopi_point *point, uint64_t seed)
{
    for (size_t i = 0; i < point->count; i++)
        if (point->results[i]->seed == seed)
            return point->results[i];
    return NULL;
}

static sample take(const lop_result *result)
{
    return (sample){result->test_accuracy, result->test_loss, isfinite(result->test_accuracy)};
}

/* The nearest results with more and with fewer weights, and what lies between them at `share`. */
static sample sample_at(const lopi_series *series, uint64_t seed, double share)
{
    const lop_result *above = NULL, *below = NULL;
    for (size_t i = 0; i < series->count; i++) {
        const lop_result *result = of_seed(&series->points[i], seed);
        if (!result || isnan(share_of(result)) || !isfinite(result->test_accuracy))
            continue;
        double found = share_of(result);
        if (fabs(found / share - 1) <= near)
            return take(result);
        if (found > share && (!above || found < share_of(above)))
            above = result;
        if (found < share && (!below || found > share_of(below)))
            below = result;
    }
    if (!above || !below)
        return (sample){NAN, NAN, false};
    double from = log(share_of(above)), to = log(share_of(below));
    double weight = (log(share) - from) / (to - from);
    return (sample){
        above->test_accuracy + weight * (below->test_accuracy - above->test_accuracy),
        above->test_loss + weight * (below->test_loss - above->test_loss),
        true,
    };
}

/* Mean and sample deviation of `count` numbers, two steps apart. */
static void settle(const double *values, size_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[2 * i];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[2 * i] - *mean) * (values[2 * i] - *mean);
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
}

/* Whether `result` is the first of its seed in the series. */
static bool leads(const lopi_series *series, size_t point, uint64_t seed)
{
    for (size_t i = 0; i < point; i++)
        if (of_seed(&series->points[i], seed))
            return false;
    return true;
}

/* All seeds of a series at a share; `room` holds two numbers for each. 0 seeds: not there. */
static void rank_series(const lopi_series *series, double share, double *room, lop_rank *out)
{
    size_t seeds = 0;
    for (size_t p = 0; p < series->count; p++)
        for (size_t i = 0; i < series->points[p].count; i++) {
            uint64_t seed = series->points[p].results[i]->seed;
            sample found = {NAN, NAN, false};
            if (leads(series, p, seed))
                found = sample_at(series, seed, share);
            if (!found.known)
                continue;
            room[2 * seeds] = found.accuracy;
            room[2 * seeds + 1] = found.loss;
            seeds++;
        }
    out->seeds = seeds;
    if (seeds == 0)
        return;
    snprintf(out->name, sizeof out->name, "%s", series->name);
    out->share = share;
    settle(room, seeds, &out->accuracy, &out->accuracy_deviation);
    settle(room + 1, seeds, &out->loss, &out->loss_deviation);
}

static int compare_ranks(const void *left, const void *right)
{
    const lop_rank *a = left, *b = right;
    int order = (a->accuracy < b->accuracy) - (a->accuracy > b->accuracy);
    return order ? order : strcmp(a->name, b->name);
}

/* The ranks of one block at one share, behind those that are there. */
static size_t rank_block(const lopi_block *block, double share, double *room, lop_rank *out)
{
    size_t count = 0;
    for (size_t i = 0; i < block->count; i++) {
        out[count] = (lop_rank){.dataset = block->dataset, .network = block->network};
        rank_series(&block->series[i], share, room, &out[count]);
        count += out[count].seeds > 0;
    }
    qsort(out, count, sizeof *out, compare_ranks);
    for (size_t i = 0; i < count; i++)
        out[i].rank = i + 1;
    return count;
}

lop_status lop_compare(const lop_results *results, lop_rank **ranks, size_t *count,
                       lop_error *error)
{
    lopi_view view = {0};
    lop_rank *made = NULL;
    double *room = NULL;
    size_t most = 0, used = 0;
    lop_status status = lopi_view_new(&view, results, error);
    if (status != LOP_OK)
        return status;
    for (size_t i = 0; i < view.count; i++)
        most += view.blocks[i].count * SHARE_COUNT;
    made = lopi_alloc(most + 1, sizeof *made);
    room = lopi_alloc(results->count + 1, 2 * sizeof *room);
    if (!made || !room) {
        status = lopi_fail_memory(error, most * sizeof *made);
        lopi_free(made);
        goto out;
    }
    for (size_t i = 0; i < view.count; i++)
        for (size_t s = 0; s < SHARE_COUNT; s++)
            used += rank_block(&view.blocks[i], shares[s], room, made + used);
    *ranks = made;
    *count = used;
out:
    lopi_free(room);
    lopi_view_free(&view);
    return status;
}

/* Drawing -------------------------------------------------------------------------------------- */

static void put_head(const lop_rank *rank, const lop_report_options *options, FILE *stream)
{
    fputs(options->colour ? "\033[1m" : "", stream);
    lopi_put_shown(rank->dataset, options->ascii, stream);
    fputs(", ", stream);
    lopi_put_shown(rank->network, options->ascii, stream);
    fprintf(stream, ": %g %% of the weights left%s\n", 100 * rank->share,
            options->colour ? "\033[0m" : "");
}

static bool same_head(const lop_rank *a, const lop_rank *b)
{
    return a->dataset == b->dataset && a->network == b->network && a->share == b->share;
}

static void put_rank(const lop_rank *rank, int width, const char *apart, FILE *stream)
{
    fprintf(stream, "%4zu  ", rank->rank);
    lopi_put_shown(rank->name, false, stream);
    fprintf(stream, "%*s  accuracy %6.2f %%", width - (int)strlen(rank->name), "",
            100 * rank->accuracy);
    if (isfinite(rank->accuracy_deviation))
        fprintf(stream, " %s %.2f", apart, 100 * rank->accuracy_deviation);
    fprintf(stream, "  loss %.4f", rank->loss);
    if (isfinite(rank->loss_deviation))
        fprintf(stream, " %s %.4f", apart, rank->loss_deviation);
    fprintf(stream, "  %zu seed%s\n", rank->seeds, rank->seeds == 1 ? "" : "s");
}

lop_status lop_report_ranking(const lop_rank *ranks, size_t count,
                              const lop_report_options *options, FILE *stream, lop_error *error)
{
    static const lop_report_options defaults = {0};
    options = options ? options : &defaults;
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        width = strlen(ranks[i].name) > width ? strlen(ranks[i].name) : width;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !same_head(&ranks[i - 1], &ranks[i]))
            fputc('\n', stream);
        if (i == 0 || !same_head(&ranks[i - 1], &ranks[i]))
            put_head(&ranks[i], options, stream);
        put_rank(&ranks[i], (int)width, options->ascii ? "+-" : "±", stream);
    }
    return lopi_stream_flush(stream, "the ranking", error);
}
