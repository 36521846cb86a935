/** What the file of a pruned network says: what its parent's said, and how it was pruned. */
#ifndef CLI_PRUNED_H
#define CLI_PRUNED_H

#include <jansson.h>
#include <stdbool.h>

#include <lop/exchange.h>
#include <lop/experiment.h>
#include <lop/status.h>

/** The recipe's stages as JSON; free(). NULL where there is no memory. */
char *pruned_record(const lop_recipe *recipe, bool compact);

/** What a file tells anew. NULL: not there. */
typedef struct pruned_texts {
    const char *record;           /* see pruned_record */
    bool run;                     /* the parent's history and recipe are not handed on … */
    const char *history, *recipe; /* … and these come in their place; lop_run adds them by itself */
} pruned_texts;

/**
 * The metadata of the parent's file, and these. End with free(*list); texts belong to `parent` and
 * `texts`. LOP_E_MEMORY, also where there is no record.
 */
lop_status pruned_metadata(const json_t *parent, const pruned_texts *texts, lop_metadata **list,
                           lop_error *error);

#endif
