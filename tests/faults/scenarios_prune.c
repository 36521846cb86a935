/* Training, pruning, and what takes part in a training: pruner and sharer, step by step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios_parts.h"

static lop_status train(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_split split = {0};
    lop_network *network = NULL;
    lop_history history = {0};
    lop_train_options options = lop_train_options_default();
    options.epochs = 2;
    options.batch_size = 16;
    options.precision = LOP_FLOAT32;
    options.checkpoint = at("train.checkpoint");
    remove(options.checkpoint);
    lop_status status = lop_train_options_check(&options, error);
    if (status == LOP_OK)
        status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_split_new(&split, lop_dataset_train(data), 10, 1, error);
    if (status == LOP_OK)
        status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_train(network, data, &split, &options, NULL, &history, error);
    /* And once more from the checkpoint, with an epoch more. */
    lop_history_free(&history);
    options.epochs = 2;
    options.resume = true;
    if (status == LOP_OK)
        status = lop_train(network, data, &split, &options, NULL, &history, error);
    if (status == LOP_OK)
        found_network(network);
    lop_history_free(&history);
    lop_network_free(network);
    lop_split_free(&split);
    lop_dataset_free(data);
    return status;
}

static lop_status evaluate(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_evaluation result;
    lop_status status = open_both(&data, &network, error);
    if (status == LOP_OK)
        status = lop_evaluate(network, lop_dataset_test(data), NULL, &result, error);
    if (status == LOP_OK)
        found("%.17g %.17g", result.loss, result.accuracy);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* Pruned by one criterion; then what is left is counted and taken out. */
static lop_status prune_by(const lop_criterion *criterion, const lop_network *network,
                           const lop_samples *samples, lop_error *error)
{
    lop_network *copy = NULL, *compact = NULL;
    lop_count count;
    lop_granularity granularity = LOP_GRANULARITY_WEIGHT;
    size_t zstd = 0, gzip = 0, deep = 0;
    lop_status status =
        lop_granularity_find(lop_granularity_name(criterion->granularity), &granularity, error);
    if (status == LOP_OK)
        status = lop_criterion_find(criterion->name, granularity, &criterion, error);
    const lop_prune_options options = {.granularity = granularity,
                                       .criterion = criterion,
                                       .sparsity = 0.5,
                                       .n = granularity == LOP_GRANULARITY_NM,
                                       .m = granularity == LOP_GRANULARITY_NM,
                                       .samples = samples,
                                       .sample_count = 20};
    if (status == LOP_OK)
        status = lop_network_copy(&copy, network, error);
    if (status == LOP_OK)
        status = lop_prune(copy, &options, error);
    if (status == LOP_OK)
        status = lop_count_network(copy, &count, error);
    if (status == LOP_OK)
        status = lop_compact(&compact, copy, error);
    if (status == LOP_OK)
        status = lop_zstd_bytes(copy, 3, &zstd, error);
    if (status == LOP_OK)
        status = lop_gzip_bytes(copy, 3, &gzip, error);
    if (status == LOP_OK)
        status = lop_deep_compression_bytes(copy, &deep, error);
    if (status == LOP_OK) {
        found(" %zu %zu %zu %zu", count.weights_left, zstd, gzip, deep);
        found_network(compact);
    }
    lop_network_free(compact);
    lop_network_free(copy);
    return status;
}

/* Every criterion that needs no training, each on a copy. */
static lop_status prune(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_status status = open_both(&data, &network, error);
    for (size_t i = 0; status == LOP_OK && lop_criterion_at(i); i++)
        if (!lop_criterion_needs_training(lop_criterion_at(i)))
            status = prune_by(lop_criterion_at(i), network, lop_dataset_train(data), error);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* A training of four steps, as the pruner sees one: the weights themselves stand for gradients. */
static lop_status step_pruner(const char *schedule, const char *criterion, lop_error *error)
{
    enum { STEPS = 4 };
    lop_network *network = NULL;
    lop_pruner *pruner = NULL;
    lop_pruner_options options = lop_pruner_options_default(1, STEPS);
    options.target.sparsity = 0.5;
    options.every_steps = 1;
    options.begin_epoch = 0.25;
    lop_status status = lop_schedule_find(schedule, &options.schedule, error);
    if (status == LOP_OK)
        status =
            lop_criterion_find(criterion, LOP_GRANULARITY_WEIGHT, &options.target.criterion, error);
    if (status == LOP_OK)
        status = lop_pruner_options_check(&options, error);
    if (status == LOP_OK)
        status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_pruner_new(&pruner, &options, network, error);
    for (size_t step = 0; status == LOP_OK && step <= STEPS; step++) {
        const lop_layer *layer;
        for (size_t l = 0; step > 0 && status == LOP_OK && (layer = lop_network_layer(network, l));
             l++)
            if (lop_pruner_wants_gradients(pruner))
                status = lop_pruner_gradient(pruner, network, l, layer->weight, step, error);
        if (status == LOP_OK)
            status = lop_pruner_restored(pruner, error);
        if (status == LOP_OK && lop_pruner_due(pruner, step))
            status = lop_pruner_step(pruner, network, step, STEPS, error);
    }
    if (status == LOP_OK)
        found_network(network);
    lop_pruner_free(pruner);
    lop_network_free(network);
    return status;
}

static lop_status step_pruners(lop_error *error)
{
    lop_status status = step_pruner("gradual", "movement", error);
    return status == LOP_OK ? step_pruner("rigl", "magnitude", error) : status;
}

static lop_status step_sharer(lop_error *error)
{
    const size_t entries = 4;
    const lop_sharer_options options = {.entries = &entries,
                                        .entry_count = 1,
                                        .epochs = 4,
                                        .steps_per_epoch = 1,
                                        .begin_epoch = 1,
                                        .hold_epoch = 3};
    lop_network *network = NULL;
    lop_sharer *sharer = NULL;
    lop_status status = lop_sharer_options_check(&options, error);
    if (status == LOP_OK)
        status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_sharer_new(&sharer, &options, network, error);
    for (size_t step = 0; status == LOP_OK && step <= 4; step++)
        if (lop_sharer_due(sharer, step)) {
            status = lop_sharer_step(sharer, network, step, error);
            if (status == LOP_OK)
                status = lop_sharer_restored(sharer, error);
        }
    if (status == LOP_OK)
        found_network(network);
    lop_sharer_free(sharer);
    lop_network_free(network);
    return status;
}

static lop_status measure(void *context, const lop_network *network, double *loss, double *accuracy,
                          lop_error *error)
{
    lop_evaluation result;
    lop_status status = lop_evaluate(network, context, NULL, &result, error);
    if (status == LOP_OK) {
        *loss = result.loss;
        *accuracy = result.accuracy;
    }
    return status;
}

static lop_status scan(lop_error *error)
{
    static const double sparsities[] = {0.4, 0.8};
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_sensitivity made = {0};
    lop_samples samples;
    double list[2] = {0};
    lop_status status = open_both(&data, &network, error);
    if (status == LOP_OK) {
        samples = *lop_dataset_test(data);
        const lop_sensitivity_options options = {
            .sparsities = sparsities, .sparsity_count = 2, .measure = measure, .context = &samples};
        status = lop_sensitivity_scan(&made, network, &options, error);
    }
    if (status == LOP_OK)
        status = lop_sensitivity_allocate(&made, 0.5, list, error);
    if (status == LOP_OK)
        found("%.17g %.17g", list[0], list[1]);
    lop_sensitivity_free(&made);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

const scenario prune_scenarios[] = {
    {.name = "train", .play = train},
    {.name = "evaluate", .play = evaluate},
    {.name = "prune", .play = prune},
    {.name = "pruner", .play = step_pruners},
    {.name = "sharer", .play = step_sharer},
    {.name = "scan", .play = scan},
    {.name = NULL},
};
