#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/yaml.h"
#include "report/json.h"

enum { LARGEST_FILE = 1 << 20 };

/* A file on its way into a recipe. */
typedef struct reading {
    const char *path, *text;
    lop_recipe *recipe;
    lop_error *error;
    char *base;   /* the recipe, or as far before a stage as recipe.prune is from the recipe */
    size_t stage; /* which one, where it is not the recipe */
} reading;

static bool in_stage(const reading *r) { return r->base != (char *)r->recipe; }

static lop_status refuse(reading *r, const lopi_recipe_field *row, const char *text)
{
    const char *section = in_stage(r) ? "stages" : row->section;
    uint64_t line = in_stage(r) ? lopi_yaml_entry_line(r->text, section, r->stage, row->key)
                                : lopi_yaml_line(r->text, section, row->key);
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, line, "%s%s%s: %s", section,
                          section[0] ? "." : "", row->key, text);
}

static lop_status take_text(reading *r, char **to, const char *value)
{
    char *copy = lopi_strdup(value);
    if (!copy)
        return lopi_fail_memory(r->error, strlen(value));
    lopi_free(*to);
    *to = copy;
    return LOP_OK;
}

static bool is_whole(lopi_recipe_kind kind)
{
    return kind == LOPI_RECIPE_COUNT || kind == LOPI_RECIPE_SEED || kind == LOPI_RECIPE_WIDTHS ||
           kind == LOPI_RECIPE_COUNTS;
}

/* A number as the row wants it: whole or not, and within its range. */
static lop_status read_number(reading *r, const lopi_recipe_field *row, const char *typed,
                              double *out)
{
    char text[192], *end;
    double value = strtod(typed, &end);
    bool whole = is_whole(row->kind);
    if (end == typed || *end || !isfinite(value) || (whole && value != floor(value))) {
        snprintf(text, sizeof text, "expected a %snumber, found '%.80s'", whole ? "whole " : "",
                 typed);
        return refuse(r, row, text);
    }
    *out = value;
    if ((row->above ? value > row->least : value >= row->least) &&
        (row->below ? value < row->most : value <= row->most))
        return LOP_OK;
    if (isinf(row->most))
        snprintf(text, sizeof text, "expected a number from %g, found %g", row->least, value);
    else
        snprintf(text, sizeof text, "expected %s%.16g to %s%.16g, found %.16g",
                 row->above ? "above " : "", row->least, row->below ? "below " : "", row->most,
                 value);
    return refuse(r, row, text);
}

static lop_status take_name(reading *r, const lopi_recipe_field *row, const char *name,
                            unsigned *out)
{
    const char *known;
    char text[256] = "";
    for (unsigned i = 0; (known = row->name_at(NULL, i)); i++) {
        if (strcmp(known, name) == 0) {
            *out = i;
            return LOP_OK;
        }
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s", i ? ", " : "expected one of ", known);
    }
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, "; found '%s'", name);
    return refuse(r, row, text);
}

static lop_status read_bool(reading *r, const lopi_recipe_field *row, const char *typed, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], typed) == 0) {
            *out = i % 2;
            return LOP_OK;
        }
    char text[128];
    snprintf(text, sizeof text, "expected true or false, found '%.80s'", typed);
    return refuse(r, row, text);
}

static lop_status take_widths(reading *r, const lopi_recipe_field *row, char *const *typed,
                              size_t count)
{
    if (count > LOP_MAX_HIDDEN)
        return refuse(r, row, "more than 63 hidden layers");
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        double width = 1;
        status = read_number(r, row, typed[i], &width);
        r->recipe->hidden[i] = status == LOP_OK ? (size_t)width : 1;
    }
    r->recipe->hidden_count = count;
    /* Layers replace a network that an earlier recipe gave. */
    lopi_free(r->recipe->network);
    r->recipe->network = NULL;
    return status;
}

static lop_status take_word(reading *r, const lopi_recipe_field *row, const char *typed, char *to)
{
    if (strlen(typed) >= LOP_MAX_CRITERION)
        return refuse(r, row, "expected a name, found a text that is longer than any");
    snprintf(to, LOP_MAX_CRITERION, "%s", typed);
    return LOP_OK;
}

static lop_status take_percent(reading *r, const lopi_recipe_field *row, const char *typed,
                               double *to)
{
    double percent = 0;
    lop_status status = read_number(r, row, typed, &percent);
    *to = percent / 100;
    return status;
}

