/**
 * A pass: a network at work on a batch. It holds each node's values and, in training, gradients;
 * operations read and write them, and nothing else holds state.
 *
 * Memory. An operation that may work in place shares the buffer of what it reads. In inference a
 * buffer is given on as soon as its values have been read; in training values are kept for the
 * backward pass, and gradients share buffers instead: a gradient has one writer and one
 * reader. In bf16 all values and gradients are bf16 but the result, which is float32.
 */
#ifndef LOPI_NN_PASS_H
#define LOPI_NN_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

#include "nn/dense.h"

/** Values of one node for a batch. */
typedef struct lopi_value {
    size_t width;
    bool half;            /* data is bf16, else float32 */
    bool in_place;        /* shares the buffers of the node it reads */
    bool result;          /* lies where the caller wants the result */
    bool gradient_wanted; /* something with parameters stands before it */
    size_t data_slot, gradient_slot;
    void *data;       /* [batch][width] */
    void *gradient;   /* [batch][width], bf16 wherever the pass is; NULL where not wanted */
    float keep_scale; /* what dropout multiplied the kept values by; 1 without */
} lopi_value;

/** Where the time of passes went, in seconds. */
typedef struct lopi_profile {
    double forward, backward, loss, dropout, conversion, callback;
} lopi_profile;

typedef struct lopi_pass lopi_pass;
struct lopi_pass {
    const lop_network *network;
    lopi_dense *dense;
    bool half; /* products in bf16 */
    bool training;
    size_t max_batch, batch;
    lopi_value *values; /* [node_count] */
    void **slots;       /* [slot_count], the buffers that values share */
    size_t slot_count;
    uint16_t **weight_half; /* [layer_count], bf16 copies of the weights; NULL in float32 */

    /* training only */
    float *weight_gradient, *bias_gradient; /* of the layer in hand; one buffer serves all layers */
    /** A layer's gradients are ready and its weights are no longer needed for this step. */
    lop_status (*on_gradient)(void *context, size_t layer, lop_error *error);
    void *context;

    lopi_profile profile;
};

/** Everything but the values of a batch. `training` keeps values and makes room for gradients. */
lop_status lopi_pass_init(lopi_pass *pass, const lop_network *network, size_t max_batch, bool half,
                          bool training, lop_error *error);
void lopi_pass_end(lopi_pass *pass);

/** Bring the bf16 copies of all weights up to date. Does nothing in float32. */
void lopi_pass_refresh_weights(lopi_pass *pass);

/**
 * Begin a batch: takes x [batch][inputs] as the input's values (borrowed until the pass is over in
 * float32, converted otherwise) and has the result written to `result` [batch][outputs].
 */
lop_status lopi_pass_begin(lopi_pass *pass, const float *x, size_t batch, float *result,
                           lop_error *error);

/** Compute one node forward, or backward. */
lop_status lopi_pass_forward(lopi_pass *pass, size_t node, lop_error *error);
lop_status lopi_pass_backward(lopi_pass *pass, size_t node, lop_error *error);

#endif
