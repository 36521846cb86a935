#include "session.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

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

void warn(session *s, const char *text)
{
    char line[2048];
    snprintf(line, sizeof line, "%s", text);
    progress_end(s);
    fprintf(stderr, "lop: warning: %s\n", shown(line));
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

void show_error(session *s, const lop_error *error)
{
    char line[1024];
    progress_end(s);
    if (s->common.json) {
        json_show_error(error);
        return;
    }
    lop_error_format(error, line, sizeof line);
    fprintf(stderr, "%slop:%s %s\n", s->err.colour ? "\033[31m" : "",
            s->err.colour ? "\033[0m" : "", line);
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
