/** What the results come to, in sentences; the table and the page say the same. */
#ifndef LOPI_REPORT_HEADLINE_H
#define LOPI_REPORT_HEADLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/group.h"

#define LOPI_TOLERANCE 1.0 /* points of accuracy that a pruned network may lose */

enum { LOPI_SENTENCE_SIZE = 640 };

/** Whether a point loses more than LOPI_TOLERANCE; false where either accuracy is absent. */
bool lopi_has_fallen(const lopi_point *point, const lopi_point *dense);

/** The smallest size known of a point, and how it is stored. */
typedef struct lopi_size {
    const char *how; /* "packed", "zstd", "sparse"; NULL where no size is known */
    double bytes;
} lopi_size;
lopi_size lopi_smallest_size(const lopi_point *point);

/**
 * The highest k up to which no point loses more than LOPI_TOLERANCE; NULL where already the first
 * pruned point does, or where accuracies are missing.
 */
const lopi_point *lopi_best_point(const lopi_block *block, const lopi_series *series);

/** One sentence on a series into `text` of LOPI_SENTENCE_SIZE bytes; "" where nothing can be said.
 *  Names in it come from the results: whoever shows it escapes it. */
char *lopi_headline(char *text, const lopi_block *block, const lopi_series *series);

#endif
