/* Packed networks and their plans. */
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"
#include "scenarios_parts.h"

lop_status pack_network(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL, *back = NULL;
    lop_packed *made = NULL;
    lop_status status = open_both(&data, &network, error);
    if (status == LOP_OK) {
        const lop_pack_options options = {.samples = lop_dataset_train(data), .sample_count = 20};
        status = lop_pack(&made, network, &options, error);
    }
    if (status == LOP_OK)
        status = lop_packed_save(made, at("saved.lop"), true, error);
    if (status == LOP_OK)
        status = lop_unpack(&back, made, error);
    if (status == LOP_OK)
        found_network(back);
    lop_network_free(back);
    lop_packed_free(made);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* The fewest values; packed with them, into memory, and opened from there. */
static lop_status search(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_packed *made = NULL, *opened = NULL, *counted = NULL;
    lop_pack_values values[3] = {{0}};
    lop_packed_layer layer = {0};
    lop_file_account account = {0};
    lop_difference difference = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    lop_status status = open_both(&data, &network, error);
    if (status == LOP_OK) {
        const lop_pack_search wanted = {
            .samples = lop_dataset_train(data), .sample_count = 20, .max_loss = 0.5};
        status = lop_pack_search_values(values, network, &wanted, NULL, error);
    }
    if (status == LOP_OK) {
        const lop_pack_options options = {.values = values, .value_count = 3};
        status = lop_pack(&made, network, &options, error);
    }
    if (status == LOP_OK)
        status = lop_packed_encode(made, &bytes, &size, error);
    if (status == LOP_OK)
        status = lop_packed_open(&opened, bytes, size, 0, error);
    if (status == LOP_OK)
        status = lop_packed_layer_get(opened, 2, &layer, error);
    if (status == LOP_OK)
        status = lop_packed_account(&account, &counted, bytes, size, 0, error);
    if (status == LOP_OK)
        status = lop_packed_compare(made, opened, NULL, 4, 1, &difference, error);
    if (status == LOP_OK)
        found("%zu bytes, %zu of positions, %zu of %u values, %zu differ", size, account.positions,
              layer.weights_left, values[2].entries, difference.different);
    lop_file_account_free(&account);
    lop_packed_free(counted);
    lop_packed_free(opened);
    free(bytes);
    lop_packed_free(made);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* Run a plan on floats and bytes. Kernels are chosen by guessed times: always the same ones. */
static lop_status run_plan(const lop_plan *plan, lop_error *error)
{
    const float x[FEATURES] = {0.5f, 1};
    const uint8_t bytes[FEATURES] = {128, 255};
    float y[CLASSES] = {0}, z[CLASSES] = {0};
    lop_plan_choice choice = {0};
    size_t size = lop_plan_workspace(plan);
    void *workspace = aligned_alloc(64, size);
    lop_status status = lop_plan_run(plan, x, 1, y, workspace, size, error);
    if (status == LOP_OK)
        status = lop_plan_run_bytes(plan, bytes, 1, z, workspace, size, error);
    if (status == LOP_OK)
        status = lop_plan_choice_get(plan, 0, 1, &choice, error);
    if (status == LOP_OK)
        found("%.9g %.9g by %s ", (double)y[0], (double)z[1], choice.chosen.kernel);
    free(workspace);
    return status;
}

static lop_status plan_with(size_t threads, lop_error *error)
{
    lop_packed *network = NULL;
    lop_dataset *data = NULL;
    lop_plan *plan = NULL;
    lop_plan_options options = {.max_batch = 8, .threads = threads};
    lop_evaluation result;
    char text[4096];
    lop_status status = lop_packed_open_file(&network, at("net.lop"), 0, error);
    if (status == LOP_OK)
        status = lop_plan_new(&plan, network, &options, error);
    if (status == LOP_OK)
        status = run_plan(plan, error);
    if (status == LOP_OK && lop_plan_text(plan, text, sizeof text) <= sizeof text) {
        lop_plan_free(plan);
        plan = NULL;
        options.saved = text;
        status = lop_plan_new(&plan, network, &options, error);
    }
    if (status == LOP_OK)
        status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_evaluate_plan(plan, lop_dataset_test(data), NULL, &result, error);
    if (status == LOP_OK)
        found("%.17g", result.loss);
    lop_plan_free(plan);
    lop_dataset_free(data);
    lop_packed_free(network);
    return status;
}

static lop_status plan_alone(lop_error *error) { return plan_with(1, error); }
static lop_status plan_together(lop_error *error) { return plan_with(2, error); }

/* By its header: that a plan cannot be kept is no error. */
static lop_status keep_plan(lop_error *error)
{
    lop_packed *network = NULL;
    lop_plan *plan = NULL;
    const lop_plan_options options = {.max_batch = 1};
    const lop_data_options where = {.cache_dir = at("")};
    lop_status status = lop_packed_open_file(&network, at("net.lop"), 0, error);
    if (status == LOP_OK)
        status = lop_plan_cached(&plan, network, &options, &where, false, NULL, error);
    lop_plan_free(plan);
    lop_packed_free(network);
    return status;
}

const scenario pack_scenarios[] = {
    {.name = "pack", .play = pack_network, .output = "saved.lop"},
    {.name = "values", .play = search},
    {.name = "plan", .play = plan_alone},
    {"threads", plan_together, NULL, false,
     true}, /* without threads of its own it computes alone */
    {.name = "plan kept", .play = keep_plan, .forgiven = ~0u},
    {.name = NULL},
};
