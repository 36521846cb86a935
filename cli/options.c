#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lop/suggest.h>

static const option common_options[] = {
    {.name = "seed",
     .kind = OPTION_SEED,
     .offset = offsetof(common, seed),
     .most = 9007199254740991.0,
     .argument = "N",
     .help = "fix everything random"},
    {.name = "threads",
     .kind = OPTION_COUNT,
     .offset = offsetof(common, threads),
     .most = 1024,
     .argument = "N",
     .preset = "OMP_NUM_THREADS, or all cores",
     .help = "use N threads"},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPTION_FLAG,
     .offset = offsetof(common, quiet),
     .help = "say nothing but results and errors"},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPTION_FLAG,
     .offset = offsetof(common, verbose),
     .help = "say more"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(common, json),
     .help = "print the result as one JSON line on standard output, an error as one on standard "
             "error"},
    {.name = "help",
     .letter = 'h',
     .kind = OPTION_FLAG,
     .offset = offsetof(common, help),
     .help = "show this help"},
    {.name = "version",
     .kind = OPTION_FLAG,
     .offset = offsetof(common, version),
     .help = "show the version"},
    {0},
};

static const option_group groups[] = {{"Common options", common_options}, {0}};

const option_group *common_groups(void) { return groups; }

const option *option_at(const command *of, size_t index)
{
    const option_group *lists[] = {of->groups, groups};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const option_group *group = lists[l]; group && group->title; group++)
            for (const option *row = group->options; row->name; row++)
                if (index-- == 0)
                    return row;
    return NULL;
}

