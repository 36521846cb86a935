/**
 * Checkpoints: a training's state in a safetensors file, so that it can go on in another process.
 *
 * Tensors: those of the working format ("fc1.weight", "fc1.bias", "fc1.mask"), the optimizer's
 * moments ("fc1.weight.moment1" …), and with patience the best epoch's ("fc1.weight.best" …). So a
 * checkpoint can also be read as a network. What callbacks keep stands in "NAME.state". Where units
 * were removed all of this is of the smaller network.
 * Metadata "lop.checkpoint" is a JSON object with options, step, sums of the running epoch and
 * history; real numbers have 17 digits, so they come back exactly.
 */
#ifndef LOPI_TRAIN_CHECKPOINT_H
#define LOPI_TRAIN_CHECKPOINT_H

#include <stdint.h>

#include <lop/train.h>

#include "train/state.h"

/** What a checkpoint is compared with when a training goes on from it. */
typedef struct lopi_identity {
    const lop_train_options *options;
    const char *network;     /* spec of the network that training began with */
    const lop_state *states; /* [state_count], of the callback */
    size_t state_count;
    bool shrinks;       /* units may be removed on the way */
    size_t samples;     /* that train */
    uint64_t data_hash; /* of the split and its labels */
    uint64_t teacher_hash;
    size_t threads; /* these two may differ, with a warning */
    lop_precision precision;
} lopi_identity;

/** Of which samples train and validate, and of their labels. */
uint64_t lopi_data_hash(const lop_samples *samples, const lop_split *split);

/** LOP_E_ARG where the callback's states have no proper names, or not unique ones, or no values. */
lop_status lopi_checkpoint_check_states(const lopi_identity *identity, lop_error *error);

/** Replace options->checkpoint. LOP_E_CREATE, LOP_E_IO, LOP_E_FULL, LOP_E_MEMORY. */
lop_status lopi_checkpoint_save(const lopi_state *state, const lopi_identity *identity,
                                lop_error *error);

/**
 * Read options->checkpoint into a state of the same network, which is fresh from lopi_state_init,
 * and into the callback's states. Where units were removed the network becomes the smaller one.
 *
 * @return LOP_OK; LOP_E_ARG where it belongs to another training, saying how it differs;
 *         LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_SHAPE, LOP_E_NAN where it is damaged; LOP_E_MEMORY.
 *         The network's values are unspecified then; the file is left as it is.
 */
lop_status lopi_checkpoint_load(lopi_state *state, const lopi_identity *identity, lop_error *error);

#endif
