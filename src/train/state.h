/**
 * State: all that a training is between two steps. What stands here, and nothing else, goes into a
 * checkpoint: order, dropout and learning rate follow from options and step.
 */
#ifndef LOPI_TRAIN_STATE_H
#define LOPI_TRAIN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/train.h>

#include "train/optimizer.h"

/** The tensors of one layer, and the mask that its weights had when it was last looked at. */
typedef struct lopi_state_layer {
    lopi_parameter weight, bias; /* bias.value is NULL where there is none */
    uint8_t *seen_mask;          /* [weight.count], or NULL: no mask then */
} lopi_state_layer;

/** The running epoch so far. */
typedef struct lopi_running {
    double loss; /* sum over samples */
    size_t correct, samples;
    double seconds;
} lopi_running;

/** Zero it before lopi_state_init. */
typedef struct lopi_state {
    lop_network *network; /* borrowed */
    size_t weights;       /* of the network that training began with */
    lop_network *best;    /* owned: the best epoch's values; NULL without patience */
    size_t moments;       /* of each weight */
    lopi_state_layer *layers;
    size_t layer_count;
    size_t step; /* optimizer steps taken */
    lopi_running running;
    double best_loss;  /* validation loss of `best`; infinite where there is none yet */
    size_t best_epoch; /* 0: none yet */
    size_t stale;      /* epochs since then */
    lop_epoch *epochs; /* [epoch_count], finished */
    size_t epoch_count;
    double seconds; /* of training, finished epochs and the running one */
} lopi_state;

/** Before the first step. LOP_E_MEMORY. */
lop_status lopi_state_init(lopi_state *state, lop_network *network,
                           const lop_train_options *options, lop_error *error);
void lopi_state_end(lopi_state *state);

/**
 * Look whether somebody changed a mask, and if so zero what is newly pruned and its moments.
 * @param changed  set to true then, else left alone
 */
lop_status lopi_state_follow_masks(lopi_state *state, bool *changed, lop_error *error);

/** The best epoch so far counts no more: it belongs to another sparsity. */
void lopi_state_forget_best(lopi_state *state);

/** Append a finished epoch and begin the next; keep the network where it is the best so far. */
lop_status lopi_state_finish_epoch(lopi_state *state, const lop_epoch *epoch, lop_error *error);

/**
 * A state like `state`, but of another network: moments are zero, and no epoch is the best. The
 * history stays with `state`. End it with lopi_state_end, or give it to lopi_state_replace.
 */
lop_status lopi_state_rebind(lopi_state *out, const lopi_state *state, lop_network *network,
                             lop_error *error);

/**
 * Put the tensors of `made`, which came from lopi_state_rebind, in the place of those of `state`,
 * whose network has become what that of `made` was.
 */
void lopi_state_replace(lopi_state *state, lopi_state *made);

/** Of the weights that training began with, the share that is zero now, or gone. */
double lopi_state_sparsity(const lopi_state *state);

#endif
