/**
 * Optimizers: one step over one tensor, in one pass over memory.
 *
 * Decay, L1, moments, update and mask are fused, since a step is bound by memory and not by
 * arithmetic. A pruned weight and its moments come out as exactly +0 whatever went in.
 */
#ifndef LOPI_TRAIN_OPTIMIZER_H
#define LOPI_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/train.h>

enum { LOPI_MAX_MOMENTS = 2, LOPI_SECOND_MOMENT = 1 /* Adam's mean of squared gradients */ };

/** A tensor that learns. Nothing overlaps. */
typedef struct lopi_parameter {
    float *value;                    /* [count] */
    const float *gradient;           /* [count] */
    float *moment[LOPI_MAX_MOMENTS]; /* [count] each; NULL beyond those of the optimizer */
    const uint8_t *mask;             /* [count] of 0 or 1; NULL keeps all */
    uint16_t *half; /* [count], receives the new values as bf16; NULL: not wanted */
    size_t count;
    bool decays; /* weight decay and L1 apply (weights, not biases) */
} lopi_parameter;

/** What one step of one optimizer does: the options folded into float32 scalars. */
typedef struct lopi_update {
    lop_optimizer optimizer;
    bool nesterov;
    float rate;         /* of the step, Adam's correction of the first moment in it */
    float shrink;       /* decoupled decay: 1 − rate · weight_decay; else 1 */
    float decay, l1;    /* added to the gradient: decay · w + l1 · sign(w) */
    float beta1, beta2; /* beta1 is SGD's momentum */
    float root_scale;   /* Adam: 1 / sqrt(1 − beta2^t), the correction of the second moment */
    float epsilon;
} lopi_update;

/** Moments a weight that `optimizer` keeps: 0 … LOPI_MAX_MOMENTS. */
size_t lopi_optimizer_moments(lop_optimizer optimizer);

/** The update of optimizer step `step` (from 0) at learning rate `rate`. */
lopi_update lopi_update_new(const lop_train_options *options, double rate, size_t step);

/** Take the step. The result does not depend on the number of threads. */
void lopi_update_apply(const lopi_update *update, const lopi_parameter *parameter);

/** Set pruned weights and their moments to zero without a step. */
void lopi_parameter_prune(const lopi_parameter *parameter);

#endif
