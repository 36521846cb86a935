#include "experiment/sharing.h"
#include "experiment/stage.h"

#include <math.h>
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
        .schedule_count = 1, /* the first: at once */
        .sparsity_count = sizeof challenge_sparsities / sizeof *challenge_sparsities,
        .prune = lopi_stage_default(),
        .recovery = {.learning_rate = NAN,
                     .warmup_epochs = NAN,
                     .final_rate = NAN,
                     .weight_decay = NAN,
                     .l1 = NAN,
                     .dropout = NAN,
                     .input_dropout = NAN,
                     .shift = NAN,
                     .label_smoothing = NAN,
                     .distill_temperature = LOPI_DISTILL_TEMPERATURE,
                     .seed = LOP_SEED_OF_RUN},
        .share = lopi_sharing_none(),
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
    *recipe = (lop_recipe){0};
}

lop_status lop_recipe_copy(lop_recipe *to, const lop_recipe *from, lop_error *error)
{
    *to = *from;
    to->data = lopi_strdup(from->data);
    to->label_column = lopi_strdup(from->label_column);
    to->network = lopi_strdup(from->network);
    if (!to->data == !from->data && !to->label_column == !from->label_column &&
        !to->network == !from->network)
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

static lop_status check_data(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->data && recipe->data[0])
        return LOP_OK;
    return lopi_fail(error, LOP_E_ARG, "data: expected the name or path of a data set");
}

static lop_status check_seeds(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->seed_count >= 1 && recipe->seed_count <= LOP_MAX_SEEDS)
        return LOP_OK;
    return lopi_fail(error, LOP_E_RANGE, "seeds: expected 1 to %d, found %zu", LOP_MAX_SEEDS,
                     recipe->seed_count);
}

static lop_status check_train(const lop_recipe *recipe, lop_error *error)
{
    return lop_train_options_check(&recipe->train, error);
}

/* A criterion that no method has is a slip of the pen. */
static lop_status check_criteria(const lop_recipe *recipe, lop_error *error)
{
    const lop_criterion *row;
    if (recipe->criterion_count > LOP_MAX_CRITERIA)
        return lopi_fail(error, LOP_E_RANGE, "criteria: expected at most %d, found %zu",
                         LOP_MAX_CRITERIA, recipe->criterion_count);
    for (size_t i = 0; i < recipe->criterion_count; i++) {
        bool known = false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(recipe->criteria[i], recipe->criteria[j]) == 0)
                return lopi_fail(error, LOP_E_ARG, "criteria: %s is there twice",
                                 recipe->criteria[i]);
        for (size_t m = 0; m < recipe->method_count && !known; m++)
            known =
                lop_criterion_find(recipe->criteria[i], recipe->methods[m], &row, NULL) == LOP_OK;
        if (!known)
            return lop_criterion_find(recipe->criteria[i], recipe->methods[0], &row, error);
    }
    return LOP_OK;
}

static lop_status check_schedules(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->schedule_count < 1 || recipe->schedule_count > LOP_MAX_SCHEDULES)
        return lopi_fail(error, LOP_E_RANGE, "schedules: expected 1 to %d, found %zu",
                         LOP_MAX_SCHEDULES, recipe->schedule_count);
    for (size_t i = 0; i < recipe->schedule_count; i++)
        for (size_t j = 0; j < i; j++)
            if (recipe->schedules[i] == recipe->schedules[j])
                return lopi_fail(error, LOP_E_ARG, "schedules: %s is there twice",
                                 lop_recipe_schedule_name(recipe->schedules[i]));
    return LOP_OK;
}

static lop_status check_count(const lop_recipe *recipe, lop_error *error)
{
    if (recipe->stage_count <= LOP_MAX_STAGES)
        return LOP_OK;
    return lopi_fail(error, LOP_E_RANGE, "stages: expected at most %d, found %zu", LOP_MAX_STAGES,
                     recipe->stage_count);
}

