#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/experiment.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "report_files.h"
#include "session.h"
#include "watch.h"

typedef struct values {
    recipe_values base; /* first */
    const char *directory, *watch_report;
    bool no_timing, overwrite;
    size_t jobs;
} values;

#define IN_RECIPE(member) offsetof(values, base.recipe.member)

static const option sweep_options[] = {
    {.name = "methods",
     .letter = 'm',
     .kind = OPTION_NAMES,
     .offset = IN_RECIPE(methods),
     .count_offset = IN_RECIPE(method_count),
     .limit = LOP_MAX_METHODS,
     .name_at = name_method_at,
     .argument = "NAMES",
     .help = "what is removed as one: weight, unit, block, nm"},
    {.name = "sparsity",
     .letter = 'k',
     .kind = OPTION_PERCENTS,
     .offset = IN_RECIPE(sparsities),
     .count_offset = IN_RECIPE(sparsity_count),
     .limit = LOP_MAX_SPARSITIES,
     .most = 100,
     .below = true,
     .argument = "K,K,...",
     .help = "per cent to remove, rising"},
    {.name = "seeds",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(seed_count),
     .least = 1,
     .most = LOP_MAX_SEEDS,
     .argument = "N",
     .help = "trainings, of which each begins with another seed"},
    {.name = "criteria",
     .kind = OPTION_WORDS,
     .offset = IN_RECIPE(criteria),
     .count_offset = IN_RECIPE(criterion_count),
     .limit = LOP_MAX_CRITERIA,
     .argument = "NAMES",
     .preset = "each method's first",
     .help = "what is scored: each method takes those that it has"},
    {.name = "schedules",
     .kind = OPTION_NAMES,
     .offset = IN_RECIPE(schedules),
     .count_offset = IN_RECIPE(schedule_count),
     .limit = LOP_MAX_SCHEDULES,
     .name_at = name_schedule_at,
     .argument = "NAMES",
     .help = "when: oneshot, gradual, linear, iterative, constant, set, rigl, lottery"},
    {.name = "jobs",
     .letter = 'j',
     .kind = OPTION_COUNT,
     .offset = offsetof(values, jobs),
     .most = 256,
     .argument = "N",
     .preset = "what is faster; a sweep that is continued, as it was begun",
     .help = "N points side by side, each with one thread; 1: one after the other, with all "
             "threads; 0: what is faster"},
    {0},
};

static const option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_DIRECTORIES,
     .offset = offsetof(values, directory),
     .argument = "DIR",
     .help =
         "write results, networks and the report here, which is made where missing, with what is "
         "above it; continue what is there"},
    {.name = "watch-report",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, watch_report),
     .argument = "FILE",
     .help = "write the page there as results arrive; it loads itself anew while the sweep runs. A "
             "page that a sweep of DIR wrote is replaced"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "replace any other file that --watch-report names"},
    {.name = "no-timing",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, no_timing),
     .help = "leave prediction times out"},
    {0},
};

static const option_group groups[] = {
    {"Data", recipe_data_options},          {"Data", data_limit_options},
    {"Network", recipe_network_options},    {"Sweep", sweep_options},
    {"How to prune", pruning_options},      {"When to prune", schedule_options},
    {"Retraining", after_training_options}, {"Distillation", distillation_options},
    {"Sharing", sharing_options},           {"Output", output_options},
    {"Training", recipe_training_options},  {0},
};

static const example examples[] = {
    {"lop sweep --data mnist --seeds 3 -o out", "the challenge: two methods, ten sparsities"},
    {"lop sweep --data mnist --schedules oneshot,gradual --recovery-epochs 10 -j 2 -o out",
     "ways of pruning under one budget, two runs at a time"},
    {"lop sweep --recipe recipe.yaml -o out", "as a recipe says"},
    {"lop sweep --recipe out/recipe.json -o again", "the same once more"},
    {0},
};

static void on_begin(void *context, size_t done, size_t total)
{
    watch_begin(context, done, total);
}

static void on_result(void *context, const lop_result *result, size_t done, size_t total)
{
    watch *w = context;
    say(w->session, "[%zu/%zu] seed %llu  %-6s %s  %s  %4g %%  accuracy %6.2f %%  loss %.4f", done,
        total, (unsigned long long)result->seed, result->method, result->criterion,
        result->schedule, 100 * result->target_sparsity, 100 * result->test_accuracy,
        result->test_loss);
    watch_result(w, done, total);
}

/* What a sweep leaves beside its results. */
typedef struct left {
    char *jsonl, *csv, *epochs, *html, *figures, *recipe;
} left;

