#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/utf8.h"
#include "report/curve.h"
#include "report/field.h"
#include "report/html.h"
#include "report/json.h"

void lopi_html_json(const char *json, FILE *stream)
{
    for (; *json; json++) {
        if (*json == '<')
            fputs("\\u003c", stream);
        else
            fputc(*json, stream);
    }
}

/* Each returns a new value, or NULL without memory (or where a text is not UTF-8); setting NULL
 * fails, so that a failure anywhere reaches the top. */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* Five digits are more than a chart shows, and keep pages with many curves small. */
static json_t *short_number(double value)
{
    if (!isfinite(value) || value == 0)
        return number(value);
    double scale = pow(10, 4 - floor(log10(fabs(value))));
    return number(isfinite(scale) ? round(value * scale) / scale : value);
}

/* One column as [means] or, where any epoch has one, [means, deviations]. NULL where nothing was
 * measured, and *ok false where memory is out. */
static json_t *column_json(const lopi_curve *curve, size_t column, bool *ok)
{
    size_t seeds = 0;
    for (size_t i = 0; i < curve->count; i++)
        if (curve->epochs[i].stat[column].count > seeds)
            seeds = curve->epochs[i].stat[column].count;
    if (seeds == 0)
        return NULL;
    json_t *both = json_array(), *means = json_array(), *deviations = json_array();
    *ok = *ok && both && means && deviations;
    for (size_t i = 0; *ok && i < curve->count; i++) {
        const lopi_stat *stat = curve->epochs[i].stat + column;
        *ok = json_array_append_new(means, short_number(stat->mean)) == 0 &&
              json_array_append_new(deviations, short_number(stat->deviation)) == 0;
    }
    *ok = *ok && json_array_append(both, means) == 0 &&
          (seeds == 1 || json_array_append(both, deviations) == 0);
    json_decref(means);
    json_decref(deviations);
    return both;
}

/* The point's epochs: their numbers, and a member for each quantity that was measured. */
static json_t *curve_json(const lopi_point *point)
{
    lopi_curve curve;
    if (lopi_curve_new(&curve, point, NULL) != LOP_OK)
        return NULL;
    json_t *object = json_object(), *numbers = json_array();
    bool ok = object && numbers;
    for (size_t i = 0; ok && i < curve.count; i++)
        ok = json_array_append_new(numbers, json_real((double)curve.epochs[i].number)) == 0;
    ok = ok && json_object_set(object, "epoch", numbers) == 0;
    for (size_t column = 0; ok && column < LOPI_CURVE_COLUMNS; column++) {
        json_t *values = column_json(&curve, column, &ok);
        ok = ok && (!values || json_object_set(object, lopi_curve_name(column), values) == 0);
        json_decref(values);
    }
    json_decref(numbers);
    lopi_curve_free(&curve);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* [mean, deviation] of every number there is. */
static json_t *point_json(const lopi_point *point)
{
    json_t *object = json_object();
    bool ok = object && json_object_set_new(object, "k", number(point->target)) == 0 &&
              json_object_set_new(object, "seeds", json_integer((json_int_t)point->count)) == 0;
    for (size_t i = 0; ok && i < lopi_result_fields.count; i++) {
        const lopi_field *field = lopi_result_fields.rows + i;
        lopi_stat stat = lopi_point_stat(point, field->offset);
        if (stat.count == 0 || field->offset == offsetof(lop_result, seed) ||
            field->offset == offsetof(lop_result, target_sparsity))
            continue;
        json_t *pair = json_array();
        ok = pair && json_array_append_new(pair, number(stat.mean)) == 0 &&
             json_array_append_new(pair, number(stat.deviation)) == 0 &&
             json_object_set(object, field->name, pair) == 0;
        json_decref(pair);
    }
    if (ok && lopi_point_has_epochs(point))
        ok = json_object_set_new(object, "curve", curve_json(point)) == 0;
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *series_json(const lopi_series *series)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"name", series->name},
                 {"method", series->first->method},
                 {"criterion", series->first->criterion},
                 {"scope", series->first->scope},
                 {"schedule", series->first->schedule}};
    json_t *object = json_object(), *points = json_array();
    bool ok = object && points;
    for (size_t i = 0; ok && i < sizeof texts / sizeof *texts; i++)
        ok = json_object_set_new(object, texts[i].name,
                                 json_string(texts[i].text ? texts[i].text : "?")) == 0;
    for (size_t i = 0; ok && i < series->count; i++)
        ok = json_array_append_new(points, point_json(series->points + i)) == 0;
    ok = ok && json_object_set(object, "points", points) == 0;
    json_decref(points);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *block_json(const lopi_block *block)
{
    json_t *object = json_object(), *series = json_array();
    bool ok = object && series &&
              json_object_set_new(object, "dataset", json_string(block->dataset)) == 0 &&
              json_object_set_new(object, "network", json_string(block->network)) == 0;
    for (size_t i = 0; ok && i < block->count; i++)
        ok = json_array_append_new(series, series_json(block->series + i)) == 0;
    ok = ok && json_object_set(object, "series", series) == 0;
    json_decref(series);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static bool is_utf8(const char *text) { return !text || lopi_is_utf8(text); }

/* What comes from a file is UTF-8; a program may have put other texts into its results. */
static lop_status refused(const lopi_view *view, lop_error *error)
{
    for (size_t b = 0; b < view->count; b++) {
        const lopi_block *block = view->blocks + b;
        bool all = is_utf8(block->dataset) && is_utf8(block->network);
        for (size_t s = 0; s < block->count; s++) {
            const lop_result *first = block->series[s].first;
            all = all && is_utf8(first->method) && is_utf8(first->criterion) &&
                  is_utf8(first->scope) && is_utf8(first->schedule);
        }
        if (!all)
            return lopi_fail(error, LOP_E_FORMAT,
                             "cannot put the results into the page: a name is not UTF-8");
    }
    return lopi_fail_memory(error, 0);
}

lop_status lopi_html_data(const lopi_page *page, FILE *stream, lop_error *error)
{
    json_t *blocks = json_array();
    char *text = NULL;
    bool ok = blocks != NULL;
    for (size_t i = 0; ok && i < page->view->count; i++)
        ok = json_array_append_new(blocks, block_json(page->view->blocks + i)) == 0;
    lop_status status = ok ? lopi_json_text(blocks, (lopi_json_style){0}, &text, error)
                           : refused(page->view, error);
    if (status == LOP_OK)
        lopi_html_json(text, stream);
    free(text);
    json_decref(blocks);
    return status;
}
