#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/fit.h>
#include <lop/output.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "pruned.h"
#include "session.h"
#include "trained.h"

typedef struct values {
    trained_values trained; /* first */
    const char *output;
    double max_loss, max_latency, deepest;
    size_t max_weights, max_bytes, per_halving, neighbours;
    bool compact, overwrite, nearest;
} values;

static const option limit_options[] = {
    {.name = "max-loss",
     .kind = OPTION_REAL,
     .offset = offsetof(values, max_loss),
     .most = 100,
     .argument = "X",
     .preset = "none",
     .help = "points of validation accuracy that may be lost against FILE: 0.1 of 98.7 % leaves "
             "98.6 %"},
    {.name = "max-weights",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, max_weights),
     .least = 1,
     .argument = "N",
     .preset = "none",
     .help = "weights that may be left"},
    {.name = "max-bytes",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, max_bytes),
     .least = 1,
     .argument = "N",
     .preset = "none",
     .help = "bytes that it may take as a plain sparse file, without what is dead"},
    {.name = "max-latency",
     .kind = OPTION_REAL,
     .offset = offsetof(values, max_latency),
     .least = 0.001,
     .most = 1e9,
     .argument = "US",
     .preset = "none",
     .help = "microseconds that the prediction of one sample may take on this machine, without "
             "what is dead; what is measured differs from run to run"},
    {0},
};

static const option search_options[] = {
    {.name = "per-halving",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, per_halving),
     .least = 1,
     .most = LOP_MAX_PER_HALVING,
     .argument = "N",
     .help = "points of the grid to each halving of what is left; 8: each keeps 8.3 % less than "
             "the one before"},
    {.name = "neighbours",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, neighbours),
     .least = 1,
     .most = 10000,
     .argument = "N",
     .help = "with --max-loss: look at so many points next to the best one before it is the best"},
    {.name = "deepest",
     .kind = OPTION_PERCENT,
     .offset = offsetof(values, deepest),
     .least = 0.001,
     .most = 99.999,
     .argument = "K",
     .help = "per cent removed at the sparsest point"},
    {.name = "sparsity",
     .letter = 'k',
     .kind = OPTION_PERCENTS,
     .offset = offsetof(values, trained.base.lists.sparsities),
     .count_offset = offsetof(values, trained.base.lists.sparsity_count),
     .limit = LOP_MAX_STAGES - 1,
     .most = 100,
     .below = true,
     .argument = "K",
     .help =
         "of several methods: per cent to remove by each but the last, whose share is searched"},
    {0},
};

static const option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "write the network that was found here; where there is none, nothing is written"},
    {.name = "nearest",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, nearest),
     .help = "where there is none, write what came nearest; the exit status is 1 all the same"},
    {.name = "compact",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, compact),
     .help = "remove physically what no longer has a part in the result, and do not count it"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite FILE"},
    {0},
};

static const option_group groups[] = {
    {"Limits", limit_options},
    {"Search", search_options},
    {"Pruning", stage_list_options},
    {"How to prune", pruning_options},
    {"When to prune", schedule_options},
    {"Retraining", recovery_options},
    {"Distillation", distillation_options},
    {"Sharing", sharing_options},
    {"Data", trained_data_options},
    {"Data", data_limit_options},
    {"Output", output_options},
    {0},
};

static const example examples[] = {
    {"lop fit net.safetensors --data mnist --max-loss 0.1 -o small.safetensors",
     "as many weights as can go at once for a tenth of a point"},
    {"lop fit net.safetensors --max-loss 0.1 --schedule gradual --epochs 10 -o small.safetensors",
     "the same with retraining, which lets many more go"},
    {"lop fit net.safetensors -m unit,weight -k 80 --epochs 10 --max-bytes 50000 -o s.safetensors",
     "80 % of the units, then as few weights as 50 kB take"},
    {0},
};

/* Steps, as they are made ---------------------------------------------------------------------- */

