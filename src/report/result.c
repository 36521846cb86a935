#include <lop/result.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "nn/json_read.h"
#include "report/field.h"
#include "report/json.h"

enum { MAX_LINE_BYTES = 16 << 20, MAX_FILE_BYTES = 1 << 30 };
/* Results of few bytes take more in memory: so much for any file, and so much more for its bytes.
 */
enum { MEMORY_BASE = 32 << 20, MEMORY_RATE = 2, MAX_SKIPPED = 1000 };
enum { SAID = 5 }; /* lines that are left out, by name */

lop_result lop_result_empty(void)
{
    lop_result result = {0};
    lopi_fields_clear(&lopi_result_fields, &result);
    return result;
}

void lop_result_free(lop_result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < lopi_result_fields.count; i++) {
        const lopi_field *field = lopi_result_fields.rows + i;
        if (field->kind == LOPI_TEXT || field->kind == LOPI_OBJECT)
            lopi_free(*(char *const *)lopi_field_at(field, result));
    }
    lopi_free(result->directory);
    lopi_free(result->units_left);
    lopi_free(result->epochs);
    *result = lop_result_empty();
}

lop_status lop_result_set_text(char **field, const char *value, lop_error *error)
{
    char *copy = lopi_strdup(value);
    if (value && !copy)
        return lopi_fail_memory(error, strlen(value) + 1);
    lopi_free(*field);
    *field = copy;
    return LOP_OK;
}

lop_status lop_result_write(const lop_result *result, char **line, lop_error *error)
{
    json_t *object = NULL, *record = NULL;
    lop_status status = lopi_fields_write(&lopi_result_fields, result, &record, error);
    if (status != LOP_OK)
        goto out;
    object = json_pack("{ss}", "schema", LOP_RESULT_SCHEMA);
    if (!object || json_object_update(object, record) != 0) {
        status = lopi_fail_memory(error, 0);
        goto out;
    }
    status = lopi_json_text(object, (lopi_json_style){0}, line, error);
out:
    json_decref(record);
    json_decref(object);
    return status;
}

/* The schema is looked at before anything else: the rest may mean something else there. */
static lop_status check_schema(const json_t *object, lop_error *error)
{
    const json_t *schema = json_object_get(object, "schema");
    if (!json_is_string(schema))
        return lopi_fail(error, LOP_E_FORMAT,
                         "expected a member \"schema\" with \"" LOP_RESULT_SCHEMA "\", found none");
    if (strcmp(json_string_value(schema), LOP_RESULT_SCHEMA) != 0)
        return lopi_fail(error, LOP_E_VERSION,
                         "expected schema \"" LOP_RESULT_SCHEMA
                         "\", found \"%.40s\"; read it with the lop that wrote it",
                         json_string_value(schema));
    return LOP_OK;
}

