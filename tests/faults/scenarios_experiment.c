/* Recipes, and what is done by them: runs, searches, sweeps. */
#include <stdio.h>
#include <stdlib.h>

#include "scenarios_parts.h"

static lop_status read_recipe(lop_recipe *recipe, const char *more, lop_error *error)
{
    lop_status status = lop_recipe_default(recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_load(recipe, at("recipe.yaml"), error);
    if (status == LOP_OK && more)
        status = lop_recipe_parse(recipe, more, "more", error);
    return status;
}

static lop_status recipes(lop_error *error)
{
    static const char graph[] = "network:\n"
                                "- {op: input, name: input, width: 6}\n"
                                "- {op: linear, name: fc1, input: input, width: 3, bias: true}\n";
    lop_recipe recipe = {0}, copy = {0};
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    char *json = NULL;
    unsigned lottery = 0;
    lop_status status = read_recipe(&recipe, graph, error);
    if (status == LOP_OK)
        status = lop_recipe_schedule_find("lottery", &lottery, error);
    if (status == LOP_OK)
        status = lop_recipe_copy(&copy, &recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_check(&copy, error);
    if (status == LOP_OK)
        status = lop_recipe_json(&copy, &json, error);
    if (status == LOP_OK)
        status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_recipe_network(&copy, data, 1, &network, error);
    if (status == LOP_OK) {
        found("%u %s", lottery, json);
        found_network(network);
    }
    free(json);
    lop_network_free(network);
    lop_dataset_free(data);
    lop_recipe_free(&copy);
    lop_recipe_free(&recipe);
    return status;
}

/* The recipe of one result among several, which carry theirs. */
static lop_status recipe_of_result(lop_error *error)
{
    lop_recipe recipe = {0};
    char path[128], *json = NULL;
    snprintf(path, sizeof path, "%s:2", at("results.jsonl"));
    lop_status status = lop_recipe_default(&recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_load(&recipe, path, error);
    if (status == LOP_OK)
        status = lop_recipe_json(&recipe, &json, error);
    if (status == LOP_OK)
        found("%s", json);
    free(json);
    lop_recipe_free(&recipe);
    return status;
}

/* One run by this recipe, written to run.safetensors. */
static lop_status run_by(const char *more, const char *checkpoint, lop_error *error)
{
    lop_recipe recipe = {0};
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_result result = lop_result_empty();
    const lop_run_options options = {.output = at("run.safetensors"),
                                     .overwrite = true,
                                     .compact = true,
                                     .checkpoint = checkpoint};
    char command[256];
    snprintf(command, sizeof command, "rm -f '%s'*", at("run.checkpoint"));
    if (checkpoint && system(command) != 0)
        return LOP_E_INTERNAL;
    lop_status status = read_recipe(&recipe, more, error);
    if (status == LOP_OK)
        status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_run(&recipe, data, &options, &network, &result, NULL, error);
    if (status == LOP_OK) {
        found("%zu %.17g", (size_t)result.weights_left, result.valid_loss);
        found_network(network);
    }
    lop_result_free(&result);
    lop_network_free(network);
    lop_dataset_free(data);
    lop_recipe_free(&recipe);
    return status;
}

/* Units go while it trains, weights afterwards with the dense network as teacher, and what is left
 * shares few values. */
static lop_status run(lop_error *error)
{
    return run_by("recovery: {epochs: 2, distill_weight: 0.5, distill_temperature: 2}\n"
                  "stages: [{method: unit, sparsity_percent: 40, schedule: oneshot},"
                  " {method: weight, sparsity_percent: 50, criterion: movement,"
                  " schedule: gradual}]\n"
                  "share: {entries: [4]}\n",
                  at("run.checkpoint"), error);
}

static lop_status run_lottery(lop_error *error)
{
    return run_by("stages: [{method: weight, sparsity_percent: 50, schedule: lottery, rounds: 2,"
                  " rewind_step: 1}]\n",
                  NULL, error);
}

static const char one_stage[] = "recovery: {epochs: 0}\n"
                                "stages: [{method: weight, sparsity_percent: 50}]\n";

/* What needs a trained network and no training: pruning by stages, a scan, times. */
static lop_status prune_by_recipe(lop_error *error)
{
    lop_recipe recipe = {0};
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_sensitivity scan = {0};
    lop_status status = read_recipe(&recipe, one_stage, error);
    if (status == LOP_OK)
        status = open_both(&data, &network, error);
    if (status == LOP_OK)
        status = lop_recipe_scan(&recipe, network, data, NULL, &scan, error);
    if (status == LOP_OK)
        status = lop_recipe_prune(&recipe, &network, NULL, error);
    if (status == LOP_OK) {
        found("%.17g", scan.point[0].loss);
        found_network(network);
    }
    lop_sensitivity_free(&scan);
    lop_network_free(network);
    lop_dataset_free(data);
    lop_recipe_free(&recipe);
    return status;
}

static lop_status time_network(lop_error *error)
{
    lop_network *network = NULL;
    lop_timing timing;
    lop_energy_meter meter = {0};
    lop_status status = lop_network_new_mlp(&network, &small_spec, error);
    (void)lop_energy_read(&meter);
    if (status == LOP_OK)
        status = lop_measure_timing(network, 1e-4, &timing, error);
    (void)lop_energy_read(&meter);
    lop_network_free(network);
    return status;
}

static lop_status fit(lop_error *error)
{
    lop_recipe recipe = {0};
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_fitted fitted = {.result = lop_result_empty()};
    lop_fit_options options = lop_fit_options_default();
    options.max_weights = 60;
    lop_status status = read_recipe(&recipe, one_stage, error);
    if (status == LOP_OK)
        status = open_both(&data, &network, error);
    if (status == LOP_OK)
        status = lop_fit(&recipe, network, data, &options, &fitted, error);
    if (status == LOP_OK) {
        found("%zu steps, %zu", fitted.step_count, (size_t)fitted.result.weights_left);
        found_network(fitted.network);
    }
    lop_fitted_free(&fitted);
    lop_network_free(network);
    lop_dataset_free(data);
    lop_recipe_free(&recipe);
    return status;
}

lop_status sweep_small(lop_error *error)
{
    lop_recipe recipe = {0};
    lop_dataset *data = NULL;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", at("sweep"));
    if (system(command) != 0)
        return LOP_E_INTERNAL;
    const lop_sweep_options options = {.directory = at("sweep"), .no_timing = true, .jobs = 1};
    lop_status status = read_recipe(&recipe, NULL, error);
    if (status == LOP_OK)
        status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_sweep(&recipe, data, &options, error);
    lop_dataset_free(data);
    lop_recipe_free(&recipe);
    return status;
}

const scenario experiment_scenarios[] = {
    {.name = "recipe", .play = recipes},
    {.name = "recipe of", .play = recipe_of_result},
    {.name = "run", .play = run},
    {.name = "lottery", .play = run_lottery, .only_memory = true},
    {.name = "by recipe", .play = prune_by_recipe},
    {.name = "time", .play = time_network},
    {.name = "fit", .play = fit},
    {.name = "sweep", .play = sweep_small},
    {.name = NULL},
};
