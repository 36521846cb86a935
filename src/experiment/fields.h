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

#include "base/file.h"

typedef enum lopi_recipe_kind {
    LOPI_RECIPE_TEXT,     /* char *, owned */
    LOPI_RECIPE_WORD,     /* char[LOP_MAX_CRITERION]; "" is absent */
    LOPI_RECIPE_BOOL,     /* bool */
    LOPI_RECIPE_COUNT,    /* size_t; absent below `least` */
    LOPI_RECIPE_SEED,     /* uint64_t; LOP_SEED_OF_RUN is absent */
    LOPI_RECIPE_REAL,     /* double; NaN is absent */
    LOPI_RECIPE_PERCENT,  /* double, a fraction, written in per cent */
    LOPI_RECIPE_NAME,     /* an enum whose names are in a table */
    LOPI_RECIPE_WIDTHS,   /* recipe.hidden */
    LOPI_RECIPE_NAMES,    /* a list of such enums */
    LOPI_RECIPE_WORDS,    /* a list of such words */
    LOPI_RECIPE_PERCENTS, /* a list of fractions */
    LOPI_RECIPE_COUNTS,   /* a list of size_t */
    LOPI_RECIPE_NODES,    /* recipe.network, a list of nodes */
    LOPI_RECIPE_STAGES,   /* recipe.stages */
} lopi_recipe_kind;

/* Whether a member is one of a stage. Its offset is then that in recipe.prune. */
typedef enum lopi_recipe_stage {
    LOPI_NO_STAGE,
    LOPI_EACH_STAGE, /* in recipe.prune and in each of recipe.stages */
    LOPI_ONLY_STAGE, /* in each of recipe.stages; its section is "stages" */
} lopi_recipe_stage;

typedef struct lopi_recipe_field {
    const char *section; /* "" at the top */
    const char *key;
    lopi_recipe_kind kind;
    lopi_recipe_stage stage;
    size_t offset;              /* in lop_recipe */
    size_t count_offset, limit; /* of lists */
    double least, most;         /* of numbers, both included */
    bool below;                 /* `most` itself is excluded */
    bool above;                 /* `least` itself is excluded */
    bool rising;                /* a list whose numbers rise */
    bool point; /* says which points are measured and not how: a sweep may add to it */
    const char *(*name_at)(const void *context, size_t index); /* of _NAME, _NAMES */
} lopi_recipe_field;

enum { LOPI_RECIPE_LIMIT = 88, LOPI_RECIPE_SECTIONS = 5 };

/** What a check found wrong: where a file says it. */
typedef struct lopi_fault {
    const char *section, *key;
    size_t stage; /* of section "stages" */
} lopi_fault;

/** Row `index` of the table; NULL beyond the last. */
const lopi_recipe_field *lopi_recipe_field_at(size_t index);
/** Row of the table, or LOPI_RECIPE_LIMIT where there is none. */
size_t lopi_recipe_field_find(const char *section, const char *key);
/** Section `index`: "", "train", "prune", "recovery", "share"; NULL beyond the last. */
const char *lopi_recipe_section_at(size_t index);

/** The recipe as JSON; `points` false leaves out what says which points are measured. */
lop_status lopi_recipe_object(const lop_recipe *recipe, bool points, json_t **out,
                              lop_error *error);

/** As lop_recipe_parse. */
lop_status lopi_recipe_parse(lop_recipe *recipe, const lopi_bytes *bytes, const char *name,
                             lop_error *error);

/** As lop_recipe_check; `fault` says where. */
lop_status lopi_recipe_check(const lop_recipe *recipe, lopi_fault *fault, lop_error *error);
/** One stage, of a training of `epochs` epochs (0: none); `fault` gets the key alone. */
lop_status lopi_stage_check(const lop_stage *stage, size_t epochs, lopi_fault *fault,
                            lop_error *error);
/** LOP_E_ARG where a stage, or what a sweep's ways share, says what no method or schedule of the
 * recipe looks at. */
lop_status lopi_stages_check_idle(const lop_recipe *recipe, lopi_fault *fault, lop_error *error);

#endif
