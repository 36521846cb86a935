/** A list of names for an error text: "magnitude, random". Zero it first. */
#ifndef LOPI_PRUNE_NAMES_H
#define LOPI_PRUNE_NAMES_H

#include <stddef.h>
#include <string.h>

typedef struct lopi_names {
    char text[256];
} lopi_names;

/** Names that no longer fit are left out. */
static inline void lopi_names_add(lopi_names *names, const char *name)
{
    size_t used = strlen(names->text), length = strlen(name);
    if (used + length + 3 > sizeof names->text)
        return;
    if (used > 0) {
        memcpy(names->text + used, ", ", 2);
        used += 2;
    }
    memcpy(names->text + used, name, length + 1);
}

#endif
