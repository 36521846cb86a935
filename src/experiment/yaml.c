#include "experiment/yaml.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/suggest.h>

#include "base/error.h"
#include "base/memory.h"

enum { LONGEST_TEXT = 4096, MOST_ENTRIES = 4096, COMPLAINT = 160 };

/* Schema --------------------------------------------------------------------------------------- */

enum { PRESENT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

/*
 * Every value is loaded as text: libcyaml reads 2.5 as the integer 2 and any word as a truth, and
 * floats lose their last bits.
 */
static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, LONGEST_TEXT)};
static const cyaml_schema_field_t node_fields[] = {
    CYAML_FIELD_STRING_PTR("op", CYAML_FLAG_POINTER, lopi_yaml_node, op, 0, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, lopi_yaml_node, name, 0, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("input", PRESENT, lopi_yaml_node, input, 0, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("width", PRESENT, lopi_yaml_node, width, 0, LONGEST_TEXT),
    CYAML_FIELD_STRING_PTR("bias", PRESENT, lopi_yaml_node, bias, 0, LONGEST_TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t node_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, lopi_yaml_node, node_fields)};

/* A sequence's entries, and their size in memory; the kinds that are not here are one text. Those
 * of a stage are made from the table. */
static const struct {
    const cyaml_schema_value_t *entry;
    uint32_t size;
} sequences[] = {
    [LOPI_RECIPE_WIDTHS] = {&text_entry, sizeof(char *)},
    [LOPI_RECIPE_NAMES] = {&text_entry, sizeof(char *)},
    [LOPI_RECIPE_WORDS] = {&text_entry, sizeof(char *)},
    [LOPI_RECIPE_PERCENTS] = {&text_entry, sizeof(char *)},
    [LOPI_RECIPE_COUNTS] = {&text_entry, sizeof(char *)},
    [LOPI_RECIPE_NODES] = {&node_entry, sizeof(lopi_yaml_node)},
    [LOPI_RECIPE_STAGES] = {NULL, sizeof(lopi_yaml)},
};

typedef struct schema {
    cyaml_schema_field_t fields[LOPI_RECIPE_SECTIONS][LOPI_RECIPE_LIMIT + LOPI_RECIPE_SECTIONS];
    cyaml_schema_field_t stage_fields[LOPI_RECIPE_LIMIT + 1];
    cyaml_schema_value_t stage, top;
} schema;

static cyaml_schema_field_t field_schema(const schema *of, const lopi_recipe_field *row,
                                         size_t index)
{
    cyaml_schema_field_t field = {.key = row->key};
    field.data_offset = (uint32_t)(offsetof(lopi_yaml, value) + index * sizeof(void *));
    field.value.flags = (enum cyaml_flag)PRESENT;
    if (!sequences[row->kind].size) {
        field.value.type = CYAML_STRING;
        field.value.data_size = 1;
        field.value.string.max = LONGEST_TEXT;
        return field;
    }
    field.value.type = CYAML_SEQUENCE;
    field.value.data_size = sequences[row->kind].size;
    field.value.sequence.entry =
        row->kind == LOPI_RECIPE_STAGES ? &of->stage : sequences[row->kind].entry;
    field.value.sequence.min = 1;
    field.value.sequence.max = MOST_ENTRIES;
    field.count_offset = (uint32_t)(offsetof(lopi_yaml, count) + index * sizeof(size_t));
    field.count_size = sizeof(size_t);
    return field;
}

static void schema_make(schema *out)
{
    size_t used[LOPI_RECIPE_SECTIONS] = {0};
    const lopi_recipe_field *row;
    const char *section;
    size_t stage_used = 0;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; (row = lopi_recipe_field_at(i)); i++) {
        for (size_t s = 0; (section = lopi_recipe_section_at(s)); s++)
            if (strcmp(section, row->section) == 0)
                out->fields[s][used[s]++] = field_schema(out, row, i);
        if (row->stage != LOPI_NO_STAGE)
            out->stage_fields[stage_used++] = field_schema(out, row, i);
    }
    out->stage.type = CYAML_MAPPING;
    out->stage.data_size = sizeof(lopi_yaml);
    out->stage.mapping.fields = out->stage_fields;
    for (size_t s = 1; (section = lopi_recipe_section_at(s)); s++) {
        cyaml_schema_field_t *field = &out->fields[0][used[0]++];
        field->key = section;
        field->data_offset = (uint32_t)(offsetof(lopi_yaml, section) + s * sizeof(void *));
        field->value.type = CYAML_MAPPING;
        field->value.flags = (enum cyaml_flag)PRESENT;
        field->value.data_size = sizeof(lopi_yaml);
        field->value.mapping.fields = out->fields[s];
    }
    out->top.type = CYAML_MAPPING;
    out->top.flags = CYAML_FLAG_POINTER;
    out->top.data_size = sizeof(lopi_yaml);
    out->top.mapping.fields = out->fields[0];
}

/* Lines ---------------------------------------------------------------------------------------- */

static size_t indent_of(const char *line) { return strspn(line, " "); }

static bool line_has_key(const char *line, const char *key)
{
    const char *at = line + strspn(line, " -{\"'");
    size_t length = strlen(key);
    return strncmp(at, key, length) == 0 && at[length + strspn(at + length, " \"'")] == ':';
}

/*
 * Line of `key` in `section`, or 0. libcyaml tells where values stand that it refuses, not where
 * those stand that it accepts and we refuse. A file in flow style may give 0: the text says enough.
 */
uint64_t lopi_yaml_line(const char *text, const char *section, const char *key)
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

uint64_t lopi_yaml_entry_line(const char *text, const char *section, size_t entry, const char *key)
{
    uint64_t number = 1, first = 0;
    size_t entries = 0;
    bool inside = false;
    for (const char *line = text; line; number++) {
        const char *at = line + indent_of(line);
        bool begins = at[0] == '-' && (at[1] == ' ' || at[1] == '\n');
        if (at == line && !begins && line[0] != '#' && line[0] != '\n')
            inside = line_has_key(line, section);
        entries += inside && begins;
        if (inside && entries == entry + 1) {
            first = begins ? number : first;
            if (line_has_key(line, key))
                return number;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return first;
}

/* All that is known of a reading that fails. */
typedef struct reading {
    const char *path, *text;
    char complaint[COMPLAINT]; /* libcyaml's first line */
    uint64_t line;             /* of the innermost value it complains about */
    lop_error *error;
} reading;

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
    else if (!r->complaint[0] && !strstr(text, "Backtrace:"))
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
        line = lopi_yaml_line(r->text, lopi_recipe_section_at(s), key);
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

/* libcyaml's words are those of its code. */
static const struct {
    const char *theirs, *ours;
} words[] = {
    {"Expecting SEQUENCE, got event: ", "expected a list such as [1, 2], found a "},
    {"Expecting MAPPING, got event: ", "expected keys and values, found a "},
    {"Expecting STRING, got event: ", "expected one value, found a "},
    {"Mapping field already seen: ", "the same key twice: "},
    {"libyaml: ", "not YAML: "},
};

static lop_status refuse_yaml(reading *r, cyaml_err_t code)
{
    static const char unknown[] = "Unexpected key: ";
    if (code == CYAML_ERR_OOM)
        return lopi_fail_memory(r->error, strlen(r->text));
    if (code == CYAML_ERR_INTERNAL_ERROR) /* its word for what it did not expect as a key */
        return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line,
                              "expected a word as key, found a list or a mapping");
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

/* Reading -------------------------------------------------------------------------------------- */

struct lopi_yaml_document {
    schema made;
    lopi_yaml *top;
};

static cyaml_config_t config_of(reading *r)
{
    return (cyaml_config_t){
        .log_fn = hear,
        .log_ctx = r,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_WARNING,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

lop_status lopi_yaml_load(lopi_yaml_document **out, const lopi_bytes *bytes, const char *path,
                          lop_error *error)
{
    reading r = {path, (const char *)bytes->data, "", 0, error};
    cyaml_config_t config = config_of(&r);
    lopi_yaml_document *document = lopi_alloc(1, sizeof *document);
    if (!document)
        return lopi_fail_memory(error, sizeof *document);
    schema_make(&document->made);
    cyaml_err_t code = cyaml_load_data(bytes->data, bytes->size, &config, &document->made.top,
                                       (void **)&document->top, NULL);
    /* A warning is a refusal too: a second document would be left unread. */
    if (code == CYAML_OK && !r.complaint[0]) {
        *out = document;
        return LOP_OK;
    }
    lop_status status = refuse_yaml(&r, code);
    lopi_yaml_free(document);
    return status;
}

const lopi_yaml *lopi_yaml_top(const lopi_yaml_document *document) { return document->top; }

void lopi_yaml_free(lopi_yaml_document *document)
{
    cyaml_config_t config = config_of(NULL);
    if (document && document->top)
        cyaml_free(&config, &document->made.top, document->top, 0);
    lopi_free(document);
}
