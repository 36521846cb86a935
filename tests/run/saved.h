/** Saved plans, made and changed as a test wants them. */
#ifndef LOP_TESTS_RUN_SAVED_H
#define LOP_TESTS_RUN_SAVED_H

#include <stdbool.h>

#include <lop/run.h>

/** The text of a plan. End with lopi_free. */
char *test_plan_text(const lop_plan *plan);

/** The same with a right checksum again; in place. */
void test_plan_sum(char *text);

/** The text of a plan with `kernel` for every layer, or, with `mixed`, for every second one. */
char *test_plan_with(const lop_plan *plan, const char *kernel, bool mixed);

#endif
