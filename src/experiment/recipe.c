#include "experiment/fields.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static const size_t challenge_hidden[] = {1000, 1000, 500, 200};
static const double challenge_sparsities[] = {0,    0.25, 0.50, 0.60, 0.70,
                                              0.80, 0.90, 0.95, 0.97, 0.99};

lop_status lop_recipe_default(lop_recipe *out, lop_error *error)
{
    lop_recipe recipe = {
        .data = lopi_strdup("mnist"),
        .hidden_count = sizeof challenge_hidden / sizeof *challenge_hidden,
        .train = lop_train_options_default(),
        .methods = {LOP_GRANULARITY_WEIGHT, LOP_GRANULARITY_UNIT},
        .method_count = 2,
        .sparsity_count = sizeof challenge_sparsities / sizeof *challenge_sparsities,
        .seed = 1,
        .seed_count = 1,
    };
    if (!recipe.data)
        return lopi_fail_memory(error, sizeof "mnist");
    memcpy(recipe.hidden, challenge_hidden, sizeof challenge_hidden);
    memcpy(recipe.sparsities, challenge_sparsities, sizeof challenge_sparsities);
    *out = recipe;
    return LOP_OK;
}

void lop_recipe_free(lop_recipe *recipe)
{
    if (!recipe)
        return;
    lopi_free(recipe->data);
    lopi_free(recipe->label_column);
    lopi_free(recipe->network);
    lopi_free(recipe->weight_criterion);
    lopi_free(recipe->unit_criterion);
    *recipe = (lop_recipe){0};
}

lop_status lopi_recipe_copy(lop_recipe *to, const lop_recipe *from, lop_error *error)
{
    *to = *from;
    to->data = lopi_strdup(from->data);
    to->label_column = lopi_strdup(from->label_column);
    to->network = lopi_strdup(from->network);
    to->weight_criterion = lopi_strdup(from->weight_criterion);
    to->unit_criterion = lopi_strdup(from->unit_criterion);
    if (!to->data == !from->data && !to->label_column == !from->label_column &&
        !to->network == !from->network && !to->weight_criterion == !from->weight_criterion &&
        !to->unit_criterion == !from->unit_criterion)
        return LOP_OK;
    lop_recipe_free(to);
    return lopi_fail_memory(error, sizeof *to);
}

static lop_status check_layers(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->hidden_count > LOP_MAX_HIDDEN)
        return lopi_fail(error, LOP_E_RANGE, "layers: expected at most %d, found %zu",
                         LOP_MAX_HIDDEN, recipe->hidden_count);
    for (size_t i = 0; i < recipe->hidden_count; i++)
        if (recipe->hidden[i] < 1 || recipe->hidden[i] > LOP_MAX_WIDTH)
            return lopi_fail(error, LOP_E_RANGE, "layers: expected 1 to %u units, found %zu",
                             LOP_MAX_WIDTH, recipe->hidden[i]);
    return LOP_OK;
}

static lop_status check_methods(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->method_count < 1 || recipe->method_count > LOP_MAX_METHODS)
        return lopi_fail(error, LOP_E_RANGE, "methods: expected 1 to %d, found %zu",
                         LOP_MAX_METHODS, recipe->method_count);
    for (size_t i = 0; i < recipe->method_count; i++)
        for (size_t j = 0; j < i; j++)
            if (recipe->methods[i] == recipe->methods[j])
                return lopi_fail(error, LOP_E_ARG, "methods: %s is there twice",
                                 lop_granularity_name(recipe->methods[i]));
    return LOP_OK;
}

static lop_status check_sparsities(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->sparsity_count < 1 || recipe->sparsity_count > LOP_MAX_SPARSITIES)
        return lopi_fail(error, LOP_E_RANGE, "sparsities: expected 1 to %d, found %zu",
                         LOP_MAX_SPARSITIES, recipe->sparsity_count);
    for (size_t i = 0; i < recipe->sparsity_count; i++) {
        double sparsity = recipe->sparsities[i];
        if (!(sparsity >= 0 && sparsity < 1))
            return lopi_fail(error, LOP_E_RANGE,
                             "sparsities: expected 0 to below 100 %%, found %g %%", 100 * sparsity);
        if (i > 0 && !(sparsity > recipe->sparsities[i - 1]))
            return lopi_fail(error, LOP_E_ARG,
                             "sparsities: expected rising ones, found %g %% behind %g %%",
                             100 * sparsity, 100 * recipe->sparsities[i - 1]);
    }
    return LOP_OK;
}

lop_status lop_recipe_check(const lop_recipe *recipe, lop_error *error)
{
    const lop_criterion *criterion;
    if (!recipe->data || !recipe->data[0])
        return lopi_fail(error, LOP_E_ARG, "data: expected the name or path of a data set");
    lop_status status = check_layers(recipe, error);
    if (status == LOP_OK)
        status = check_methods(recipe, error);
    if (status == LOP_OK)
        status = check_sparsities(recipe, error);
    if (status == LOP_OK && (recipe->seed_count < 1 || recipe->seed_count > LOP_MAX_SEEDS))
        status = lopi_fail(error, LOP_E_RANGE, "seeds: expected 1 to %d, found %zu", LOP_MAX_SEEDS,
                           recipe->seed_count);
    if (status == LOP_OK)
        status = lop_train_options_check(&recipe->train, error);
    if (status == LOP_OK)
        status =
            lop_criterion_find(recipe->weight_criterion, LOP_GRANULARITY_WEIGHT, &criterion, error);
    if (status == LOP_OK)
        status =
            lop_criterion_find(recipe->unit_criterion, LOP_GRANULARITY_UNIT, &criterion, error);
    return status;
}

/* A spec says its own widths, so it has to be held against the data. */
static lop_status network_from_spec(const char *spec, const lop_samples *samples, lop_network **out,
                                    lop_error *error)
{
    lop_network *network = NULL;
    lop_status status = lop_network_new_spec(&network, spec, strlen(spec), error);
    if (status != LOP_OK)
        return status;
    if (lop_network_inputs(network) != samples->features ||
        lop_network_outputs(network) != samples->classes) {
        status = lopi_fail(error, LOP_E_SHAPE,
                           "the network takes %zu values and yields %zu classes, but the data has "
                           "%zu values and %zu classes",
                           lop_network_inputs(network), lop_network_outputs(network),
                           samples->features, samples->classes);
        lop_network_free(network);
        return status;
    }
    *out = network;
    return LOP_OK;
}

lop_status lop_recipe_network(const lop_recipe *recipe, const lop_dataset *dataset, uint64_t seed,
                              lop_network **out, lop_error *error)
{
    const lop_samples *samples = lop_dataset_train(dataset);
    if (!recipe->network) {
        lop_mlp_spec spec = {
            .inputs = samples->features,
            .hidden = recipe->hidden,
            .hidden_count = recipe->hidden_count,
            .outputs = samples->classes,
            .bias = recipe->bias,
            .seed = seed,
        };
        return lop_network_new_mlp(out, &spec, error);
    }
    lop_status status = network_from_spec(recipe->network, samples, out, error);
    if (status == LOP_OK)
        lop_network_initialize(*out, seed);
    return status;
}
