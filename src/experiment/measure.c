#include "experiment/measure.h"

#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "experiment/fields.h"
#include "experiment/sharing.h"
#include "report/json.h"

lop_status lopi_recipe_split(lop_split *out, const lop_recipe *recipe, const lop_dataset *dataset,
                             uint64_t seed, lop_error *error)
{
    const lop_samples *samples = lop_dataset_train(dataset);
    size_t count =
        recipe->validation_count ? recipe->validation_count : lop_split_default_count(samples);
    return lop_split_new(out, samples, count, seed, error);
}

/* Stages say all that section prune said to them; a sweep's lists are not of a run. */
lop_status lopi_run_object(const lop_recipe *recipe, uint64_t seed, json_t **out, lop_error *error)
{
    static const char *const pruning[] = {"prune", "recovery", "prune_while_training"};
    size_t count = recipe->stage_count > 0 ? 1 : sizeof pruning / sizeof *pruning;
    json_t *object = NULL;
    lop_status status = lopi_recipe_object(recipe, false, &object, error);
    if (status != LOP_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        json_object_del(object, pruning[i]);
    if (!lopi_json_set(object, "seed", json_integer((json_int_t)seed))) {
        json_decref(object);
        return lopi_fail_memory(error, sizeof *recipe);
    }
    *out = object;
    return LOP_OK;
}

lop_status lopi_run_text(const lop_recipe *recipe, uint64_t seed, char **out, lop_error *error)
{
    json_t *object = NULL;
    lop_status status = lopi_run_object(recipe, seed, &object, error);
    if (status == LOP_OK)
        status = lopi_json_text(object, (lopi_json_style){0}, out, error);
    json_decref(object);
    return status;
}

lop_status lopi_recipe_dense(const lop_recipe *recipe, lop_recipe *out, lop_error *error)
{
    lop_status status = lop_recipe_copy(out, recipe, error);
    if (status == LOP_OK) {
        out->stage_count = 0;
        out->share = lopi_sharing_none();
    }
    return status;
}

lop_status lopi_result_begin(lop_result *result, const lop_dataset *dataset,
                             const lop_network *network, uint64_t seed, lop_error *error)
{
    char widths[512];
    lop_network_describe(network, widths, sizeof widths);
    result->seed = seed;
    result->weights_total = lop_network_weight_count(network);
    result->bytes_dense = lop_dense_bytes(network);
    lop_machine_get(&result->machine);
    result->has_machine = true;
    lop_status status = lop_result_set_text(&result->dataset, lop_dataset_name(dataset), error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->network, widths, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->version, lop_version(), error);
    return status;
}

lop_status lopi_result_evaluate(lop_result *result, const lop_network *network,
                                const lop_dataset *dataset, const lop_split *split, bool train,
                                lop_error *error)
{
    const struct {
        const lop_samples *samples;
        const uint32_t *indices;
        size_t count;
        double *loss, *accuracy;
        bool wanted;
    } parts[] = {
        {lop_dataset_train(dataset), split->validation, split->validation_count,
         &result->valid_loss, &result->valid_accuracy, true},
        {lop_dataset_test(dataset), NULL, 0, &result->test_loss, &result->test_accuracy, true},
        {lop_dataset_train(dataset), split->train, split->train_count, &result->train_loss,
         &result->train_accuracy, train},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        lop_evaluation evaluation;
        if (!parts[i].wanted)
            continue;
        /* float32 whatever training used: results of different machines are to be compared. */
        lop_evaluate_options options = {
            .indices = parts[i].indices,
            .count = parts[i].count,
            .precision = LOP_FLOAT32,
        };
        lop_status status = lop_evaluate(network, parts[i].samples, &options, &evaluation, error);
        if (status != LOP_OK)
            return status;
        *parts[i].loss = evaluation.loss;
        *parts[i].accuracy = evaluation.accuracy;
    }
    return LOP_OK;
}

lop_status lopi_validate(const lop_network *network, const lop_dataset *dataset,
                         const lop_split *split, lop_evaluation *out, lop_error *error)
{
    const lop_evaluate_options options = {
        .indices = split->validation,
        .count = split->validation_count,
        .precision = LOP_FLOAT32,
    };
    return lop_evaluate(network, lop_dataset_train(dataset), &options, out, error);
}

lop_status lopi_result_count(lop_result *result, const lop_network *network, lop_error *error)
{
    lop_count count;
    lop_status status = lop_count_network(network, &count, error);
    if (status != LOP_OK)
        return status;
    uint64_t *units = lopi_alloc(count.layers, sizeof *units);
    if (!units)
        return lopi_fail_memory(error, count.layers * sizeof *units);
    size_t hidden = 0;
    for (size_t i = 0; i < count.layers; i++)
        if (!lop_network_layer(network, i)->output)
            units[hidden++] = count.layer[i].units_left;
    lopi_free(result->units_left);
    result->units_left = units;
    result->units_left_count = hidden;
    /* Of the dense network: units that were taken out are not there to be counted. */
    result->sparsity = 1 - (double)count.weights_left / (double)result->weights_total;
    result->weights_left = count.weights_left;
    result->effective_weights_left = count.effective_weights_left;
    return LOP_OK;
}

lop_status lopi_result_record(lop_result *result, const lop_history *history, const char *recipe,
                              lop_error *error)
{
    size_t peak = lop_memory_peak_bytes();
    result->train_seconds = history->seconds;
    result->peak_memory_bytes = peak ? peak : LOP_ABSENT;
    lop_epoch *epochs = history->count ? lopi_alloc(history->count, sizeof *epochs) : NULL;
    if (!epochs && history->count)
        return lopi_fail_memory(error, history->count * sizeof *epochs);
    if (history->count)
        memcpy(epochs, history->epochs, history->count * sizeof *epochs);
    lopi_free(result->epochs);
    result->epochs = epochs;
    result->epoch_count = history->count;
    return lop_result_set_text(&result->recipe, recipe, error);
}
