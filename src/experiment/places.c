#include "experiment/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/stage.h"

enum { MOST_BYTES = 1 << 30 };

/* "seed 1, weight magnitude gradual 90 %"; what is the recipe's first choice anyway is left out. */
static void name_point(const lop_result *of, char *text, size_t size)
{
    snprintf(text, size, "seed %llu, %.60s %.24s %.24s %g %%", (unsigned long long)of->seed,
             of->method, of->criterion, of->schedule, 100 * of->target_sparsity);
}

lop_status lopi_place_point(const lopi_sweep *s, const lopi_place *at, lopi_point_job *out,
                            lop_result *identity, lop_error *error)
{
    lop_stage way;
    lopi_point_job point = {.seed = at->seed};
    if (!lopi_way_at(s->recipe, at->way, &way))
        return lopi_fail(error, LOP_E_INTERNAL, "there is no way %zu of pruning", at->way);
    point.sparsity = lopi_way_sparsity(s->recipe, &way, at->sparsity);
    lop_status status =
        lopi_recipe_point(s->recipe, &way, point.sparsity, at->seed, &point.recipe, error);
    if (status == LOP_OK)
        status = lopi_point_identify(s, &point, identity, error);
    if (status == LOP_OK) {
        name_point(identity, point.name, sizeof point.name);
        *out = point;
    } else {
        lop_recipe_free(&point.recipe);
    }
    return status;
}

static size_t points_of_seed(const lop_recipe *recipe)
{
    lop_stage way;
    size_t count = 0;
    for (size_t w = 0; lopi_way_at(recipe, w, &way); w++)
        count += lopi_way_sparsities(recipe, &way);
    return count;
}

/* All points, seed by seed. */
static lop_status list_all(const lop_recipe *recipe, lopi_places *out, lop_error *error)
{
    lop_stage way;
    out->total = recipe->seed_count * points_of_seed(recipe);
    out->items = lopi_alloc(out->total, sizeof *out->items);
    if (!out->items)
        return lopi_fail_memory(error, out->total * sizeof *out->items);
    for (size_t i = 0; i < recipe->seed_count; i++)
        for (size_t w = 0; lopi_way_at(recipe, w, &way); w++)
            for (size_t k = 0; k < lopi_way_sparsities(recipe, &way); k++)
                out->items[out->count++] = (lopi_place){recipe->seed + i, w, k};
    return LOP_OK;
}

static lop_status identify(const lopi_sweep *s, const lopi_place *at, lop_result *identity,
                           lop_error *error)
{
    lopi_point_job point = {.seed = 0};
    lop_status status = lopi_place_point(s, at, &point, identity, error);
    lop_recipe_free(&point.recipe);
    return status;
}

lop_status lopi_places_list(const lopi_sweep *s, lopi_places *out, lop_error *error)
{
    lop_status status = list_all(s->recipe, out, error);
    out->count = 0;
    for (size_t i = 0; status == LOP_OK && i < out->total; i++) {
        lop_result wanted = lop_result_empty();
        bool there = false;
        status = identify(s, &out->items[i], &wanted, error);
        for (size_t j = 0; status == LOP_OK && !there && j < s->directory.results.count; j++)
            there = lop_result_same(&wanted, &s->directory.results.items[j]);
        if (!there)
            out->items[out->count++] = out->items[i];
        lop_result_free(&wanted);
    }
    return status;
}

/* Order ---------------------------------------------------------------------------------------- */

/* A line of results.jsonl, its newline with it, and the place that it is of. */
typedef struct line {
    const char *text;
    size_t size, place;
} line;

static int compare_lines(const void *left, const void *right)
{
    const line *a = left, *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->text > b->text) - (a->text < b->text);
}

/* Each line with its text alone; NULL without memory. The file ends with a newline: the last line
 * was written by this process. */
static line *split(const lopi_bytes *bytes, size_t *count)
{
    const char *at = (const char *)bytes->data, *end = at + bytes->size, *newline;
    size_t lines = 0;
    for (size_t i = 0; i < bytes->size; i++)
        lines += bytes->data[i] == '\n';
    line *list = lopi_alloc(lines, sizeof *list);
    for (*count = 0; list && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
        list[(*count)++] = (line){at, (size_t)(newline + 1 - at), SIZE_MAX};
    return list;
}

/* Which of the points each line is of; the file was read before, so that all lines can be. */
static lop_status find_places(line *lines, size_t count, const lop_result *points, size_t total,
                              lop_error *error)
{
    for (size_t i = 0; i < count; i++) {
        lop_result result = lop_result_empty();
        if (strspn(lines[i].text, " \t\r") + 1 == lines[i].size)
            continue;
        lop_status status = lop_result_read(&result, lines[i].text, lines[i].size, error);
        for (size_t j = 0; status == LOP_OK && lines[i].place == SIZE_MAX && j < total; j++)
            if (lop_result_same(&points[j], &result))
                lines[i].place = j;
        lop_result_free(&result);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status write_lines(const char *path, const line *lines, size_t count, lop_error *error)
{
    lopi_output output = {0};
    lop_status status = lopi_output_open(&output, path, true, error);
    for (size_t i = 0; status == LOP_OK && i < count; i++)
        fwrite(lines[i].text, 1, lines[i].size, output.stream);
    if (status == LOP_OK)
        status = lopi_output_commit(&output, error);
    lopi_output_abandon(&output);
    return status;
}

static lop_status order(const char *path, const lop_result *points, size_t total, lop_error *error)
{
    lopi_bytes bytes = {0};
    line *lines = NULL;
    size_t count = 0;
    bool ordered = true;
    lop_status status = lopi_file_read(&bytes, path, MOST_BYTES, error);
    if (status == LOP_OK && !(lines = split(&bytes, &count)))
        status = lopi_fail_memory(error, bytes.size);
    if (status == LOP_OK)
        status = find_places(lines, count, points, total, error);
    if (status == LOP_OK)
        for (size_t i = 1; i < count; i++)
            ordered = ordered && lines[i - 1].place <= lines[i].place;
    if (status == LOP_OK && !ordered) {
        qsort(lines, count, sizeof *lines, compare_lines);
        status = write_lines(path, lines, count, error);
    }
    lopi_free(lines);
    lopi_free(bytes.data);
    return status;
}

lop_status lopi_places_order(const lopi_sweep *s, lop_error *error)
{
    lopi_places all = {.items = NULL};
    lop_result *points = NULL;
    lop_status status = list_all(s->recipe, &all, error);
    if (status == LOP_OK && !(points = lopi_alloc(all.total, sizeof *points)))
        status = lopi_fail_memory(error, all.total * sizeof *points);
    for (size_t i = 0; points && i < all.total; i++)
        points[i] = lop_result_empty();
    for (size_t i = 0; status == LOP_OK && i < all.total; i++)
        status = identify(s, &all.items[i], &points[i], error);
    if (status == LOP_OK)
        status = order(s->directory.results_path, points, all.total, error);
    for (size_t i = 0; points && i < all.total; i++)
        lop_result_free(&points[i]);
    lopi_free(points);
    lopi_free(all.items);
    return status;
}