typedef struct teller {
    session *session;
    FILE *stream;
    const values *values;
    size_t told;
} teller;

static void show_reasons(FILE *stream, unsigned beyond)
{
    const char *name, *before = "beyond ";
    for (size_t i = 0; (name = lop_fit_limit_name(i)); i++)
        if (beyond & 1u << i) {
            fprintf(stream, "%s%s", before, name);
            before = ", ";
        }
    fputs(beyond ? "\n" : "within\n", stream);
}

static void show_row(const teller *t, const char *label, const lop_fit_step *step)
{
    char weights[32], bytes[32];
    fprintf(t->stream, "%8s %12s %12s", label, grouped(step->weights_left, weights, sizeof weights),
            grouped(step->bytes, bytes, sizeof bytes));
    if (t->values->max_latency > 0)
        fprintf(t->stream, " %9.1f", step->latency_us);
    if (isnan(step->valid_accuracy))
        fprintf(t->stream, " %11s %7s  ", "-", "-");
    else
        fprintf(t->stream, " %11.2f %7.2f  ", 100 * step->valid_accuracy, step->loss_points);
}

static void on_step(void *context, const lop_fit_step *parent, const lop_fit_step *step)
{
    teller *t = context;
    char label[16];
    progress_end(t->session);
    if (t->told++ == 0) {
        fprintf(t->stream, "%8s %12s %12s%s %11s %7s\n", "k %", "weights", "bytes",
                t->values->max_latency > 0 ? "        us" : "", "accuracy %", "loss");
        show_row(t, "FILE", parent);
        fputs("validation samples\n", t->stream);
    }
    snprintf(label, sizeof label, "%.3f", 100 * step->target);
    show_row(t, label, step);
    show_reasons(t->stream, step->beyond);
    fflush(t->stream);
}

/* What came of it ------------------------------------------------------------------------------ */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *step_object(const lop_fit_step *step)
{
    const char *name;
    json_t *beyond = json_array();
    for (size_t i = 0; (name = lop_fit_limit_name(i)); i++)
        if (step->beyond & 1u << i)
            json_array_append_new(beyond, json_string(name));
    json_t *object = json_pack(
        "{s:f, s:f, s:I, s:I, s:o, s:o, s:o}", "target_sparsity", step->target, "sparsity",
        step->sparsity, "weights_left", (json_int_t)step->weights_left, "bytes_sparse",
        (json_int_t)step->bytes, "valid_accuracy", number(step->valid_accuracy), "loss_points",
        number(step->loss_points), "beyond", beyond);
    if (object && isfinite(step->latency_us))
        json_object_set_new(object, "compacted_latency_us_batch1", json_real(step->latency_us));
    return object;
}

static json_t *limits_object(const values *v)
{
    json_t *object = json_object();
    if (isfinite(v->max_loss))
        json_object_set_new(object, "max_loss", json_real(v->max_loss));
    if (v->max_weights)
        json_object_set_new(object, "max_weights", json_integer((json_int_t)v->max_weights));
    if (v->max_bytes)
        json_object_set_new(object, "max_bytes", json_integer((json_int_t)v->max_bytes));
    if (v->max_latency > 0)
        json_object_set_new(object, "max_latency_us", json_real(v->max_latency));
    return object;
}

/* What --json prints. */
static lop_status facts(const values *v, const lop_fitted *fitted, bool met, bool written,
                        char **text, lop_error *error)
{
    char *line = NULL;
    json_t *steps = json_array(), *result = NULL;
    for (size_t i = 0; i < fitted->step_count; i++)
        json_array_append_new(steps, step_object(&fitted->steps[i]));
    lop_status status = fitted->network ? lop_result_write(&fitted->result, &line, error) : LOP_OK;
    if (line)
        result = json_loads(line, 0, NULL);
    free(line);
    if (status != LOP_OK) { /* a result that is left out would say that there is none */
        json_decref(steps);
        return status;
    }
    return json_line(json_pack("{s:b, s:o, s:s*, s:o, s:o, s:o, s:o*}", "met", (int)met, "limits",
                               limits_object(v), "output", written ? v->output : NULL, "parent",
                               step_object(&fitted->parent), "steps", steps, "best",
                               step_object(&fitted->steps[fitted->best]), "result", result),
                     text, error);
}