static lop_status take_entry(reading *r, const lopi_recipe_field *row, const char *typed,
                             size_t index)
{
    char *to = r->base + row->offset;
    unsigned name = 0;
    double number = 0;
    lop_status status;
    switch (row->kind) {
    case LOPI_RECIPE_NAMES:
        status = take_name(r, row, typed, &name);
        memcpy(to + index * sizeof name, &name, sizeof name);
        return status;
    case LOPI_RECIPE_WORDS:
        return take_word(r, row, typed, to + index * LOP_MAX_CRITERION);
    case LOPI_RECIPE_COUNTS:
        status = read_number(r, row, typed, &number);
        ((size_t *)(void *)to)[index] = status == LOP_OK ? (size_t)number : 0;
        return status;
    default:
        return take_percent(r, row, typed, (double *)(void *)to + index);
    }
}

static lop_status take_list(reading *r, const lopi_recipe_field *row, char *const *typed,
                            size_t count)
{
    char text[64];
    lop_status status = LOP_OK;
    if (count > row->limit) {
        snprintf(text, sizeof text, "more than %zu entries", row->limit);
        return refuse(r, row, text);
    }
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        const double *numbers = (const double *)(const void *)(r->base + row->offset);
        status = take_entry(r, row, typed[i], i);
        if (status == LOP_OK && row->rising && i > 0 && !(numbers[i] > numbers[i - 1]))
            status = refuse(r, row, "expected rising numbers");
    }
    memcpy(r->base + row->count_offset, &count, sizeof count);
    return status;
}

