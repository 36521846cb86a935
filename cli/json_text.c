#include "json_text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "session.h"

static atomic_bool starved;

static void *json_memory(size_t size)
{
    void *block = malloc(size);
    if (!block)
        starved = true;
    return block;
}

void json_watch(void) { json_set_alloc_funcs(json_memory, free); }

bool json_is_whole(void) { return !starved; }

lop_status json_check(lop_error *error)
{
    return starved ? usage_error(error, LOP_E_MEMORY, "out of memory") : LOP_OK;
}

static void add(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

void json_show_error(const lop_error *error)
{
    json_t *object = json_object();
    add(object, "error", json_string(lop_status_name(error->code)));
    add(object, "exit", json_integer(lop_status_exit(error->code)));
    if (error->file[0])
        add(object, "file", json_string(error->file));
    if (error->line)
        add(object, "line", json_integer((json_int_t)error->line));
    else if (error->offset != LOP_NO_OFFSET)
        add(object, "offset", json_integer((json_int_t)error->offset));
    add(object, "text", json_string(error->text[0] ? error->text : lop_status_text(error->code)));
    char *text = json_dumps(object, 0);
    /* After a lack of memory nobody knows whether all members are there. */
    fprintf(stderr, "%s\n",
            text && json_is_whole() ? text : "{\"error\": \"LOP_E_MEMORY\", \"exit\": 71}");
    free(text);
    json_decref(object);
}

lop_status json_line(json_t *object, char **text, lop_error *error)
{
    *text = object ? json_dumps(object, JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (*text && json_is_whole())
        return LOP_OK;
    free(*text);
    *text = NULL;
    return usage_error(error, LOP_E_MEMORY, "out of memory for the result's text");
}

lop_status show_json(json_t *object, lop_error *error)
{
    char *text = NULL;
    lop_status status = json_line(object, &text, error);
    if (status == LOP_OK)
        puts(text);
    free(text);
    return status;
}
