#include "experiment/fields.h"
#include "report/json.h"

#include <cyaml/cyaml.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/suggest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { LARGEST_FILE = 1 << 20, LONGEST_TEXT = 4096, MOST_ENTRIES = 4096, COMPLAINT = 160 };

/* What libcyaml loads: a pointer for each row of the table, so that what is absent is NULL. */
typedef struct loaded {
    void *value[LOPI_RECIPE_LIMIT];
    size_t count[LOPI_RECIPE_LIMIT]; /* of sequences */
    struct loaded *section[4];
} loaded;

typedef struct loaded_node {
    char *op, *name, *input;
    int64_t *width;
    bool *bias;
} loaded_node;

/* All that is known of a reading, for errors that name the line. */
typedef struct reading {
    const char *path, *text;
    lop_recipe *recipe;
    char complaint[COMPLAINT]; /* libcyaml's first line */
    uint64_t line;             /* of the innermost value it complains about */
    lop_error *error;
} reading;

/* Schema --------------------------------------------------------------------------------------- */

enum { PRESENT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, LONGEST_TEXT)};
static const cyaml_schema_value_t integer_entry = {CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int64_t)};
static const cyaml_schema_value_t real_entry = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_schema_field_t node_fields[] = {
    CYAML_FIELD_STRING_PTR("op", CYAML_FLAG_POINTER, loaded_node, op, 0, LOP_MAX_NAME),
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, loaded_node, name, 0, LOP_MAX_NAME),
    CYAML_FIELD_STRING_PTR("input", PRESENT, loaded_node, input, 0, LOP_MAX_NAME),
    CYAML_FIELD_INT_PTR("width", PRESENT, loaded_node, width),
    CYAML_FIELD_BOOL_PTR("bias", PRESENT, loaded_node, bias),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t node_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, loaded_node, node_fields)};

/* How a kind looks in YAML. Sequences name their entries. */
static const struct {
    cyaml_type_e type;
    uint32_t size;
    const cyaml_schema_value_t *entry;
} shapes[] = {
    [LOPI_RECIPE_TEXT] = {CYAML_STRING, 1, NULL},
    [LOPI_RECIPE_BOOL] = {CYAML_BOOL, sizeof(bool), NULL},
    [LOPI_RECIPE_COUNT] = {CYAML_INT, sizeof(int64_t), NULL},
    [LOPI_RECIPE_SEED] = {CYAML_INT, sizeof(int64_t), NULL},
    [LOPI_RECIPE_REAL] = {CYAML_FLOAT, sizeof(double), NULL},
    [LOPI_RECIPE_NAME] = {CYAML_STRING, 1, NULL},
    [LOPI_RECIPE_WIDTHS] = {CYAML_SEQUENCE, sizeof(int64_t), &integer_entry},
    [LOPI_RECIPE_METHODS] = {CYAML_SEQUENCE, sizeof(char *), &text_entry},
    [LOPI_RECIPE_SPARSITIES] = {CYAML_SEQUENCE, sizeof(double), &real_entry},
    [LOPI_RECIPE_NODES] = {CYAML_SEQUENCE, sizeof(loaded_node), &node_entry},
};

typedef struct schema {
    cyaml_schema_field_t fields[4][LOPI_RECIPE_LIMIT + 4];
    cyaml_schema_value_t top;
} schema;

static cyaml_schema_field_t field_schema(const lopi_recipe_field *row, size_t index)
{
    cyaml_schema_field_t field = {.key = row->key};
    field.data_offset = (uint32_t)(offsetof(loaded, value) + index * sizeof(void *));
    field.value.type = shapes[row->kind].type;
    field.value.flags = (enum cyaml_flag)PRESENT;
    field.value.data_size = shapes[row->kind].size;
    if (field.value.type == CYAML_STRING)
        field.value.string.max = LONGEST_TEXT;
    if (field.value.type == CYAML_SEQUENCE) {
        field.value.sequence.entry = shapes[row->kind].entry;
        field.value.sequence.min = 1;
        field.value.sequence.max = MOST_ENTRIES;
        field.count_offset = (uint32_t)(offsetof(loaded, count) + index * sizeof(size_t));
        field.count_size = sizeof(size_t);
    }
    return field;
}

static void schema_make(schema *out)
{
    size_t used[4] = {0};
    const lopi_recipe_field *row;
    const char *section;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; (row = lopi_recipe_field_at(i)); i++)
        for (size_t s = 0; (section = lopi_recipe_section_at(s)); s++)
            if (strcmp(section, row->section) == 0)
                out->fields[s][used[s]++] = field_schema(row, i);
    for (size_t s = 1; (section = lopi_recipe_section_at(s)); s++) {
        cyaml_schema_field_t *field = &out->fields[0][used[0]++];
        field->key = section;
        field->data_offset = (uint32_t)(offsetof(loaded, section) + s * sizeof(void *));
        field->value.type = CYAML_MAPPING;
        field->value.flags = (enum cyaml_flag)PRESENT;
        field->value.data_size = sizeof(loaded);
        field->value.mapping.fields = out->fields[s];
    }
    out->top.type = CYAML_MAPPING;
    out->top.flags = CYAML_FLAG_POINTER;
    out->top.data_size = sizeof(loaded);
    out->top.mapping.fields = out->fields[0];
}

