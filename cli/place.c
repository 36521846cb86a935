#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *variable, *below;
} places[] = {{"LOP_DATA", ""}, {"XDG_CACHE_HOME", "/lop"}, {"HOME", "/.cache/lop"}};

const char *place_of_data(void)
{
    static char *found; /* as long as the program */
    for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable), *below = places[i].below;
        if (!value || !value[0])
            continue;
        size_t size = strlen(value) + strlen(below) + 1;
        found = malloc(size);
        if (!found)
            return NULL;
        snprintf(found, size, "%s%s", value, below);
    }
    return found;
}
