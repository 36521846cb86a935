#include "pruned.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "options.h"

/* What the library writes itself is not handed on. */
static bool is_own_key(const char *key)
{
    static const char *const own[] = {"format", "lop.version", "lop.network", "lop.prune"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], key) == 0)
            return true;
    return false;
}

char *pruned_record(const lop_recipe *recipe, bool compact)
{
    json_t *list = json_array();
    for (size_t i = 0; i < recipe->stage_count; i++) {
        const lop_stage *stage = &recipe->stages[i];
        const lop_criterion *criterion = NULL;
        lop_criterion_find(stage->criterion[0] ? stage->criterion : NULL, stage->method, &criterion,
                           NULL);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:f, s:b}", "method",
                            lop_granularity_name(stage->method), "criterion",
                            criterion ? criterion->name : "", "scope", lop_scope_name(stage->scope),
                            "schedule", lop_recipe_schedule_name(stage->schedule), "sparsity",
                            stage->sparsity, "include_output", (int)stage->include_output));
    }
    json_t *object = json_pack("{s:o, s:b}", "stages", list, "compact", (int)compact);
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!json_is_whole()) {
        free(text);
        text = NULL;
    }
    return text;
}

lop_status pruned_metadata(const json_t *parent, const pruned_texts *texts, lop_metadata **list,
                           lop_error *error)
{
    const lop_metadata own[] = {
        {"lop.prune", texts->record},
        {"lop.history", texts->history},
        {"lop.recipe", texts->recipe},
    };
    const size_t owns = sizeof own / sizeof *own;
    const char *key;
    json_t *value;
    size_t count = 0;
    lop_metadata *made = calloc(json_object_size(parent) + owns + 1, sizeof *made);
    if (!made || !texts->record) {
        free(made);
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    }
    json_object_foreach((json_t *)parent, key, value)
    {
        bool told = false;
        for (size_t i = 1; texts->run && i < owns; i++)
            told = told || strcmp(key, own[i].key) == 0;
        if (json_is_string(value) && !is_own_key(key) && !told)
            made[count++] = (lop_metadata){key, json_string_value(value)};
    }
    for (size_t i = 0; i < owns; i++)
        if (own[i].value)
            made[count++] = own[i];
    *list = made;
    return LOP_OK;
}
