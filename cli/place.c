#include "place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *variable, *below;
} places[] = {{"LOP_DATA", ""}, {"XDG_CACHE_HOME", "/lop"}, {"HOME", "/.cache/lop"}};

const char *place_of_data(void)
{
    /* What is longer is cut short, and still too long to be opened with a name behind it. */
    static char found[PATH_MAX + 1];
    for (size_t i = 0; !found[0] && i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable);
        if (value && value[0])
            snprintf(found, sizeof found, "%s%s", value, places[i].below);
    }
    return found[0] ? found : NULL;
}
