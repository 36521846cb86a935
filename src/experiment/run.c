#include "experiment/measure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/machine.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/retrain.h"
#include "experiment/stage.h"
#include "nn/floats.h"
#include "train/teacher.h"

/* Twenty epochs of work are not to be lost to an output that could not have been written. */
static lop_status check_output(const lop_run_options *options, lop_error *error)
{
    lopi_output output = {0};
    if (!options->output || strcmp(options->output, "-") == 0)
        return LOP_OK;
    lop_status status = lopi_output_open(&output, options->output, options->overwrite, error);
    if (status == LOP_OK)
        lopi_output_abandon(&output);
    return status;
}

/* One run on its way. */
typedef struct run {
    lop_recipe recipe; /* of this run, all said */
    const lop_dataset *dataset;
    const lop_run_options *options;
    lop_split split;
    char *text;     /* the recipe, as results and files carry it */
    char *metadata; /* what checkpoints of stages belong to */
    size_t weights; /* of the dense network */
    double prune_seconds;
    lop_network *network;
} run;

/* A stage's checkpoint goes with the network that the stage began with. */
static lop_status name_stages(run *r, lop_error *error)
{
    size_t size = strlen(r->text) + 64;
    const lop_network *parent = r->options->parent;
    if (!(r->metadata = lopi_alloc(size, 1)))
        return lopi_fail_memory(error, size);
    if (parent)
        snprintf(r->metadata, size, "%s of %016" PRIx64, r->text, lopi_teacher_hash(parent));
    else
        snprintf(r->metadata, size, "%s", r->text);
    return LOP_OK;
}

lop_status lopi_parent_check(const lop_recipe *recipe, const lop_dataset *dataset,
                             const lop_network *parent, lop_error *error)
{
    const lop_samples *samples = lop_dataset_train(dataset);
    if (lopi_begins_untrained(recipe))
        return lopi_fail(error, LOP_E_ARG,
                         "%s begins with an untrained network, but a trained one is given",
                         recipe->prune_while_training ? "pruning while training" : "lottery");
    if (lop_network_inputs(parent) == samples->features &&
        lop_network_outputs(parent) == samples->classes)
        return LOP_OK;
    return lopi_fail(error, LOP_E_SHAPE,
                     "the network takes %zu values and yields %zu classes, but the data has %zu "
                     "values and %zu classes",
                     lop_network_inputs(parent), lop_network_outputs(parent), samples->features,
                     samples->classes);
}

static lop_status prepare(run *r, const lop_recipe *recipe, lop_error *error)
{
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = check_output(r->options, error);
    if (status == LOP_OK)
        status = lop_recipe_copy(&r->recipe, recipe, error);
    if (status != LOP_OK)
        return status;
    lopi_recipe_resolve(&r->recipe);
    if (r->options->parent)
        status = lopi_parent_check(&r->recipe, r->dataset, r->options->parent, error);
    if (status == LOP_OK)
        status = lopi_run_text(&r->recipe, r->options->seed, &r->text, error);
    if (status == LOP_OK)
        status = name_stages(r, error);
    if (status == LOP_OK)
        status = lopi_recipe_split(&r->split, &r->recipe, r->dataset, r->options->seed, error);
    if (status == LOP_OK && r->options->parent)
        status = lop_network_copy(&r->network, r->options->parent, error);
    else if (status == LOP_OK)
        status = lop_recipe_network(&r->recipe, r->dataset, r->options->seed, &r->network, error);
    if (status == LOP_OK)
        r->weights = lop_network_weight_count(r->network);
    return status;
}

static lop_status train(run *r, lop_history *history, lop_error *error)
{
    char *text = NULL;
    lop_recipe dense = {0};
    lop_train_options options = r->recipe.train;
    options.seed = r->options->seed;
    options.evaluate_test |= r->options->evaluate_test || r->recipe.stage_count > 0;
    options.checkpoint = r->options->checkpoint;
    options.resume = r->options->resume;
    options.hooks = r->options->hooks;
    lop_status status = r->recipe.stage_count > 0 ? lopi_recipe_dense(&r->recipe, &dense, error)
                                                  : lop_recipe_copy(&dense, &r->recipe, error);
    if (status == LOP_OK)
        status = lopi_run_text(&dense, r->options->seed, &text, error);
    options.metadata = text;
    if (status == LOP_OK)
        status =
            lopi_train_sharing(&dense, r->dataset, &r->split, &options, r->network, history, error);
    lop_recipe_free(&dense);
    free(text);
    return status;
}

