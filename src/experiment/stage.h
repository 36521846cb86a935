/**
 * Stages: the ways of pruning that a recipe comes to, one after the other or side by side.
 */
#ifndef LOPI_EXPERIMENT_STAGE_H
#define LOPI_EXPERIMENT_STAGE_H

#include <lop/experiment.h>

#include "experiment/fields.h"

/* Softness of the dense network's answers unless a recipe says otherwise. */
#define LOPI_DISTILL_TEMPERATURE 4.0

/** What stages are unless a recipe says otherwise. */
lop_stage lopi_stage_default(void);
/** Whether the stage's schedule is the lottery ticket. */
bool lopi_stage_is_lottery(const lop_stage *stage);
/** Its row of the pruner's table; not for the lottery. */
const lop_schedule *lopi_stage_schedule(const lop_stage *stage);
/** What the stage says of other methods and schedules than its own, as by default again. */
void lopi_stage_forget(lop_stage *stage);
/** Say all that is left to defaults; `epochs` is of its training, which `whole` means from the
 * first step of an untrained network on. The stage is one that lopi_stage_check accepts. */
void lopi_stage_resolve(lop_stage *stage, size_t epochs, bool whole);
/** What lop_prune needs; samples, seed and outcome are the caller's. */
lop_status lopi_stage_options(const lop_stage *stage, lop_prune_options *out, lop_error *error);

/** Epochs of the training in which stage `index` prunes; 0: none. */
size_t lopi_stage_epochs(const lop_recipe *recipe, size_t index);

/**
 * Way `index` of a sweep: the stage with method, criterion and schedule, or, of a recipe with
 * stages, its last one. False beyond the last way.
 */
bool lopi_way_at(const lop_recipe *recipe, size_t index, lop_stage *out);
/** The sparsities that a way is measured at: N:M has one alone. */
size_t lopi_way_sparsities(const lop_recipe *recipe, const lop_stage *way);
double lopi_way_sparsity(const lop_recipe *recipe, const lop_stage *way, size_t index);

/** The recipe of one point: what `recipe` does for this way, sparsity and seed, all said. */
lop_status lopi_recipe_point(const lop_recipe *recipe, const lop_stage *way, double sparsity,
                             uint64_t seed, lop_recipe *out, lop_error *error);
/** Its stages' defaults said. */
void lopi_recipe_resolve(lop_recipe *recipe);

/** Method, criterion, scope, schedule and target of a result, as the stages are. */
lop_status lopi_stages_describe(const lop_recipe *recipe, lop_result *result, lop_error *error);

#endif
