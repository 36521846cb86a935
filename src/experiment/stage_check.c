#include <math.h>
#include <string.h>

#include "base/error.h"
#include "experiment/stage.h"

/* A stage, and the epochs of the training in which it prunes. */
typedef struct case_at_hand {
    const lop_stage *stage;
    size_t epochs;
    const char *schedule;
    lop_error *error;
} case_at_hand;

static lop_status check_method(const case_at_hand *c)
{
    if (lop_granularity_name(c->stage->method))
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG, "method: unknown number %d", (int)c->stage->method);
}

static lop_status check_sparsity(const case_at_hand *c)
{
    double sparsity = c->stage->sparsity;
    if (sparsity >= 0 && sparsity < 1)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_RANGE, "sparsity: expected 0 to below 100 %%, found %g %%",
                     100 * sparsity);
}

static lop_status check_criterion(const case_at_hand *c)
{
    const lop_criterion *row;
    const char *name = c->stage->criterion[0] ? c->stage->criterion : NULL;
    return lop_criterion_find(name, c->stage->method, &row, c->error);
}

static lop_status check_known_schedule(const case_at_hand *c)
{
    if (c->schedule)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG, "schedule: unknown number %u", c->stage->schedule);
}

static lop_status check_allocation(const case_at_hand *c)
{
    if (c->stage->scope != LOP_SCOPE_GLOBAL || c->stage->allocation == LOP_ALLOCATION_UNIFORM)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG,
                     "allocation: %s shares out by layer, but scope global ranks all layers "
                     "together; leave out one of the two",
                     lop_allocation_name(c->stage->allocation));
}

static lop_status check_list(const case_at_hand *c)
{
    bool wanted = c->stage->allocation == LOP_ALLOCATION_LIST;
    if (wanted == (c->stage->list_count > 0))
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG,
                     wanted ? "list_percent: allocation list needs it: one number for each layer"
                            : "list_percent: only allocation list looks at it");
}

static lop_status check_nm(const case_at_hand *c)
{
    const lop_stage *stage = c->stage;
    size_t n = stage->m ? stage->n : 2, m = stage->m ? stage->m : 4;
    if (stage->method != LOP_GRANULARITY_NM)
        return LOP_OK;
    if (n < 1 || n > m)
        return lopi_fail(c->error, LOP_E_ARG, "n:m: expected 1 to %zu kept of %zu, found %zu", m, m,
                         n);
    double follows = 1 - (double)n / (double)m;
    if (stage->sparsity == 0 || fabs(stage->sparsity - follows) < 1e-9)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG,
                     "sparsity: %zu:%zu removes %g %%, found %g %%; leave out one of the two", n, m,
                     100 * follows, 100 * stage->sparsity);
}

static lop_status check_min_keep(const case_at_hand *c)
{
    if (c->stage->min_keep == 0 || c->stage->method == LOP_GRANULARITY_WEIGHT)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG, "min_keep: is for method weight alone, found %s",
                     lop_granularity_name(c->stage->method));
}

/* By its second step a pruner needs steps: all but the first schedule span a training. */
static lop_status check_training(const case_at_hand *c)
{
    if (c->stage->schedule == LOP_SCHEDULE_ONESHOT || c->epochs > 0)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG,
                     "schedule: %s prunes while a network trains, but there are no epochs of "
                     "recovery and pruning is not part of the training",
                     c->schedule);
}

static lop_status check_gathering(const case_at_hand *c)
{
    const lop_criterion *row = NULL;
    const char *name = c->stage->criterion[0] ? c->stage->criterion : NULL;
    lop_status status = lop_criterion_find(name, c->stage->method, &row, c->error);
    if (status != LOP_OK || !lop_criterion_needs_training(row) || c->epochs > 0)
        return status;
    return lopi_fail(c->error, LOP_E_ARG,
                     "criterion: %s is collected while a network trains, but there are no epochs "
                     "of recovery and pruning is not part of the training",
                     row->name);
}

static lop_status check_begin(const case_at_hand *c)
{
    double begin = c->stage->begin_epoch;
    if (isnan(begin) || c->epochs == 0 || (begin >= 0 && begin <= (double)c->epochs))
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_RANGE, "begin_epoch: expected 0 to %zu, found %g", c->epochs,
                     begin);
}

static lop_status check_end(const case_at_hand *c)
{
    double begin = isnan(c->stage->begin_epoch) ? 0 : c->stage->begin_epoch;
    double end = c->stage->end_epoch;
    if (isnan(end) || c->epochs == 0)
        return LOP_OK;
    if (end < begin)
        return lopi_fail(c->error, LOP_E_ARG,
                         "end_epoch: pruning ends at epoch %g, before it begins at epoch %g", end,
                         begin);
    if (end <= (double)c->epochs)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_RANGE,
                     "end_epoch: pruning ends at epoch %g, but training has %zu", end, c->epochs);
}

static lop_status check_initial(const case_at_hand *c)
{
    double initial = c->stage->initial_sparsity;
    if (initial >= 0 && (initial == 0 || initial <= c->stage->sparsity || c->stage->sparsity == 0))
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_ARG,
                     "initial_percent: pruning begins with %g %%, above its target of %g %%",
                     100 * initial, 100 * c->stage->sparsity);
}

static lop_status check_lottery(const case_at_hand *c)
{
    const lop_criterion *row = NULL;
    const char *name = c->stage->criterion[0] ? c->stage->criterion : NULL;
    if (!lopi_stage_is_lottery(c->stage))
        return LOP_OK;
    if (lop_criterion_find(name, c->stage->method, &row, NULL) == LOP_OK &&
        lop_criterion_needs_training(row))
        return lopi_fail(c->error, LOP_E_ARG, "schedule: lottery does not go with criterion %s",
                         row->name);
    if (c->stage->rounds >= 1)
        return LOP_OK;
    return lopi_fail(c->error, LOP_E_RANGE, "rounds: lottery needs at least 1, found 0");
}

static const struct {
    const char *key; /* what a file says where the check fails */
    lop_status (*check)(const case_at_hand *c);
} checks[] = {
    {"method", check_method},           {"sparsity_percent", check_sparsity},
    {"criterion", check_criterion},     {"schedule", check_known_schedule},
    {"allocation", check_allocation},   {"list_percent", check_list},
    {"sparsity_percent", check_nm},     {"min_keep", check_min_keep},
    {"schedule", check_training},       {"criterion", check_gathering},
    {"begin_epoch", check_begin},       {"end_epoch", check_end},
    {"initial_percent", check_initial}, {"schedule", check_lottery},
};

lop_status lopi_stage_check(const lop_stage *stage, size_t epochs, lopi_fault *fault,
                            lop_error *error)
{
    const case_at_hand c = {stage, epochs, lop_recipe_schedule_name(stage->schedule), error};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        lop_status status = checks[i].check(&c);
        fault->key = checks[i].key;
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}
