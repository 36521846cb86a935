#include "experiment/stage.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "experiment/sharing.h"

static const char lottery[] = "lottery";

static size_t pruner_schedules(void)
{
    size_t count = 0;
    while (lop_schedule_at(count))
        count++;
    return count;
}

const char *lop_recipe_schedule_name(size_t index)
{
    const lop_schedule *row = lop_schedule_at(index);
    if (row)
        return row->name;
    return index == pruner_schedules() ? lottery : NULL;
}

lop_status lop_recipe_schedule_find(const char *name, unsigned *out, lop_error *error)
{
    const char *row;
    char known[256] = "";
    for (unsigned i = 0; (row = lop_recipe_schedule_name(i)); i++) {
        if (strcmp(row, name) == 0) {
            *out = i;
            return LOP_OK;
        }
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", row);
    }
    return lopi_fail(error, LOP_E_NAME, "unknown schedule '%.40s'; known: %s", name, known);
}

lop_stage lopi_stage_default(void)
{
    const lop_pruner_options pruner = lop_pruner_options_default(1, 1);
    return (lop_stage){
        .calibration = 1024,
        .begin_epoch = NAN,
        .end_epoch = NAN,
        .rounds = pruner.rounds,
        .drop_fraction = pruner.drop_fraction,
    };
}

bool lopi_stage_is_lottery(const lop_stage *stage) { return stage->schedule == pruner_schedules(); }

const lop_schedule *lopi_stage_schedule(const lop_stage *stage)
{
    return lop_schedule_at(stage->schedule);
}

void lopi_stage_resolve(lop_stage *stage, size_t epochs, bool whole)
{
    const lop_criterion *criterion = NULL;
    const lop_pruner_options times = lop_pruner_options_default(epochs ? epochs : 1, 1);
    if (lop_criterion_find(stage->criterion[0] ? stage->criterion : NULL, stage->method, &criterion,
                           NULL) == LOP_OK)
        snprintf(stage->criterion, sizeof stage->criterion, "%s", criterion->name);
    if (stage->method == LOP_GRANULARITY_BLOCK) {
        stage->block_rows = stage->block_rows ? stage->block_rows : 4;
        stage->block_columns = stage->block_columns ? stage->block_columns : 4;
    }
    if (stage->method == LOP_GRANULARITY_NM) {
        stage->n = stage->m ? stage->n : 2;
        stage->m = stage->m ? stage->m : 4;
        stage->sparsity = 1 - (double)stage->n / (double)stage->m;
    }
    /* What training gathers has to be there before it can be looked at. */
    bool later = whole || lop_criterion_needs_training(criterion);
    if (epochs > 0 && isnan(stage->begin_epoch))
        stage->begin_epoch = later ? times.begin_epoch : 0;
    if (epochs > 0 && isnan(stage->end_epoch))
        stage->end_epoch =
            times.end_epoch > stage->begin_epoch ? times.end_epoch : stage->begin_epoch;
}

lop_status lopi_stage_options(const lop_stage *stage, lop_prune_options *out, lop_error *error)
{
    lop_prune_options options = {
        .granularity = stage->method,
        .scope = stage->scope,
        .sparsity = stage->sparsity,
        .include_output = stage->include_output,
        .allocation = stage->allocation,
        .list = stage->list,
        .list_count = stage->list_count,
        .block_rows = stage->block_rows,
        .block_columns = stage->block_columns,
        .n = stage->n,
        .m = stage->m,
        .min_keep = stage->min_keep,
    };
    lop_status status = lop_criterion_find(stage->criterion[0] ? stage->criterion : NULL,
                                           stage->method, &options.criterion, error);
    if (status == LOP_OK)
        *out = options;
    return status;
}

size_t lopi_stage_epochs(const lop_recipe *recipe, size_t index)
{
    size_t first = recipe->prune_while_training, epochs = recipe->recovery.epochs;
    if (lopi_stage_is_lottery(&recipe->stages[index]) || (first && index == 0))
        return recipe->train.epochs;
    size_t place = index - first, places = recipe->stage_count - first;
    return (place + 1) * epochs / places - place * epochs / places;
}

void lopi_recipe_resolve(lop_recipe *recipe)
{
    for (size_t i = 0; i < recipe->stage_count; i++)
        lopi_stage_resolve(&recipe->stages[i], lopi_stage_epochs(recipe, i),
                           recipe->prune_while_training && i == 0);
    lopi_sharing_resolve(recipe);
}

/* Ways of a sweep ------------------------------------------------------------------------------ */

