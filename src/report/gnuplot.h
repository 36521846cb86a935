/**
 * Gnuplot: what all figures share. A figure is a data file (.tsv) and a script (.gp) that draws it
 * as PNG, SVG and PDF; both are written first, whether or not gnuplot is there to draw.
 */
#ifndef LOPI_REPORT_GNUPLOT_H
#define LOPI_REPORT_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#include <lop/hooks.h>
#include <lop/status.h>

enum { LOPI_COLOUR_SIZE = 8, LOPI_FIGURE_NAME = 160 };

/** How one of several lines looks. */
typedef struct lopi_look {
    const char *colour;
    int point, dash; /* gnuplot's pointtype and dashtype */
} lopi_look;

/** Six that are told apart by everybody; further ones are dashed. */
lopi_look lopi_gnuplot_look(size_t index);
/** The colour of what has an order: `at` from 0 to 1. */
void lopi_gnuplot_ramp(double at, char colour[LOPI_COLOUR_SIZE]);

/* Parts of a script. A stream remembers what fails. */

/** A string in quotes, whatever it holds. */
void lopi_gnuplot_quoted(const char *text, FILE *stream);
/** A number; NaN where it is not finite. */
void lopi_gnuplot_number(double value, FILE *stream);
/** "[low:high]" and the end of the line. */
void lopi_gnuplot_range(double low, double high, FILE *stream);
/** Border, tics and grid. */
void lopi_gnuplot_style(FILE *stream);
/** A logarithmic y axis with round tics. */
void lopi_gnuplot_loss_axis(FILE *stream);
/** What is drawn, at the top left; and of what, at the top right. */
void lopi_gnuplot_title(const char *title, const char *subtitle, FILE *stream);
/** Begin output `index` of the figure `name`, width × height in SVG's units; false beyond the last.
 */
bool lopi_gnuplot_terminal(size_t index, const char *name, size_t width, size_t height,
                           FILE *stream);

/** What of a text is safe in a file's name, at most 40 characters; others become '_'. */
void lopi_gnuplot_name(const char *text, char *name, size_t size);

/** A file to be written by a function that draws into a stream. */
typedef struct lopi_drawing {
    const char *file; /* its name */
    void (*put)(const void *context, FILE *stream);
    const void *context;
} lopi_drawing;

/** Write a file into `dir`, over what was there. As lopi_output_commit. */
lop_status lopi_gnuplot_write(const lopi_drawing *drawing, const char *dir, lop_error *error);

/** Run NAME.gp in `dir`. LOP_E_UNSUPPORTED where gnuplot is not installed, LOP_E_IO where it fails,
 *  LOP_E_MEMORY. */
lop_status lopi_gnuplot_draw(const char *dir, const char *name, const lop_hooks *hooks,
                             lop_error *error);

#endif