static lop_status check_distillation(const lop_recipe *recipe, lop_error *error)
{
    const lop_recovery *recovery = &recipe->recovery;
    if (!(recovery->distill_weight >= 0 && recovery->distill_weight <= 1))
        return lopi_fail(error, LOP_E_RANGE, "distill_weight: expected 0 to 1, found %g",
                         recovery->distill_weight);
    if (recovery->distill_weight == 0)
        return LOP_OK;
    if (recovery->epochs == 0)
        return lopi_fail(error, LOP_E_ARG,
                         "distill_weight: there are no epochs of recovery in which to learn");
    if (recipe->prune_while_training)
        return lopi_fail(error, LOP_E_ARG,
                         "distill_weight: pruning while training leaves no dense network to learn "
                         "from");
    return LOP_OK;
}

static lop_status check_temperature(const lop_recipe *recipe, lop_error *error)
{
    const lop_recovery *recovery = &recipe->recovery;
    if (recovery->distill_weight > 0 || recovery->distill_temperature == LOPI_DISTILL_TEMPERATURE)
        return LOP_OK;
    return lopi_fail(error, LOP_E_ARG,
                     "distill_temperature: nothing is learnt from the dense network's answers; say "
                     "how much (distill_weight), or leave it out");
}

static const struct {
    const char *section, *key;
    lop_status (*check)(const lop_recipe *recipe, lop_error *error);
} checks[] = {
    {"", "data", check_data},
    {"", "layers", check_layers},
    {"prune", "methods", check_methods},
    {"prune", "sparsity_percent", check_sparsities},
    {"prune", "schedules", check_schedules},
    {"prune", "criteria", check_criteria},
    {"", "seeds", check_seeds},
    {"", "train", check_train},
    {"", "stages", check_count},
    {"recovery", "distill_weight", check_distillation},
    {"recovery", "distill_temperature", check_temperature},
};

static lop_status check_stages(const lop_recipe *recipe, lopi_fault *fault, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < recipe->stage_count; i++) {
        const lop_stage *stage = &recipe->stages[i];
        *fault = (lopi_fault){"stages", "method", i};
        if (lopi_stage_is_lottery(stage) && recipe->stage_count > 1)
            return lopi_fail(error, LOP_E_ARG,
                             "schedule: lottery trains anew from the start, and so is the only "
                             "stage");
        status = lopi_stage_check(stage, lopi_stage_epochs(recipe, i), fault, error);
    }
    return status;
}

/* What a stage says once, a sweep lists. */
static void name_list(lopi_fault *fault)
{
    static const char *const lists[][2] = {
        {"method", "methods"}, {"criterion", "criteria"}, {"schedule", "schedules"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(fault->key, lists[i][0]) == 0)
            fault->key = lists[i][1];
}

/* Every way of a sweep, at every sparsity, before hours are spent on the first. */
static lop_status check_ways(const lop_recipe *recipe, lopi_fault *fault, lop_error *error)
{
    lop_stage way;
    for (size_t i = 0; lopi_way_at(recipe, i, &way); i++)
        for (size_t k = 0; k < lopi_way_sparsities(recipe, &way); k++) {
            bool whole = recipe->prune_while_training || lopi_stage_is_lottery(&way);
            size_t epochs = whole ? recipe->train.epochs : recipe->recovery.epochs;
            way.sparsity = lopi_way_sparsity(recipe, &way, k);
            *fault = (lopi_fault){.section = "prune"};
            lop_status status = lopi_stage_check(&way, epochs, fault, error);
            name_list(fault);
            if (status != LOP_OK)
                return status;
        }
    return LOP_OK;
}

lop_status lopi_recipe_check(const lop_recipe *recipe, lopi_fault *fault, lop_error *error)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        lop_status status = checks[i].check(recipe, error);
        *fault = (lopi_fault){checks[i].section, checks[i].key, 0};
        if (status != LOP_OK)
            return status;
    }
    lop_status status = recipe->stage_count > 0 ? check_stages(recipe, fault, error)
                                                : check_ways(recipe, fault, error);
    if (status == LOP_OK)
        status = lopi_stages_check_idle(recipe, fault, error);
    if (status == LOP_OK)
        status = lopi_sharing_check(recipe, fault, error);
    return status;
}

lop_status lop_recipe_check(const lop_recipe *recipe, lop_error *error)
{
    lopi_fault fault = {0};
    return lopi_recipe_check(recipe, &fault, error);
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
