/**
 * What is tried while calls fail: each scenario goes through some public functions on small things
 * made ready before, ends what it began, and says with which status it ended.
 */
#ifndef LOP_TEST_FAULT_SCENARIOS_H
#define LOP_TEST_FAULT_SCENARIOS_H

#include <stdbool.h>

#include <lop/status.h>

typedef struct scenario {
    const char *name;
    lop_status (*play)(lop_error *error);
    const char *output; /* a file that it replaces, in the scenarios' directory; or NULL */
    bool only_memory;   /* other calls than for memory fail in another scenario */
    unsigned forgiven;  /* 1 << fault_kind: goes on without what failed, by its header's word */
} scenario;

/** Scenario `index`; NULL beyond the last. */
const scenario *scenario_at(unsigned index);

/** What the play found since this was last called: the same whenever it ends well. */
void scenarios_found(char *text, unsigned size);

/** Make a directory with what the scenarios read, before anything fails; and remove it. */
const char *scenarios_begin(void);
void scenarios_end(void);

#endif
