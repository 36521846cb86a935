#include "base/hooks.h"

#include <stdarg.h>
#include <stdio.h>

void lopi_message(const lop_hooks *hooks, lop_level level, const char *format, ...)
{
    if (!hooks || !hooks->message)
        return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hooks->message(hooks->context, level, text);
}

void lopi_progress(const lop_hooks *hooks, const lop_progress *progress)
{
    if (hooks && hooks->progress)
        hooks->progress(hooks->context, progress);
}

bool lopi_cancelled(const lop_hooks *hooks)
{
    return hooks && hooks->cancelled && hooks->cancelled(hooks->context);
}
