/** What --json prints: whole, or an error. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <stdbool.h>

#include <jansson.h>

#include <lop/status.h>

/** The text of an object, which it takes over: made before a file is put in place, so that nothing
 *  fails behind that. free() ends it. LOP_E_MEMORY as show_json. */
lop_status json_line(json_t *object, char **text, lop_error *error);
/** One JSON line on standard output; takes the object over. LOP_E_MEMORY also where only a member
 *  of it found no memory. */
lop_status show_json(json_t *object, lop_error *error);
/**
 * Give jansson memory that remembers when there was none: what builds a value of many members need
 * not ask at each, but asks json_is_whole before the value is used. Before any value is made.
 */
void json_watch(void);
/** Whether jansson has been given all the memory that it asked for since the program's start. */
bool json_is_whole(void);
/** LOP_OK; LOP_E_MEMORY where it has not: what is missing in a value may be missing for that. */
lop_status json_check(lop_error *error);
/** One JSON line on standard error. */
void json_show_error(const lop_error *error);

#endif
