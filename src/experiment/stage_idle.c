/* What only some methods and schedules look at: said in vain it is a slip of the pen. */
#include <string.h>

#include "base/error.h"
#include "experiment/stage.h"

/* A member of a stage, and who looks at it. */
typedef struct member {
    const char *key;
    size_t offset, size;
    const char *method;       /* NULL: schedules do */
    const char *schedules[4]; /* ends with NULL */
    const char *readers;      /* in words */
} member;

#define MEMBER(name) offsetof(lop_stage, name), sizeof(((lop_stage *)NULL)->name)

static const member members[] = {
    {"block_rows", MEMBER(block_rows), "block", {0}, "method block looks"},
    {"block_columns", MEMBER(block_columns), "block", {0}, "method block looks"},
    {"n", MEMBER(n), "nm", {0}, "method nm looks"},
    {"m", MEMBER(m), "nm", {0}, "method nm looks"},
    {"rounds",
     MEMBER(rounds),
     NULL,
     {"iterative", "lottery"},
     "schedules iterative and lottery look"},
    {"initial_percent",
     MEMBER(initial_sparsity),
     NULL,
     {"gradual", "linear", "iterative"},
     "schedules gradual, linear and iterative look"},
    {"drop_fraction", MEMBER(drop_fraction), NULL, {"set", "rigl"}, "schedules set and rigl look"},
    {"rewind_step", MEMBER(rewind_step), NULL, {"lottery"}, "schedule lottery looks"},
};
enum { MEMBERS = sizeof members / sizeof *members };

static bool is_said(const member *row, const lop_stage *stage)
{
    const lop_stage unless = lopi_stage_default();
    return memcmp((const char *)stage + row->offset, (const char *)&unless + row->offset,
                  row->size) != 0;
}

static const char *name_of(const member *row, const lop_stage *stage)
{
    const char *name = row->method ? lop_granularity_name(stage->method)
                                   : lop_recipe_schedule_name(stage->schedule);
    return name ? name : "";
}

static bool is_read(const member *row, const lop_stage *stage)
{
    const char *name = name_of(row, stage);
    if (row->method)
        return strcmp(name, row->method) == 0;
    for (size_t i = 0; row->schedules[i]; i++)
        if (strcmp(name, row->schedules[i]) == 0)
            return true;
    return false;
}

void lopi_stage_forget(lop_stage *stage)
{
    const lop_stage unless = lopi_stage_default();
    for (size_t i = 0; i < MEMBERS; i++)
        if (!is_read(&members[i], stage))
            memcpy((char *)stage + members[i].offset, (const char *)&unless + members[i].offset,
                   members[i].size);
}

static lop_status refuse(const member *row, const lop_stage *stage, lop_error *error)
{
    return lopi_fail(error, LOP_E_ARG, "%s: only %s at it, found %s %s", row->key, row->readers,
                     row->method ? "method" : "schedule", name_of(row, stage));
}

/* Stages share what their recipe says of all, so one of them that looks is enough. */
static lop_status check_stages(const lop_recipe *recipe, const member *row, lopi_fault *fault,
                               lop_error *error)
{
    size_t said = recipe->stage_count;
    for (size_t i = recipe->stage_count; i-- > 0;) {
        const lop_stage *stage = &recipe->stages[i];
        if (is_said(row, stage) && is_read(row, stage))
            return LOP_OK;
        said = is_said(row, stage) ? i : said;
    }
    if (said == recipe->stage_count)
        return LOP_OK;
    *fault = (lopi_fault){"stages", row->key, said};
    return refuse(row, &recipe->stages[said], error);
}

static lop_status check_ways(const lop_recipe *recipe, const member *row, lopi_fault *fault,
                             lop_error *error)
{
    lop_stage way, first = recipe->prune;
    if (!is_said(row, &recipe->prune))
        return LOP_OK;
    for (size_t i = 0; lopi_way_at(recipe, i, &way); i++) {
        if (is_read(row, &way))
            return LOP_OK;
        first = i == 0 ? way : first;
    }
    *fault = (lopi_fault){.section = "prune", .key = row->key};
    return refuse(row, &first, error);
}

lop_status lopi_stages_check_idle(const lop_recipe *recipe, lopi_fault *fault, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < MEMBERS; i++)
        status = recipe->stage_count > 0 ? check_stages(recipe, &members[i], fault, error)
                                         : check_ways(recipe, &members[i], fault, error);
    return status;
}
