#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/prune.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "pruned.h"
#include "running.h"
#include "session.h"
#include "shipped.h"
#include "trained.h"

typedef struct values {
    trained_values trained; /* first */
    const char *output;
    bool compact;
} values;

static const option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "write the pruned network here"},
    {.name = "compact",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, compact),
     .help = "then remove physically what no longer has a part in the result"},
    {0},
};

static const option_group groups[] = {
    {"Pruning", stage_list_options},   {"Pruning", stage_sparsity_options},
    {"How to prune", pruning_options}, {"When to prune", schedule_options},
    {"Retraining", recovery_options},  {"Distillation", distillation_options},
    {"Sharing", sharing_options},      {"Data", trained_data_options},
    {"Data", data_limit_options},      {"Output", output_options},
    {"Output", keeping_options},       {0},
};

static const example examples[] = {
    {"lop prune net.safetensors --method weight --sparsity 90 -o p.safetensors",
     "the smallest 90 % of each layer's weights become zero"},
    {"lop prune net.safetensors -m unit -k 50 --compact -o small.safetensors",
     "half of each layer's units go, and the matrices shrink"},
    {"lop prune net.safetensors -m weight -k 99 --schedule gradual --epochs 15 -o p.safetensors",
     "little by little while the network is retrained, which keeps the accuracy"},
    {"lop prune net.safetensors -m unit,weight -k 80,90 --epochs 10 -o p.safetensors",
     "units first, then weights of what remains"},
    {0},
};

/* What a file of the network takes. */
typedef struct sizes {
    size_t dense;
    shipped shipped;
} sizes;

/* What --json prints. */
static json_t *counts_json(const values *v, const lop_count *count, const sizes *bytes)
{
    const lop_recipe *recipe = &v->trained.base.recipe;
    const lop_stage *last = &recipe->stages[recipe->stage_count - 1];
    return json_pack("{s:s, s:s, s:f, s:f, s:I, s:I, s:I, s:I}", "output", v->output, "method",
                     lop_granularity_name(last->method), "target_sparsity", last->sparsity,
                     "sparsity", count->sparsity, "weights_total", (json_int_t)count->weights,
                     "weights_left", (json_int_t)count->weights_left, "effective_weights_left",
                     (json_int_t)count->effective_weights_left, "bytes_sparse",
                     (json_int_t)bytes->shipped.sparse);
}

static void show_counts(const values *v, const lop_count *count, const sizes *bytes)
{
    char left[32], total[32], effective[32];
    FILE *stream = strcmp(v->output, "-") == 0 ? stderr : stdout;
    fprintf(stream, "weights left  %s of %s (%.2f %%), %s of them with a part in the result\n",
            grouped(count->weights_left, left, sizeof left),
            grouped(count->weights, total, sizeof total),
            100.0 * (double)count->weights_left / (double)count->weights,
            grouped(count->effective_weights_left, effective, sizeof effective));
    fprintf(stream, "units left   ");
    for (size_t i = 0; i < count->layers; i++)
        fprintf(stream, " %zu/%zu", count->layer[i].units_left, count->layer[i].units);
    fprintf(stream, "\nas a file     %s sparse, without what is dead; %s dense\n",
            sized(bytes->shipped.sparse, left, sizeof left),
            sized(bytes->dense, total, sizeof total));
}

static lop_status compact(lop_network **network, lop_error *error)
{
    lop_network *compacted = NULL;
    lop_status status = lop_compact(&compacted, *network, error);
    if (status == LOP_OK) {
        lop_network_free(*network);
        *network = compacted;
    }
    return status;
}

