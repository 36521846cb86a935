#include "scenarios.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/lop.h>

static char directory[] = "/tmp/lop-faults-XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

/* Networks and their files ----------------------------------------------------------------------
 */

static const size_t hidden[] = {7, 5};
static const lop_mlp_spec small = {
    .inputs = 6, .hidden = hidden, .hidden_count = 2, .outputs = 3, .seed = 1};

static lop_status made_and_copied(lop_error *error)
{
    lop_network *network = NULL, *copy = NULL, *same = NULL;
    char *spec = NULL;
    lop_status status = lop_network_new_mlp(&network, &small, error);
    if (status == LOP_OK)
        status = lop_network_mask_new(network, 0, error);
    if (status == LOP_OK)
        status = lop_network_copy(&copy, network, error);
    if (status == LOP_OK)
        status = lop_network_assign(copy, network, error);
    if (status == LOP_OK)
        status = lop_network_spec(network, &spec, error);
    if (status == LOP_OK)
        status = lop_network_new_spec(&same, spec, strlen(spec), error);
    free(spec);
    lop_network_free(same);
    lop_network_free(copy);
    lop_network_free(network);
    return status;
}

static lop_status saved(lop_error *error)
{
    lop_network *network = NULL;
    const lop_metadata metadata[] = {{"note", "by a test"}, {NULL, NULL}};
    lop_status status = lop_network_new_mlp(&network, &small, error);
    if (status == LOP_OK)
        status = lop_network_save(network, at("saved.safetensors"), metadata, true, error);
    lop_network_free(network);
    return status;
}

static lop_status loaded(lop_error *error)
{
    lop_network *network = NULL;
    char *metadata = NULL;
    lop_status status = lop_network_load(&network, at("net.safetensors"), &metadata, error);
    free(metadata);
    lop_network_free(network);
    return status;
}

/* Data ------------------------------------------------------------------------------------------
 */

static lop_status opened(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_split split = {0};
    lop_status status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_split_new(&split, lop_dataset_train(data), 10, 1, error);
    lop_split_free(&split);
    lop_dataset_free(data);
    return status;
}

static lop_status read_in(lop_error *error)
{
    lop_inputs *inputs = NULL;
    lop_status status = lop_inputs_read(&inputs, at("inputs.csv"), 6, LOP_INPUT_AUTO, error);
    lop_inputs_free(inputs);
    return status;
}

/* Training, and pruning meanwhile ---------------------------------------------------------------
 */

static lop_status trained(lop_error *error)
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
    lop_status status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_split_new(&split, lop_dataset_train(data), 10, 1, error);
    if (status == LOP_OK)
        status = lop_network_new_mlp(&network, &small, error);
    if (status == LOP_OK)
        status = lop_train(network, data, &split, &options, NULL, &history, error);
    /* And once more from the checkpoint, with an epoch more. */
    lop_history_free(&history);
    options.epochs = 2;
    options.resume = true;
    if (status == LOP_OK)
        status = lop_train(network, data, &split, &options, NULL, &history, error);
    lop_history_free(&history);
    lop_network_free(network);
    lop_split_free(&split);
    lop_dataset_free(data);
    return status;
}

