#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "curve_draw.h"
#include "json_text.h"
#include "report_files.h"
#include "session.h"

typedef struct values {
    common common; /* first */
    const char *output, *csv, *epochs, *figures, *title;
    bool text, overwrite;
} values;

static const option report_options_table[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "write the page: one HTML file that needs nothing else"},
    {.name = "csv",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, csv),
     .argument = "FILE",
     .help = "write all results as CSV"},
    {.name = "epochs",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, epochs),
     .argument = "FILE",
     .help = "write all epochs of all results as CSV"},
    {.name = "figures",
     .kind = OPTION_TEXT,
     .offer = OFFER_DIRECTORIES,
     .offset = offsetof(values, figures),
     .argument = "DIR",
     .help = "draw plots as PNG, SVG and PDF, with gnuplot"},
    {.name = "text",
     .letter = 't',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, text),
     .help = "print the main curve and the table; so too where nothing else is asked for"},
    {.name = "title",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, title),
     .argument = "TEXT",
     .help = "of the page"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite files that exist"},
    {0},
};

static const option_group groups[] = {{"Report", report_options_table}, {0}};

static const example examples[] = {
    {"lop report out", "the table in the terminal"},
    {"lop report out -o report.html --csv results.csv", "the page, and all numbers"},
    {"lop report out/mnist out/fashion-mnist -o both.html", "one page of several sweeps"},
    {0},
};

static void tell_next(session *s)
{
    char line[2048];
    command_line(s, NULL, line, sizeof line);
    say_next(s, "%s -o report.html", line);
}

static lop_status write_all(session *s, const values *v, const lop_results *results,
                            lop_error *error)
{
    char *again = report_commands(v->common.arguments, v->common.argument_count), name[512];
    lop_hooks hooks = session_hooks(s);
    lop_report_options options = report_options(s, &hooks);
    bool text = v->text || !(v->output || v->csv || v->epochs || v->figures || s->common.json);
    lop_status status = LOP_OK;
    options.command = again;
    options.title = v->title;
    options.directory = "."; /* results say better */
    if (v->output)
        status = report_write_html(results, &options, v->output, v->overwrite, error);
    if (status == LOP_OK && v->csv)
        status = report_write_csv(results, lop_report_csv, v->csv, v->overwrite, error);
    if (status == LOP_OK && v->epochs)
        status = report_write_csv(results, lop_report_epochs_csv, v->epochs, v->overwrite, error);
    if (status == LOP_OK && v->figures)
        status = report_write_figures(s, results, &options, v->figures, error);
    if (status == LOP_OK && text)
        status = curve_draw(results, &s->out, error);
    if (status == LOP_OK && text)
        status = lop_report_table(results, &options, stdout, error);
    if (status == LOP_OK && s->common.json)
        status = show_json(json_pack("{s:I, s:s*, s:s*, s:s*, s:s*}", "results",
                                     (json_int_t)results->count, "html", v->output, "csv", v->csv,
                                     "epochs", v->epochs, "figures", v->figures),
                           error);
    else if (status == LOP_OK && v->output && strcmp(v->output, "-") != 0)
        say_next(s, "xdg-open %s", quoted(v->output, name, sizeof name));
    else if (status == LOP_OK && text)
        tell_next(s);
    free(again);
    return status;
}

/* Results of one more directory behind those that are there; they say where their packed files lie.
 */
static lop_status add_results(lop_results *all, const char *argument, const lop_hooks *hooks,
                              lop_error *error)
{
    lop_results more = {0};
    char *path = results_path(argument), *directory = path ? results_directory(path) : NULL;
    lop_status status = LOP_OK;
    if (!directory)
        status = usage_error(error, LOP_E_MEMORY, "out of memory");
    if (status == LOP_OK)
        status = lop_results_load_rest(&more, path, hooks, error);
    for (size_t i = 0; status == LOP_OK && i < more.count; i++)
        status = lop_result_set_text(&more.items[i].directory, directory, error);
    if (status == LOP_OK)
        status = lop_results_join(all, &more, error);
    lop_results_free(&more);
    free(directory);
    free(path);
    return status;
}

/* Nothing to draw: why, by the first line that says it. */
static lop_status refuse_empty(const lop_results *results, const char *argument, lop_error *error)
{
    char *path = results_path(argument);
    if (results->skipped_count > 0)
        *error = results->skipped[0];
    else
        usage_error(error, LOP_E_FORMAT, "expected results, found none");
    if (path)
        blame(error, path);
    free(path);
    return error->code;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    lop_results results = {0};
    lop_hooks hooks = session_hooks(s);
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < v->common.argument_count; i++)
        status = add_results(&results, v->common.arguments[i], &hooks, error);
    if (status == LOP_OK && results.count == 0)
        status = refuse_empty(&results, v->common.arguments[0], error);
    if (status == LOP_OK)
        status = write_all(s, v, &results, error);
    lop_results_free(&results);
    return status;
}

const command command_report = {
    .name = "report",
    .summary = "table, page, CSV and plots of results",
    .synopsis = "DIR... [OPTIONS]",
    .description =
        "Draw the results of a sweep, or of several: DIR is its directory, or a results.jsonl "
        "itself. Everything "
        "is made from results alone; seeds of one point are put together, with mean and standard "
        "deviation.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_DIRECTORIES,
    .least = 1,
    .most = 64,
    .values_size = sizeof(values),
    .run = run,
};
