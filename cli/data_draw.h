/** Samples drawn with characters. */
#ifndef CLI_DATA_DRAW_H
#define CLI_DATA_DRAW_H

#include <lop/data.h>

#include "session.h"

/** Draw samples first … first + count − 1 side by side, each under its label. */
void samples_draw(const lop_samples *samples, size_t first, size_t count, const terminal *t);

#endif
