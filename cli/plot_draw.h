/** Curves drawn with characters. */
#ifndef CLI_PLOT_DRAW_H
#define CLI_PLOT_DRAW_H

#include "session.h"

/** Lines over the same few places, which stand equally far apart. */
typedef struct plot {
    const char *title;
    size_t lines, places;
    const double *y;  /* [lines][places]; what is not finite is left out */
    double low, high; /* of the axis */
    void (*name)(const void *of, size_t line, char *text, size_t size);
    void (*place)(const void *of, size_t at, char *text, size_t size); /* short: a tick */
    const void *of;                                                    /* what both are asked of */
} plot;

/** The plot with its axes, and below it which letter is which line. LOP_E_MEMORY. */
lop_status plot_draw(const plot *p, const terminal *t, lop_error *error);

#endif
