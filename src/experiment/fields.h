/**
 * The members of a recipe: one table from which reading, checking and writing are made.
 *
 * Start reading at fields.c; recipe_yaml.c and recipe_json.c walk the table.
 */
#ifndef LOPI_EXPERIMENT_FIELDS_H
#define LOPI_EXPERIMENT_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <lop/experiment.h>

typedef enum lopi_recipe_kind {
    LOPI_RECIPE_TEXT,       /* char *, owned */
    LOPI_RECIPE_BOOL,       /* bool */
    LOPI_RECIPE_COUNT,      /* size_t */
    LOPI_RECIPE_SEED,       /* uint64_t */
    LOPI_RECIPE_REAL,       /* double */
    LOPI_RECIPE_NAME,       /* an enum whose names are in a table */
    LOPI_RECIPE_WIDTHS,     /* recipe.hidden */
    LOPI_RECIPE_METHODS,    /* recipe.methods */
    LOPI_RECIPE_SPARSITIES, /* recipe.sparsities, written in per cent */
    LOPI_RECIPE_NODES,      /* recipe.network, a list of nodes */
} lopi_recipe_kind;

typedef struct lopi_recipe_field {
    const char *section; /* "" at the top */
    const char *key;
    lopi_recipe_kind kind;
    size_t offset;      /* in lop_recipe */
    double least, most; /* of numbers, both included */
    bool below;         /* `most` itself is excluded */
    bool point;         /* says which points are measured and not how: a sweep may add to it */
    const char *(*name_at)(const void *context, size_t index); /* of LOPI_RECIPE_NAME, _METHODS */
} lopi_recipe_field;

enum { LOPI_RECIPE_LIMIT = 48 };

/** Row `index` of the table; NULL beyond the last. */
const lopi_recipe_field *lopi_recipe_field_at(size_t index);
/** Row of the table, or LOPI_RECIPE_LIMIT where there is none. */
size_t lopi_recipe_field_find(const char *section, const char *key);
/** Section `index`: "", "train", "prune"; NULL beyond the last. */
const char *lopi_recipe_section_at(size_t index);

/** The recipe as JSON; `points` false leaves out what says which points are measured. */
lop_status lopi_recipe_object(const lop_recipe *recipe, bool points, json_t **out,
                              lop_error *error);

/** Deep copy. On failure `to` is empty. */
lop_status lopi_recipe_copy(lop_recipe *to, const lop_recipe *from, lop_error *error);

#endif
