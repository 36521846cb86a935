#include "trained.h"

#include <jansson.h>
#include <stdio.h>

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
