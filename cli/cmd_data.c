#include <stdlib.h>
#include <string.h>

#include <lop/suggest.h>

#include "commands.h"
#include "data_draw.h"
#include "data_sets.h"
#include "json_text.h"
#include "place.h"
#include "session.h"

typedef struct values {
    common common; /* first */
    size_t count, first;
    bool training, offline;
    const char *label_column;
} values;

static const option data_options[] = {
    {.name = "count",
     .letter = 'n',
     .kind = OPTION_COUNT,
     .offset = offsetof(values, count),
     .least = 1,
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .help = "show: how many samples"},
    {.name = "first",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, first),
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .help = "show: begin with sample N"},
    {.name = "train",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, training),
     .help = "show: the training part rather than the test part"},
    {.name = "label-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "offline",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, offline),
     .help = "fail rather than fetch"},
    {0},
};

static const option_group groups[] = {{"Options", data_options}, {0}};

static const example examples[] = {
    {"lop data list", "what lop knows by name"},
    {"lop data show mnist --count 10", "ten digits, drawn in the terminal"},
    {0},
};

static lop_status prepare(void *given, lop_error *error)
{
    (void)error;
    ((values *)given)->count = 8;
    return LOP_OK;
}

static lop_status list_json(const lop_data_options *options, lop_error *error)
{
    json_t *list = json_array();
    const lop_data_entry *entry;
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:b}", "name", entry->name,
                      "description", entry->description, "train", (json_int_t)entry->train_count,
                      "test", (json_int_t)entry->test_count, "classes", (json_int_t)entry->classes,
                      "height", (json_int_t)entry->height, "width", (json_int_t)entry->width,
                      "licence", entry->licence, "present",
                      (int)lop_data_present(entry->name, options)));
    return show_json(list, error);
}

static lop_status run_list(session *s, const values *v, const lop_data_options *options,
                           lop_error *error)
{
    const lop_data_entry *entry;
    (void)v;
    if (s->common.json)
        return list_json(options, error);
    printf("%-15s %7s %7s %7s %7s  %-5s %s\n", "name", "train", "test", "classes", "image", "here",
           "what it is");
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++) {
        char image[32];
        snprintf(image, sizeof image, "%zux%zu", entry->height, entry->width);
        printf("%-15s %7zu %7zu %7zu %7s  %-5s %s\n", entry->name, entry->train_count,
               entry->test_count, entry->classes, image,
               lop_data_present(entry->name, options) ? "yes" : "no", entry->description);
    }
    say_next(s, "lop data show mnist");
    return LOP_OK;
}

/* For sets that are known by name: where it is, in words or as JSON. */
static lop_status tell_directory(session *s, const char *name, const char *what,
                                 const lop_data_options *options, lop_error *error)
{
    char *directory = NULL;
    lop_status status = lop_data_directory(name, options, &directory, error);
    if (status == LOP_OK && s->common.json)
        status = show_json(
            json_pack("{s:s, s:s, s:b}", "name", name, "directory", directory, what, 1), error);
    else if (status == LOP_OK)
        printf("%s: %s in %s\n", name, what, directory);
    free(directory);
    return status;
}

static lop_status run_get(session *s, const values *v, const lop_data_options *options,
                          lop_error *error)
{
    const char *name = v->common.arguments[1];
    signals_watch();
    lop_status status = lop_data_get(name, options, error);
    progress_end(s);
    if (status == LOP_OK)
        status = tell_directory(s, name, "present", options, error);
    if (status == LOP_OK)
        say_next(s, "lop train --data %s -o net.safetensors", name);
    return status;
}

static lop_status run_verify(session *s, const values *v, const lop_data_options *options,
                             lop_error *error)
{
    const char *name = v->common.arguments[1];
    lop_status status = lop_data_verify(name, options, error);
    return status == LOP_OK ? tell_directory(s, name, "verified", options, error) : status;
}

static lop_status run_show(session *s, const values *v, const lop_data_options *options,
                           lop_error *error)
{
    lop_dataset *dataset = NULL;
    char name[512];
    lop_status status = lop_dataset_open(&dataset, v->common.arguments[1], options, error);
    if (status != LOP_OK)
        return status;
    const lop_samples *samples =
        v->training ? lop_dataset_train(dataset) : lop_dataset_test(dataset);
    size_t count = v->count;
    if (v->first >= samples->count)
        status = usage_error(error, LOP_E_RANGE, "--first: expected 0 to %zu, found %zu",
                             samples->count - 1, v->first);
    else if (count > samples->count - v->first)
        count = samples->count - v->first;
    if (status == LOP_OK && s->common.json)
        status = show_json(
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "dataset", lop_dataset_name(dataset),
                      "train", (json_int_t)lop_dataset_train(dataset)->count, "test",
                      (json_int_t)lop_dataset_test(dataset)->count, "classes",
                      (json_int_t)samples->classes, "features", (json_int_t)samples->features,
                      "height", (json_int_t)samples->height, "width", (json_int_t)samples->width),
            error);
    else if (status == LOP_OK)
        samples_draw(samples, v->first, count, &s->out);
    if (status == LOP_OK)
        say_next(s, "lop train --data %s -o net.safetensors",
                 quoted(v->common.arguments[1], name, sizeof name));
    lop_dataset_free(dataset);
    return status;
}

enum { ACTIONS = 4 };

/* The order of `actions`, which completion wants as a list of words. */
static const char *const action_names[ACTIONS + 1] = {"list", "get", "verify", "show", NULL};

static const struct {
    size_t arguments;
    lop_status (*run)(session *s, const values *v, const lop_data_options *options,
                      lop_error *error);
} actions[ACTIONS] = {{1, run_list}, {2, run_get}, {2, run_verify}, {2, run_show}};

static const char *action_at(const void *context, size_t index)
{
    (void)context;
    return action_names[index];
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    const char *name = v->common.arguments[0], *near;
    lop_hooks hooks = session_hooks(s);
    lop_data_options options = {
        .cache_dir = place_of_data(),
        .label_column = v->label_column,
        .offline = v->offline,
        .hooks = &hooks,
    };
    for (size_t i = 0; action_names[i]; i++) {
        if (strcmp(action_names[i], name) != 0)
            continue;
        if (v->common.argument_count != actions[i].arguments)
            return usage_error(error, LOP_E_ARG, "expected 'lop data %s%s', found %zu arguments",
                               name, actions[i].arguments == 2 ? " NAME" : "",
                               v->common.argument_count);
        return data_told(actions[i].run(s, v, &options, error), error);
    }
    near = lop_suggest(name, action_at, NULL);
    return usage_error(error, LOP_E_NAME, "expected list, get, verify or show; found '%s'%s%s%s",
                       name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

const command command_data = {
    .name = "data",
    .summary = "data sets: list, get, verify, show",
    .synopsis = "list | get NAME | verify NAME | show NAME [OPTIONS]",
    .description = "Data sets that lop knows by name, and a look at any other.\n\n"
                   "  list     those known by name, and whether they are here\n"
                   "  get      fetch one, verify it, keep it\n"
                   "  verify   check its files against their SHA-256\n"
                   "  show     draw samples; NAME may be a directory or a CSV file too\n\n"
                   "Sets are kept in $LOP_DATA, or $XDG_CACHE_HOME/lop, or ~/.cache/lop.\n",
    .groups = groups,
    .examples = examples,
    .actions = action_names,
    .offer = OFFER_DATA,
    .least = 1,
    .most = 2,
    .values_size = sizeof(values),
    .prepare = prepare,
    .run = run,
};
