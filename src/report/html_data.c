#include <math.h>
#include <stdlib.h>

#include "base/error.h"
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
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *series_json(const lopi_series *series)
{
    json_t *object = json_object(), *points = json_array();
    bool ok =
        object && points && json_object_set_new(object, "name", json_string(series->name)) == 0 &&
        json_object_set_new(object, "method",
                            json_string(series->first->method ? series->first->method : "?")) == 0;
    for (size_t i = 0; ok && i < series->count; i++)
        ok = json_array_append_new(points, point_json(series->points + i)) == 0;
    ok = ok && json_object_set(object, "points", points) == 0;
    json_decref(points);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* The dense training of each seed: the epochs of the least pruned result of the first series. */
static json_t *epochs_json(const lopi_block *block)
{
    json_t *seeds = json_array();
    bool ok = seeds != NULL;
    const lopi_point *point = lopi_dense_point(block, block->series);
    for (size_t i = 0; ok && point && i < point->count; i++) {
        const lop_result *result = point->results[i];
        if (!result->epochs || result->epoch_count == 0)
            continue;
        json_t *epochs = json_array();
        ok = epochs != NULL;
        for (size_t j = 0; ok && j < result->epoch_count; j++) {
            json_t *epoch = NULL;
            ok =
                lopi_fields_write(&lopi_epoch_fields, result->epochs + j, &epoch, NULL) == LOP_OK &&
                json_array_append_new(epochs, epoch) == 0;
        }
        ok = ok && json_array_append(seeds, epochs) == 0;
        json_decref(epochs);
    }
    if (ok)
        return seeds;
    json_decref(seeds);
    return NULL;
}

static json_t *block_json(const lopi_block *block)
{
    json_t *object = json_object(), *series = json_array();
    bool ok = object && series &&
              json_object_set_new(object, "dataset", json_string(block->dataset)) == 0 &&
              json_object_set_new(object, "network", json_string(block->network)) == 0 &&
              json_object_set_new(object, "epochs", epochs_json(block)) == 0;
    for (size_t i = 0; ok && i < block->count; i++)
        ok = json_array_append_new(series, series_json(block->series + i)) == 0;
    ok = ok && json_object_set(object, "series", series) == 0;
    json_decref(series);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

lop_status lopi_html_data(const lopi_page *page, FILE *stream, lop_error *error)
{
    json_t *blocks = json_array();
    char *text = NULL;
    bool ok = blocks != NULL;
    for (size_t i = 0; ok && i < page->view->count; i++)
        ok = json_array_append_new(blocks, block_json(page->view->blocks + i)) == 0;
    lop_status status = ok ? lopi_json_text(blocks, (lopi_json_style){0}, &text, error)
                           : lopi_fail(error, LOP_E_FORMAT,
                                       "cannot put the results into the page: a name is not "
                                       "UTF-8, or memory is out");
    if (status == LOP_OK)
        lopi_html_json(text, stream);
    free(text);
    json_decref(blocks);
    return status;
}
