#include "report/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/text.h"

static void write_value(const json_t *value, lopi_json_style style, int depth, FILE *stream);

static void write_gap(lopi_json_style style, bool first, int depth, FILE *stream)
{
    if (!first)
        fputs(style.lines ? "," : ", ", stream);
    if (style.lines)
        fprintf(stream, "\n%*s", 2 * depth, "");
}

/* Arrays of plain values stay on one line, as people write them. */
static bool is_plain(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (json_is_array(item) || json_is_object(item))
            return false;
    }
    return true;
}

static void write_array(const json_t *array, lopi_json_style style, int depth, FILE *stream)
{
    lopi_json_style inner = {.lines = style.lines && !is_plain(array)};
    fputc('[', stream);
    for (size_t i = 0; i < json_array_size(array); i++) {
        write_gap(inner, i == 0, depth + 1, stream);
        write_value(json_array_get(array, i), inner, depth + 1, stream);
    }
    if (inner.lines)
        fprintf(stream, "\n%*s", 2 * depth, "");
    fputc(']', stream);
}

/* As jansson does it, but without memory: a value that cannot be written must not become another.
 */
static void write_string(const char *text, FILE *stream)
{
    static const char named[] = {'"', '\\', '\b', '\f', '\n', '\r', '\t', 0};
    static const char letters[] = "\"\\bfnrt";
    fputc('"', stream);
    for (; *text; text++) {
        const char *known = strchr(named, *text);
        if (known)
            fprintf(stream, "\\%c", letters[known - named]);
        else if ((unsigned char)*text < 0x20)
            fprintf(stream, "\\u%04X", (unsigned)(unsigned char)*text);
        else
            fputc(*text, stream);
    }
    fputc('"', stream);
}

static void write_object(const json_t *object, lopi_json_style style, int depth, FILE *stream)
{
    json_t *walked = (json_t *)(uintptr_t)object; /* jansson's iterator takes no const */
    bool first = true;
    fputc('{', stream);
    for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at)) {
        write_gap(style, first, depth + 1, stream);
        first = false;
        write_string(json_object_iter_key(at), stream);
        fputs(": ", stream);
        write_value(json_object_iter_value(at), style, depth + 1, stream);
    }
    if (style.lines && !first)
        fprintf(stream, "\n%*s", 2 * depth, "");
    fputc('}', stream);
}

static void write_value(const json_t *value, lopi_json_style style, int depth, FILE *stream)
{
    char number[LOPI_NUMBER_SIZE];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(value, style, depth, stream);
        break;
    case JSON_ARRAY:
        write_array(value, style, depth, stream);
        break;
    case JSON_REAL:
        lopi_number_text(number, json_real_value(value));
        /* A real stays a real for readers that tell 1 and 1.0 apart. */
        fprintf(stream, "%s%s", number, strpbrk(number, ".e") ? "" : ".0");
        break;
    case JSON_STRING:
        write_string(json_string_value(value), stream);
        break;
    case JSON_INTEGER:
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    default:
        fputs(json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null", stream);
    }
}

void lopi_json_write(const json_t *value, lopi_json_style style, FILE *stream)
{
    write_value(value, style, 0, stream);
}

bool lopi_json_set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0; /* takes NULL for a failure, too */
}

lop_status lopi_json_text(const json_t *value, lopi_json_style style, char **text, lop_error *error)
{
    char *written = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&written, &size);
    if (!stream)
        return lopi_fail_memory(error, 0);
    lopi_json_write(value, style, stream);
    bool failed = ferror(stream);
    if (fclose(stream) != 0 || failed) {
        free(written);
        return lopi_fail_memory(error, size);
    }
    *text = written;
    return LOP_OK;
}