lop_status lop_result_read(lop_result *out, const char *line, size_t size, lop_error *error)
{
    if (size > MAX_LINE_BYTES)
        return lopi_fail(error, LOP_E_LIMIT, "expected a line of at most %d bytes, found %zu",
                         MAX_LINE_BYTES, size);
    /* jansson refuses NUL, other bytes than UTF-8, and numbers that do not fit. */
    json_error_t reason;
    json_t *object = NULL;
    lop_result result = lop_result_empty();
    lop_status status = lopi_json_read(&object, line, size, &reason);
    if (status == LOP_E_MEMORY)
        lopi_fail_memory(error, size);
    else if (status != LOP_OK)
        status = lopi_fail(error, status, "expected a JSON object: %s at character %d", reason.text,
                           reason.column);
    else if (!json_is_object(object))
        status = lopi_fail(error, LOP_E_FORMAT, "expected a JSON object, found another value");
    else
        status = check_schema(object, error);
    if (status == LOP_OK)
        status = lopi_fields_read(&lopi_result_fields, &result, object, error);
    if (status == LOP_OK) {
        *out = result;
        result = lop_result_empty();
    }
    lop_result_free(&result);
    json_decref(object);
    return status;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

/* Room for one more, grown by half. */
static lop_status reserve(lop_results *results, size_t *capacity, lop_error *error)
{
    if (results->count < *capacity)
        return LOP_OK;
    size_t wanted = *capacity + *capacity / 2 + 16;
    lop_result *items = lopi_realloc(results->items, wanted, sizeof *items);
    if (!items)
        return lopi_fail_memory(error, wanted * sizeof *items);
    results->items = items;
    *capacity = wanted;
    return LOP_OK;
}

/* A file of results on its way into memory. */
typedef struct reading {
    const char *path;
    const lop_hooks *hooks;
    bool rest; /* bad lines are left out */
    lop_results results;
    size_t capacity;
    uint64_t bytes, most; /* taken by the results, and what they may take */
} reading;

/* Left out and kept. */
static lop_status skip_line(reading *r, uint64_t line, const lop_error *reason, lop_error *error)
{
    size_t count = r->results.skipped_count;
    if (count == MAX_SKIPPED)
        return lopi_fail_line(error, LOP_E_LIMIT, r->path, line,
                              "expected results, found over %d lines that are none: %s",
                              MAX_SKIPPED, reason->text);
    lop_error *skipped = lopi_realloc(r->results.skipped, count + 1, sizeof *skipped);
    if (!skipped)
        return lopi_fail_memory(error, (count + 1) * sizeof *skipped);
    r->results.skipped = skipped;
    r->results.skipped_count++;
    skipped[count] = (lop_error){0};
    lopi_fail_line(skipped + count, reason->code, r->path, line, "%s", reason->text);
    return LOP_OK;
}

/* Nothing where no line is a result: that is for the caller to say. */
static void say_skipped(const reading *r)
{
    const lop_results *all = &r->results;
    size_t said = all->skipped_count > SAID + 1 ? SAID : all->skipped_count;
    for (size_t i = 0; all->count > 0 && i < said; i++)
        lopi_message(r->hooks, LOP_WARNING, "%s: line %llu is left out: %s", r->path,
                     (unsigned long long)all->skipped[i].line, all->skipped[i].text);
    if (all->count > 0 && said < all->skipped_count)
        lopi_message(r->hooks, LOP_WARNING, "%s: %zu more lines are left out", r->path,
                     all->skipped_count - said);
}

static size_t text_bytes(const char *text) { return text ? strlen(text) + 16 : 0; }

/* What a result takes, half as much again for the list that it stands in. */
static uint64_t bytes_of(const lop_result *result)
{
    uint64_t bytes = sizeof *result + sizeof *result / 2;
    for (size_t i = 0; i < lopi_result_fields.count; i++) {
        const lopi_field *field = lopi_result_fields.rows + i;
        if (field->kind == LOPI_TEXT || field->kind == LOPI_OBJECT)
            bytes += text_bytes(*(char *const *)lopi_field_at(field, result));
    }
    return bytes + result->units_left_count * sizeof *result->units_left +
           result->epoch_count * sizeof *result->epochs;
}

static lop_status take_result(reading *r, uint64_t line, lop_error *error)
{
    r->bytes += bytes_of(&r->results.items[r->results.count++]);
    if (r->bytes <= r->most)
        return LOP_OK;
    return lopi_fail_line(error, LOP_E_LIMIT, r->path, line,
                          "expected results that take at most %llu bytes of memory for a file of "
                          "this size, found more",
                          (unsigned long long)r->most);
}

static lop_status read_line(reading *r, uint64_t line, const char *text, size_t size, bool whole,
                            lop_error *error)
{
    lop_error reason = {0};
    lop_status status = lop_result_read(r->results.items + r->results.count, text, size, &reason);
    if (status == LOP_OK)
        return take_result(r, line, error);
    if (!whole && status == LOP_E_FORMAT) {
        lopi_message(r->hooks, LOP_WARNING,
                     "%s: line %llu was cut off and is left out; the next run measures it again",
                     r->path, (unsigned long long)line);
        return LOP_OK;
    }
    if (status == LOP_E_RANGE) /* of an argument; in a file it is bad data */
        status = reason.code = LOP_E_FORMAT;
    if (r->rest && status != LOP_E_MEMORY)
        return skip_line(r, line, &reason, error);
    return lopi_fail_line(error, status, r->path, line, "%s", reason.text);
}

static lop_status read_lines(reading *r, const lopi_bytes *bytes, lop_error *error)
{
    const char *at = (const char *)bytes->data, *end = at + bytes->size;
    lop_status status = LOP_OK;
    for (uint64_t line = 1; status == LOP_OK && at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline ? newline : end) - at);
        /* As in lopi_file_append_line, which cuts it off. */
        bool whole = newline && (newline + 1 < end || !memchr(at, 0, size));
        status = reserve(&r->results, &r->capacity, error);
        if (status == LOP_OK && !is_blank(at, size))
            status = read_line(r, line, at, size, whole, error);
        at += size + (newline ? 1 : 0);
    }
    return status;
}