/* Widths are checked by the network: here they only have to be whole numbers. NULL: no memory. */
static json_t *node_object(const lopi_yaml_node *node)
{
    json_t *object = json_pack("{s:s, s:s}", "op", node->op, "name", node->name);
    bool whole =
        object && (!node->input || lopi_json_set(object, "input", json_string(node->input)));
    if (whole && node->width) {
        char *end;
        json_int_t width = strtoll(node->width, &end, 10);
        whole =
            lopi_json_set(object, "width", *end ? json_string(node->width) : json_integer(width));
    }
    if (whole && node->bias) {
        bool wanted = strcmp(node->bias, "true") == 0;
        bool known = wanted || strcmp(node->bias, "false") == 0;
        whole =
            lopi_json_set(object, "bias", known ? json_boolean(wanted) : json_string(node->bias));
    }
    if (!whole) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

/* The network itself says whether a spec is right, so one is made for a moment. */
static lop_status take_nodes(reading *r, const lopi_recipe_field *row, const lopi_yaml_node *nodes,
                             size_t count)
{
    json_t *list = json_array();
    bool whole = list != NULL;
    for (size_t i = 0; whole && i < count; i++)
        whole = json_array_append_new(list, node_object(&nodes[i])) == 0;
    json_t *spec = json_object();
    whole = lopi_json_set(spec, "nodes", list) && whole;
    char *text = NULL;
    lop_network *trial = NULL;
    lop_error why = {0};
    lop_status status = whole ? lopi_json_text(spec, (lopi_json_style){0}, &text, r->error)
                              : lopi_fail_memory(r->error, count * sizeof *nodes);
    json_decref(spec);
    lop_status judged =
        status == LOP_OK ? lop_network_new_spec(&trial, text, strlen(text), &why) : status;
    if (status == LOP_OK && judged == LOP_E_MEMORY)
        status = lopi_fail(r->error, LOP_E_MEMORY, "%s", why.text);
    else if (status == LOP_OK && judged != LOP_OK)
        status = refuse(r, row, why.text);
    lop_network_free(trial);
    if (status == LOP_OK) {
        lopi_free(r->recipe->network);
        r->recipe->network = text;
    } else {
        free(text);
    }
    return status;
}

static lop_status take_stages(reading *r, const lopi_recipe_field *row, const lopi_yaml *typed,
                              size_t count);

static lop_status take(reading *r, const lopi_recipe_field *row, const void *value, size_t count)
{
    void *to = r->base + row->offset;
    lop_status status = LOP_OK;
    double number = 0;
    unsigned index = 0;
    switch (row->kind) {
    case LOPI_RECIPE_TEXT:
        return take_text(r, to, value);
    case LOPI_RECIPE_WORD:
        return take_word(r, row, value, to);
    case LOPI_RECIPE_BOOL:
        return read_bool(r, row, value, to);
    case LOPI_RECIPE_COUNT:
        status = read_number(r, row, value, &number);
        *(size_t *)to = status == LOP_OK ? (size_t)number : 0;
        return status;
    case LOPI_RECIPE_SEED:
        status = read_number(r, row, value, &number);
        *(uint64_t *)to = status == LOP_OK ? (uint64_t)number : 0;
        return status;
    case LOPI_RECIPE_REAL:
        return read_number(r, row, value, to);
    case LOPI_RECIPE_PERCENT:
        return take_percent(r, row, value, to);
    case LOPI_RECIPE_NAME:
        status = take_name(r, row, value, &index);
        memcpy(to, &index, sizeof index);
        return status;
    case LOPI_RECIPE_WIDTHS:
        return take_widths(r, row, value, count);
    case LOPI_RECIPE_NAMES:
    case LOPI_RECIPE_WORDS:
    case LOPI_RECIPE_PERCENTS:
    case LOPI_RECIPE_COUNTS:
        return take_list(r, row, value, count);
    case LOPI_RECIPE_NODES:
        return take_nodes(r, row, value, count);
    case LOPI_RECIPE_STAGES:
        return take_stages(r, row, value, count);
    }
    return LOP_OK;
}

/* Each stage begins with what section prune says. */
static lop_status take_stages(reading *r, const lopi_recipe_field *row, const lopi_yaml *typed,
                              size_t count)
{
    lop_status status = LOP_OK;
    if (count > row->limit)
        return refuse(r, row, "more than 8 stages");
    for (size_t s = 0; status == LOP_OK && s < count; s++) {
        const lopi_recipe_field *one;
        r->recipe->stages[s] = r->recipe->prune;
        r->base = (char *)&r->recipe->stages[s] - offsetof(lop_recipe, prune);
        r->stage = s;
        for (size_t i = 0; status == LOP_OK && (one = lopi_recipe_field_at(i)); i++)
            if (typed[s].value[i])
                status = take(r, one, typed[s].value[i], typed[s].count[i]);
    }
    r->base = (char *)r->recipe;
    r->recipe->stage_count = count;
    return status;
}

static lop_status take_all(reading *r, const lopi_yaml *top)
{
    size_t layers = lopi_recipe_field_find("", "layers");
    size_t network = lopi_recipe_field_find("", "network");
    size_t stages = lopi_recipe_field_find("", "stages");
    if (top->value[network] && top->value[layers])
        return refuse(r, lopi_recipe_field_at(network),
                      "a network says its own layers; leave out one of the two");
    lop_status status = LOP_OK;
    for (size_t s = 0; status == LOP_OK && lopi_recipe_section_at(s); s++) {
        const lopi_yaml *part = s ? top->section[s] : top;
        const lopi_recipe_field *row;
        for (size_t i = 0; part && status == LOP_OK && (row = lopi_recipe_field_at(i)); i++)
            if (part->value[i] && i != stages)
                status = take(r, row, part->value[i], part->count[i]);
    }
    /* Last: they begin with what a section says that may stand behind them. */
    if (status == LOP_OK && top->value[stages])
        status = take(r, lopi_recipe_field_at(stages), top->value[stages], top->count[stages]);
    return status;
}

static lop_status read_text(reading *r, const lopi_bytes *bytes)
{
    lopi_yaml_document *document = NULL;
    lop_status status = lopi_yaml_load(&document, bytes, r->path, r->error);
    if (status == LOP_OK && lopi_yaml_top(document))
        status = take_all(r, lopi_yaml_top(document));
    lopi_yaml_free(document);
    return status;
}

/* Where a file says what a check found wrong; what a stage does not say, section prune may. */
static uint64_t fault_line(const char *text, const lopi_fault *fault)
{
    const char *key = fault->key ? fault->key : "";
    bool staged = fault->section && strcmp(fault->section, "stages") == 0;
    uint64_t line = 0;
    if (staged)
        line = lopi_yaml_entry_line(text, "stages", fault->stage, key);
    if (line == 0 && fault->section)
        line = lopi_yaml_line(text, staged ? "prune" : fault->section, key);
    if (line == 0 && fault->section && fault->section[0])
        line = lopi_yaml_line(text, "", fault->section);
    return line;
}

/* Contradictions that no single key shows. */
static lop_status check_whole(reading *r)
{
    lop_error why = {0};
    lopi_fault fault = {0};
    if (lopi_recipe_check(r->recipe, &fault, &why) == LOP_OK)
        return LOP_OK;
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, fault_line(r->text, &fault), "%s",
                          why.text);
}

lop_status lopi_recipe_parse(lop_recipe *recipe, const lopi_bytes *bytes, const char *name,
                             lop_error *error)
{
    lop_recipe read = {0};
    if (bytes->size > LARGEST_FILE)
        return lopi_fail_file(error, LOP_E_LIMIT, name, "a recipe of %zu bytes; at most 1 MiB",
                              bytes->size);
    lop_status status = lop_recipe_copy(&read, recipe, error);
    if (status == LOP_OK) {
        reading r = {.path = name,
                     .text = (const char *)bytes->data,
                     .recipe = &read,
                     .error = error,
                     .base = (char *)&read};
        status = read_text(&r, bytes);
        if (status == LOP_OK)
            status = check_whole(&r);
    }
    if (status == LOP_OK) {
        lop_recipe_free(recipe);
        *recipe = read;
    } else {
        lop_recipe_free(&read);
    }
    return status;
}
