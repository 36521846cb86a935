#include "experiment/fields.h"
#include "report/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* A whole number is written as one: 20 and not 20.0. */
static json_t *number(double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        return json_integer((json_int_t)value);
    return json_real(value);
}

/* 0.07 · 100 is 7.000000000000001: what a person would have typed is the nearest short number. */
static double percent(double fraction) { return round(fraction * 1e11) / 1e9; }

static json_t *widths(const lop_recipe *recipe)
{
    if (recipe->network)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < recipe->hidden_count; i++)
        json_array_append_new(list, json_integer((json_int_t)recipe->hidden[i]));
    return list;
}

static json_t *methods(const lop_recipe *recipe)
{
    json_t *list = json_array();
    for (size_t i = 0; i < recipe->method_count; i++)
        json_array_append_new(list, json_string(lop_granularity_name(recipe->methods[i])));
    return list;
}

static json_t *sparsities(const lop_recipe *recipe)
{
    json_t *list = json_array();
    for (size_t i = 0; i < recipe->sparsity_count; i++)
        json_array_append_new(list, number(percent(recipe->sparsities[i])));
    return list;
}

static json_t *nodes(const lop_recipe *recipe)
{
    if (!recipe->network)
        return NULL;
    json_t *spec = json_loads(recipe->network, 0, NULL);
    json_t *list = json_incref(json_object_get(spec, "nodes"));
    json_decref(spec);
    return list;
}

static json_t *member(const lop_recipe *recipe, const lopi_recipe_field *field)
{
    const char *at = (const char *)recipe + field->offset;
    unsigned index;
    switch (field->kind) {
    case LOPI_RECIPE_TEXT:
        return *(char *const *)(const void *)at ? json_string(*(char *const *)(const void *)at)
                                                : NULL;
    case LOPI_RECIPE_BOOL:
        return json_boolean(*(const bool *)at);
    case LOPI_RECIPE_COUNT:
        return json_integer((json_int_t) * (const size_t *)(const void *)at);
    case LOPI_RECIPE_SEED:
        return json_integer((json_int_t) * (const uint64_t *)(const void *)at);
    case LOPI_RECIPE_REAL:
        return number(*(const double *)(const void *)at);
    case LOPI_RECIPE_NAME:
        memcpy(&index, at, sizeof index);
        return json_string(field->name_at(NULL, index));
    case LOPI_RECIPE_WIDTHS:
        return widths(recipe);
    case LOPI_RECIPE_METHODS:
        return methods(recipe);
    case LOPI_RECIPE_SPARSITIES:
        return sparsities(recipe);
    case LOPI_RECIPE_NODES:
        return nodes(recipe);
    }
    return NULL;
}

static json_t *section_of(json_t *object, const char *name)
{
    if (!name[0])
        return object;
    if (!json_object_get(object, name))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

/*
 * The criterion that a NULL means is written out: a later change of the default must show. `named`
 * is a shallow copy that borrows the names, for reading only.
 */
static lop_status name_criteria(const lop_recipe *recipe, lop_recipe *named, lop_error *error)
{
    const lop_criterion *weight, *unit;
    lop_status status =
        lop_criterion_find(recipe->weight_criterion, LOP_GRANULARITY_WEIGHT, &weight, error);
    if (status == LOP_OK)
        status = lop_criterion_find(recipe->unit_criterion, LOP_GRANULARITY_UNIT, &unit, error);
    if (status != LOP_OK)
        return status;
    *named = *recipe;
    named->weight_criterion = (char *)weight->name;
    named->unit_criterion = (char *)unit->name;
    return LOP_OK;
}

lop_status lopi_recipe_object(const lop_recipe *recipe, bool points, json_t **out, lop_error *error)
{
    const lopi_recipe_field *field;
    lop_recipe named;
    lop_status status = name_criteria(recipe, &named, error);
    if (status != LOP_OK)
        return status;
    json_t *object = json_object();
    for (size_t i = 0; object && (field = lopi_recipe_field_at(i)); i++) {
        if (field->point && !points)
            continue;
        json_t *value = member(&named, field);
        if (value && json_object_set_new(section_of(object, field->section), field->key, value)) {
            json_decref(object);
            object = NULL;
        }
    }
    if (!object)
        return lopi_fail_memory(error, sizeof *recipe);
    *out = object;
    return LOP_OK;
}

lop_status lop_recipe_json(const lop_recipe *recipe, char **json, lop_error *error)
{
    json_t *object = NULL;
    lop_status status = lopi_recipe_object(recipe, true, &object, error);
    if (status == LOP_OK)
        status = lopi_json_text(object, (lopi_json_style){0}, json, error);
    json_decref(object);
    return status;
}
