/** A run from the command line: its data, its checkpoint, and how to continue it. */
#ifndef CLI_RUNNING_H
#define CLI_RUNNING_H

#include <lop/experiment.h>

#include "session.h"

typedef struct running {
    const recipe_values *base; /* what it does, and what it keeps */
    uint64_t seed;
    const lop_network *parent; /* see lop_run_options */
    const lop_metadata *metadata;
    const char *output;
    bool compact;
    char **line; /* see lop_run_options */
} running;

/** Open the data, train, prune and write. Ends with the record; lop_result_free. */
lop_status run_recipe(session *s, const running *r, lop_network **network, lop_result *result,
                      lop_error *error);
/** The record as lines for people, or as `line` where that is not NULL. */
void show_run(session *s, const char *output, const lop_result *result, const char *line);

#endif
