/**
 * Numbers as text, the same in every locale: a program that lop is part of may have set one whose
 * decimal point is a comma, and JSON, CSV, gnuplot and HTML know only the point.
 */
#ifndef LOPI_REPORT_TEXT_H
#define LOPI_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { LOPI_NUMBER_SIZE = 48 }; /* bytes that hold any text of this file, terminator included */

/* Each writes into `text` of LOPI_NUMBER_SIZE bytes and returns it. */

/** The shortest text that reads back as the same double: "0.9", "1e-07"; "" where not finite. */
char *lopi_number_text(char *text, double value);
/** A fixed count of decimals: "98.20"; "" where not finite. */
char *lopi_fixed_text(char *text, double value, int decimals);
/** Whole, with thousands apart: "2,386,000"; "" where not finite. */
char *lopi_count_text(char *text, double value);
/** Three significant digits and a decimal unit: "9.54 MB", "478 kB"; "" where not finite. */
char *lopi_bytes_text(char *text, double bytes);
/** Write "±", "×" and "µ" in letters, in place: "+-", "x", "u". Returns `text`. */
char *lopi_ascii_text(char *text);

/** Write a text that comes from data: what would steer a terminal, and with `ascii` all bytes
 * beyond that, as '?'. */
void lopi_put_shown(const char *text, bool ascii, FILE *stream);

/** A sparsity as per cent without needless digits: "0", "90", "99.5"; "" where not finite. */
char *lopi_percent_text(char *text, double fraction);

#endif
