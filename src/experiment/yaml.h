/**
 * YAML by libcyaml: a file becomes texts by the rows of the table of members, or an error that
 * names the line. What the texts mean is recipe_yaml.c's.
 */
#ifndef LOPI_EXPERIMENT_YAML_H
#define LOPI_EXPERIMENT_YAML_H

#include "base/file.h"
#include "experiment/fields.h"

typedef struct lopi_yaml_node {
    char *op, *name, *input, *width, *bias; /* the last three may be NULL */
} lopi_yaml_node;

/** What a section says: NULL where it does not say a member. */
typedef struct lopi_yaml {
    void *value[LOPI_RECIPE_LIMIT];  /* char *, or an array of char *, of nodes or of lopi_yaml */
    size_t count[LOPI_RECIPE_LIMIT]; /* of an array */
    struct lopi_yaml *section[LOPI_RECIPE_SECTIONS]; /* of the top: by lopi_recipe_section_at */
} lopi_yaml;

typedef struct lopi_yaml_document lopi_yaml_document;

/** LOP_E_FORMAT with the line, LOP_E_MEMORY. */
lop_status lopi_yaml_load(lopi_yaml_document **out, const lopi_bytes *bytes, const char *path,
                          lop_error *error);
/** Its top section; NULL where it says nothing. */
const lopi_yaml *lopi_yaml_top(const lopi_yaml_document *document);
void lopi_yaml_free(lopi_yaml_document *document);

/**
 * Line of `key` in `section` from 1; 0 where it cannot be told, as in a file of one line. Of a
 * section that is a list, `entry` says which one is meant, and without that key its first line is.
 */
uint64_t lopi_yaml_line(const char *text, const char *section, const char *key);
uint64_t lopi_yaml_entry_line(const char *text, const char *section, size_t entry, const char *key);

#endif
