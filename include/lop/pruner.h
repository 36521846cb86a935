/**
 * The pruner: pruning while training, by a schedule.
 *
 * A schedule says how sparse the network is to be after each optimizer step. At some steps, its
 * events, the pruner removes what lop_prune would remove, or, with a dynamic schedule, drops some
 * weights and grows others. Between events masks stand still, and training keeps them.
 *
 * The pruner needs nothing from training but to be called: before the first step (step 0), after
 * each optimizer step, and with the gradients of each layer where lop_pruner_wants_gradients. All
 * it decides depends on the network, the step, its options and lop_pruner_state, so that a training
 * which is resumed gives the same bytes. It is wired to lop_train so:
 *
 *     before_first, after_step → lop_pruner_step       due         → lop_pruner_due
 *     on_gradient → lop_pruner_gradient                states      → lop_pruner_state
 *     restored    → lop_pruner_restored
 *     remove_units = true where units are pruned: the pruner follows, and counts from the start
 */
#ifndef LOP_PRUNER_H
#define LOP_PRUNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/network.h>
#include <lop/prune.h>
#include <lop/state.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * When to prune: a row of the table of schedules. With t0 and t1 the steps where it begins and
 * ends, s_i the sparsity it begins with, s_f the target, and u = (t − t0) / (t1 − t0):
 *
 *     oneshot    s_f at t0
 *     gradual    s_f + (s_i − s_f)(1 − u)³, Zhu and Gupta 2017, equation 1
 *     linear     s_i + (s_f − s_i) u
 *     iterative  `rounds` events evenly from t0 to t1, each taking the same share of what is left:
 *                after round r, 1 − (1 − s_i)((1 − s_f) / (1 − s_i))^(r / rounds)
 *     constant   s_f before the first step, and the same mask for ever
 *     set        s_f before the first step; at each event up to t1 a share of each layer's weights
 *                that are left, of smallest |w|, is dropped, and as many are grown at random
 *                (Mocanu et al. 2018)
 *     rigl       the same, but those of largest |gradient| are grown (Evci et al. 2020, algorithm
 *                1, with the gradient of the step in hand)
 *
 * The share that set and rigl drop falls as a cosine: drop_fraction / 2 · (1 + cos(π t / t1)). A
 * grown weight starts at zero, and so do its moments; what was dropped is not grown in the same
 * event. Counts of each layer stay what they were.
 */
typedef struct lop_schedule {
    const char *name;
    const char *description; /* one line */
} lop_schedule;

#define LOP_SCHEDULE_ONESHOT 0 /* its row, the first */

/** Schedule `index` of the table; NULL beyond the last. Static. */
LOP_API const lop_schedule *lop_schedule_at(size_t index);
/** The schedule of that name; NULL means the first one, oneshot. LOP_E_NAME lists them. */
LOP_API lop_status lop_schedule_find(const char *name, const lop_schedule **out, lop_error *error);

/** When and what to prune. Start from lop_pruner_options_default. */
typedef struct lop_pruner_options {
    lop_prune_options target;     /* what is removed in the end; what it points to is kept, so it
                                     must outlive the pruner */
    const lop_schedule *schedule; /* NULL: oneshot */
    size_t epochs;                /* of the training, and … */
    size_t steps_per_epoch;       /* … optimizer steps in each: both at least 1 */
    double begin_epoch;           /* t0: epochs that pass before it, fractions too */
    double end_epoch;             /* t1, at most `epochs`; not looked at by oneshot and constant */
    size_t every_steps;           /* steps from event to event; 0: a fifth of an epoch */
    double initial_sparsity;      /* s_i of gradual, linear and iterative */
    size_t rounds;                /* of iterative */
    double drop_fraction;         /* of set and rigl, (0, 1) */
    uint64_t seed;                /* of what set grows */
} lop_pruner_options;

/**
 * Gradual, from a fifth to three quarters of the training, five rounds where there are rounds, and
 * a drop fraction of 0.3. `target` is zero: its sparsity is the caller's to say.
 */
LOP_API lop_pruner_options lop_pruner_options_default(size_t epochs, size_t steps_per_epoch);

/**
 * LOP_OK, or one line that says what is wrong or contradictory: LOP_E_RANGE, LOP_E_ARG. What only
 * the network can tell, lop_pruner_new says.
 */
LOP_API lop_status lop_pruner_options_check(const lop_pruner_options *options, lop_error *error);

/** Steps from event to event that `every_steps` comes to. */
LOP_API size_t lop_pruner_every_steps(const lop_pruner_options *options);

/**
 * The sparsity that the schedule wants after `step` optimizer steps; 0 before it begins. Events are
 * the only steps where it changes. Options that lop_pruner_options_check accepts.
 */
LOP_API double lop_pruner_sparsity(const lop_pruner_options *options, size_t step);

typedef struct lop_pruner lop_pruner; /* opaque; one owner */

/**
 * @param options  copied; what `target` points to is borrowed until lop_pruner_free
 * @param network  borrowed for the call: the network that the training begins with, also where it
 *                 will be resumed. All shares are of its weights or units.
 * @return LOP_OK; what lop_pruner_options_check says; LOP_E_ARG where the network is sparser
 *         already than the target; LOP_E_MEMORY
 */
LOP_API lop_status lop_pruner_new(lop_pruner **out, const lop_pruner_options *options,
                                  const lop_network *network, lop_error *error);
LOP_API void lop_pruner_free(lop_pruner *pruner);

/** Whether lop_pruner_step has something to do after `step` optimizer steps. Costs nothing. */
LOP_API bool lop_pruner_due(const lop_pruner *pruner, size_t step);

/**
 * Do what is due after `step` optimizer steps of `steps` (0: before the first). Weights that are
 * removed become zero with their masks.
 *
 * @param network  the one of lop_pruner_new, trained since; its units may have been removed
 * @return LOP_OK; LOP_E_ARG where `steps` is not that of the options, or where gradients are needed
 *         and were not given; LOP_E_SHAPE where the network is another; what lop_prune returns
 */
LOP_API lop_status lop_pruner_step(lop_pruner *pruner, lop_network *network, size_t step,
                                   size_t steps, lop_error *error);

/** Whether lop_pruner_gradient must be called: criteria that need training, and rigl. */
LOP_API bool lop_pruner_wants_gradients(const lop_pruner *pruner);

/**
 * See the gradients of one layer, before the optimizer changes its weights.
 *
 * @param layer     index of the layer
 * @param gradient  [outputs][inputs], of the loss by its weights, pruned ones too; borrowed
 * @param step      as lop_pruner_step will see it after this step
 * @return LOP_OK; LOP_E_SHAPE where the network is another
 */
LOP_API lop_status lop_pruner_gradient(lop_pruner *pruner, const lop_network *network, size_t layer,
                                       const float *gradient, size_t step, lop_error *error);

/** What checkpoints must hold of the pruner: [*count], which may be 0. The pruner's own. */
LOP_API const lop_state *lop_pruner_state(const lop_pruner *pruner, size_t *count);
/**
 * Look at what came into lop_pruner_state from a file; goes into `restored` of a training.
 * @return LOP_OK; LOP_E_FORMAT where no pruner can have had that
 */
LOP_API lop_status lop_pruner_restored(const lop_pruner *pruner, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
