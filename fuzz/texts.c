/* Recipes and results. */
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/experiment.h>
#include <lop/result.h>

#include "base/memory.h"

static char *recipe_json(const lop_recipe *recipe)
{
    char *json = NULL;
    lop_error error = {0};
    fuzz_expect_ok(lop_recipe_json(recipe, &json, &error), &error, "a recipe as JSON");
    return json;
}

static void expect_recipe_to_come_back(const lop_recipe *recipe)
{
    lop_recipe again = {0};
    lop_error error = {0};
    char *json = recipe_json(recipe);
    fuzz_expect_ok(lop_recipe_check(recipe, &error), &error,
                   "a recipe that was read does not pass");
    fuzz_expect(lop_recipe_default(&again, NULL) == LOP_OK, "a recipe");
    fuzz_expect_ok(lop_recipe_parse(&again, json, "again", &error), &error,
                   "a recipe, written again");
    char *second = recipe_json(&again);
    fuzz_expect(strcmp(json, second) == 0, "a recipe does not come back");
    free(second);
    free(json);
    lop_recipe_free(&again);
}

static lop_status read_recipe(const char *path, const lopi_bytes *content, lop_error *error)
{
    static char *before;
    lop_recipe recipe = {0};
    fuzz_expect(lop_recipe_default(&recipe, NULL) == LOP_OK, "a recipe");
    if (!before)
        before = recipe_json(&recipe);
    lop_status status = lop_recipe_load(&recipe, path, error);
    if (status == LOP_OK && fuzz_thorough(content)) {
        expect_recipe_to_come_back(&recipe);
    } else if (fuzz_thorough(content)) {
        char *json = recipe_json(&recipe);
        fuzz_expect(strcmp(json, before) == 0, "a recipe that was refused has changed");
        free(json);
    }
    lop_recipe_free(&recipe);
    return status;
}

static void seed_recipe(const char *directory)
{
    static const struct {
        const char *name, *text;
    } seeds[] = {
        {"lists", "data: mnist\nlayers: [300, 100]\nseeds: 2\nprune:\n  methods: [weight, unit]\n"
                  "  sparsity_percent: [0, 50, 99.5]\n  criteria: [magnitude]\n"},
        {"stages", "data: d.csv\nprune_while_training: true\ntrain:\n  epochs: 2\n  dropout: 0.2\n"
                   "recovery:\n  epochs: 4\nstages:\n  - method: unit\n    sparsity_percent: 60\n"
                   "    begin_epoch: 0.2\n  - method: weight\n    criterion: obd\n"
                   "    schedule: gradual\n    scope: global\n    end_epoch: 3\n"},
        {"flow", "{data: a, train: {optimizer: sgd, momentum: 0.9}, recovery: {epochs: 1}}\n"},
        {"share", "data: a\nrecovery: {epochs: 8}\nshare:\n  entries: [16]\n  begin_epoch: 2\n"
                  "  hold_epoch: 4\nprune:\n  sparsity_percent: [92]\n"},
        {"nodes", "data: a\nnetwork:\n  - {op: input, name: x, width: 4}\n"
                  "  - {op: linear, name: y, input: x, width: 2, bias: true}\n"},
    };
    lop_recipe recipe = {0};
    fuzz_expect(lop_recipe_default(&recipe, NULL) == LOP_OK, "a recipe");
    char *json = recipe_json(&recipe);
    fuzz_seed(directory, "default", json, strlen(json));
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_seed(directory, seeds[i].name, seeds[i].text, strlen(seeds[i].text));
    free(json);
    lop_recipe_free(&recipe);
}

const fuzz_reader fuzz_recipe = {"recipe", "recipes in YAML", 700, read_recipe, NULL, seed_recipe};

/* Results ---------------------------------------------------------------------------------------
 */

static void expect_to_come_back(const lop_result *result)
{
    lop_result again = lop_result_empty();
    char *line = NULL, *second = NULL;
    lop_error error = {0};
    fuzz_expect_ok(lop_result_write(result, &line, &error), &error, "writing a result");
    fuzz_expect(!strchr(line, '\n'), "a result of two lines");
    fuzz_expect_ok(lop_result_read(&again, line, strlen(line), &error), &error,
                   "a result, written again");
    fuzz_expect_ok(lop_result_write(&again, &second, &error), &error, "writing a result");
    fuzz_expect(strcmp(line, second) == 0 && lop_result_same(result, &again),
                "a result does not come back");
    free(line);
    free(second);
    lop_result_free(&again);
}

static lop_status read_results(const char *path, const lopi_bytes *content, lop_error *error)
{
    lop_results results = {0}, rest = {0};
    lop_error other = {0};
    lop_status status = lop_results_load(&results, path, NULL, error);
    lop_status leniently = lop_results_load_rest(&rest, path, NULL, &other);
    fuzz_expect(leniently == LOP_OK || leniently == LOP_E_LIMIT || leniently == status,
                "bad lines were not left out");
    fuzz_expect(status != LOP_OK || (rest.count == results.count), "lines were lost");
    fuzz_expect(status == LOP_OK || leniently != LOP_OK || rest.skipped_count > 0,
                "a bad line was not said");
    for (size_t i = 0; i < rest.count && fuzz_thorough(content); i++)
        expect_to_come_back(&rest.items[i]);
    lop_results_free(&results);
    lop_results_free(&rest);
    return status;
}

static void seed_results(const char *directory)
{
    lop_result result = lop_result_empty();
    uint64_t units[2] = {7, 0};
    lop_epoch epochs[2] = {{.epoch = 1, .train_loss = 0.5}, {.epoch = 2, .test_accuracy = 1}};
    char *line = NULL;
    static char dataset[] = "mnist", network[] = "784-10-7-10", method[] = "weight",
                recipe[] = "{\"a\": [1, 2.5, \"\\u00e4\"]}";
    result.dataset = dataset;
    result.network = network;
    result.method = method;
    result.seed = 3;
    result.target_sparsity = 0.9;
    result.weights_total = 1000;
    result.units_left = units;
    result.units_left_count = 2;
    result.epochs = epochs;
    result.epoch_count = 2;
    result.recipe = recipe;
    fuzz_expect(lop_result_write(&result, &line, NULL) == LOP_OK, "a result");
    char *two = lopi_alloc(2 * strlen(line) + 8, 1);
    fuzz_expect(two != NULL, "memory for results");
    int length = snprintf(two, 2 * strlen(line) + 8, "%s\n\n%s\n", line, line);
    fuzz_seed(directory, "two", two, (size_t)length);
    fuzz_seed(directory, "torn", two, (size_t)length - 9);
    static const char small[] = "{\"schema\": \"lop.result/1\", \"seed\": 1}\n";
    fuzz_seed(directory, "small", small, sizeof small - 1);
    lopi_free(two);
    free(line);
}

const fuzz_reader fuzz_results = {"results",   "results in JSON lines", 700, read_results, NULL,
                                  seed_results};