/* What pruning begins with is also whom recovery may learn from. */
static lop_status prune(run *r, lop_history *history, lop_error *error)
{
    bool untrained = lopi_begins_untrained(&r->recipe);
    lopi_retraining job = {
        .recipe = &r->recipe,
        .dataset = r->dataset,
        .split = &r->split,
        .seed = r->options->seed,
        .weights = r->weights,
        .checkpoint = r->options->checkpoint,
        .trainings = !untrained && !r->options->parent,
        .resume = r->options->resume,
        .metadata = r->metadata,
        .hooks = r->options->hooks,
    };
    lopi_retrained told = {.history = *history};
    lop_network *parent = NULL, *winner = NULL;
    lop_status status = LOP_OK;
    if (!untrained && r->recipe.recovery.distill_weight > 0)
        status = lop_network_copy(&parent, r->network, error);
    job.parent = r->options->parent ? r->options->parent : parent;
    if (status == LOP_OK && lopi_stage_is_lottery(&r->recipe.stages[0])) {
        status = lopi_lottery(&job, &winner, &told, error);
        if (status == LOP_OK) {
            lop_network_free(r->network);
            r->network = winner;
        }
    } else if (status == LOP_OK) {
        status = lopi_retrain(&job, &r->network, &told, error);
    }
    lop_network_free(parent);
    *history = told.history;
    r->prune_seconds = told.prune_seconds;
    if (status == LOP_OK)
        lopi_retrain_clean(&job);
    return status;
}

static lop_status compact(run *r, lop_error *error)
{
    lop_network *smaller = NULL;
    lop_status status = lop_compact(&smaller, r->network, error);
    if (status == LOP_OK) {
        lop_network_free(r->network);
        r->network = smaller;
    }
    return status;
}

static lop_status measure(const run *r, const lop_history *history, lop_result *result,
                          lop_error *error)
{
    uint64_t recovery = r->recipe.recovery.seed;
    /* After a training, what its epochs say of that part will do. */
    bool train = r->recipe.train.evaluate_train && (r->options->parent || r->recipe.stage_count);
    lop_status status = LOP_OK;
    if (r->recipe.stage_count > 0) {
        result->seed = recovery == LOP_SEED_OF_RUN ? r->options->seed : recovery;
        result->prune_seconds = r->prune_seconds;
        status = lopi_stages_describe(&r->recipe, result, error);
    }
    if (status == LOP_OK)
        status = lopi_result_count(result, r->network, error);
    if (status == LOP_OK)
        status = lopi_result_evaluate(result, r->network, r->dataset, &r->split, train, error);
    if (status == LOP_OK)
        status = lopi_result_record(result, history, r->text, error);
    return status;
}

static lop_status save(const run *r, const lop_result *result, lop_error *error)
{
    const lop_run_options *options = r->options;
    size_t more = 0;
    char *line = NULL;
    if (!options->output && !options->line)
        return LOP_OK;
    while (options->metadata && options->metadata[more].key)
        more++;
    lop_metadata *metadata = lopi_alloc(more + 3, sizeof *metadata);
    if (!metadata)
        return lopi_fail_memory(error, (more + 3) * sizeof *metadata);
    lop_status status = lop_result_write(result, &line, error);
    if (status == LOP_OK && options->output) {
        metadata[0] = (lop_metadata){"lop.history", line};
        metadata[1] = (lop_metadata){"lop.recipe", result->recipe};
        for (size_t i = 0; i < more; i++)
            metadata[2 + i] = options->metadata[i];
        status = lop_network_save(r->network, options->output, metadata, options->overwrite, error);
    }
    if (status == LOP_OK && options->line) {
        *options->line = line;
        line = NULL;
    }
    lopi_free(metadata);
    free(line);
    return status;
}

lop_status lop_run(const lop_recipe *recipe, const lop_dataset *dataset,
                   const lop_run_options *options, lop_network **network, lop_result *result,
                   lop_history *history, lop_error *error)
{
    run r = {.dataset = dataset, .options = options};
    lop_result filled = lop_result_empty();
    lop_history own = {0}, *told = history ? history : &own;
    *told = (lop_history){0};
    lopi_floats_begin();
    lop_status status = prepare(&r, recipe, error);
    if (status == LOP_OK) /* sizes are held against the dense network */
        status = lopi_result_begin(&filled, dataset, r.network, options->seed, error);
    if (status == LOP_OK && !options->parent && !lopi_begins_untrained(&r.recipe))
        status = train(&r, told, error);
    if (status == LOP_OK && r.recipe.stage_count > 0)
        status = prune(&r, told, error);
    if (status == LOP_OK && options->compact)
        status = compact(&r, error);
    if (status == LOP_OK)
        status = measure(&r, told, &filled, error);
    if (status == LOP_OK)
        status = save(&r, &filled, error);
    if (status == LOP_OK) {
        *network = r.network;
        *result = filled;
        r.network = NULL;
        filled = lop_result_empty();
    }
    lop_recipe_free(&r.recipe);
    free(r.text);
    lopi_free(r.metadata);
    lop_split_free(&r.split);
    lop_network_free(r.network);
    lop_result_free(&filled);
    lop_history_free(&own);
    lopi_floats_end();
    return status;
}
