#include "trained.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/exchange.h>

#include "commands.h"
#include "json_text.h"

const option trained_data_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(trained_values, data),
     .argument = "NAME",
     .preset = "that of the training, where any is needed",
     .help = "data set, for retraining, for criteria that look at data, and to measure"},
    {.name = "label-column",
     .kind = OPTION_OWNED_TEXT,
     .offset = offsetof(trained_values, base.recipe.label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "recipe",
     .letter = 'r',
     .kind = OPTION_RECIPE,
     .offer = OFFER_FILES,
     .offset = offsetof(trained_values, base.recipe.data),
     .argument = "FILE",
     .help = "read a recipe (YAML or JSON), or that of a result (FILE:LINE of a results.jsonl); "
             "options "
             "given here weigh more"},
    {0},
};

/* The recipe that a file carries as a text in its metadata; NULL where there is none. */
static json_t *recipe_of(const char *metadata)
{
    json_t *object = metadata ? json_loads(metadata, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(object, "lop.recipe"));
    json_t *recipe = text ? json_loads(text, 0, NULL) : NULL;
    json_decref(object);
    return recipe;
}

char *trained_on(const char *metadata, char *buffer, size_t size)
{
    json_t *recipe = recipe_of(metadata);
    const char *name = json_string_value(json_object_get(recipe, "data"));
    snprintf(buffer, size, "%s", name ? name : "mnist");
    json_decref(recipe);
    return buffer;
}

uint64_t trained_seed(const char *metadata)
{
    json_t *recipe = recipe_of(metadata);
    const json_t *seed = json_object_get(recipe, "seed");
    json_int_t value = json_is_integer(seed) ? json_integer_value(seed) : 1;
    json_decref(recipe);
    return value >= 0 ? (uint64_t)value : 1;
}

char *trained_recipe(const char *metadata)
{
    json_t *recipe = recipe_of(metadata);
    char *text = recipe ? json_dumps(recipe, JSON_REAL_PRECISION(17)) : NULL;
    json_decref(recipe);
    return text;
}

lop_status trained_prepare(void *values, lop_error *error)
{
    trained_values *v = values;
    lop_status status = recipe_values_prepare(v, error);
    v->base.common.seed = SEED_AS_TRAINED;
    return status;
}

void trained_settle(void *values)
{
    trained_values *v = values;
    const char *path = v->base.common.argument_count ? v->base.common.arguments[0] : NULL;
    if (!path || lop_network_load(&v->network, path, &v->metadata, &v->loading) != LOP_OK)
        return;
    const lop_recovery recovery = v->base.recipe.recovery;
    char *text = trained_recipe(v->metadata);
    lop_error why;
    lop_status parsed =
        text ? lop_recipe_parse(&v->base.recipe, text, path, &why) : json_check(&why);
    if (text && parsed == LOP_OK) {
        v->base.recipe.stage_count = 0;
        v->base.recipe.prune_while_training = false;
        v->base.recipe.recovery = recovery;
    }
    free(text);
    /* A recipe that cannot be read is none; one that finds no memory is not, and trained_check says
     * so. */
    if (parsed == LOP_E_MEMORY) {
        lop_network_free(v->network);
        v->network = NULL;
        v->loading = why;
    }
}

lop_status trained_check(const trained_values *v, lop_error *error)
{
    if (v->network)
        return json_check(error);
    *error = v->loading;
    return blame(error, v->base.common.arguments[0]);
}

void trained_release(void *values)
{
    trained_values *v = values;
    lop_network_free(v->network);
    free(v->metadata);
    recipe_values_release(v);
}