lop_status usage_error(lop_error *error, lop_status code, const char *format, ...)
{
    va_list arguments;
    *error = (lop_error){.code = code, .offset = LOP_NO_OFFSET};
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    /* What was typed is quoted, and may hold anything: an error is one line. */
    for (char *at = error->text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return code;
}

/* The command line ----------------------------------------------------------------------------- */

static const char *long_name_at(const void *context, size_t index)
{
    const option *row = option_at(context, index);
    return row ? row->name : NULL;
}

static lop_status unknown_option(const command *of, const char *shown, const char *name,
                                 lop_error *error)
{
    const char *near = name ? lop_suggest(name, long_name_at, of) : NULL;
    if (near)
        return usage_error(error, LOP_E_ARG, "unknown option '%s'; did you mean '--%s'?", shown,
                           near);
    return usage_error(error, LOP_E_ARG, "unknown option '%s'; 'lop %s --help' lists them", shown,
                       of->name);
}

static const option *find_long(const command *of, const char *name, size_t length)
{
    const option *row;
    for (size_t i = 0; (row = option_at(of, i)); i++)
        if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
            return row;
    return NULL;
}

static const option *find_letter(const command *of, char letter)
{
    const option *row;
    for (size_t i = 0; (row = option_at(of, i)); i++)
        if (row->letter == letter)
            return row;
    return NULL;
}

/* A walk over the words. It is made three times: for arguments, for recipes, then for all else. */
typedef enum walk_for { FOR_ARGUMENTS, FOR_RECIPES, FOR_OPTIONS } walk_for;

typedef struct walk {
    const command *of;
    char **words;
    size_t count, at;
    walk_for what;
    char *values;
    unsigned char *given; /* by row */
    lop_error *error;
} walk;

static size_t row_index(const command *of, const option *row)
{
    size_t index = 0;
    while (option_at(of, index) != row)
        index++;
    return index;
}

static lop_status take(walk *w, const option *row, const char *shown, const char *text)
{
    option_word one = {row, shown, text, w->error};
    w->given[row_index(w->of, row)] = 1;
    if (w->what != (row->kind == OPTION_RECIPE ? FOR_RECIPES : FOR_OPTIONS))
        return LOP_OK;
    return option_read(&one, w->values);
}

static lop_status take_with_value(walk *w, const option *row, const char *shown, const char *value)
{
    if (!value && w->at + 1 >= w->count)
        return usage_error(w->error, LOP_E_ARG, "%s: expected %s behind it, found nothing", shown,
                           row->argument);
    return take(w, row, shown, value ? value : w->words[++w->at]);
}

static lop_status take_long(walk *w)
{
    const char *text = w->words[w->at] + 2;
    size_t length = strcspn(text, "=");
    const char *value = text[length] ? text + length + 1 : NULL;
    const option *row = find_long(w->of, text, length);
    bool off = !row && strncmp(text, "no-", 3) == 0;
    if (off)
        row = find_long(w->of, text + 3, length - 3);
    if (off && row && !row->negatable)
        row = NULL;
    char shown[72], name[64];
    snprintf(shown, sizeof shown, "--%.*s", (int)(length < 64 ? length : 64), text);
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    if (!row)
        return unknown_option(w->of, shown, name, w->error);
    if (row->kind != OPTION_FLAG)
        return take_with_value(w, row, shown, value);
    if (value)
        return usage_error(w->error, LOP_E_ARG, "%s: takes no value, found '%s'", shown, value);
    return take(w, row, shown, off ? "0" : "1");
}

/* "-qv", "-oFILE", "-o FILE". */
static lop_status take_short(walk *w)
{
    const char *letters = w->words[w->at] + 1;
    for (; *letters; letters++) {
        char shown[] = {'-', *letters, 0};
        const option *row = find_letter(w->of, *letters);
        if (!row)
            return unknown_option(w->of, shown, NULL, w->error);
        if (row->kind != OPTION_FLAG)
            return take_with_value(w, row, shown, letters[1] ? letters + 1 : NULL);
        lop_status status = take(w, row, shown, "1");
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status walk_words(walk *w)
{
    common *values = (common *)(void *)w->values;
    bool ended = false;
    values->argument_count = 0;
    for (w->at = 0; w->at < w->count; w->at++) {
        const char *text = w->words[w->at];
        lop_status status = LOP_OK;
        if (!ended && strcmp(text, "--") == 0)
            ended = true;
        else if (!ended && strncmp(text, "--", 2) == 0)
            status = take_long(w);
        else if (!ended && text[0] == '-' && text[1])
            status = take_short(w);
        else
            values->arguments[values->argument_count++] = text;
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status check_complete(const command *of, const common *values,
                                 const unsigned char *given, lop_error *error)
{
    if (values->help || values->version)
        return LOP_OK;
    const option *row;
    if (values->argument_count < of->least)
        return usage_error(error, LOP_E_ARG, "expected 'lop %s %s'; 'lop %s --help' tells more",
                           of->name, of->synopsis, of->name);
    if (values->argument_count > of->most)
        return usage_error(error, LOP_E_ARG, "'%s' is one argument too many; expected 'lop %s %s'",
                           values->arguments[of->most], of->name, of->synopsis);
    for (size_t i = 0; i < values->argument_count; i++)
        if (of->offer != OFFER_NOTHING && !values->arguments[i][0])
            return usage_error(error, LOP_E_ARG, "an argument is empty; expected 'lop %s %s'",
                               of->name, of->synopsis);
    for (size_t i = 0; (row = option_at(of, i)); i++)
        if (row->required && !given[i])
            return usage_error(error, LOP_E_ARG, "--%s %s is missing; expected 'lop %s %s'",
                               row->name, row->argument, of->name, of->synopsis);
    return LOP_OK;
}

lop_status options_parse(const command *of, char **words, size_t count, void *values,
                         lop_error *error)
{
    unsigned char given[128] = {0};
    walk w = {
        .of = of,
        .words = words,
        .count = count,
        .what = FOR_ARGUMENTS,
        .values = values,
        .given = given,
        .error = error,
    };
    lop_status status = walk_words(&w);
    if (status == LOP_OK && of->settle)
        of->settle(values);
    for (w.what = FOR_RECIPES; status == LOP_OK && w.what <= FOR_OPTIONS; w.what++)
        status = walk_words(&w);
    if (status == LOP_OK)
        status = check_complete(of, values, given, error);
    return status;
}
