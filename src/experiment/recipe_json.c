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

/* The list with an item more, which it takes over. Where there is no memory there is no list. */
static json_t *with(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *widths(const lop_recipe *recipe)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < recipe->hidden_count; i++)
        list = with(list, json_integer((json_int_t)recipe->hidden[i]));
    return list;
}

static size_t count_of(const char *base, const lopi_recipe_field *field)
{
    size_t count;
    memcpy(&count, base + field->count_offset, sizeof count);
    return count;
}

static json_t *name(const lopi_recipe_field *field, const char *at)
{
    unsigned index;
    memcpy(&index, at, sizeof index);
    return json_string(field->name_at(NULL, index));
}

static json_t *names(const char *base, const lopi_recipe_field *field)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count_of(base, field); i++)
        list = with(list, name(field, base + field->offset + i * sizeof(unsigned)));
    return list;
}

static json_t *words(const char *base, const lopi_recipe_field *field)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count_of(base, field); i++)
        list = with(list, json_string(base + field->offset + i * LOP_MAX_CRITERION));
    return list;
}

static json_t *percents(const char *base, const lopi_recipe_field *field)
{
    const double *fractions = (const double *)(const void *)(base + field->offset);
    json_t *list = json_array();
    for (size_t i = 0; list && i < count_of(base, field); i++)
        list = with(list, number(percent(fractions[i])));
    return list;
}

static json_t *counts(const char *base, const lopi_recipe_field *field)
{
    const size_t *numbers = (const size_t *)(const void *)(base + field->offset);
    json_t *list = json_array();
    for (size_t i = 0; list && i < count_of(base, field); i++)
        list = with(list, json_integer((json_int_t)numbers[i]));
    return list;
}

static json_t *nodes(const lop_recipe *recipe)
{
    json_t *spec = json_loads(recipe->network, 0, NULL);
    json_t *list = json_incref(json_object_get(spec, "nodes"));
    json_decref(spec);
    return list;
}

static json_t *stages(const lop_recipe *recipe);

/* Whether the recipe has the member at all. An empty list is no list: files have at least one
 * entry. */
static bool is_there(const char *base, const lopi_recipe_field *field)
{
    const lop_recipe *recipe = (const lop_recipe *)(const void *)base;
    const void *at = base + field->offset;
    switch (field->kind) {
    case LOPI_RECIPE_TEXT:
        return *(char *const *)at != NULL;
    case LOPI_RECIPE_WORD:
        return *(const char *)at != 0;
    case LOPI_RECIPE_COUNT:
        return (double)*(const size_t *)at >= field->least;
    case LOPI_RECIPE_SEED:
        return *(const uint64_t *)at != LOP_SEED_OF_RUN;
    case LOPI_RECIPE_REAL:
        return !isnan(*(const double *)at);
    case LOPI_RECIPE_WIDTHS:
        return !recipe->network;
    case LOPI_RECIPE_WORDS:
    case LOPI_RECIPE_PERCENTS:
    case LOPI_RECIPE_COUNTS:
        return count_of(base, field) > 0;
    case LOPI_RECIPE_NODES:
        return recipe->network != NULL;
    case LOPI_RECIPE_STAGES:
        return recipe->stage_count > 0;
    default:
        return true;
    }
}

/* The member of the recipe, or, with `base` moved as far as a stage is from recipe.prune, of that
 * stage. NULL where there is no memory. */
static json_t *member(const char *base, const lopi_recipe_field *field)
{
    const lop_recipe *recipe = (const lop_recipe *)(const void *)base;
    const void *at = base + field->offset;
    switch (field->kind) {
    case LOPI_RECIPE_TEXT:
        return json_string(*(char *const *)at);
    case LOPI_RECIPE_WORD:
        return json_string(at);
    case LOPI_RECIPE_BOOL:
        return json_boolean(*(const bool *)at);
    case LOPI_RECIPE_COUNT:
        return json_integer((json_int_t) * (const size_t *)at);
    case LOPI_RECIPE_SEED:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case LOPI_RECIPE_REAL:
        return number(*(const double *)at);
    case LOPI_RECIPE_PERCENT:
        return number(percent(*(const double *)at));
    case LOPI_RECIPE_NAME:
        return name(field, at);
    case LOPI_RECIPE_WIDTHS:
        return widths(recipe);
    case LOPI_RECIPE_NAMES:
        return names(base, field);
    case LOPI_RECIPE_WORDS:
        return words(base, field);
    case LOPI_RECIPE_PERCENTS:
        return percents(base, field);
    case LOPI_RECIPE_COUNTS:
        return counts(base, field);
    case LOPI_RECIPE_NODES:
        return nodes(recipe);
    case LOPI_RECIPE_STAGES:
        return stages(recipe);
    }
    return NULL;
}

static json_t *stage_object(const lop_stage *stage)
{
    const char *base = (const char *)stage - offsetof(lop_recipe, prune);
    const lopi_recipe_field *field;
    json_t *object = json_object();
    for (size_t i = 0; object && (field = lopi_recipe_field_at(i)); i++)
        if (field->stage != LOPI_NO_STAGE && is_there(base, field) &&
            !lopi_json_set(object, field->key, member(base, field))) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

static json_t *stages(const lop_recipe *recipe)
{
    json_t *list = json_array();
    for (size_t s = 0; list && s < recipe->stage_count; s++)
        list = with(list, stage_object(&recipe->stages[s]));
    return list;
}

/* NULL where there is no memory for it. */
static json_t *section_of(json_t *object, const char *name)
{
    if (!name[0])
        return object;
    if (!json_object_get(object, name) && !lopi_json_set(object, name, json_object()))
        return NULL;
    return json_object_get(object, name);
}

lop_status lopi_recipe_object(const lop_recipe *recipe, bool points, json_t **out, lop_error *error)
{
    const lopi_recipe_field *field;
    const char *base = (const char *)recipe;
    json_t *object = json_object();
    for (size_t i = 0; object && (field = lopi_recipe_field_at(i)); i++) {
        if (field->stage == LOPI_ONLY_STAGE || (field->point && !points) || !is_there(base, field))
            continue;
        if (!lopi_json_set(section_of(object, field->section), field->key, member(base, field))) {
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
