#include "session.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t width_of(int descriptor)
{
    struct winsize window;
    const char *columns = getenv("COLUMNS");
    if (ioctl(descriptor, TIOCGWINSZ, &window) == 0 && window.ws_col >= 20)
        return window.ws_col;
    long number = columns ? strtol(columns, NULL, 10) : 0;
    return number >= 20 && number <= 1000 ? (size_t)number : 80;
}

terminal terminal_of(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *type = getenv("TERM");
    bool dumb = !type || !type[0] || strcmp(type, "dumb") == 0;
    terminal t = {.is_terminal = isatty(fileno(stream)) == 1};
    t.colour = t.is_terminal && !dumb && !(no_colour && no_colour[0]);
    t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t.width = width_of(fileno(stream));
    /* A line that cannot be drawn over is no place for animation. */
    if (dumb)
        t.is_terminal = false;
    return t;
}
