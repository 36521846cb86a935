#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/suggest.h>

#include "options.h"

/* Reading ---------------------------------------------------------------------------------------
 */

/* Above it doubles skip whole numbers. */
#define MOST_WHOLE 9007199254740991.0

static lop_status read_number(const option_word *w, const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool whole = w->row->kind == OPTION_COUNT || w->row->kind == OPTION_SEED ||
                 w->row->kind == OPTION_COUNTS || w->row->kind == OPTION_PAIR;
    const char *kind = whole ? "a whole number" : "a number";
    /* No blanks, no hexadecimal digits, no words. */
    if (end == text || *end || !isfinite(value) ||
        text[strspn(text, whole ? "+-0123456789" : "+-.0123456789eE")])
        return usage_error(w->error, LOP_E_ARG, "%s: expected %s, found '%s'", w->shown, kind,
                           text);
    const option *row = w->row;
    double most = row->most > 0 || !whole ? row->most : MOST_WHOLE;
    bool high = most > 0 && (row->below ? value >= most : value > most);
    if (value >= row->least && !high) {
        *out = value;
        return LOP_OK;
    }
    if (row->most > 0 || high)
        return usage_error(w->error, LOP_E_RANGE, "%s: expected %.16g to %s%.16g, found %s",
                           w->shown, row->least, row->below ? "below " : "", most, text);
    return usage_error(w->error, LOP_E_RANGE, "%s: expected %.16g or more, found %s", w->shown,
                       row->least, text);
}

