#include "session.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

char *shown(char *text)
{
    for (char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        /* ASCII's control characters, and U+0080 … U+009F. */
        if (byte < 0x20 || byte == 0x7f)
            *at = '?';
        else if (byte == 0xc2 && ((unsigned char)at[1] & 0xe0) == 0x80)
            at[0] = at[1] = '?';
    }
    return text;
}

/* Data sets, networks and other texts in it may come from a file that a stranger made. */
static void speak(session *s, const char *before, const char *format, va_list arguments)
{
    char line[4096];
    vsnprintf(line, sizeof line, format, arguments);
    progress_end(s);
    fprintf(stderr, "%s%s\n", before, shown(line));
}

void say(session *s, const char *format, ...)
{
    if (s->common.quiet || s->common.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    speak(s, "", format, arguments);
    va_end(arguments);
}

void say_more(session *s, const char *format, ...)
{
    if (s->common.quiet || s->common.json || !s->common.verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    speak(s, "", format, arguments);
    va_end(arguments);
}

void say_next(session *s, const char *format, ...)
{
    if (s->common.quiet || s->common.json)
        return;
    /* Results first, where both go the same way; and nothing is next where they went nowhere. */
    if (fflush(stdout) != 0) {
        s->unwritten = errno;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    speak(s, s->err.colour ? "\033[2mnext:\033[0m " : "next: ", format, arguments);
    va_end(arguments);
}

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

static void show_error_json(const lop_error *error)
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

void show_error(session *s, const lop_error *error)
{
    char line[1024];
    progress_end(s);
    if (s->common.json) {
        show_error_json(error);
        return;
    }
    lop_error_format(error, line, sizeof line);
    fprintf(stderr, "%slop:%s %s\n", s->err.colour ? "\033[31m" : "",
            s->err.colour ? "\033[0m" : "", line);
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

lop_status blame(lop_error *error, const char *path)
{
    if (!error->file[0]) {
        size_t length = strlen(path), room = sizeof error->file - 1;
        snprintf(error->file, sizeof error->file, "%s",
                 length > room ? path + length - room : path);
    }
    return error->code;
}

/* Texts ---------------------------------------------------------------------------------------- */

char *quoted(const char *word, char *buffer, size_t size)
{
    bool plain = word[0] != 0;
    for (const char *at = word; *at; at++)
        plain = plain && (isalnum((unsigned char)*at) || strchr("-_./=,:+@%", *at));
    if (plain) {
        snprintf(buffer, size, "%s", word);
        return buffer;
    }
    size_t used = 0;
    used += (size_t)snprintf(buffer, size, "'");
    for (const char *at = word; *at && used + 6 < size; at++)
        used += (size_t)snprintf(buffer + used, size - used, *at == '\'' ? "'\\''" : "%c", *at);
    snprintf(buffer + used, size - used, "'");
    return buffer;
}

void command_line(const session *s, const char *word, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "lop");
    bool there = word == NULL;
    for (size_t i = 0; i <= s->word_count && used < size; i++) {
        const char *one = i < s->word_count ? s->words[i] : there ? NULL : word;
        char text[512];
        if (!one)
            break;
        there = there || strcmp(one, word) == 0;
        used += (size_t)snprintf(buffer + used, size - used, " %s", quoted(one, text, sizeof text));
    }
}

char *grouped(unsigned long long number, char *buffer, size_t size)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", number);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer[used++] = ',';
        buffer[used++] = digits[i];
    }
    buffer[used] = 0;
    return buffer;
}

char *sized(unsigned long long bytes, char *buffer, size_t size)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5 && unit < 4; unit++)
        value /= 1000;
    snprintf(buffer, size,
             unit == 0    ? "%.0f %s"
             : value < 10 ? "%.2f %s"
                          : "%.1f %s",
             value, units[unit]);
    return buffer;
}

char *lasted(double seconds, char *buffer, size_t size)
{
    long whole = isfinite(seconds) ? lround(seconds) : 0;
    if (seconds < 0.0995)
        snprintf(buffer, size, "%.2g ms", 1000 * seconds);
    else if (seconds < 59.95)
        snprintf(buffer, size, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(buffer, size, "%ld:%02ld min", whole / 60, whole % 60);
    else
        snprintf(buffer, size, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
    return buffer;
}
