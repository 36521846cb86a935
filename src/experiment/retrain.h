/**
 * Retraining: the stages of one run, each with the training in which it prunes.
 */
#ifndef LOPI_EXPERIMENT_RETRAIN_H
#define LOPI_EXPERIMENT_RETRAIN_H

#include <lop/experiment.h>

typedef struct lopi_retraining {
    const lop_recipe *recipe; /* of one point, see lopi_recipe_resolve */
    const lop_dataset *dataset;
    const lop_split *split;
    uint64_t seed; /* of the run */
    const lop_network
        *parent;            /* trained and dense; NULL where the first stage is in the training */
    size_t weights;         /* of the dense network: sparsity counts from it */
    const char *checkpoint; /* NULL: none. Trainings after the first add their number … */
    size_t trainings;       /* … and so many were there before the first stage */
    bool resume;
    const char *metadata; /* what checkpoints say they belong to */
    const lop_hooks *hooks;
} lopi_retraining;

/** What came of it. */
typedef struct lopi_retrained {
    lop_history history;  /* all epochs, numbered through; lop_history_free */
    double prune_seconds; /* in criteria and selection, not in training */
} lopi_retrained;

/**
 * Prune and retrain `network`, which is a copy of the parent, or new where there is none.
 *
 * Layers that collapse are told as warnings. `out` is to be freed on failure too.
 */
lop_status lopi_retrain(const lopi_retraining *job, lop_network **network, lopi_retrained *out,
                        lop_error *error);

/** A training in which nothing is pruned, but weights are shared where the recipe says so. */
lop_status lopi_train_sharing(const lop_recipe *recipe, const lop_dataset *dataset,
                              const lop_split *split, const lop_train_options *options,
                              lop_network *network, lop_history *history, lop_error *error);

/** The lottery ticket: the one stage's rounds, each a training from the start. */
lop_status lopi_lottery(const lopi_retraining *job, lop_network **network, lopi_retrained *out,
                        lop_error *error);

/** Whether a run begins with an untrained network: it prunes while training, or by lottery. */
bool lopi_begins_untrained(const lop_recipe *recipe);

/** Whether a run may begin with `parent`: the data fits it, and no stage wants an untrained one. */
lop_status lopi_parent_check(const lop_recipe *recipe, const lop_dataset *dataset,
                             const lop_network *parent, lop_error *error);

/* What both share. */

/** Of stage `index`; samples, seed and outcome too. */
lop_status lopi_retrain_options(const lopi_retraining *job, size_t index, lop_prune_options *out,
                                lop_error *error);
/** "CHECKPOINT" or "CHECKPOINT.2" in new memory; NULL where there is none, or no memory. */
char *lopi_retrain_checkpoint(const lopi_retraining *job, size_t number);
/** Take away the checkpoints that lopi_retrain or lopi_lottery left. */
void lopi_retrain_clean(const lopi_retraining *job);
/** Add the epochs of one training behind those that are there. Ends `from`. */
lop_status lopi_history_append(lop_history *to, lop_history *from, size_t weights,
                               lop_error *error);
/** One line for each layer that collapsed. */
void lopi_retrain_warn(const lopi_retraining *job, const lop_network *network,
                       const lop_prune_outcome *outcome);

#endif
