/**
 * Budget search: the smallest network within limits of loss, weights, bytes and prediction time.
 *
 * A recipe says how to prune and retrain; the search varies the sparsity of its last stage. It goes
 * over a grid of densities, each so much below the one before that `per_halving` of them halve it,
 * and judges by the validation samples alone: the test part is only reported.
 */
#ifndef LOP_FIT_H
#define LOP_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>
#include <lop/experiment.h>
#include <lop/export.h>
#include <lop/hooks.h>
#include <lop/network.h>
#include <lop/result.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_MAX_PER_HALVING 64

/** The limits there are; 1 << limit is its bit in lop_fit_step.beyond. */
typedef enum lop_fit_limit {
    LOP_FIT_LOSS,
    LOP_FIT_WEIGHTS,
    LOP_FIT_BYTES,
    LOP_FIT_LATENCY
} lop_fit_limit;
/** "loss", "weights", "bytes", "latency"; NULL beyond the last. */
LOP_API const char *lop_fit_limit_name(size_t index);

/** One network that was looked at. */
typedef struct lop_fit_step {
    double target;         /* sparsity of the last stage, a fraction; `lop prune` takes it */
    double sparsity;       /* of all weights of the parent */
    uint64_t weights_left; /* not zero */
    uint64_t bytes;        /* lop_sparse_bytes after lop_compact */
    double latency_us;     /* of one sample, after lop_compact; NaN: no limit asks for it */
    double valid_accuracy; /* NaN where sizes alone were looked at */
    double loss_points;    /* 100 · (the parent's validation accuracy − this one's) */
    double excess;         /* the largest measured size as a multiple of its limit; 0: no limit */
    unsigned beyond;       /* bits of the limits that it does not keep; 0: within all */
    double seconds;        /* what the step took */
} lop_fit_step;

/** What is asked for. Start from lop_fit_options_default. At least one limit must be given. */
typedef struct lop_fit_options {
    double max_loss;       /* points of validation accuracy, 0 … 100; NaN: no limit */
    uint64_t max_weights;  /* 0: no limit */
    uint64_t max_bytes;    /* 0: no limit */
    double max_latency_us; /* 0: no limit */

    size_t per_halving; /* points of the grid to each halving of density, 1 … LOP_MAX_PER_HALVING */
    size_t neighbours; /* at least 1: so many points next to the winner were found beyond */
    double deepest;    /* the sparsest point, above 0 and at most 0.99999 */

    bool compact; /* as lop_run_options: weights are counted after it */
    const lop_hooks *hooks;
    /** Called after each network that was looked at. May be NULL. */
    void (*on_step)(void *context, const lop_fit_step *parent, const lop_fit_step *step);
    void *context;
} lop_fit_options;

/** No limits; 8 points to each halving, 2 neighbours, down to 99.9 %. */
LOP_API lop_fit_options lop_fit_options_default(void);

/** What came of a search; end it with lop_fitted_free. */
typedef struct lop_fitted {
    lop_fit_step parent; /* target and loss are 0 */
    lop_fit_step *steps; /* [step_count], in the order they were made */
    size_t step_count;
    size_t best;          /* the step of the winner, or of the one that came nearest */
    lop_network *network; /* of that step; NULL where sizes alone showed that there is none */
    lop_result result; /* its record as lop_run makes it, with sizes; empty where there is none */
} lop_fitted;
LOP_API void lop_fitted_free(lop_fitted *fitted);

/**
 * Find the smallest network that `recipe` makes of `parent` within the limits.
 *
 * Sizes first: the parent is pruned at once, without retraining, to find the densest network that
 * keeps the limits of size and has fewer weights than the parent; the grid begins there. Then each
 * step is a lop_run with `parent`, measured as it came out.
 *
 *  - With a limit of loss: bisection for the sparsest point that keeps it, and on from there past
 *    single points beyond it, for accuracy against density is no smooth curve. The winner is the
 *    sparsest network seen within all limits, and the next `neighbours` points of the grid (all
 *    that are left, near its end) were seen and lose too much. That still sparser ones do too is
 *    likely, not certain. The nearest, where there is none: what keeps the limits of size and
 *    loses least; else what exceeds them least.
 *  - Without: the densest point within, in steps of 1, 2, 4 … points from where the grid begins
 *    where training leaves more than pruning at once did; of all seen within, the most accurate.
 *
 * Masks of the parent count as lop_prune counts them: what they prune is part of the sparsity.
 * The same recipe, parent, data, options, build, machine and thread count give the same steps and
 * the same network, unless there is a limit of latency, which is measured.
 *
 * @param recipe  with at least one stage, none that begins with an untrained network; the last one
 *                by weight, unit or block, and without a list. What it says of its sparsity is not
 *                looked at. Split and runs are of recipe->seed.
 * @param out     written on LOP_OK and on LOP_E_TARGET, else untouched
 * @return LOP_OK; LOP_E_TARGET where no network within the limits was found, with the nearest in
 *         words and in `out`; LOP_E_ARG without a limit, and where the recipe leaves nothing to
 *         vary; LOP_E_RANGE; LOP_E_CANCELLED; as lop_run
 */
LOP_API lop_status lop_fit(const lop_recipe *recipe, const lop_network *parent,
                           const lop_dataset *dataset, const lop_fit_options *options,
                           lop_fitted *out, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
