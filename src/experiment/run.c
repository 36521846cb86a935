#include "experiment/measure.h"

#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/machine.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/fields.h"
#include "report/json.h"

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

static lop_status record(lop_result *result, const lop_history *history, const char *recipe,
                         lop_error *error)
{
    result->train_seconds = history->seconds;
    size_t peak = lop_memory_peak_bytes();
    result->peak_memory_bytes = peak ? peak : LOP_ABSENT;
    lop_epoch *epochs = lopi_alloc(history->count, sizeof *epochs);
    if (!epochs && history->count)
        return lopi_fail_memory(error, history->count * sizeof *epochs);
    if (history->count)
        memcpy(epochs, history->epochs, history->count * sizeof *epochs);
    result->epochs = epochs;
    result->epoch_count = history->count;
    return lop_result_set_text(&result->recipe, recipe, error);
}

static lop_status save(const lop_run_options *options, const lop_network *network,
                       const lop_result *result, lop_error *error)
{
    char *line = NULL;
    if (!options->output)
        return LOP_OK;
    lop_status status = lop_result_write(result, &line, error);
    if (status == LOP_OK) {
        const lop_metadata metadata[] = {
            {"lop.history", line}, {"lop.recipe", result->recipe}, {NULL, NULL}};
        status = lop_network_save(network, options->output, metadata, options->overwrite, error);
    }
    free(line);
    return status;
}

lop_status lop_run(const lop_recipe *recipe, const lop_dataset *dataset,
                   const lop_run_options *options, lop_network **network, lop_result *result,
                   lop_history *history, lop_error *error)
{
    lop_split split = {0};
    lop_network *made = NULL;
    lop_result filled = lop_result_empty();
    lop_history own = {0}, *told = history ? history : &own;
    json_t *object = NULL;
    char *text = NULL;
    *told = (lop_history){0};
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = check_output(options, error);
    if (status == LOP_OK)
        status = lopi_training_object(recipe, options->seed, &object, error);
    if (status == LOP_OK)
        status = lopi_json_text(object, (lopi_json_style){0}, &text, error);
    if (status == LOP_OK)
        status = lopi_recipe_split(&split, recipe, dataset, options->seed, error);
    if (status == LOP_OK)
        status = lop_recipe_network(recipe, dataset, options->seed, &made, error);
    if (status != LOP_OK)
        goto out;

    lop_train_options train = recipe->train;
    train.seed = options->seed;
    train.checkpoint = options->checkpoint;
    train.resume = options->resume;
    train.metadata = text;
    train.hooks = options->hooks;
    status = lop_train(made, dataset, &split, &train, NULL, told, error);
    if (status == LOP_OK)
        status = lopi_result_begin(&filled, dataset, made, options->seed, error);
    if (status == LOP_OK)
        status = lopi_result_count(&filled, made, error);
    if (status == LOP_OK)
        status = lopi_result_evaluate(&filled, made, dataset, &split, false, error);
    if (status == LOP_OK)
        status = record(&filled, told, text, error);
    if (status == LOP_OK)
        status = save(options, made, &filled, error);
    if (status == LOP_OK) {
        *network = made;
        *result = filled;
        made = NULL;
        filled = lop_result_empty();
    }
out:
    json_decref(object);
    free(text);
    lop_split_free(&split);
    lop_network_free(made);
    lop_result_free(&filled);
    lop_history_free(&own);
    return status;
}
