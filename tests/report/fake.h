/** Made-up results that look like a sweep's: for tests of what is drawn, never to be published. */
#ifndef LOP_TEST_FAKE_H
#define LOP_TEST_FAKE_H

#include <stdio.h>

#include <lop/result.h>

/** 10 sparsities × 2 methods × `seeds` seeds of each of the first `datasets` (at most 2) data sets.
 *  The same every time. Free with lop_results_free. */
void fake_results(lop_results *out, size_t datasets, size_t seeds);

/** Give a text to a result. */
void fake_text(char **field, const char *value);

/** All that was written to a stream that can be read too, as text (free it); closes the stream. */
char *fake_read_back(FILE *stream);

#endif
