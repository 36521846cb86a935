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
} reading;

static lop_status refuse(reading *r, const lopi_recipe_field *row, const char *text)
{
    uint64_t line = lopi_yaml_line(r->text, row->section, row->key);
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, line, "%s%s%s: %s", row->section,
                          row->section[0] ? "." : "", row->key, text);
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
    return kind == LOPI_RECIPE_COUNT || kind == LOPI_RECIPE_SEED || kind == LOPI_RECIPE_WIDTHS;
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
    if (value >= row->least && (row->below ? value < row->most : value <= row->most))
        return LOP_OK;
    if (isinf(row->most))
        snprintf(text, sizeof text, "expected a number from %g, found %g", row->least, value);
    else
        snprintf(text, sizeof text, "expected %.16g to %s%.16g, found %.16g", row->least,
                 row->below ? "below " : "", row->most, value);
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

static lop_status take_methods(reading *r, const lopi_recipe_field *row, char *const *typed,
                               size_t count)
{
    if (count > LOP_MAX_METHODS)
        return refuse(r, row, "more than 16 methods");
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        unsigned index = 0;
        status = take_name(r, row, typed[i], &index);
        r->recipe->methods[i] = (lop_granularity)index;
    }
    r->recipe->method_count = count;
    return status;
}

static lop_status take_sparsities(reading *r, const lopi_recipe_field *row, char *const *typed,
                                  size_t count)
{
    if (count > LOP_MAX_SPARSITIES)
        return refuse(r, row, "more than 128 sparsities");
    lop_status status = LOP_OK;
    double before = -1;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        double percent = 0;
        status = read_number(r, row, typed[i], &percent);
        if (status == LOP_OK && !(percent > before))
            status = refuse(r, row, "expected rising numbers");
        r->recipe->sparsities[i] = percent / 100;
        before = percent;
    }
    r->recipe->sparsity_count = count;
    return status;
}

/* Widths are checked by the network: here they only have to be whole numbers. */
static json_t *node_object(const lopi_yaml_node *node)
{
    json_t *object = json_pack("{s:s, s:s}", "op", node->op, "name", node->name);
    if (node->input)
        json_object_set_new(object, "input", json_string(node->input));
    if (node->width) {
        char *end;
        json_int_t width = strtoll(node->width, &end, 10);
        json_object_set_new(object, "width", *end ? json_string(node->width) : json_integer(width));
    }
    if (node->bias) {
        bool wanted = strcmp(node->bias, "true") == 0;
        bool known = wanted || strcmp(node->bias, "false") == 0;
        json_object_set_new(object, "bias", known ? json_boolean(wanted) : json_string(node->bias));
    }
    return object;
}

/* The network itself says whether a spec is right, so one is made for a moment. */
static lop_status take_nodes(reading *r, const lopi_recipe_field *row, const lopi_yaml_node *nodes,
                             size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, node_object(&nodes[i]));
    json_t *spec = json_pack("{s:o}", "nodes", list);
    char *text = NULL;
    lop_network *trial = NULL;
    lop_error why = {0};
    lop_status status = lopi_json_text(spec, (lopi_json_style){0}, &text, r->error);
    json_decref(spec);
    if (status == LOP_OK && lop_network_new_spec(&trial, text, strlen(text), &why) != LOP_OK)
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

static lop_status take(reading *r, const lopi_recipe_field *row, const void *value, size_t count)
{
    char *to = (char *)r->recipe + row->offset;
    lop_status status = LOP_OK;
    double number = 0;
    unsigned index = 0;
    switch (row->kind) {
    case LOPI_RECIPE_TEXT:
        return take_text(r, (char **)(void *)to, value);
    case LOPI_RECIPE_BOOL:
        return read_bool(r, row, value, (bool *)to);
    case LOPI_RECIPE_COUNT:
        status = read_number(r, row, value, &number);
        *(size_t *)(void *)to = status == LOP_OK ? (size_t)number : 0;
        return status;
    case LOPI_RECIPE_SEED:
        status = read_number(r, row, value, &number);
        *(uint64_t *)(void *)to = status == LOP_OK ? (uint64_t)number : 0;
        return status;
    case LOPI_RECIPE_REAL:
        return read_number(r, row, value, (double *)(void *)to);
    case LOPI_RECIPE_NAME:
        status = take_name(r, row, value, &index);
        memcpy(to, &index, sizeof index);
        return status;
    case LOPI_RECIPE_WIDTHS:
        return take_widths(r, row, value, count);
    case LOPI_RECIPE_METHODS:
        return take_methods(r, row, value, count);
    case LOPI_RECIPE_SPARSITIES:
        return take_sparsities(r, row, value, count);
    case LOPI_RECIPE_NODES:
        return take_nodes(r, row, value, count);
    }
    return LOP_OK;
}

static lop_status take_all(reading *r, const lopi_yaml *top)
{
    size_t layers = lopi_recipe_field_find("", "layers");
    size_t network = lopi_recipe_field_find("", "network");
    if (top->value[network] && top->value[layers])
        return refuse(r, lopi_recipe_field_at(network),
                      "a network says its own layers; leave out one of the two");
    lop_status status = LOP_OK;
    for (size_t s = 0; status == LOP_OK && lopi_recipe_section_at(s); s++) {
        const lopi_yaml *part = s ? top->section[s] : top;
        const lopi_recipe_field *row;
        for (size_t i = 0; part && status == LOP_OK && (row = lopi_recipe_field_at(i)); i++)
            if (part->value[i])
                status = take(r, row, part->value[i], part->count[i]);
    }
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

/* Contradictions that no single key shows. */
static lop_status check_whole(reading *r)
{
    lop_error why = {0};
    if (lop_recipe_check(r->recipe, &why) == LOP_OK)
        return LOP_OK;
    return lopi_fail_file(r->error, LOP_E_FORMAT, r->path, "%s", why.text);
}

lop_status lop_recipe_load(lop_recipe *recipe, const char *path, lop_error *error)
{
    lopi_bytes bytes = {0};
    lop_recipe read = {0};
    lop_status status = lopi_file_read(&bytes, path, LARGEST_FILE, error);
    if (status == LOP_OK)
        status = lopi_recipe_copy(&read, recipe, error);
    if (status == LOP_OK) {
        reading r = {path, (const char *)bytes.data, &read, error};
        status = read_text(&r, &bytes);
        if (status == LOP_OK)
            status = check_whole(&r);
    }
    if (status == LOP_OK) {
        lop_recipe_free(recipe);
        *recipe = read;
    } else {
        lop_recipe_free(&read);
    }
    lopi_free(bytes.data);
    return status;
}
