/**
 * JSON from strangers. jansson makes of three bytes "{}," more than two hundred, and goes as deep
 * as 2,048; so a text is looked through before jansson gets it.
 */
#ifndef LOPI_NN_JSON_READ_H
#define LOPI_NN_JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <lop/status.h>

#define LOPI_JSON_DEPTH 64          /* lists and objects in one another */
#define LOPI_JSON_BASE  (32u << 20) /* bytes that any text may become, and so many more for each */
#define LOPI_JSON_RATE  2           /* byte of it */

/** What jansson takes for the text at most: never less than it takes. */
uint64_t lopi_json_bytes(const char *text, size_t size);

/**
 * Read an object or a list; members that are there twice are refused.
 *
 * @param where  receives line, column, position and reason of a failure; not NULL
 * @return LOP_OK; LOP_E_FORMAT (no JSON); LOP_E_LIMIT (too deep, or too many values for its bytes);
 *         LOP_E_MEMORY. *out, which the caller ends with json_decref, is NULL on failure
 */
lop_status lopi_json_read(json_t **out, const char *text, size_t size, json_error_t *where);

#endif
