#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/output.h>
#include <lop/sensitivity.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "plot_draw.h"
#include "report_files.h"
#include "session.h"
#include "trained.h"

typedef struct values {
    trained_values trained; /* first */
    const char *csv, *figures;
    double target;
    bool overwrite;
} values;

#define IN_RECIPE(member) offsetof(values, trained.base.recipe.member)

static const option scan_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(values, trained.data),
     .argument = "NAME",
     .preset = "that of the training",
     .help = "data set, whose validation samples are looked at"},
    {.name = "label-column",
     .kind = OPTION_OWNED_TEXT,
     .offset = IN_RECIPE(label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "method",
     .letter = 'm',
     .kind = OPTION_NAME,
     .offset = IN_RECIPE(prune.method),
     .name_at = name_method_at,
     .argument = "NAME",
     .help = "what is removed as one: weight, unit or block"},
    {.name = "sparsity",
     .letter = 'k',
     .kind = OPTION_PERCENTS,
     .offset = IN_RECIPE(sparsities),
     .count_offset = IN_RECIPE(sparsity_count),
     .limit = LOP_MAX_SPARSITIES,
     .most = 100,
     .below = true,
     .argument = "K,K,...",
     .help = "per cent to remove from a layer, rising"},
    {.name = "criterion",
     .kind = OPTION_WORD,
     .offset = IN_RECIPE(prune.criterion),
     .argument = "NAME",
     .preset = "the method's first: magnitude, l2",
     .help = "what is scored"},
    {.name = "target",
     .kind = OPTION_PERCENT,
     .offset = offsetof(values, target),
     .most = 100,
     .below = true,
     .argument = "K",
     .preset = "none",
     .help = "also tell how much to take from each layer, so that K per cent go in all and each "
             "layer adds as much to the loss"},
    {0},
};

static const option output_options[] = {
    {.name = "csv",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, csv),
     .argument = "FILE",
     .help = "write all numbers as CSV"},
    {.name = "figures",
     .kind = OPTION_TEXT,
     .offer = OFFER_DIRECTORIES,
     .offset = offsetof(values, figures),
     .argument = "DIR",
     .help = "draw plots as PNG, SVG and PDF, with gnuplot"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite FILE"},
    {0},
};

static const option_group groups[] = {{"Scan", scan_options},
                                      {"Scan", data_limit_options},
                                      {"How to prune", pruning_options},
                                      {"Output", output_options},
                                      {0}};

static const example examples[] = {
    {"lop sensitivity net.safetensors --data mnist --figures figures",
     "how much each layer can lose, as table and plots"},
    {"lop sensitivity net.safetensors -m unit -k 50,80,90 --target 80",
     "units, and a list for 'lop prune --allocation list'"},
    {0},
};

/* "12.5,80,97.25": per cent, short enough to type. */
static void list_text(const double *list, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.6g", i ? "," : "", 100 * list[i]);
}

/* A scan with what it was made from: the names of its layers. */
typedef struct scanned {
    lop_sensitivity scan;
    const lop_network *network;
} scanned;

static const lop_sensitivity_point *row_of(const scanned *found, size_t layer)
{
    return found->scan.point + layer * found->scan.steps;
}

static const char *name_of(const scanned *found, size_t layer)
{
    return lop_network_layer(found->network, row_of(found, layer)->layer)->name;
}

static void show_table(const scanned *found)
{
    const lop_sensitivity *scan = &found->scan;
    printf("%-16s %9s", "layer", "k %");
    for (size_t k = 0; k < scan->steps; k++)
        printf(" %7.4g", 100 * scan->point[k].sparsity);
    printf("\n");
    for (size_t i = 0; i < scan->layers; i++) {
        printf("%-16.16s %9s", name_of(found, i), "accuracy");
        for (size_t k = 0; k < scan->steps; k++)
            printf(" %7.2f", 100 * row_of(found, i)[k].accuracy);
        printf("\n%-16s %9s", "", "loss");
        for (size_t k = 0; k < scan->steps; k++)
            printf(" %7.4f", row_of(found, i)[k].loss);
        printf("\n");
    }
    printf("validation samples; whole: accuracy %.2f %%, loss %.4f\n", 100 * scan->accuracy,
           scan->loss);
}

static void name_line(const void *of, size_t line, char *text, size_t size)
{
    snprintf(text, size, "%s", name_of(of, line));
}

static void name_place(const void *of, size_t at, char *text, size_t size)
{
    const scanned *found = of;
    snprintf(text, size, "%.4g", at ? 100 * found->scan.point[at - 1].sparsity : 0);
}

/* The table again, as a picture: whole at the left, then each k. */
static lop_status show_plot(const scanned *found, const terminal *t, lop_error *error)
{
    size_t layers = found->scan.layers, places = found->scan.steps + 1;
    double least = 100, *y = calloc(layers * places + 1, sizeof *y);
    for (size_t i = 0; y && i < layers * places; i++) {
        size_t k = i % places;
        y[i] = 100 * (k ? row_of(found, i / places)[k - 1].accuracy : found->scan.accuracy);
        least = fmin(least, y[i]);
    }
    const plot p = {
        .title = "validation accuracy in %, one layer pruned, against k in %",
        .lines = layers,
        .places = places,
        .y = y,
        .low = fmin(90, 10 * floor(least / 10)),
        .high = 100,
        .name = name_line,
        .place = name_place,
        .of = found,
    };
    if (!y)
        return usage_error(error, LOP_E_MEMORY, "out of memory for the plot");
    putchar('\n');
    lop_status status = plot_draw(&p, t, error);
    putchar('\n');
    free(y);
    return status;
}

