/**
 * Options: the rows of the one table from which parsing, help, man pages and completions are made.
 *
 * Each command has a struct of values that begins with `common`; a row says where in that struct
 * its value stands. What a row does not say, such as its default, is read from the struct itself,
 * so that it cannot disagree.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/experiment.h>
#include <lop/status.h>

typedef enum option_kind {
    OPTION_FLAG,       /* bool */
    OPTION_COUNT,      /* size_t */
    OPTION_SEED,       /* uint64_t */
    OPTION_REAL,       /* double */
    OPTION_PERCENT,    /* double, a fraction; typed in per cent */
    OPTION_TEXT,       /* const char *, borrowed from the command line */
    OPTION_OWNED_TEXT, /* char *, owned by a recipe */
    OPTION_NAME,       /* an enum whose names are in a table */
    OPTION_NAMES,      /* a list of such: an array and its count */
    OPTION_COUNTS,     /* a list of size_t */
    OPTION_PERCENTS,   /* a list of fractions */
    OPTION_WORD,       /* char[LOP_MAX_CRITERION] */
    OPTION_WORDS,      /* a list of char[LOP_MAX_CRITERION] */
    OPTION_PAIR,       /* two of size_t, as "4x4" or "2:4": at offset and count_offset */
    OPTION_RECIPE,     /* a file, read into recipe_values before other options are looked at */
} option_kind;

/** What completion may offer for a value. */
typedef enum option_offer {
    OFFER_NOTHING,
    OFFER_FILES,
    OFFER_DIRECTORIES,
    OFFER_DATA
} option_offer;

typedef struct option {
    const char *name; /* NULL ends a list of options */
    char letter;      /* of the short form, or 0 */
    bool required;
    bool negatable; /* a flag that --no-NAME switches off */
    option_kind kind;
    option_offer offer;
    size_t offset;       /* of the value */
    size_t count_offset; /* of a list's count */
    size_t limit;        /* most entries of a list */
    double least, most;  /* of numbers; `most` 0 means no upper end */
    bool below;          /* `most` itself is out of range */
    bool staged;         /* a member of recipe.prune: all stages of a recipe take it over */
    const char *(*name_at)(const void *context, size_t index); /* of OPTION_NAME, OPTION_NAMES */
    const char *argument;                                      /* in help: "FILE", "N" */
    const char *preset; /* the default in words, where the value itself does not say it */
    const char *help;
} option;

/** Options under one title in the help; a group with the title of the one before continues it. */
typedef struct option_group {
    const char *title; /* NULL ends a list of groups */
    const option *options;
} option_group;

/** In `common.seed` by default, where a command takes the seed that a network was trained with. */
#define SEED_AS_TRAINED UINT64_MAX

/** What every command's values begin with. */
typedef struct common {
    bool quiet, verbose, json, help, version;
    size_t threads;
    size_t max_data_bytes; /* 0: the library's limit */
    uint64_t seed;
    const char **arguments; /* what is not an option, in order */
    size_t argument_count;
} common;

/** Stages as a command line lists them: entry i of each list is of stage i, one entry of all. */
typedef struct stage_lists {
    lop_granularity methods[LOP_MAX_STAGES];
    double sparsities[LOP_MAX_STAGES];
    char criteria[LOP_MAX_STAGES][LOP_MAX_CRITERION];
    unsigned schedules[LOP_MAX_STAGES];
    size_t method_count, sparsity_count, criterion_count, schedule_count;
} stage_lists;

/** How a run treats what is there: its output, and the checkpoint of one that was cut off. */
typedef struct keeping {
    const char *checkpoint; /* NULL: OUTPUT.checkpoint */
    bool overwrite, resume;
} keeping;

/** What commands that follow a recipe begin with: `common` first. */
typedef struct recipe_values {
    common common;
    const char *recipe_path;
    lop_recipe recipe;
    stage_lists lists;
    keeping keep;
} recipe_values;

typedef struct example {
    const char *line; /* NULL ends a list */
    const char *what;
} example;

typedef struct session session;

typedef struct command {
    const char *name, *summary;
    const char *synopsis;       /* arguments and what must be given: "FILE --data NAME" */
    const char *description;    /* paragraphs, separated by empty lines */
    const option_group *groups; /* its own options; the common ones follow everywhere */
    const example *examples;
    const char *const *actions; /* words for the first argument, ends with NULL; or NULL */
    option_offer offer;         /* for arguments */
    size_t least, most;         /* arguments */
    size_t values_size;
    bool seeded;                                           /* --seed bears on what it does */
    bool hidden;                                           /* not shown to people */
    lop_status (*prepare)(void *values, lop_error *error); /* fill in defaults; may be NULL */
    void (*settle)(void *values);  /* arguments are known, recipes not yet; may be NULL */
    void (*release)(void *values); /* may be NULL */
    lop_status (*run)(session *s, void *values, lop_error *error);
} command;

/** Command `index`, NULL beyond the last. */
const command *command_at(size_t index);
/** By name; NULL where there is none. */
const command *command_find(const char *name);

/** The options that every command has. */
const option_group *common_groups(void);
/** Row `index` of all options of a command, its own and the common ones; NULL beyond the last. */
const option *option_at(const command *of, size_t index);

/**
 * Read a command line into `values`, which hold the defaults.
 *
 * `common.arguments` must have room for `count` entries. What is wrong is LOP_E_ARG, LOP_E_RANGE or
 * LOP_E_NAME, with the nearest name suggested.
 */
lop_status options_parse(const command *of, char **words, size_t count, void *values,
                         lop_error *error);

/** A word for an option, on its way into the values. */
typedef struct option_word {
    const option *row;
    const char *shown; /* "--sparsity" or "-o": how it was typed */
    const char *text;
    lop_error *error;
} option_word;

/** Read one word as its row says. LOP_E_ARG, LOP_E_RANGE, LOP_E_NAME name the option. */
lop_status option_read(const option_word *w, char *values);

/** The default of an option as text, "" where there is none to show. */
char *option_default(const option *row, const void *values, char *buffer, size_t size);

/** LOP_E_ARG and friends, in the manner of the library. */
lop_status usage_error(lop_error *error, lop_status code, const char *format, ...) LOP_PRINTF(3, 4);
/** Where an error has no file yet, `path` is to blame. Returns its code. */
lop_status blame(lop_error *error, const char *path);

#endif
