/**
 * The sharer: training with few different weights.
 *
 * From a step on, the weights of each layer are held to a table of shared values, which k-means
 * finds; the training goes on, so that the network gets used to them. In its first part each weight
 * keeps a value of its own beside the shared one: the optimizer's steps move that, and the weight
 * goes where it is nearest, while the table follows the means (straight-through training). Then the
 * assignment is held, and the entries alone are trained, each by the mean of its weights' steps
 * (Han et al. 2016, section 3). Masks stay what they are. In the end each layer has at most so many
 * different weights, up to 64 of them as multiples of max / 127, more as binary16, and after the
 * last step biases are multiples of max / 127, so that packing keeps all of them exactly.
 *
 * Like the pruner, the sharer needs nothing from training but to be called, and what it keeps is in
 * lop_sharer_state, so that a training which is resumed gives the same bytes. It is wired to
 * lop_train so:
 *
 *     before_first, after_step → lop_sharer_step       due         → lop_sharer_due
 *     states                   → lop_sharer_state    restored    → lop_sharer_restored
 */
#ifndef LOP_SHARER_H
#define LOP_SHARER_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/export.h>
#include <lop/network.h>
#include <lop/state.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_MAX_SHARED 256 /* different values in a layer */

typedef struct lop_sharer_options {
    const size_t *entries; /* [entry_count], borrowed for lop_sharer_new: values of a layer's table,
                              1 … LOP_MAX_SHARED */
    size_t entry_count;    /* 1: the same for all layers; or one for each */
    size_t epochs;         /* of the training, and … */
    size_t steps_per_epoch; /* … optimizer steps in each: both at least 1 */
    double begin_epoch;     /* epochs that pass before weights are shared, fractions too */
    double hold_epoch;      /* from here on assignments are held; begin_epoch … epochs */
    double rate; /* ≥ 0: weights prefer what many have. One goes where (w − c)² / σ² +
                    rate · bits is least, with σ² the mean square of the layer's weights and
                    bits = −log2 of the entry's share: fewer bits at a like error
                    (entropy-constrained quantization, Chou et al. 1989) */
} lop_sharer_options;

typedef struct lop_sharer lop_sharer; /* opaque; one owner */

/** LOP_OK, or LOP_E_RANGE, LOP_E_ARG naming the member that is wrong. */
LOP_API lop_status lop_sharer_options_check(const lop_sharer_options *options, lop_error *error);

/**
 * @param options  copied
 * @param network  borrowed for the call: the network that the training begins with, also where it
 *                 will be resumed
 * @return LOP_OK; what lop_sharer_options_check says; LOP_E_ARG where there are neither one number
 *         of entries nor one for each layer; LOP_E_LIMIT; LOP_E_MEMORY: it takes 8 bytes
 *         for each weight, and 4 for each of the largest layer
 */
LOP_API lop_status lop_sharer_new(lop_sharer **out, const lop_sharer_options *options,
                                  const lop_network *network, lop_error *error);
LOP_API void lop_sharer_free(lop_sharer *sharer);

/** Whether lop_sharer_step has something to do after `step` optimizer steps. */
LOP_API bool lop_sharer_due(const lop_sharer *sharer, size_t step);

/**
 * Do what is due after `step` optimizer steps: weights become shared values. Weights that a mask
 * has zeroed since are dropped, those that it lets grow are taken in.
 *
 * @param network  the one of lop_sharer_new, trained since. Units whose weights were zeroed by
 * masks at the call before may have been removed from it; not both between two calls
 * @return LOP_OK; LOP_E_SHAPE where the network is another; LOP_E_NAN; LOP_E_MEMORY
 */
LOP_API lop_status lop_sharer_step(lop_sharer *sharer, lop_network *network, size_t step,
                                   lop_error *error);

/** What checkpoints must hold: [*count]. The sharer's own. */
LOP_API const lop_state *lop_sharer_state(const lop_sharer *sharer, size_t *count);
/**
 * Look at what came into lop_sharer_state from a file; goes into `restored` of a training.
 * @return LOP_OK; LOP_E_FORMAT where no sharer can have had that: it must not be used further
 */
LOP_API lop_status lop_sharer_restored(const lop_sharer *sharer, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
