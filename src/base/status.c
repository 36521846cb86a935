#define LOPI_ERROR_MAKER /* the functions themselves are here */
#include "base/control.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct status_row {
    lop_status status;
    int exit_status;
    const char *name, *text;
} status_row;

static const status_row rows[] = {
#define STATUS_ROW(name, code, exit_status, text) {name, exit_status, #name, text},
    LOP_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static const status_row *row_find(lop_status status)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return &rows[i];
    return NULL;
}

const char *lop_status_name(lop_status status)
{
    const status_row *row = row_find(status);
    return row ? row->name : "LOP_E_?";
}

const char *lop_status_text(lop_status status)
{
    const status_row *row = row_find(status);
    return row ? row->text : "unknown status";
}

int lop_status_exit(lop_status status)
{
    const status_row *row = row_find(status);
    return row ? row->exit_status : 70;
}

char *lop_error_format(const lop_error *error, char *buffer, uint32_t size)
{
    if (size == 0)
        return buffer;
    buffer[0] = 0;
    if (!error)
        return buffer;
    const char *text = error->text[0] ? error->text : lop_status_text(error->code);
    char where[96] = "";
    if (error->line)
        snprintf(where, sizeof where, "line %llu: ", (unsigned long long)error->line);
    else if (error->offset != LOP_NO_OFFSET)
        snprintf(where, sizeof where, "at byte %llu (0x%llx): ", (unsigned long long)error->offset,
                 (unsigned long long)error->offset);
    snprintf(buffer, size, "%s%s%s%s", error->file, error->file[0] ? ": " : "", where, text);
    return buffer;
}

/* A path that is too long keeps its end: the file's name says more than the root. */
static void set_file(lop_error *error, const char *file)
{
    size_t length = file ? strlen(file) : 0;
    if (length < sizeof error->file) {
        memcpy(error->file, file ? file : "", length);
        error->file[length] = 0;
    } else {
        snprintf(error->file, sizeof error->file, "…%s", file + length - (sizeof error->file - 4));
    }
}

/* One line whatever the text carries: control characters would break it or drive the terminal. */
static void make_one_line(char *text)
{
    for (unsigned size; *text; text += size ? size : 1) {
        size = lopi_control(text);
        memset(text, '?', size);
    }
}

static void fill(lop_error *error, lop_status code, const char *file, uint64_t offset,
                 uint64_t line, const char *format, va_list arguments)
{
    if (!error)
        return;
    /* The format may quote the error it replaces, so it is written aside first. */
    char text[sizeof error->text];
    vsnprintf(text, sizeof text, format, arguments);
    make_one_line(text);
    memcpy(error->text, text, sizeof text);
    error->code = code;
    error->offset = offset;
    error->line = line;
    set_file(error, file);
    make_one_line(error->file);
}

lop_status lopi_fail(lop_error *error, lop_status code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, NULL, LOP_NO_OFFSET, 0, format, arguments);
    va_end(arguments);
    return code;
}

lop_status lopi_fail_file(lop_error *error, lop_status code, const char *file, const char *format,
                          ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, file, LOP_NO_OFFSET, 0, format, arguments);
    va_end(arguments);
    return code;
}

lop_status lopi_fail_at(lop_error *error, lop_status code, const char *file, uint64_t offset,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, file, offset, 0, format, arguments);
    va_end(arguments);
    return code;
}

lop_status lopi_fail_line(lop_error *error, lop_status code, const char *file, uint64_t line,
                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, file, LOP_NO_OFFSET, line, format, arguments);
    va_end(arguments);
    return code;
}

lop_status lopi_fail_memory(lop_error *error, size_t size)
{
    if (size == 0) /* not known */
        return lopi_fail(error, LOP_E_MEMORY, "out of memory");
    return lopi_fail(error, LOP_E_MEMORY, "out of memory: %zu bytes asked for", size);
}
