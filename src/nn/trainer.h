/**
 * The trainer: forward, loss and backward of a training step, for the training loop.
 *
 * As soon as a layer's gradients are ready, and its weights are no longer needed, they are handed
 * to `on_gradient`, which changes the weights while the gradient is in the cache: one gradient
 * buffer serves all layers. Layers come in the order of the backward pass, the last one first.
 */
#ifndef LOPI_NN_TRAINER_H
#define LOPI_NN_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

#include "nn/pass.h"

typedef struct lopi_trainer lopi_trainer; /* one owner; not for two threads at once */

/** Gradients of the mean loss for one layer. Pointers are good for the call. */
typedef struct lopi_gradient {
    size_t layer;
    const float *weight; /* [outputs][inputs], row-major as the weights are */
    const float *bias;   /* [outputs]; NULL where the layer has none */
    /**
     * [outputs][inputs], or NULL in float32: where it is not NULL the callback that changes a
     * weight also writes lopi_bf16_from_float (nn/bf16.h) of it here, in the same pass.
     */
    uint16_t *weight_half;
} lopi_gradient;

typedef struct lopi_trainer_options {
    size_t max_batch;
    lop_precision precision;
    double dropout;                     /* of what hidden relus yield, [0, 1) */
    double input_dropout;               /* of the input, [0, 1) */
    double label_smoothing;             /* [0, 1) */
    double temperature, teacher_weight; /* of batches with a teacher, see loss.h */
    uint64_t seed;                      /* of dropout */
    void *context;
    /** A failure ends the step with that status. */
    lop_status (*on_gradient)(void *context, const lopi_gradient *gradient, lop_error *error);
} lopi_trainer_options;

/** A batch to learn from; all borrowed for the call. */
typedef struct lopi_batch {
    const float *x;         /* [size][inputs] */
    const uint16_t *labels; /* [size] */
    size_t size;            /* 1 … max_batch */
    uint64_t step;          /* decides what is dropped, below 2^38 */
    const float *teacher;   /* [size][outputs], a teacher's logits for x; or NULL */
} lopi_batch;

/**
 * Keeps `network`, which must outlive it; changes none of its values (the callback does).
 * @return LOP_OK, LOP_E_ARG, LOP_E_MEMORY, LOP_E_UNSUPPORTED
 */
lop_status lopi_trainer_new(lopi_trainer **out, const lop_network *network,
                            const lopi_trainer_options *options, lop_error *error);
void lopi_trainer_free(lopi_trainer *trainer);

/** Call after changing weights outside of on_gradient. Costs nothing in float32. */
void lopi_trainer_weights_changed(lopi_trainer *trainer);

/**
 * One step: forward, loss, backward with callbacks.
 *
 * @param loss     mean over the batch, before the step; NaN or infinite where it is, and then
 *                 gradients are not computed and on_gradient is not called. May be NULL.
 * @param correct  predictions equal to the label, with dropout at work; may be NULL
 * @return LOP_OK; LOP_E_ARG; LOP_E_RANGE (a label); LOP_E_MEMORY; what on_gradient returns
 */
lop_status lopi_trainer_step(lopi_trainer *trainer, const lopi_batch *batch, double *loss,
                             size_t *correct, lop_error *error);

/** Where time went since the trainer was made. */
const lopi_profile *lopi_trainer_profile(const lopi_trainer *trainer);

/** The precision that the options came to. */
lop_precision lopi_trainer_precision(const lopi_trainer *trainer);

#endif
