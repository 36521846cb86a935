#include "experiment/directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "experiment/fields.h"
#include "nn/json_dump.h"
#include "nn/json_read.h"
#include "report/json.h"

enum { LARGEST_RECIPE = 1 << 20 };

static json_t *member_of(const json_t *object, const lopi_recipe_field *field)
{
    if (field->section[0])
        object = json_object_get(object, field->section);
    return json_object_get(object, field->key);
}

/* "20", "[1000,500]", "nothing": short enough for an error. */
static void show(const json_t *value, char *buffer, size_t size)
{
    char *text = value ? lopi_json_dump(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
    snprintf(buffer, size, "%.60s", text ? text : "nothing");
    free(text);
}

/* The first member that both do not say alike; those that choose points may differ. */
static lop_status hold_against(const json_t *found, const json_t *wanted, const char *path,
                               lop_error *error)
{
    const lopi_recipe_field *field;
    for (size_t i = 0; (field = lopi_recipe_field_at(i)); i++) {
        const json_t *there = member_of(found, field), *here = member_of(wanted, field);
        if (field->point || there == here || (there && here && json_equal(there, here)))
            continue;
        char old[64], new[64];
        show(there, old, sizeof old);
        show(here, new, sizeof new);
        return lopi_fail_file(error, LOP_E_ARG, path,
                              "made with %s%s%s %s, this sweep has %s; take another directory, or "
                              "continue with that recipe",
                              field->section, field->section[0] ? "." : "", field->key, old, new);
    }
    return LOP_OK;
}

static lop_status settle_recipe(lopi_sweep_directory *directory, const lop_recipe *recipe,
                                lop_error *error)
{
    json_t *wanted = NULL, *found = NULL;
    lopi_bytes bytes = {0};
    char *text = NULL;
    lop_status status = lopi_recipe_object(recipe, true, &wanted, error);
    if (status == LOP_OK)
        status = lopi_json_text(wanted, (lopi_json_style){.lines = true}, &text, error);
    if (status == LOP_OK && lopi_file_exists(directory->recipe_path)) {
        json_error_t why;
        status = lopi_file_read(&bytes, directory->recipe_path, LARGEST_RECIPE, error);
        if (status == LOP_OK &&
            (status = lopi_json_read(&found, (const char *)bytes.data, bytes.size, &why)) != LOP_OK)
            lopi_fail_line(error, status, directory->recipe_path,
                           (uint64_t)(why.line > 0 ? why.line : 0), "%s", why.text);
        if (status == LOP_OK)
            status = hold_against(found, wanted, directory->recipe_path, error);
    }
    /* Points that were added are written down. */
    if (status == LOP_OK && !(found && json_equal(found, wanted)))
        status = lopi_file_write(directory->recipe_path, text, strlen(text), true, error);
    json_decref(wanted);
    json_decref(found);
    lopi_free(bytes.data);
    free(text);
    return status;
}

/* What killed processes left: the lock is ours, so nobody writes here. Where the name of a folder
 * is longer than the system takes there is none. */
static void clean(const char *path)
{
    static const char *const folders[] = {"", "/packed", "/figures"};
    char folder[4096];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if ((size_t)snprintf(folder, sizeof folder, "%s%s", path, folders[i]) < sizeof folder)
            lopi_directory_clean(folder);
}

lop_status lopi_sweep_directory_open(lopi_sweep_directory *directory, const char *path,
                                     const lop_recipe *recipe, const lop_hooks *hooks,
                                     lop_error *error)
{
    *directory = (lopi_sweep_directory){
        .path = lopi_strdup(path),
        .results_path = lopi_path_join(path, "results.jsonl"),
        .recipe_path = lopi_path_join(path, "recipe.json"),
        .lock_path = lopi_path_join(path, "sweep.lock"),
        .lock.descriptor = -1,
    };
    if (!directory->path || !directory->results_path || !directory->recipe_path ||
        !directory->lock_path)
        return lopi_fail_memory(error, strlen(path));
    lop_status status = lopi_directory_make(path, error);
    if (status == LOP_OK)
        status = lopi_lock_take(&directory->lock, directory->lock_path, error);
    if (status == LOP_OK)
        clean(path);
    if (status == LOP_OK)
        status = settle_recipe(directory, recipe, error);
    if (status == LOP_OK && lopi_file_exists(directory->results_path))
        status = lop_results_load(&directory->results, directory->results_path, hooks, error);
    return status;
}

void lopi_sweep_directory_close(lopi_sweep_directory *directory)
{
    lopi_lock_release(&directory->lock);
    lop_results_free(&directory->results);
    lopi_free(directory->path);
    lopi_free(directory->results_path);
    lopi_free(directory->recipe_path);
    lopi_free(directory->lock_path);
}
