#include "curve_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_draw.h"

enum { MOST_LINES = 26, MOST_PLACES = 64 };

/* One data set's and network's ways of pruning, and the sparsities at which there are results. */
typedef struct curves {
    const lop_result *lines[MOST_LINES]; /* the first result of each */
    double places[MOST_PLACES];
    size_t line_count, place_count;
    double sum[MOST_LINES][MOST_PLACES];
    size_t seeds[MOST_LINES][MOST_PLACES];
} curves;

static bool same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static bool same_block(const lop_result *a, const lop_result *b)
{
    return same(a->dataset, b->dataset) && same(a->network, b->network);
}

static bool same_way(const lop_result *a, const lop_result *b)
{
    return same(a->method, b->method) && same(a->criterion, b->criterion) &&
           same(a->scope, b->scope) && same(a->schedule, b->schedule);
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The line of a result, a new one where there is room; MOST_LINES where there is none. */
static size_t line_of(curves *c, const lop_result *result)
{
    for (size_t i = 0; i < c->line_count; i++)
        if (same_way(c->lines[i], result))
            return i;
    if (c->line_count == MOST_LINES)
        return MOST_LINES;
    c->lines[c->line_count] = result;
    return c->line_count++;
}

static size_t place_of(const curves *c, double k)
{
    for (size_t i = 0; i < c->place_count; i++)
        if (c->places[i] == k)
            return i;
    return MOST_PLACES;
}

static bool is_drawn(const lop_result *result)
{
    return isfinite(result->target_sparsity) && isfinite(result->test_accuracy);
}

static void fill(curves *c, const lop_results *results, const lop_result *first)
{
    for (size_t i = 0; i < results->count; i++) {
        double k = results->items[i].target_sparsity;
        if (same_block(results->items + i, first) && is_drawn(results->items + i) &&
            c->place_count < MOST_PLACES && place_of(c, k) == MOST_PLACES)
            c->places[c->place_count++] = k;
    }
    qsort(c->places, c->place_count, sizeof *c->places, rising);
    for (size_t i = 0; i < results->count; i++) {
        const lop_result *result = results->items + i;
        if (!same_block(result, first) || !is_drawn(result))
            continue;
        size_t line = line_of(c, result), place = place_of(c, result->target_sparsity);
        if (line == MOST_LINES || place == MOST_PLACES)
            continue;
        c->sum[line][place] += 100 * result->test_accuracy;
        c->seeds[line][place]++;
    }
}

/* The method, and what tells it from others of the same. Names come from files. */
static void name_line(const void *of, size_t line, char *text, size_t size)
{
    const curves *c = of;
    const lop_result *mine = c->lines[line];
    const char *more[] = {"", "", ""};
    for (size_t i = 0; i < c->line_count; i++) {
        const lop_result *other = c->lines[i];
        if (!same(other->method, mine->method))
            continue;
        more[0] = same(other->criterion, mine->criterion) ? more[0] : mine->criterion;
        more[1] = same(other->scope, mine->scope) ? more[1] : mine->scope;
        more[2] = same(other->schedule, mine->schedule) ? more[2] : mine->schedule;
    }
    snprintf(text, size, "%.40s", mine->method ? mine->method : "?");
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(text);
        if (more[i] && more[i][0])
            snprintf(text + length, size - length, " %.36s", more[i]);
    }
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F || (unsigned char)*at >= 0x80)
            *at = '?';
}

static void name_place(const void *of, size_t at, char *text, size_t size)
{
    const curves *c = of;
    snprintf(text, size, "%g", 100 * c->places[at]);
}

static lop_status draw_block(const lop_results *results, const lop_result *first, const terminal *t,
                             lop_error *error)
{
    curves *c = calloc(1, sizeof *c);
    double *y = NULL, least = 100;
    if (c)
        fill(c, results, first);
    bool drawn = c && c->place_count > 1 && c->line_count > 0;
    if (drawn)
        y = calloc(c->line_count * c->place_count, sizeof *y);
    for (size_t i = 0; y && i < c->line_count * c->place_count; i++) {
        size_t line = i / c->place_count, place = i % c->place_count, seeds = c->seeds[line][place];
        y[i] = seeds ? c->sum[line][place] / (double)seeds : NAN;
        least = seeds ? fmin(least, y[i]) : least;
    }
    lop_status status = LOP_OK;
    if (!c || (drawn && !y))
        status = usage_error(error, LOP_E_MEMORY, "out of memory for the plot");
    if (y) {
        const plot p = {
            .title = "test accuracy, %, by k, %",
            .lines = c->line_count,
            .places = c->place_count,
            .y = y,
            .low = fmin(90, 10 * floor(least / 10)),
            .high = 100,
            .name = name_line,
            .place = name_place,
            .of = c,
        };
        status = plot_draw(&p, t, error);
        printf("\n");
    }
    free(y);
    free(c);
    return status;
}

lop_status curve_draw(const lop_results *results, const terminal *t, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < results->count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = same_block(results->items + j, results->items + i);
        if (!seen)
            status = draw_block(results, results->items + i, t, error);
    }
    return status;
}
