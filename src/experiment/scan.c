#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "experiment/measure.h"
#include "experiment/stage.h"

/* What is looked at after each pruning. */
typedef struct part {
    const lop_dataset *dataset;
    const lop_split *split;
} part;

static lop_status look(void *context, const lop_network *network, double *loss, double *accuracy,
                       lop_error *error)
{
    const part *p = context;
    lop_evaluation found;
    lop_status status = lopi_validate(network, p->dataset, p->split, &found, error);
    if (status == LOP_OK) {
        *loss = found.loss;
        *accuracy = found.accuracy;
    }
    return status;
}

lop_status lop_recipe_scan(const lop_recipe *recipe, const lop_network *network,
                           const lop_dataset *dataset, const lop_hooks *hooks, lop_sensitivity *out,
                           lop_error *error)
{
    lop_split split = {0};
    part validation = {dataset, &split};
    lop_sensitivity_options options = {
        .sparsities = recipe->sparsities,
        .sparsity_count = recipe->sparsity_count,
        .measure = look,
        .context = &validation,
        .hooks = hooks,
    };
    lop_stage stage = recipe->prune;
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = lopi_recipe_split(&split, recipe, dataset, recipe->seed, error);
    lopi_stage_resolve(&stage, 0, false);
    if (status == LOP_OK)
        status = lopi_stage_options(&stage, &options.prune, error);
    if (status == LOP_OK) {
        size_t most = split.train_count;
        options.prune.seed = recipe->seed;
        options.prune.samples = lop_dataset_train(dataset);
        options.prune.indices = split.train;
        options.prune.sample_count = stage.calibration < most ? stage.calibration : most;
        /* Of nothing removed there is nothing to learn: a sweep's first sparsity is passed over. */
        while (options.sparsity_count > 1 && options.sparsities[0] == 0) {
            options.sparsities++;
            options.sparsity_count--;
        }
        status = lop_sensitivity_scan(out, network, &options, error);
    }
    lop_split_free(&split);
    return status;
}
