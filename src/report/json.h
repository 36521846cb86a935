/** JSON text as lop writes it: members in order, doubles in their shortest form. */
#ifndef LOPI_REPORT_JSON_H
#define LOPI_REPORT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include <lop/status.h>

/** How to lay the text out. Zero is one line. */
typedef struct lopi_json_style {
    bool lines; /* one member a line, indented by two */
} lopi_json_style;

/** Write a value. The stream remembers what fails. `value` comes from a parser, so its depth is
 *  bounded. */
void lopi_json_write(const json_t *value, lopi_json_style style, FILE *stream);

/** The text in new memory (free with free()). LOP_E_MEMORY. */
lop_status lopi_json_text(const json_t *value, lopi_json_style style, char **text,
                          lop_error *error);

/**
 * Give `object` a member, which it takes over. NULL for either is a failure, so that one far below
 * reaches the top: false.
 */
bool lopi_json_set(json_t *object, const char *name, json_t *value);

#endif