/* Pruned at once, by the weights alone: no data is looked at. */
static lop_status prune_alone(session *s, values *v, const lop_metadata *metadata, lop_error *error)
{
    lop_hooks hooks = session_hooks(s);
    lop_count count;
    sizes bytes = {0};
    char *line = NULL;
    lop_status status =
        lop_recipe_prune(&v->trained.base.recipe, &v->trained.network, &hooks, error);
    if (status == LOP_OK)
        status = lop_count_network(v->trained.network, &count, error);
    if (status == LOP_OK && v->compact)
        status = compact(&v->trained.network, error);
    if (status == LOP_OK) { /* once the file is there, nothing may fail */
        bytes.dense = lop_dense_bytes(v->trained.network);
        status = shipped_bytes(&bytes.shipped, v->trained.network, 0, error);
    }
    if (status == LOP_OK && s->common.json)
        status = json_line(counts_json(v, &count, &bytes), &line, error);
    if (status != LOP_OK)
        return blame(error, v->trained.base.common.arguments[0]);
    status = lop_network_save(v->trained.network, v->output, metadata,
                              v->trained.base.keep.overwrite, error);
    if (status == LOP_OK && line)
        puts(line);
    else if (status == LOP_OK)
        show_counts(v, &count, &bytes);
    free(line);
    return status;
}

static lop_status prune_and_retrain(session *s, const values *v, const lop_metadata *metadata,
                                    lop_error *error)
{
    lop_network *network = NULL;
    lop_result result = lop_result_empty();
    char *line = NULL;
    const running r = {
        .base = &v->trained.base,
        .seed = v->trained.base.recipe.seed,
        .parent = v->trained.network,
        .metadata = metadata,
        .output = v->output,
        .compact = v->compact,
        .line = s->common.json ? &line : NULL,
    };
    lop_status status = run_recipe(s, &r, &network, &result, error);
    if (status == LOP_OK)
        show_run(s, v->output, &result, line);
    lop_network_free(network);
    lop_result_free(&result);
    free(line);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    lop_recipe *recipe = &v->trained.base.recipe;
    char name[512], *record = NULL;
    json_t *object = NULL;
    lop_metadata *metadata = NULL;
    lop_status status = stages_settle(&v->trained.base, s->command, error);
    if (status == LOP_OK && recipe->stage_count == 0)
        status = usage_error(error, LOP_E_ARG, "--method NAME is missing; expected 'lop %s %s'",
                             s->command->name, s->command->synopsis);
    if (status == LOP_OK)
        status = lop_recipe_check(recipe, error); /* options are no fault of the file's */
    if (status == LOP_OK)
        status = trained_check(&v->trained, error);
    if (status == LOP_OK && v->trained.data)
        status = recipe_values_data(&v->trained.base, v->trained.data, error);
    if (status != LOP_OK)
        return status;
    if (v->trained.base.common.seed != SEED_AS_TRAINED)
        recipe->recovery.seed = v->trained.base.common.seed;
    bool whole = v->trained.data || lop_recipe_needs_data(recipe);
    object = json_loads(v->trained.metadata, 0, NULL);
    record = pruned_record(recipe, v->compact);
    status =
        pruned_metadata(object, &(pruned_texts){.record = record, .run = whole}, &metadata, error);
    if (status == LOP_OK)
        status =
            whole ? prune_and_retrain(s, v, metadata, error) : prune_alone(s, v, metadata, error);
    if (status == LOP_OK && strcmp(v->output, "-") != 0) {
        char data[512], data_name[512];
        say_next(s, "lop eval %s --data %s", quoted(v->output, name, sizeof name),
                 quoted(v->trained.data ? v->trained.data
                                        : trained_on(v->trained.metadata, data, sizeof data),
                        data_name, sizeof data_name));
    }
    json_decref(object);
    free(record);
    free(metadata);
    return status;
}

const command command_prune = {
    .name = "prune",
    .summary = "remove weights or units from a network",
    .synopsis = "FILE --method NAME --sparsity K -o FILE [OPTIONS]",
    .description =
        "Remove K per cent of the weights, or of the units, of each layer: those of lowest score. "
        "The output layer is left alone unless asked for. Ties go to the lower index, so the same "
        "command always removes the same.\n\n"
        "With --epochs the network is retrained, and a schedule says when it is pruned on the way; "
        "a checkpoint is kept, and --resume continues it. With --data it is also measured, and the "
        "record of it, with the curve of each epoch, goes into the file.\n\n"
        "Weights become zero and stay in the file; --compact takes out whole units that have no "
        "part in the result any more, and the network computes the same with smaller matrices.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = trained_prepare,
    .settle = trained_settle,
    .release = trained_release,
    .run = run,
};