static lop_status left_new(left *out, const char *directory, lop_error *error)
{
    *out = (left){
        .jsonl = report_path(directory, "results.jsonl"),
        .csv = report_path(directory, "results.csv"),
        .epochs = report_path(directory, "epochs.csv"),
        .html = report_path(directory, "report.html"),
        .figures = report_path(directory, "figures"),
        .recipe = report_path(directory, "recipe.json"),
    };
    if (out->jsonl && out->csv && out->epochs && out->html && out->figures && out->recipe)
        return LOP_OK;
    return usage_error(error, LOP_E_MEMORY, "out of memory");
}

static void left_free(left *l)
{
    free(l->jsonl);
    free(l->csv);
    free(l->epochs);
    free(l->html);
    free(l->figures);
    free(l->recipe);
}

static lop_status write_files(session *s, const left *l, const lop_results *results,
                              const lop_report_options *options, lop_error *error)
{
    lop_status status = report_write_csv(results, lop_report_csv, l->csv, true, error);
    if (status == LOP_OK)
        status = report_write_csv(results, lop_report_epochs_csv, l->epochs, true, error);
    if (status == LOP_OK)
        status = report_write_html(results, options, l->html, true, error);
    if (status == LOP_OK)
        status = report_write_figures(s, results, options, l->figures, error);
    return status;
}

static lop_status write_report(session *s, const values *v, lop_error *error)
{
    lop_results results = {0};
    lop_hooks hooks = session_hooks(s);
    lop_report_options options = report_options(s, &hooks);
    char *again = report_commands(&v->directory, 1), mark[WATCH_MARK_SIZE], name[512];
    left l;
    lop_status status = left_new(&l, v->directory, error);
    if (status == LOP_OK)
        status = lop_results_load(&results, l.jsonl, &hooks, error);
    if (status == LOP_OK) {
        options.command = again;
        options.mark = watch_mark(v->directory, mark, sizeof mark) ? mark : NULL;
        options.directory = v->directory;
        status = write_files(s, &l, &results, &options, error);
    }
    if (status == LOP_OK && s->common.json)
        status = show_json(json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "directory", v->directory,
                                     "results", (json_int_t)results.count, "jsonl", l.jsonl, "csv",
                                     l.csv, "epochs", l.epochs, "html", l.html),
                           error);
    else if (status == LOP_OK)
        status = lop_report_table(&results, &options, stdout, error);
    if (status == LOP_OK) {
        say(s, "%s holds results.jsonl, results.csv, epochs.csv, report.html and figures/",
            v->directory);
        say_next(s, "xdg-open %s", quoted(l.html, name, sizeof name));
    }
    lop_results_free(&results);
    left_free(&l);
    free(again);
    return status;
}

static void tell_how_to_continue(session *s)
{
    char line[2048];
    command_line(s, NULL, line, sizeof line);
    say(s, "stopped; what was found so far is kept");
    say_next(s, "%s", line);
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    lop_recipe *recipe = &v->base.recipe;
    lop_hooks hooks = session_hooks(s);
    watch watched = {.session = s,
                     .page = v->watch_report,
                     .directory = v->directory,
                     .overwrite = v->overwrite};
    lop_sweep_options options = {
        .directory = v->directory,
        .hooks = &hooks,
        .on_begin = on_begin,
        .on_result = on_result,
        .context = &watched,
        .no_timing = v->no_timing,
        .jobs = v->jobs,
    };
    lop_dataset *dataset = NULL;
    recipe->seed = v->base.common.seed;
    signals_watch();
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = watch_check(&watched, error);
    if (status == LOP_OK)
        status =
            data_open(&dataset, s, &(data_named){recipe->data, recipe->label_column, false}, error);
    if (status == LOP_OK) {
        status = lop_sweep(recipe, dataset, &options, error);
        lop_error unwritten = {0};
        lop_status written = watch_end(&watched, status == LOP_OK, &unwritten);
        if (status == LOP_OK && written != LOP_OK) {
            status = written;
            *error = unwritten;
        }
    }
    progress_end(s);
    if (status == LOP_E_CANCELLED)
        tell_how_to_continue(s);
    if (status == LOP_OK)
        status = write_report(s, v, error);
    lop_dataset_free(dataset);
    return status;
}

const command command_sweep = {
    .name = "sweep",
    .summary = "the experiment: train, prune each way, measure, report",
    .synopsis = "--data NAME -o DIR [OPTIONS]",
    .description =
        "Train a dense network for each seed, prune a copy of it by each method at each sparsity, "
        "and measure what is left: accuracy, loss, sizes, times.\n\n"
        "Each result is written to DIR/results.jsonl as soon as it is known. Started again, a "
        "sweep "
        "continues with what is missing; seeds, methods, criteria, schedules and sparsities may be "
        "added. At the end it "
        "prints the table and writes results.csv, epochs.csv, report.html and figures.\n",
    .groups = groups,
    .examples = examples,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = recipe_values_prepare,
    .release = recipe_values_release,
    .run = run,
};
