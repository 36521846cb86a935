/** Speaking through a caller's hooks, any of which may be missing. */
#ifndef LOPI_BASE_HOOKS_H
#define LOPI_BASE_HOOKS_H

#include <stdbool.h>

#include <lop/hooks.h>

/** Send one line of text. `hooks` may be NULL. */
void lopi_message(const lop_hooks *hooks, lop_level level, const char *format, ...)
    LOP_PRINTF(3, 4);
void lopi_progress(const lop_hooks *hooks, const lop_progress *progress);
bool lopi_cancelled(const lop_hooks *hooks);

#endif