static lop_status read_name(const option_word *w, const char *text, unsigned *out)
{
    const char *name;
    char known[256] = "";
    for (unsigned i = 0; (name = w->row->name_at(NULL, i)); i++) {
        size_t length = strlen(known);
        if (strcmp(name, text) == 0) {
            *out = i;
            return LOP_OK;
        }
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", name);
    }
    const char *near = lop_suggest(text, w->row->name_at, NULL);
    return usage_error(w->error, LOP_E_NAME, "%s: expected one of %s; found '%s'%s%s%s", w->shown,
                       known, text, near ? "; did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
}

static lop_status read_word(const option_word *w, const char *text, char *to)
{
    size_t length = strlen(text);
    if (length == 0 || length >= LOP_MAX_CRITERION)
        return usage_error(w->error, LOP_E_NAME, "%s: expected a name, found '%s'", w->shown, text);
    memcpy(to, text, length + 1);
    return LOP_OK;
}

static lop_status read_entry(const option_word *w, const char *text, void *to)
{
    double number = 0;
    unsigned index = 0;
    lop_status status;
    switch (w->row->kind) {
    case OPTION_WORDS:
        return read_word(w, text, to);
    case OPTION_NAMES:
        status = read_name(w, text, &index);
        if (status == LOP_OK)
            memcpy(to, &index, sizeof index);
        return status;
    case OPTION_COUNTS:
        status = read_number(w, text, &number);
        if (status == LOP_OK)
            *(size_t *)to = (size_t)number;
        return status;
    default:
        status = read_number(w, text, &number);
        if (status == LOP_OK)
            *(double *)to = number / 100;
        return status;
    }
}

static const size_t entry_sizes[] = {
    [OPTION_NAMES] = sizeof(unsigned),
    [OPTION_COUNTS] = sizeof(size_t),
    [OPTION_PERCENTS] = sizeof(double),
    [OPTION_WORDS] = LOP_MAX_CRITERION,
};

/* "4x4", "2:4". */
static lop_status read_pair(const option_word *w, char *values)
{
    char first[32];
    double numbers[2] = {0, 0};
    size_t length = strcspn(w->text, "x:");
    if (!w->text[length] || length >= sizeof first)
        return usage_error(w->error, LOP_E_ARG, "%s: expected %s, found '%s'", w->shown,
                           w->row->argument, w->text);
    snprintf(first, sizeof first, "%.*s", (int)length, w->text);
    lop_status status = read_number(w, first, &numbers[0]);
    if (status == LOP_OK)
        status = read_number(w, w->text + length + 1, &numbers[1]);
    if (status == LOP_OK) {
        *(size_t *)(void *)(values + w->row->offset) = (size_t)numbers[0];
        *(size_t *)(void *)(values + w->row->count_offset) = (size_t)numbers[1];
    }
    return status;
}

/* The entries of "a,b,c", one after the other, each into its place in the array. */
static lop_status read_list(const option_word *w, char *values)
{
    char entry[64];
    size_t count = 0;
    const char *at = w->text;
    for (;; count++) {
        size_t length = strcspn(at, ",");
        if (length >= sizeof entry || count >= w->row->limit)
            return usage_error(w->error, LOP_E_RANGE, "%s: expected at most %zu entries", w->shown,
                               w->row->limit);
        snprintf(entry, sizeof entry, "%.*s", (int)length, at);
        lop_status status =
            read_entry(w, entry, values + w->row->offset + count * entry_sizes[w->row->kind]);
        if (status != LOP_OK)
            return status;
        at += length;
        if (!*at++)
            break;
    }
    count++;
    memcpy(values + w->row->count_offset, &count, sizeof count);
    return LOP_OK;
}

/* A recipe's seed is the seed, unless --seed says otherwise later. */
static lop_status read_recipe(const option_word *w, recipe_values *values)
{
    values->recipe_path = w->text;
    lop_status status = lop_recipe_load(&values->recipe, w->text, w->error);
    if (status == LOP_OK)
        values->common.seed = values->recipe.seed;
    return status;
}

static lop_status read_owned(const option_word *w, char **to)
{
    char *copy = strdup(w->text);
    if (!copy)
        return usage_error(w->error, LOP_E_MEMORY, "out of memory");
    free(*to);
    *to = copy;
    return LOP_OK;
}

/* A variable of a script that was never set: no file has the name, and joined to others it may be
 * the root directory. */
static bool is_nameless(const option_word *w)
{
    return !w->text[0] && (w->row->offer != OFFER_NOTHING || w->row->kind == OPTION_RECIPE);
}

static lop_status read_value(const option_word *w, char *values)
{
    void *to = values + w->row->offset;
    double number = 0;
    unsigned index = 0;
    lop_status status = LOP_OK;
    if (is_nameless(w))
        return usage_error(w->error, LOP_E_ARG, "%s: expected %s, found ''", w->shown,
                           w->row->argument);
    switch (w->row->kind) {
    case OPTION_FLAG:
        *(bool *)to = w->text[0] == '1';
        return LOP_OK;
    case OPTION_COUNT:
        status = read_number(w, w->text, &number);
        if (status == LOP_OK)
            *(size_t *)to = (size_t)number;
        return status;
    case OPTION_SEED:
        status = read_number(w, w->text, &number);
        if (status == LOP_OK)
            *(uint64_t *)to = (uint64_t)number;
        return status;
    case OPTION_REAL:
    case OPTION_PERCENT:
        status = read_number(w, w->text, &number);
        if (status == LOP_OK)
            *(double *)to = w->row->kind == OPTION_PERCENT ? number / 100 : number;
        return status;
    case OPTION_TEXT:
        *(const char **)to = w->text;
        return LOP_OK;
    case OPTION_OWNED_TEXT:
        return read_owned(w, to);
    case OPTION_NAME:
        status = read_name(w, w->text, &index);
        if (status == LOP_OK)
            memcpy(to, &index, sizeof index);
        return status;
    case OPTION_NAMES:
    case OPTION_COUNTS:
    case OPTION_PERCENTS:
    case OPTION_WORDS:
        return read_list(w, values);
    case OPTION_WORD:
        return read_word(w, w->text, to);
    case OPTION_PAIR:
        return read_pair(w, values);
    case OPTION_RECIPE:
        return read_recipe(w, (recipe_values *)(void *)values);
    }
    return status;
}

/* Bytes of a value in the values. */
static size_t size_of(const option *row)
{
    static const size_t sizes[] = {
        [OPTION_FLAG] = sizeof(bool),       [OPTION_COUNT] = sizeof(size_t),
        [OPTION_REAL] = sizeof(double),     [OPTION_PERCENT] = sizeof(double),
        [OPTION_NAME] = sizeof(unsigned),   [OPTION_PAIR] = sizeof(size_t),
        [OPTION_PERCENTS] = sizeof(double),
    };
    return sizes[row->kind] * (row->limit ? row->limit : 1);
}

/* What is said of all pruning is said of each stage that a recipe has. */
static void spread(const option *row, recipe_values *values)
{
    const size_t from = offsetof(recipe_values, recipe.prune);
    const size_t counted = row->kind == OPTION_PAIR || row->limit ? sizeof(size_t) : 0;
    const char *prune = (const char *)&values->recipe.prune;
    for (size_t i = 0; i < values->recipe.stage_count; i++) {
        char *stage = (char *)&values->recipe.stages[i];
        memcpy(stage + row->offset - from, prune + row->offset - from, size_of(row));
        if (counted)
            memcpy(stage + row->count_offset - from, prune + row->count_offset - from, counted);
    }
}

lop_status option_read(const option_word *w, char *values)
{
    lop_status status = read_value(w, values);
    if (status == LOP_OK && w->row->staged)
        spread(w->row, (recipe_values *)(void *)values);
    return status;
}

/* Defaults ------------------------------------------------------------------------------------- */

static void default_list(const option *row, const char *values, char *buffer, size_t size)
{
    size_t count, used = 0;
    memcpy(&count, values + row->count_offset, sizeof count);
    for (size_t i = 0; i < count && used < size; i++) {
        const void *at = values + row->offset;
        char one[32];
        if (row->kind == OPTION_NAMES)
            snprintf(one, sizeof one, "%s", row->name_at(NULL, ((const unsigned *)at)[i]));
        else if (row->kind == OPTION_WORDS)
            snprintf(one, sizeof one, "%s", (const char *)at + i * LOP_MAX_CRITERION);
        else if (row->kind == OPTION_COUNTS)
            snprintf(one, sizeof one, "%zu", ((const size_t *)at)[i]);
        else
            snprintf(one, sizeof one, "%g", 100 * ((const double *)at)[i]);
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? "," : "", one);
    }
}

