#include "nn/json_read.h"

#include <stdbool.h>
#include <stdio.h>

/* What a text is made of. Nothing here believes that it is JSON: it is counted too much at most. */
typedef struct census {
    size_t objects, lists, pairs, values, depth;
    size_t too_deep; /* place of the first bracket beyond LOPI_JSON_DEPTH; size: none */
    int line, column;
} census;

static census count(const char *text, size_t size)
{
    census c = {.values = 1, .too_deep = size, .line = 1};
    size_t depth = 0, line_start = 0;
    bool inside = false;
    for (size_t i = 0; i < size; i++) {
        char letter = text[i];
        if (letter == '\n' && c.too_deep == size) {
            c.line++;
            line_start = i + 1;
        }
        if (inside) {
            i += letter == '\\';
            inside = letter != '"';
            continue;
        }
        inside = letter == '"';
        c.pairs += letter == ':';
        c.objects += letter == '{';
        c.lists += letter == '[';
        c.values += letter == ',' || letter == '{' || letter == '[';
        if (letter == '{' || letter == '[')
            depth++;
        else if ((letter == '}' || letter == ']') && depth > 0)
            depth--;
        if (depth > LOPI_JSON_DEPTH && c.too_deep == size) {
            c.too_deep = i;
            c.column = (int)(i - line_start + 1);
        }
    }
    return c;
}

/*
 * jansson 2.14 on 64 bits, what malloc adds counted in: a value of any kind 48 and its place in a
 * list, which grows by doubling, 24; a list 64 more for its first places; an object 224 more for
 * itself and its first buckets; a member 64 and its name, and up to 48 for buckets, which double
 * too. A text that is being read stands in a buffer that doubles, and in its value.
 */
static uint64_t bytes_of(const census *c, size_t size)
{
    return 72 * (uint64_t)c->values + 64 * (uint64_t)c->lists + 224 * (uint64_t)c->objects +
           112 * (uint64_t)c->pairs + 4 * (uint64_t)size;
}

uint64_t lopi_json_bytes(const char *text, size_t size)
{
    census c = count(text, size);
    return bytes_of(&c, size);
}

static lop_status refuse(json_error_t *where, const census *c, size_t size)
{
    bool deep = c->too_deep < size;
    *where = (json_error_t){.line = deep ? c->line : 1,
                            .column = deep ? c->column : 1,
                            .position = deep ? (int)c->too_deep : 0};
    if (deep)
        snprintf(where->text, sizeof where->text - 1,
                 "lists and objects stand in one another more than %d deep", LOPI_JSON_DEPTH);
    else
        snprintf(where->text, sizeof where->text - 1,
                 "%zu values are more than %zu bytes may become", c->values, size);
    return LOP_E_LIMIT;
}

lop_status lopi_json_read(json_t **out, const char *text, size_t size, json_error_t *where)
{
    *out = NULL;
    census c = count(text, size);
    if (c.too_deep < size || bytes_of(&c, size) > LOPI_JSON_BASE + LOPI_JSON_RATE * (uint64_t)size)
        return refuse(where, &c, size);
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, where);
    if (*out)
        return LOP_OK;
    return json_error_code(where) == json_error_out_of_memory ? LOP_E_MEMORY : LOP_E_FORMAT;
}