/* Lines ---------------------------------------------------------------------------------------- */

static size_t indent_of(const char *line) { return strspn(line, " "); }

static bool line_has_key(const char *line, const char *key)
{
    const char *at = line + strspn(line, " {\"'");
    size_t length = strlen(key);
    return strncmp(at, key, length) == 0 && at[length + strspn(at + length, " \"'")] == ':';
}

/*
 * Line of `key` in `section`, or 0. libcyaml tells where values stand that it refuses, not where
 * those stand that it accepts and we refuse. A file in flow style may give 0: the text says enough.
 */
static uint64_t line_of(const char *text, const char *section, const char *key)
{
    uint64_t number = 1;
    bool inside = !section[0];
    for (const char *line = text; line; number++) {
        bool top = indent_of(line) == 0;
        if (section[0] && top && line[0] != '#' && line[0] != '\n')
            inside = line_has_key(line, section);
        if (inside && (section[0] ? !top : true) && line_has_key(line, key))
            return number;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return 0;
}

static lop_status refuse(reading *r, const lopi_recipe_field *row, const char *text)
{
    uint64_t line = line_of(r->text, row->section, row->key);
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, line, "%s%s%s: %s", row->section,
                          row->section[0] ? "." : "", row->key, text);
}

/* libcyaml's complaints ------------------------------------------------------------------------ */

static void hear(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    reading *r = context;
    char text[512];
    (void)level;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = 0;
    const char *line = strstr(text, "(line: ");
    if (line && r->line == 0)
        r->line = strtoull(line + strlen("(line: "), NULL, 10);
    else if (!r->complaint[0])
        snprintf(r->complaint, sizeof r->complaint, "%.*s", COMPLAINT - 1,
                 strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static const char *key_at(const void *context, size_t index)
{
    (void)context;
    const lopi_recipe_field *row = lopi_recipe_field_at(index);
    if (row)
        return row->key;
    size_t count = 0;
    while (lopi_recipe_field_at(count))
        count++;
    return lopi_recipe_section_at(index - count + 1);
}

/* An unknown key: where it belongs, when it is one of another section, else what is near. */
static lop_status refuse_key(reading *r, const char *key)
{
    uint64_t line = 0;
    for (size_t s = 0; !line && lopi_recipe_section_at(s); s++)
        line = line_of(r->text, lopi_recipe_section_at(s), key);
    const char *near = lop_suggest(key, key_at, NULL);
    const lopi_recipe_field *row = NULL;
    for (size_t i = 0; near && (row = lopi_recipe_field_at(i)); i++)
        if (strcmp(row->key, near) == 0)
            break;
    if (!near)
        return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, line ? line : r->line,
                              "unknown key '%s'", key);
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, line ? line : r->line,
                          "unknown key '%s'%s%s; did you mean '%s'%s%s?", key, "", "", near,
                          row && row->section[0] ? " in section " : "",
                          row && row->section[0] ? row->section : "");
}

/* libcyaml's words for types are those of C. */
static const struct {
    const char *theirs, *ours;
} words[] = {
    {"Invalid INT value: ", "expected a whole number, found "},
    {"Invalid int64_t value: ", "expected a whole number, found "},
    {"Invalid FLOAT value: ", "expected a number, found "},
    {"Invalid double value: ", "expected a number, found "},
    {"Invalid BOOL value: ", "expected true or false, found "},
    {"Expecting SEQUENCE, got event: ", "expected a list such as [1, 2], found a "},
    {"Expecting MAPPING, got event: ", "expected keys and values, found a "},
    {"Expecting STRING, got event: ", "expected one value, found a "},
    {"Expecting INT, got event: ", "expected a whole number, found a "},
    {"Expecting FLOAT, got event: ", "expected a number, found a "},
    {"Expecting BOOL, got event: ", "expected true or false, found a "},
    {"Mapping field already seen: ", "the same key twice: "},
    {"libyaml: ", "not YAML: "},
};

static lop_status refuse_yaml(reading *r, cyaml_err_t code)
{
    static const char unknown[] = "Unexpected key: ";
    if (code == CYAML_ERR_OOM)
        return lopi_fail_memory(r->error, strlen(r->text));
    if (strncmp(r->complaint, unknown, sizeof unknown - 1) == 0)
        return refuse_key(r, r->complaint + sizeof unknown - 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].theirs);
        if (strncmp(r->complaint, words[i].theirs, length) == 0)
            return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line, "%s%s", words[i].ours,
                                  r->complaint + length);
    }
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line, "%s",
                          r->complaint[0] ? r->complaint : cyaml_strerror(code));
}

/* From what was loaded into the recipe --------------------------------------------------------- */

static lop_status take_text(reading *r, char **to, const char *value)
{
    char *copy = lopi_strdup(value);
    if (!copy)
        return lopi_fail_memory(r->error, strlen(value));
    lopi_free(*to);
    *to = copy;
    return LOP_OK;
}