static void show_winner(const teller *t, const lop_fitted *fitted)
{
    const lop_result *result = &fitted->result;
    const lop_fit_step *best = &fitted->steps[fitted->best];
    char left[32], all[32], bytes[32];
    fprintf(t->stream, "%s: %g %% removed, %s of %s weights left, %s\n",
            isfinite(t->values->max_loss) ? "smallest found" : "most accurate found",
            100 * best->target, grouped(best->weights_left, left, sizeof left),
            grouped(result->weights_total, all, sizeof all),
            sized(best->bytes, bytes, sizeof bytes));
    fprintf(t->stream, "validation  accuracy %6.2f %%  loss %.4f\n", 100 * result->valid_accuracy,
            result->valid_loss);
    fprintf(t->stream, "test        accuracy %6.2f %%  loss %.4f\n", 100 * result->test_accuracy,
            result->test_loss);
}

static lop_status write_network(const values *v, const lop_fitted *fitted, lop_error *error)
{
    lop_recipe recipe = v->trained.base.recipe; /* a shallow copy, for reading */
    char *record = NULL, *history = NULL;
    lop_metadata *metadata = NULL;
    json_t *parent = json_loads(v->trained.metadata, 0, NULL);
    recipe.stages[recipe.stage_count - 1].sparsity = fitted->steps[fitted->best].target;
    lop_status status = lop_result_write(&fitted->result, &history, error);
    if (status == LOP_OK) {
        record = pruned_record(&recipe, v->compact);
        const pruned_texts texts = {record, true, history, fitted->result.recipe};
        status = pruned_metadata(parent, &texts, &metadata, error);
    }
    if (status == LOP_OK)
        status = lop_network_save(fitted->network, v->output, metadata, v->overwrite, error);
    json_decref(parent);
    free(metadata);
    free(record);
    free(history);
    return status;
}

/* Tell and write. Whether the limits were met is not lost over it, unless writing fails. */
static lop_status conclude(session *s, const teller *t, const lop_fitted *fitted,
                           lop_status searched, lop_error *error)
{
    const values *v = t->values;
    char name[512], data[512];
    lop_error failure = {.offset = LOP_NO_OFFSET};
    bool met = searched == LOP_OK, writes = fitted->network && (met || v->nearest);
    char *line = NULL;
    lop_status status = s->common.json ? facts(v, fitted, met, writes, &line, &failure) : LOP_OK;
    if (status == LOP_OK && writes)
        status = write_network(v, fitted, &failure);
    if (status == LOP_OK && line)
        puts(line);
    else if (status == LOP_OK && met)
        show_winner(t, fitted);
    free(line);
    if (status != LOP_OK) {
        *error = failure;
        return status;
    }
    if (writes && strcmp(v->output, "-") != 0)
        say_next(s, "lop eval %s --data %s", quoted(v->output, name, sizeof name),
                 quoted(v->trained.base.recipe.data, data, sizeof data));
    return searched;
}

/* The search ----------------------------------------------------------------------------------- */

/* The last method's share is what is searched for, and so is not asked for. */
static lop_status settle_stages(session *s, values *v, lop_error *error)
{
    stage_lists *lists = &v->trained.base.lists;
    const lop_recipe *recipe = &v->trained.base.recipe;
    if (lists->method_count == 0 && recipe->stage_count == 0)
        lists->methods[lists->method_count++] = LOP_GRANULARITY_WEIGHT;
    size_t stages = lists->method_count ? lists->method_count : recipe->stage_count;
    bool wanted = lists->method_count > 1 || lists->sparsity_count > 0;
    if (wanted && lists->sparsity_count + 1 != stages)
        return usage_error(error, LOP_E_ARG,
                           "--sparsity: expected one for each of %zu methods but the last, found "
                           "%zu",
                           stages, lists->sparsity_count);
    if (lists->sparsity_count + 1 == stages)
        lists->sparsities[lists->sparsity_count++] = v->deepest;
    return stages_settle(&v->trained.base, s->command, error);
}

