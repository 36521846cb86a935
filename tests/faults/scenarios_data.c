/* Data sets: from files, and those that are known by name. */
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"
#include "scenarios_parts.h"

static lop_status open_csv(lop_error *error)
{
    lop_dataset *data = NULL;
    lop_split split = {0};
    lop_status status = open_data(&data, error);
    if (status == LOP_OK)
        status = lop_split_new(&split, lop_dataset_train(data), 10, 1, error);
    if (status == LOP_OK)
        found("%zu of %zu, %zu", split.train_count, lop_dataset_train(data)->count,
              lop_dataset_train(data)->features);
    lop_split_free(&split);
    lop_dataset_free(data);
    return status;
}

static lop_status read_inputs(lop_error *error)
{
    lop_inputs *inputs = NULL;
    lop_status status = lop_inputs_read(&inputs, at("inputs.csv"), FEATURES, LOP_INPUT_AUTO, error);
    if (status == LOP_OK)
        found("%zu", lop_inputs_samples(inputs)->count);
    lop_inputs_free(inputs);
    return status;
}

/* Get a set that is not there, once more where it is, and open it. */
static lop_status get(const char *name, lop_error *error)
{
    const char *cache = at("cache");
    const lop_data_options options = {.cache_dir = cache};
    lop_dataset *data = NULL;
    char *sets = NULL, *plans = NULL, command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    if (system(command) != 0)
        return LOP_E_INTERNAL;
    lop_status status = lop_data_directory(name, &options, &sets, error);
    if (status == LOP_OK)
        status = lop_cache_directory("plans", &options, &plans, error);
    if (status == LOP_OK)
        status = lop_data_get(name, &options, error);
    if (status == LOP_OK)
        status = lop_data_verify(name, &options, error);
    if (status == LOP_OK)
        status = lop_data_get(name, &options, error);
    if (status == LOP_OK)
        status = lop_dataset_open(&data, name, &options, error);
    if (status == LOP_OK)
        found("%s %s %zu %d", sets, plans, lop_dataset_test(data)->count,
              lop_data_present(name, &options));
    free(sets);
    free(plans);
    lop_dataset_free(data);
    return status;
}

static lop_status get_small(lop_error *error) { return get("small", error); }
static lop_status get_packaged(lop_error *error) { return get("packaged", error); }

const scenario data_scenarios[] = {
    {.name = "data", .play = open_csv},
    {.name = "inputs", .play = read_inputs},
    {.name = "get",
     .play = get_small,
     .forgiven =
         1u << FAULT_OPEN | 1u << FAULT_READ}, /* a file that cannot be read is fetched anew */
    {.name = "package", .play = get_packaged, .only_memory = true},
    {.name = NULL},
};