static lop_status check_number(reading *r, const lopi_recipe_field *row, double value)
{
    char text[128];
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

static lop_status take_widths(reading *r, const lopi_recipe_field *row, const int64_t *widths,
                              size_t count)
{
    if (count > LOP_MAX_HIDDEN)
        return refuse(r, row, "more than 63 hidden layers");
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        status = check_number(r, row, (double)widths[i]);
        r->recipe->hidden[i] = (size_t)widths[i];
    }
    r->recipe->hidden_count = count;
    /* Layers replace a network that an earlier recipe gave. */
    lopi_free(r->recipe->network);
    r->recipe->network = NULL;
    return status;
}

static lop_status take_methods(reading *r, const lopi_recipe_field *row, char *const *names,
                               size_t count)
{
    if (count > LOP_MAX_METHODS)
        return refuse(r, row, "more than 16 methods");
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        unsigned index = 0;
        status = take_name(r, row, names[i], &index);
        r->recipe->methods[i] = (lop_granularity)index;
    }
    r->recipe->method_count = count;
    return status;
}

static lop_status take_sparsities(reading *r, const lopi_recipe_field *row, const double *percents,
                                  size_t count)
{
    if (count > LOP_MAX_SPARSITIES)
        return refuse(r, row, "more than 128 sparsities");
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        status = check_number(r, row, percents[i]);
        if (status == LOP_OK && i > 0 && !(percents[i] > percents[i - 1]))
            status = refuse(r, row, "expected rising numbers");
        r->recipe->sparsities[i] = percents[i] / 100;
    }
    r->recipe->sparsity_count = count;
    return status;
}

static json_t *node_object(const loaded_node *node)
{
    json_t *object = json_pack("{s:s, s:s}", "op", node->op, "name", node->name);
    if (node->input)
        json_object_set_new(object, "input", json_string(node->input));
    if (node->width)
        json_object_set_new(object, "width", json_integer((json_int_t)*node->width));
    if (node->bias)
        json_object_set_new(object, "bias", json_boolean(*node->bias));
    return object;
}

/* The network itself says whether a spec is right, so one is made for a moment. */
static lop_status take_nodes(reading *r, const lopi_recipe_field *row, const loaded_node *nodes,
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
    unsigned index = 0;
    switch (row->kind) {
    case LOPI_RECIPE_TEXT:
        return take_text(r, (char **)(void *)to, value);
    case LOPI_RECIPE_BOOL:
        *(bool *)to = *(const bool *)value;
        return LOP_OK;
    case LOPI_RECIPE_COUNT:
    case LOPI_RECIPE_SEED:
        status = check_number(r, row, (double)*(const int64_t *)value);
        if (status == LOP_OK && row->kind == LOPI_RECIPE_COUNT)
            *(size_t *)(void *)to = (size_t) * (const int64_t *)value;
        else if (status == LOP_OK)
            *(uint64_t *)(void *)to = (uint64_t) * (const int64_t *)value;
        return status;
    case LOPI_RECIPE_REAL:
        status = check_number(r, row, *(const double *)value);
        if (status == LOP_OK)
            *(double *)(void *)to = *(const double *)value;
        return status;
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

static lop_status take_all(reading *r, const loaded *top)
{
    size_t layers = lopi_recipe_field_find("", "layers"),
           network = lopi_recipe_field_find("", "network");
    size_t bias = lopi_recipe_field_find("", "bias");
    if (top->value[network] && (top->value[layers] || top->value[bias]))
        return refuse(r, lopi_recipe_field_at(network),
                      "a network says its own layers and biases; leave out 'layers' and 'bias'");
    lop_status status = LOP_OK;
    for (size_t s = 0; status == LOP_OK && lopi_recipe_section_at(s); s++) {
        const loaded *part = s ? top->section[s] : top;
        const lopi_recipe_field *row;
        for (size_t i = 0; part && status == LOP_OK && (row = lopi_recipe_field_at(i)); i++)
            if (part->value[i])
                status = take(r, row, part->value[i], part->count[i]);
    }
    return status;
}

static lop_status read_text(reading *r, const lopi_bytes *bytes)
{
    cyaml_config_t config = {
        .log_fn = hear,
        .log_ctx = r,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_WARNING,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    schema *made = lopi_alloc(1, sizeof *made);
    loaded *top = NULL;
    if (!made)
        return lopi_fail_memory(r->error, sizeof *made);
    schema_make(made);
    cyaml_err_t code =
        cyaml_load_data(bytes->data, bytes->size, &config, &made->top, (void **)&top, NULL);
    lop_status status = LOP_OK;
    if (code != CYAML_OK || r->complaint[0]) /* a warning is a refusal: a second document */
        status = refuse_yaml(r, code);
    else if (top)
        status = take_all(r, top);
    if (code == CYAML_OK)
        cyaml_free(&config, &made->top, top, 0);
    lopi_free(made);
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
        reading r = {path, (const char *)bytes.data, &read, "", 0, error};
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