static lop_status check(session *s, values *v, lop_error *error)
{
    lop_output *output = NULL;
    if (!isfinite(v->max_loss) && !v->max_weights && !v->max_bytes && !(v->max_latency > 0))
        return usage_error(error, LOP_E_ARG,
                           "a limit is missing: --max-loss, --max-weights, --max-bytes or "
                           "--max-latency");
    lop_status status = settle_stages(s, v, error);
    if (status == LOP_OK)
        status = trained_check(&v->trained, error);
    if (status == LOP_OK && v->trained.data)
        status = recipe_values_data(&v->trained.base, v->trained.data, error);
    /* Before work is done that could not be written. */
    if (status == LOP_OK && strcmp(v->output, "-") != 0)
        status = lop_output_open(&output, v->output, v->overwrite, error);
    lop_output_abandon(output);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    lop_recipe *recipe = &v->trained.base.recipe;
    lop_dataset *dataset = NULL;
    lop_fitted fitted = {.steps = NULL, .result = lop_result_empty()};
    lop_status status = check(s, v, error);
    if (status != LOP_OK)
        return status;
    if (v->trained.base.common.seed != SEED_AS_TRAINED)
        recipe->recovery.seed = v->trained.base.common.seed;
    lop_hooks hooks = session_hooks(s);
    teller t = {s, strcmp(v->output, "-") == 0 ? stderr : stdout, v, 0};
    const lop_fit_options options = {
        .max_loss = v->max_loss,
        .max_weights = v->max_weights,
        .max_bytes = v->max_bytes,
        .max_latency_us = v->max_latency,
        .per_halving = v->per_halving,
        .neighbours = v->neighbours,
        .deepest = v->deepest,
        .compact = v->compact,
        .hooks = &hooks,
        .on_step = s->common.json ? NULL : on_step,
        .context = &t,
    };
    signals_watch();
    status =
        data_open(&dataset, s, &(data_named){recipe->data, recipe->label_column, false}, error);
    progress_end(s);
    if (status == LOP_OK) {
        status = lop_fit(recipe, v->trained.network, dataset, &options, &fitted, error);
        progress_end(s);
        if (fitted.steps)
            status = conclude(s, &t, &fitted, status, error);
    }
    lop_fitted_free(&fitted);
    lop_dataset_free(dataset);
    return status;
}

static lop_status prepare(void *given, lop_error *error)
{
    values *v = given;
    const lop_fit_options options = lop_fit_options_default();
    v->max_loss = options.max_loss;
    v->per_halving = options.per_halving;
    v->neighbours = options.neighbours;
    v->deepest = options.deepest;
    return trained_prepare(given, error);
}

const command command_fit = {
    .name = "fit",
    .summary = "find the smallest network within limits",
    .synopsis = "FILE --max-loss X -o FILE [OPTIONS]",
    .description =
        "Prune FILE to one sparsity after the other, as 'lop prune' does with the same options, "
        "and find the smallest network within the limits that are given. Validation samples "
        "judge; the test part is only reported, of what was found. Without --method weights go.\n\n"
        "With --max-loss the search halves its way through a grid of sparsities, and then looks "
        "at neighbours, for accuracy is no smooth curve: a network that is found keeps the limits "
        "as measured, and the next sparser points were seen and do not. Without it, the largest "
        "network that keeps the limits of size is made.\n\n"
        "Where no network keeps the limits, the exit status is 1, and the error names what came "
        "nearest. Ctrl-C ends the search, and nothing is written.\n",
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
