/* Recipes from files: recipes, and results, which carry their own. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/fields.h"

enum { LARGEST_RESULTS = 1 << 30 };

/* "PATH:LINE", where there is no file of that whole name. Line 0: none is named. */
typedef struct source {
    char *path; /* owned */
    size_t line;
} source;

static lop_status find_source(source *out, const char *path, lop_error *error)
{
    const char *colon = strrchr(path, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    *out = (source){.path = lopi_strdup(path)};
    if (!out->path)
        return lopi_fail_memory(error, strlen(path));
    if (digits == 0 || digits > 9 || colon[1 + digits] || lopi_file_exists(path))
        return LOP_OK;
    out->line = (size_t)strtoul(colon + 1, NULL, 10);
    out->path[colon - path] = 0;
    if (out->line > 0)
        return LOP_OK;
    lop_status status = lopi_fail_file(error, LOP_E_ARG, out->path, "lines count from 1, found 0");
    lopi_free(out->path);
    out->path = NULL;
    return status;
}

/* One line of the file. */
typedef struct line {
    const char *text;
    size_t size, number;
} line;

static bool next_line(const lopi_bytes *bytes, line *at)
{
    const char *end = (const char *)bytes->data + bytes->size;
    const char *begin = at->text ? at->text + at->size : (const char *)bytes->data;
    if (at->text && begin < end)
        begin++; /* the newline */
    if (begin >= end)
        return false;
    const char *newline = memchr(begin, '\n', (size_t)(end - begin));
    *at = (line){begin, (size_t)((newline ? newline : end) - begin), at->number + 1};
    return true;
}

static bool is_blank(const line *at)
{
    for (size_t i = 0; i < at->size; i++)
        if (!isspace((unsigned char)at->text[i]))
            return false;
    return true;
}

/* Whether the file is one of results: its first line is an object with a schema. */
static bool holds_results(const lopi_bytes *bytes)
{
    line at = {.text = NULL};
    while (next_line(bytes, &at) && is_blank(&at)) {
    }
    json_t *object = at.text ? json_loadb(at.text, at.size, 0, NULL) : NULL;
    bool results = json_is_string(json_object_get(object, "schema"));
    json_decref(object);
    return results;
}

/* The line that is named, or the only one. */
static lop_status choose(const source *from, const lopi_bytes *bytes, line *out, lop_error *error)
{
    size_t results = 0;
    line at = {.text = NULL}, found = at;
    while (next_line(bytes, &at)) {
        bool wanted = from->line == 0 || from->line == at.number;
        if (!is_blank(&at)) {
            results++;
            found = wanted ? at : found;
        }
    }
    if (from->line > 0 && !found.text)
        return lopi_fail_file(error, LOP_E_ARG, from->path,
                              "there is no result in line %zu; the file has %zu lines", from->line,
                              at.number);
    if (from->line == 0 && results > 1)
        return lopi_fail_file(error, LOP_E_ARG, from->path,
                              "the file holds %zu results; choose the one whose recipe is meant by "
                              "its line, as in %s:%zu",
                              results, from->path, found.number);
    *out = found;
    return LOP_OK;
}

/* The recipe of a result, as text in the place of the file's. */
static lop_status take_recipe(const source *from, lopi_bytes *bytes, size_t *number,
                              lop_error *error)
{
    line at = {.text = NULL};
    lop_error why = {0};
    lop_result result = lop_result_empty();
    lop_status status = choose(from, bytes, &at, error);
    if (status != LOP_OK)
        return status;
    *number = at.number;
    status = lop_result_read(&result, at.text, at.size, &why);
    if (status == LOP_OK && !result.recipe) {
        status = LOP_E_FORMAT;
        lopi_fail(&why, status, "the result carries no recipe");
    }
    char *text = status == LOP_OK ? lopi_strdup(result.recipe) : NULL;
    if (status != LOP_OK)
        lopi_fail_line(error, status, from->path, at.number, "%s", why.text);
    else if (!text)
        status = lopi_fail_memory(error, at.size);
    lop_result_free(&result);
    if (status != LOP_OK)
        return status;
    lopi_free(bytes->data);
    *bytes = (lopi_bytes){(uint8_t *)text, strlen(text)};
    return LOP_OK;
}

static lop_status load(lop_recipe *recipe, const source *from, lop_error *error)
{
    lopi_bytes bytes = {0};
    size_t number = 0;
    lop_error why = {0};
    lop_status status = lopi_file_read(&bytes, from->path, LARGEST_RESULTS, error);
    if (status != LOP_OK)
        return status;
    if (holds_results(&bytes))
        status = take_recipe(from, &bytes, &number, error);
    else if (from->line > 0)
        status = lopi_fail_file(error, LOP_E_ARG, from->path,
                                "expected results of which line %zu is one, found something else",
                                from->line);
    if (status == LOP_OK) {
        status = lopi_recipe_parse(recipe, &bytes, from->path, &why);
        if (status != LOP_OK && error) {
            *error = why;
            error->line = number ? number : why.line;
        }
    }
    lopi_free(bytes.data);
    return status;
}

lop_status lop_recipe_load(lop_recipe *recipe, const char *path, lop_error *error)
{
    source from;
    lop_status status = find_source(&from, path, error);
    if (status == LOP_OK) {
        status = load(recipe, &from, error);
        lopi_free(from.path);
    }
    return status;
}

lop_status lop_recipe_parse(lop_recipe *recipe, const char *text, const char *name,
                            lop_error *error)
{
    char *copy = lopi_strdup(text);
    lopi_bytes bytes = {(uint8_t *)copy, strlen(text)};
    lop_status status =
        copy ? lopi_recipe_parse(recipe, &bytes, name, error) : lopi_fail_memory(error, bytes.size);
    lopi_free(copy);
    return status;
}