/* Criterion `index` of those that a method has of the recipe's; its first where it has none. */
static bool way_criterion(const lop_recipe *recipe, lop_granularity method, size_t index,
                          const char **out)
{
    const lop_criterion *row;
    size_t found = 0;
    for (size_t i = 0; i < recipe->criterion_count; i++)
        if (lop_criterion_find(recipe->criteria[i], method, &row, NULL) == LOP_OK)
            if (found++ == index) {
                *out = recipe->criteria[i];
                return true;
            }
    *out = "";
    return found == 0 && index == 0;
}

bool lopi_way_at(const lop_recipe *recipe, size_t index, lop_stage *out)
{
    const char *criterion;
    if (recipe->stage_count > 0) {
        *out = recipe->stages[recipe->stage_count - 1];
        return index == 0;
    }
    for (size_t m = 0; m < recipe->method_count; m++)
        for (size_t c = 0; way_criterion(recipe, recipe->methods[m], c, &criterion); c++)
            for (size_t s = 0; s < recipe->schedule_count; s++)
                if (index-- == 0) {
                    *out = recipe->prune;
                    out->method = recipe->methods[m];
                    out->schedule = recipe->schedules[s];
                    snprintf(out->criterion, sizeof out->criterion, "%s", criterion);
                    lopi_stage_forget(out);
                    return true;
                }
    return false;
}

size_t lopi_way_sparsities(const lop_recipe *recipe, const lop_stage *way)
{
    return way->method == LOP_GRANULARITY_NM ? 1 : recipe->sparsity_count;
}

double lopi_way_sparsity(const lop_recipe *recipe, const lop_stage *way, size_t index)
{
    lop_stage only = *way;
    if (way->method != LOP_GRANULARITY_NM)
        return recipe->sparsities[index];
    lopi_stage_resolve(&only, 0, false);
    return only.sparsity;
}

lop_status lopi_recipe_point(const lop_recipe *recipe, const lop_stage *way, double sparsity,
                             uint64_t seed, lop_recipe *out, lop_error *error)
{
    lop_recipe point;
    lop_status status = lop_recipe_copy(&point, recipe, error);
    if (status != LOP_OK)
        return status;
    if (point.stage_count == 0)
        point.stage_count = 1;
    point.stages[point.stage_count - 1] = *way;
    point.stages[point.stage_count - 1].sparsity = sparsity;
    point.seed = seed;
    point.seed_count = 1;
    lopi_recipe_resolve(&point);
    *out = point;
    return LOP_OK;
}

/* Names ---------------------------------------------------------------------------------------- */

enum { NAME = 160 };

/* "unit 90% + weight": what tells curves apart is all but the last sparsity. */
static void add_part(char *text, const char *part, bool first)
{
    size_t length = strlen(text);
    snprintf(text + length, NAME - length, "%s%s", first ? "" : " + ", part);
}

static void name_method(const lop_stage *stage, bool last, char *text, size_t size)
{
    char share[32] = "";
    const char *name = lop_granularity_name(stage->method);
    if (!last)
        snprintf(share, sizeof share, " %.6g%%", 100 * stage->sparsity);
    if (stage->method == LOP_GRANULARITY_BLOCK)
        snprintf(text, size, "%s %zux%zu%s", name, stage->block_rows, stage->block_columns, share);
    else if (stage->method == LOP_GRANULARITY_NM)
        snprintf(text, size, "%s %zu:%zu", name, stage->n, stage->m);
    else
        snprintf(text, size, "%s%s", name, share);
}

lop_status lopi_stages_describe(const lop_recipe *recipe, lop_result *result, lop_error *error)
{
    char method[NAME] = "", criterion[NAME] = "", scope[NAME] = "", schedule[NAME] = "";
    size_t count = recipe->stage_count;
    for (size_t i = 0; i < count; i++) {
        const lop_stage *stage = &recipe->stages[i];
        char part[64], where[64];
        bool ranked = stage->allocation == LOP_ALLOCATION_UNIFORM;
        name_method(stage, i + 1 == count, part, sizeof part);
        add_part(method, part, i == 0);
        add_part(criterion, stage->criterion, i == 0);
        snprintf(where, sizeof where, "%s%s%s", lop_scope_name(stage->scope), ranked ? "" : " ",
                 ranked ? "" : lop_allocation_name(stage->allocation));
        if (i == 0 || strcmp(where, scope) != 0)
            add_part(scope, where, i == 0);
        const char *name = lop_recipe_schedule_name(stage->schedule);
        if (i == 0 || strcmp(name, schedule) != 0)
            add_part(schedule, name, i == 0);
    }
    lop_status status = lop_result_set_text(&result->method, method, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->criterion, criterion, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->scope, scope, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->schedule, schedule, error);
    result->target_sparsity = count ? recipe->stages[count - 1].sparsity : result->target_sparsity;
    return status;
}
