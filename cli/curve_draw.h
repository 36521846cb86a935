/** The main curve of results with characters: test accuracy over k, a line each way of pruning. */
#ifndef CLI_CURVE_DRAW_H
#define CLI_CURVE_DRAW_H

#include <lop/result.h>

#include "session.h"

/** One plot for each data set and network. Nothing where a way has fewer than two places.
 *  LOP_E_MEMORY. */
lop_status curve_draw(const lop_results *results, const terminal *t, lop_error *error);

#endif