char *option_default(const option *row, const void *values, char *buffer, size_t size)
{
    const void *at = (const char *)values + row->offset;
    const char *text = NULL;
    unsigned index;
    buffer[0] = 0;
    if (row->preset) {
        snprintf(buffer, size, "%s", row->preset);
        return buffer;
    }
    switch (row->kind) {
    case OPTION_FLAG:
        snprintf(buffer, size, "%s", row->negatable ? *(const bool *)at ? "on" : "off" : "");
        break;
    case OPTION_COUNT:
        snprintf(buffer, size, "%zu", *(const size_t *)at);
        break;
    case OPTION_SEED:
        if (*(const uint64_t *)at == SEED_AS_TRAINED)
            snprintf(buffer, size, "that of the training");
        else
            snprintf(buffer, size, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case OPTION_REAL:
        if (isfinite(*(const double *)at))
            snprintf(buffer, size, "%g", *(const double *)at);
        break;
    case OPTION_PERCENT:
        if (!row->required && isfinite(*(const double *)at))
            snprintf(buffer, size, "%g", 100 * *(const double *)at);
        break;
    case OPTION_TEXT:
    case OPTION_OWNED_TEXT:
        text = *(char *const *)at;
        snprintf(buffer, size, "%s", text ? text : "");
        break;
    case OPTION_NAME:
        memcpy(&index, at, sizeof index);
        if (!row->required)
            snprintf(buffer, size, "%s", row->name_at(NULL, index));
        break;
    case OPTION_NAMES:
    case OPTION_COUNTS:
    case OPTION_PERCENTS:
    case OPTION_WORDS:
        default_list(row, values, buffer, size);
        break;
    case OPTION_WORD:
    case OPTION_PAIR:
    case OPTION_RECIPE:
        break;
    }
    return buffer;
}