static lop_status load(reading *r, lop_results *out, lop_error *error)
{
    lopi_bytes bytes = {0};
    lop_status status = lopi_file_read(&bytes, r->path, MAX_FILE_BYTES, error);
    r->most = MEMORY_BASE + MEMORY_RATE * (uint64_t)bytes.size;
    if (status == LOP_OK)
        status = read_lines(r, &bytes, error);
    if (status == LOP_OK) {
        say_skipped(r);
        *out = r->results;
        r->results = (lop_results){0};
    }
    lop_results_free(&r->results);
    lopi_free(bytes.data);
    return status;
}

lop_status lop_results_load(lop_results *out, const char *path, const lop_hooks *hooks,
                            lop_error *error)
{
    return load(&(reading){.path = path, .hooks = hooks}, out, error);
}

lop_status lop_results_load_rest(lop_results *out, const char *path, const lop_hooks *hooks,
                                 lop_error *error)
{
    return load(&(reading){.path = path, .hooks = hooks, .rest = true}, out, error);
}

void lop_results_free(lop_results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->count; i++)
        lop_result_free(results->items + i);
    lopi_free(results->items);
    lopi_free(results->skipped);
    *results = (lop_results){0};
}

lop_status lop_results_join(lop_results *all, lop_results *more, lop_error *error)
{
    size_t count = all->count + more->count, skipped = all->skipped_count + more->skipped_count;
    lop_result *items = lopi_realloc(all->items, count + 1, sizeof *items);
    if (items)
        all->items = items;
    lop_error *lines = lopi_realloc(all->skipped, skipped + 1, sizeof *lines);
    if (lines)
        all->skipped = lines;
    if (!items || !lines)
        return lopi_fail_memory(error, (count + 1) * sizeof *items);
    if (more->count)
        memcpy(items + all->count, more->items, more->count * sizeof *items);
    if (more->skipped_count)
        memcpy(lines + all->skipped_count, more->skipped, more->skipped_count * sizeof *lines);
    all->count = count;
    all->skipped_count = skipped;
    lopi_free(more->items);
    lopi_free(more->skipped);
    *more = (lop_results){0};
    return LOP_OK;
}

/* As a reader takes a last line without a newline: it is a result, or half of one. */
static lop_status judge_line(const char *text, size_t size, lop_error *error)
{
    lop_result result = lop_result_empty();
    lop_status status = is_blank(text, size) ? LOP_OK : lop_result_read(&result, text, size, error);
    lop_result_free(&result);
    return status == LOP_E_FORMAT || status == LOP_E_MEMORY ? status : LOP_OK;
}

lop_status lop_results_append(const char *path, const lop_result *result, lop_error *error)
{
    char *line = NULL;
    lop_status status = lop_result_write(result, &line, error);
    if (status == LOP_OK)
        status = lopi_file_append_line(path, line, judge_line, error);
    free(line);
    return status;
}

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

bool lop_result_same(const lop_result *a, const lop_result *b)
{
    return same_text(a->dataset, b->dataset) && same_text(a->network, b->network) &&
           same_text(a->method, b->method) && same_text(a->criterion, b->criterion) &&
           same_text(a->scope, b->scope) && same_text(a->schedule, b->schedule) &&
           a->seed == b->seed &&
           (a->target_sparsity == b->target_sparsity ||
            (isnan(a->target_sparsity) && isnan(b->target_sparsity)));
}