/* The network's widths, the data, and how it was pruned. */
static lop_status write_figures(session *s, const values *v, const scanned *found, lop_error *error)
{
    char widths[256], title[512];
    const lop_recipe *recipe = &v->trained.base.recipe;
    lop_hooks hooks = session_hooks(s);
    lop_report_options options = report_options(s, &hooks);
    lop_network_describe(found->network, widths, sizeof widths);
    snprintf(title, sizeof title, "%.100s, %.200s, by %s%s%s", recipe->data, widths,
             lop_granularity_name(recipe->prune.method), recipe->prune.criterion[0] ? " " : "",
             recipe->prune.criterion);
    options.title = title;
    lop_status status =
        lop_report_sensitivity(&found->scan, found->network, &options, v->figures, error);
    return report_figures_drawn(s, status, error);
}

static lop_status write_csv(const values *v, const scanned *found, lop_error *error)
{
    lop_output *output = NULL;
    lop_status status = lop_output_open(&output, v->csv, v->overwrite, error);
    if (status != LOP_OK)
        return blame(error, v->csv);
    FILE *stream = lop_output_stream(output);
    fprintf(stream, "layer,items,sparsity,valid_accuracy,valid_loss\r\n");
    for (size_t i = 0; i < found->scan.layers; i++)
        for (size_t k = 0; k < found->scan.steps; k++) {
            const lop_sensitivity_point *point = &row_of(found, i)[k];
            fprintf(stream, "%s,%zu,%.15g,%.15g,%.15g\r\n", name_of(found, i), point->items,
                    point->sparsity, point->accuracy, point->loss);
        }
    return lop_output_commit(output, error);
}

static json_t *layer_object(const scanned *found, size_t layer)
{
    json_t *points = json_array();
    const lop_sensitivity_point *row = row_of(found, layer);
    for (size_t k = 0; k < found->scan.steps; k++)
        json_array_append_new(points, json_pack("{s:f, s:f, s:f}", "sparsity", row[k].sparsity,
                                                "valid_accuracy", row[k].accuracy, "valid_loss",
                                                row[k].loss));
    return json_pack("{s:s, s:I, s:o}", "layer", name_of(found, layer), "items",
                     (json_int_t)row->items, "points", points);
}

static lop_status show_scan_json(const scanned *found, const double *list, lop_error *error)
{
    json_t *layers = json_array(), *shares = list ? json_array() : NULL;
    for (size_t i = 0; i < found->scan.layers; i++) {
        json_array_append_new(layers, layer_object(found, i));
        if (list)
            json_array_append_new(shares, json_real(100 * list[i]));
    }
    return show_json(json_pack("{s:f, s:f, s:o, s:o*}", "valid_accuracy", found->scan.accuracy,
                               "valid_loss", found->scan.loss, "layers", layers, "list_percent",
                               shares),
                     error);
}

static lop_status show(session *s, const values *v, const scanned *found, lop_error *error)
{
    char text[1024], name[512];
    bool wanted = isfinite(v->target);
    lop_status status = LOP_OK;
    double *list = calloc(found->scan.layers + 1, sizeof *list);
    if (!list)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    if (wanted)
        status = lop_sensitivity_allocate(&found->scan, v->target, list, error);
    if (status == LOP_OK && v->csv)
        status = write_csv(v, found, error);
    if (status == LOP_OK && v->figures)
        status = write_figures(s, v, found, error);
    if (status == LOP_OK && s->common.json)
        status = show_scan_json(found, wanted ? list : NULL, error);
    else if (status == LOP_OK) {
        show_table(found);
        status = show_plot(found, &s->out, error);
    }
    if (status == LOP_OK && wanted && !s->common.json) {
        list_text(list, found->scan.layers, text, sizeof text);
        printf("list for %g %% in all: %s\n", 100 * v->target, text);
        say_next(s, "lop prune %s -m %s --allocation list --list %s -o pruned.safetensors",
                 quoted(v->trained.base.common.arguments[0], name, sizeof name),
                 lop_granularity_name(v->trained.base.recipe.prune.method), text);
    }
    free(list);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    lop_recipe *recipe = &v->trained.base.recipe;
    lop_hooks hooks = session_hooks(s);
    lop_dataset *dataset = NULL;
    scanned found = {.network = v->trained.network};
    lop_status status = trained_check(&v->trained, error);
    if (status == LOP_OK && v->trained.data)
        status = recipe_values_data(&v->trained.base, v->trained.data, error);
    if (status != LOP_OK)
        return status;
    if (v->trained.base.common.seed != SEED_AS_TRAINED)
        recipe->seed = v->trained.base.common.seed;
    signals_watch();
    status =
        data_open(&dataset, s, &(data_named){recipe->data, recipe->label_column, false}, error);
    if (status == LOP_OK) {
        status = lop_recipe_scan(recipe, found.network, dataset, &hooks, &found.scan, error);
        if (status != LOP_OK)
            blame(error, v->trained.base.common.arguments[0]);
    }
    progress_end(s);
    if (status == LOP_OK)
        status = show(s, v, &found, error);
    lop_sensitivity_free(&found.scan);
    lop_dataset_free(dataset);
    return status;
}

static lop_status prepare(void *given, lop_error *error)
{
    ((values *)given)->target = NAN;
    return trained_prepare(given, error);
}

const command command_sensitivity = {
    .name = "sensitivity",
    .summary = "how much each layer can lose, by itself",
    .synopsis = "FILE --data NAME [OPTIONS]",
    .description =
        "Prune each layer alone, at each sparsity, and look at the validation samples. Layers "
        "differ: what one hardly notices ruins another. With --target, also say how much to take "
        "from each layer so that each adds as much to the loss, as a list for 'lop prune "
        "--allocation list'.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = prepare,
    .settle = trained_settle,
    .release = trained_release,
    .run = run,
};
