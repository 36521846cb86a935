/** JSON as jansson writes it, whole or not at all. */
#ifndef LOPI_NN_JSON_DUMP_H
#define LOPI_NN_JSON_DUMP_H

#include <stddef.h>

#include <jansson.h>

/**
 * As json_dumps. That of jansson 2.14 does not look whether there was memory for a member's name,
 * and yields a text without it.
 *
 * @return the text, which the caller ends with free(); NULL: no memory, or bytes that are no UTF-8
 */
char *lopi_json_dump(const json_t *value, size_t flags);

#endif
