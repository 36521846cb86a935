#include "experiment/fields.h"

#include <math.h>
#include <string.h>

#define TRAIN(member) offsetof(lop_recipe, train.member)

static const char *precision_at(const void *context, size_t index)
{
    (void)context;
    return index <= LOP_BF16 ? lop_precision_name((lop_precision)index) : NULL;
}

static const char *optimizer_at(const void *context, size_t index)
{
    (void)context;
    return lop_optimizer_name(index);
}

static const char *rate_schedule_at(const void *context, size_t index)
{
    (void)context;
    return lop_rate_schedule_name(index);
}

static const char *method_at(const void *context, size_t index)
{
    (void)context;
    return lop_granularity_name(index);
}

static const char *scope_at(const void *context, size_t index)
{
    (void)context;
    return lop_scope_name(index);
}

/* Whole numbers up to here are exact in a double and in any reader of JSON. */
#define LARGEST_SEED 9007199254740991.0

static const char *const sections[] = {"", "train", "prune", NULL};

/* section, key, kind, offset, least, most, most excluded, chooses points, names */
static const lopi_recipe_field fields[] = {
    {"", "data", LOPI_RECIPE_TEXT, offsetof(lop_recipe, data), 0, 0, false, false, NULL},
    {"", "label_column", LOPI_RECIPE_TEXT, offsetof(lop_recipe, label_column), 0, 0, false, false,
     NULL},
    {"", "layers", LOPI_RECIPE_WIDTHS, 0, 1, LOP_MAX_WIDTH, false, false, NULL},
    {"", "bias", LOPI_RECIPE_BOOL, offsetof(lop_recipe, bias), 0, 0, false, false, NULL},
    {"", "network", LOPI_RECIPE_NODES, offsetof(lop_recipe, network), 0, 0, false, false, NULL},
    {"", "validation", LOPI_RECIPE_COUNT, offsetof(lop_recipe, validation_count), 0,
     LOP_MAX_SAMPLES, false, false, NULL},
    {"", "seed", LOPI_RECIPE_SEED, offsetof(lop_recipe, seed), 0, LARGEST_SEED, false, true, NULL},
    {"", "seeds", LOPI_RECIPE_COUNT, offsetof(lop_recipe, seed_count), 1, LOP_MAX_SEEDS, false,
     true, NULL},
    {"train", "epochs", LOPI_RECIPE_COUNT, TRAIN(epochs), 1, 100000, false, false, NULL},
    {"train", "batch_size", LOPI_RECIPE_COUNT, TRAIN(batch_size), 1, 65536, false, false, NULL},
    {"train", "precision", LOPI_RECIPE_NAME, TRAIN(precision), 0, 0, false, false, precision_at},
    {"train", "optimizer", LOPI_RECIPE_NAME, TRAIN(optimizer), 0, 0, false, false, optimizer_at},
    {"train", "learning_rate", LOPI_RECIPE_REAL, TRAIN(learning_rate), 0, HUGE_VAL, true, false,
     NULL},
    {"train", "momentum", LOPI_RECIPE_REAL, TRAIN(momentum), 0, 1, true, false, NULL},
    {"train", "beta2", LOPI_RECIPE_REAL, TRAIN(beta2), 0, 1, true, false, NULL},
    {"train", "epsilon", LOPI_RECIPE_REAL, TRAIN(epsilon), 0, HUGE_VAL, true, false, NULL},
    {"train", "nesterov", LOPI_RECIPE_BOOL, TRAIN(nesterov), 0, 0, false, false, NULL},
    {"train", "weight_decay", LOPI_RECIPE_REAL, TRAIN(weight_decay), 0, HUGE_VAL, true, false,
     NULL},
    {"train", "l1", LOPI_RECIPE_REAL, TRAIN(l1), 0, HUGE_VAL, true, false, NULL},
    {"train", "rate_schedule", LOPI_RECIPE_NAME, TRAIN(rate_schedule), 0, 0, false, false,
     rate_schedule_at},
    {"train", "warmup_epochs", LOPI_RECIPE_REAL, TRAIN(warmup_epochs), 0, 100000, false, false,
     NULL},
    {"train", "final_rate", LOPI_RECIPE_REAL, TRAIN(final_rate), 0, 1, false, false, NULL},
    {"train", "step_epochs", LOPI_RECIPE_COUNT, TRAIN(step_epochs), 0, 100000, false, false, NULL},
    {"train", "step_factor", LOPI_RECIPE_REAL, TRAIN(step_factor), 0, HUGE_VAL, true, false, NULL},
    {"train", "dropout", LOPI_RECIPE_REAL, TRAIN(dropout), 0, 1, true, false, NULL},
    {"train", "input_dropout", LOPI_RECIPE_REAL, TRAIN(input_dropout), 0, 1, true, false, NULL},
    {"train", "label_smoothing", LOPI_RECIPE_REAL, TRAIN(label_smoothing), 0, 1, true, false, NULL},
    {"train", "patience", LOPI_RECIPE_COUNT, TRAIN(patience), 0, 100000, false, false, NULL},
    {"train", "evaluate_test", LOPI_RECIPE_BOOL, TRAIN(evaluate_test), 0, 0, false, false, NULL},
    {"train", "evaluate_train", LOPI_RECIPE_BOOL, TRAIN(evaluate_train), 0, 0, false, false, NULL},
    {"prune", "methods", LOPI_RECIPE_METHODS, 0, 0, 0, false, true, method_at},
    {"prune", "sparsity_percent", LOPI_RECIPE_SPARSITIES, 0, 0, 100, true, true, NULL},
    {"prune", "weight_criterion", LOPI_RECIPE_TEXT, offsetof(lop_recipe, weight_criterion), 0, 0,
     false, false, NULL},
    {"prune", "unit_criterion", LOPI_RECIPE_TEXT, offsetof(lop_recipe, unit_criterion), 0, 0, false,
     false, NULL},
    {"prune", "scope", LOPI_RECIPE_NAME, offsetof(lop_recipe, scope), 0, 0, false, false, scope_at},
    {"prune", "include_output", LOPI_RECIPE_BOOL, offsetof(lop_recipe, include_output), 0, 0, false,
     false, NULL},
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };
_Static_assert((int)FIELD_COUNT <= (int)LOPI_RECIPE_LIMIT, "raise LOPI_RECIPE_LIMIT");

const lopi_recipe_field *lopi_recipe_field_at(size_t index)
{
    return index < FIELD_COUNT ? &fields[index] : NULL;
}

size_t lopi_recipe_field_find(const char *section, const char *key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(fields[i].section, section) == 0 && strcmp(fields[i].key, key) == 0)
            return i;
    return LOPI_RECIPE_LIMIT;
}

const char *lopi_recipe_section_at(size_t index)
{
    return index < sizeof sections / sizeof *sections ? sections[index] : NULL;
}