static lop_status evaluated(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_evaluation result;
    lop_status status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_network_load(&network, at("net.safetensors"), NULL, error);
    if (status == LOP_OK)
        status = lop_evaluate(network, lop_dataset_test(data), NULL, &result, error);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* Every criterion that needs no training, each on a copy; then what is left is counted and taken
 * out. */
static lop_status pruned(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL;
    lop_status status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_network_load(&network, at("net.safetensors"), NULL, error);
    for (size_t i = 0; status == LOP_OK && lop_criterion_at(i); i++) {
        const lop_criterion *criterion = lop_criterion_at(i);
        if (criterion->needs >= LOP_NEEDS_MOVEMENT) /* gathered while training */
            continue;
        lop_network *copy = NULL, *compact = NULL;
        lop_count count;
        size_t bytes;
        const lop_prune_options options = {.granularity = criterion->granularity,
                                           .criterion = criterion,
                                           .sparsity = 0.5,
                                           .n = criterion->granularity == LOP_GRANULARITY_NM,
                                           .m = criterion->granularity == LOP_GRANULARITY_NM,
                                           .samples = lop_dataset_train(data),
                                           .sample_count = 20};
        status = lop_network_copy(&copy, network, error);
        if (status == LOP_OK)
            status = lop_prune(copy, &options, error);
        if (status == LOP_OK)
            status = lop_count_network(copy, &count, error);
        if (status == LOP_OK)
            status = lop_compact(&compact, copy, error);
        if (status == LOP_OK)
            status = lop_zstd_bytes(copy, 3, &bytes, error);
        lop_network_free(compact);
        lop_network_free(copy);
    }
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

/* Packed networks --------------------------------------------------------------------------------
 */

static lop_status packed(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_network *network = NULL, *back = NULL;
    lop_packed *made = NULL;
    lop_status status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_network_load(&network, at("net.safetensors"), NULL, error);
    if (status == LOP_OK) {
        const lop_pack_options options = {.samples = lop_dataset_train(data), .sample_count = 20};
        status = lop_pack(&made, network, &options, error);
    }
    if (status == LOP_OK)
        status = lop_packed_save(made, at("saved.lop"), true, error);
    if (status == LOP_OK)
        status = lop_unpack(&back, made, error);
    lop_network_free(back);
    lop_packed_free(made);
    lop_network_free(network);
    lop_dataset_free(data);
    return status;
}

static lop_status planned(lop_error *error)
{
    lop_packed *network = NULL;
    lop_plan *plan = NULL;
    lop_plan_options options = {.max_batch = 8, .threads = 2};
    const float x[6] = {0};
    float y[3];
    char text[4096];
    void *workspace = NULL;
    lop_status status = lop_packed_open_file(&network, at("net.lop"), 0, error);
    if (status == LOP_OK)
        status = lop_plan_new(&plan, network, &options, error);
    if (status == LOP_OK) {
        size_t size = lop_plan_workspace(plan);
        workspace = aligned_alloc(64, size);
        status = lop_plan_run(plan, x, 1, y, workspace, size, error);
    }
    if (status == LOP_OK && lop_plan_text(plan, text, sizeof text) <= sizeof text) {
        lop_plan_free(plan);
        plan = NULL;
        options.saved = text;
        status = lop_plan_new(&plan, network, &options, error);
    }
    free(workspace);
    lop_plan_free(plan);
    lop_packed_free(network);
    return status;
}

/* By its header: that a plan cannot be kept is no error. */
static lop_status plan_kept(lop_error *error)
{
    lop_packed *network = NULL;
    lop_plan *plan = NULL;
    const lop_plan_options options = {.max_batch = 1};
    const lop_data_options where = {.cache_dir = directory};
    lop_status status = lop_packed_open_file(&network, at("net.lop"), 0, error);
    if (status == LOP_OK)
        status = lop_plan_cached(&plan, network, &options, &where, false, NULL, error);
    lop_plan_free(plan);
    lop_packed_free(network);
    return status;
}

/* Results, recipes, experiments ------------------------------------------------------------------
 */

static lop_status appended(lop_error *error)
{
    lop_results results = {0};
    remove(at("appended.jsonl"));
    lop_status status = lop_results_load(&results, at("results.jsonl"), NULL, error);
    for (size_t i = 0; status == LOP_OK && i < results.count; i++)
        status = lop_results_append(at("appended.jsonl"), &results.items[i], error);
    lop_results_free(&results);
    return status;
}

static lop_status reported(lop_error *error)
{
    lop_results results = {0};
    lop_output *output = NULL;
    lop_status status = lop_results_load(&results, at("results.jsonl"), NULL, error);
    if (status == LOP_OK)
        status = lop_output_open(&output, at("report.txt"), true, error);
    if (status == LOP_OK)
        status = lop_report_csv(&results, lop_output_stream(output), error);
    if (status == LOP_OK)
        status = lop_report_table(&results, NULL, lop_output_stream(output), error);
    if (status == LOP_OK) {
        status = lop_output_commit(output, error);
        output = NULL;
    }
    lop_output_abandon(output);
    lop_results_free(&results);
    return status;
}

static const char recipe_text[] = "layers: [7, 5]\n"
                                  "validation: 10\n"
                                  "seeds: 1\n"
                                  "train: {epochs: 1, batch_size: 16, precision: float32}\n"
                                  "recovery: {epochs: 1}\n"
                                  "prune: {methods: [weight, unit], sparsity_percent: [0, 50]}\n";

static lop_status recipe_read(lop_recipe *recipe, lop_error *error)
{
    lop_status status = lop_recipe_default(recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_parse(recipe, recipe_text, "recipe", error);
    return status;
}

static lop_status page_made(lop_error *error)
{
    lop_results results = {0};
    lop_output *output = NULL;
    /* Without the directory: a packed network that cannot be opened is left out, and the page says
     * so, which is another page. */
    lop_status status = lop_results_load(&results, at("results.jsonl"), NULL, error);
    if (status == LOP_OK)
        status = lop_output_open(&output, at("page.html"), true, error);
    if (status == LOP_OK)
        status = lop_report_html(&results, NULL, lop_output_stream(output), error);
    if (status == LOP_OK) {
        status = lop_output_commit(output, error);
        output = NULL;
    }
    lop_output_abandon(output);
    lop_results_free(&results);
    return status;
}

static lop_status recipes(lop_error *error)
{
    lop_recipe recipe = {0}, copy = {0};
    char *json = NULL;
    lop_status status = recipe_read(&recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_copy(&copy, &recipe, error);
    if (status == LOP_OK)
        status = lop_recipe_json(&copy, &json, error);
    free(json);
    lop_recipe_free(&copy);
    lop_recipe_free(&recipe);
    return status;
}

static lop_status swept(lop_error *error)
{
    lop_recipe recipe = {0};
    lop_dataset *data = NULL;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s/sweep'", directory);
    if (system(command) != 0)
        return LOP_E_INTERNAL;
    const lop_sweep_options options = {.directory = at("sweep"), .no_timing = true, .jobs = 1};
    lop_status status = recipe_read(&recipe, error);
    if (status == LOP_OK)
        status = lop_dataset_open(&data, at("data.csv"), NULL, error);
    if (status == LOP_OK)
        status = lop_sweep(&recipe, data, &options, error);
    lop_dataset_free(data);
    lop_recipe_free(&recipe);
    return status;
}

static const scenario scenarios[] = {
    {"network", made_and_copied, NULL, false},
    {"save", saved, "saved.safetensors", false},
    {"load", loaded, NULL, false},
    {"data", opened, NULL, false},
    {"inputs", read_in, NULL, false},
    {"train", trained, NULL, false},
    {"evaluate", evaluated, NULL, false},
    {"prune", pruned, NULL, false},
    {"pack", packed, "saved.lop", false},
    {"plan", planned, NULL, true}, /* without threads of its own it computes alone */
    {"plan kept", plan_kept, NULL, true},
    {"append", appended, NULL, false},
    {"report", reported, "report.txt", false},
    {"page", page_made, "page.html", false},
    {"recipe", recipes, NULL, false},
    {"sweep", swept, NULL, false},
};

const scenario *scenario_at(unsigned index)
{
    return index < sizeof scenarios / sizeof *scenarios ? &scenarios[index] : NULL;
}

/* Making ready -----------------------------------------------------------------------------------
 */

static void write_csv(const char *path, bool labelled)
{
    FILE *file = fopen(path, "w");
    for (unsigned i = 0; file && i < 72; i++) {
        if (labelled)
            fprintf(file, "%u,", i % 3);
        for (unsigned j = 0; j < 6; j++)
            fprintf(file, "%u%c", (i * 7 + j * 11 + (i % 3) * 80 * (j % 3 == i % 3)) % 256,
                    j == 5 ? '\n' : ',');
    }
    if (file)
        fclose(file);
}

const char *scenarios_begin(void)
{
    lop_error error = {0};
    if (!mkdtemp(directory))
        return NULL;
    write_csv(at("data.csv"), true);
    write_csv(at("inputs.csv"), false);
    lop_status status = saved(&error);
    if (status == LOP_OK && rename(at("saved.safetensors"), at("net.safetensors")) != 0)
        status = LOP_E_IO;
    if (status == LOP_OK)
        status = packed(&error);
    if (status == LOP_OK && rename(at("saved.lop"), at("net.lop")) != 0)
        status = LOP_E_IO;
    if (status == LOP_OK)
        status = swept(&error);
    if (status == LOP_OK && rename(at("sweep/results.jsonl"), at("results.jsonl")) != 0)
        status = LOP_E_IO;
    if (status != LOP_OK)
        fprintf(stderr, "making ready: %s: %s\n", lop_status_name(status), error.text);
    return status == LOP_OK ? directory : NULL;
}

void scenarios_end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", directory);
}
