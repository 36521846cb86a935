#include "nn/trainer.h"

#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/bf16.h"
#include "nn/elementwise.h"
#include "nn/graph.h"
#include "nn/loss.h"

enum { NODE_BITS = 10 }; /* of a dropout stream's number; above them is the step */

_Static_assert(LOP_MAX_NODES <= 1 << NODE_BITS, "a node's index must fit");

struct lopi_trainer {
    lopi_pass pass;
    lopi_trainer_options options;
    lopi_dropout dropout, input_dropout;
    float *input;           /* [max_batch][inputs], NULL without input dropout */
    float *logits;          /* [max_batch][outputs] */
    float *logits_gradient; /* [max_batch][outputs] */
    bool stale;             /* weights changed, their bf16 copies not */
};

/* From the pass, for a layer in the backward pass: add what it does not know. */
static lop_status hand_over(void *context, size_t layer, lop_error *error)
{
    lopi_trainer *trainer = context;
    lopi_pass *pass = &trainer->pass;
    const lopi_gradient gradient = {
        .layer = layer,
        .weight = pass->weight_gradient,
        .bias = pass->network->layers[layer].bias ? pass->bias_gradient : NULL,
        .weight_half = pass->half ? pass->weight_half[layer] : NULL,
    };
    double start = lop_clock_seconds();
    lop_status status = trainer->options.on_gradient(trainer->options.context, &gradient, error);
    pass->profile.callback += lop_clock_seconds() - start;
    return status;
}

static lop_status check_options(const lopi_trainer_options *options, lop_error *error)
{
    const struct {
        const char *name;
        double value;
    } shares[] = {{"dropout", options->dropout},
                  {"input dropout", options->input_dropout},
                  {"label smoothing", options->label_smoothing}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (!(shares[i].value >= 0 && shares[i].value < 1))
            return lopi_fail(error, LOP_E_ARG, "expected %s in [0, 1), found %g", shares[i].name,
                             shares[i].value);
    if (options->max_batch < 1 || !options->on_gradient)
        return lopi_fail(error, LOP_E_ARG,
                         "expected batches of at least one sample, and a "
                         "function that takes the gradients");
    return LOP_OK;
}

static lop_status allocate(lopi_trainer *trainer, lop_error *error)
{
    const lop_network *network = trainer->pass.network;
    size_t outputs = trainer->options.max_batch * lop_network_outputs(network);
    size_t inputs = trainer->options.max_batch * lop_network_inputs(network);
    trainer->logits = lopi_alloc_aligned(outputs, sizeof(float));
    trainer->logits_gradient = lopi_alloc_aligned(outputs, sizeof(float));
    if (trainer->input_dropout.threshold > 0)
        trainer->input = lopi_alloc_aligned(inputs, sizeof(float));
    if (!trainer->logits || !trainer->logits_gradient ||
        (trainer->input_dropout.threshold > 0 && !trainer->input))
        return lopi_fail_memory(error, (2 * outputs + inputs) * sizeof(float));
    return LOP_OK;
}

lop_status lopi_trainer_new(lopi_trainer **out, const lop_network *network,
                            const lopi_trainer_options *options, lop_error *error)
{
    lopi_trainer *trainer = NULL;
    lop_precision precision;
    lop_status status = check_options(options, error);
    if (status == LOP_OK)
        status = lop_precision_resolve(options->precision, &precision, error);
    if (status != LOP_OK)
        goto out;
    trainer = lopi_alloc(1, sizeof *trainer);
    if (!trainer) {
        status = lopi_fail_memory(error, sizeof *trainer);
        goto out;
    }
    trainer->options = *options;
    trainer->dropout = lopi_dropout_from_rate(options->dropout);
    trainer->input_dropout = lopi_dropout_from_rate(options->input_dropout);
    trainer->stale = true;
    /* First, so that sizes are known to be sane behind it. */
    status = lopi_pass_init(&trainer->pass, network, options->max_batch, precision == LOP_BF16,
                            true, error);
    if (status == LOP_OK)
        status = allocate(trainer, error);
    trainer->pass.on_gradient = hand_over;
    trainer->pass.context = trainer;
out:
    if (status == LOP_OK)
        *out = trainer;
    else
        lopi_trainer_free(trainer);
    return status;
}

void lopi_trainer_free(lopi_trainer *trainer)
{
    if (!trainer)
        return;
    lopi_pass_end(&trainer->pass);
    lopi_free(trainer->input);
    lopi_free(trainer->logits);
    lopi_free(trainer->logits_gradient);
    lopi_free(trainer);
}

void lopi_trainer_weights_changed(lopi_trainer *trainer) { trainer->stale = true; }

static void drop(lopi_trainer *trainer, const lopi_dropout *dropout, uint64_t step, size_t node,
                 lopi_floats x)
{
    double start = lop_clock_seconds();
    lopi_random random =
        lopi_random_stream(trainer->options.seed, LOPI_STREAM_DROPOUT, step << NODE_BITS | node);
    lopi_dropout_apply(dropout, &random, x, trainer->pass.batch * trainer->pass.values[node].width);
    trainer->pass.profile.dropout += lop_clock_seconds() - start;
}

/* The batch as the network gets to see it: with a share of its inputs dropped. */
static const float *prepare_input(lopi_trainer *trainer, const lopi_batch *batch)
{
    if (!trainer->input)
        return batch->x;
    memcpy(trainer->input, batch->x,
           batch->size * trainer->pass.values[0].width * sizeof *trainer->input);
    trainer->pass.batch = batch->size;
    drop(trainer, &trainer->input_dropout, batch->step, 0, (lopi_floats){trainer->input, false});
    return trainer->input;
}

static lop_status forward(lopi_trainer *trainer, const lopi_batch *batch, lop_error *error)
{
    lopi_pass *pass = &trainer->pass;
    size_t last = pass->network->node_count - 1;
    lop_status status = LOP_OK;
    for (size_t i = 0; i <= last && status == LOP_OK; i++) {
        double start = lop_clock_seconds();
        status = lopi_pass_forward(pass, i, error);
        pass->profile.forward += lop_clock_seconds() - start;
        lopi_value *value = &pass->values[i];
        if (pass->network->nodes[i].op != LOP_OP_RELU || i == last)
            continue;
        value->keep_scale = trainer->dropout.scale;
        if (status == LOP_OK && trainer->dropout.threshold > 0)
            drop(trainer, &trainer->dropout, batch->step, i,
                 (lopi_floats){value->data, value->half});
    }
    return status;
}

/* Loss, and the last node's gradient from it. */
static lop_status compute_loss(lopi_trainer *trainer, const lopi_batch *batch, double *loss,
                               size_t *correct, lop_error *error)
{
    lopi_pass *pass = &trainer->pass;
    lopi_value *last = &pass->values[pass->network->node_count - 1];
    double start = lop_clock_seconds();
    const lopi_loss input = {
        .logits = trainer->logits,
        .batch = batch->size,
        .classes = last->width,
        .labels = batch->labels,
        .label_smoothing = trainer->options.label_smoothing,
        .teacher = batch->teacher,
        .temperature = trainer->options.temperature,
        .teacher_weight = trainer->options.teacher_weight,
        .gradient = pass->half ? trainer->logits_gradient : last->gradient,
    };
    lop_status status = lopi_loss_compute(&input, loss, correct, error);
    if (status == LOP_OK && pass->half)
        lopi_bf16_from_floats(trainer->logits_gradient, last->gradient, batch->size * last->width);
    pass->profile.loss += lop_clock_seconds() - start;
    return status;
}

static lop_status backward(lopi_trainer *trainer, lop_error *error)
{
    lopi_pass *pass = &trainer->pass;
    double start = lop_clock_seconds(), callback = pass->profile.callback;
    lop_status status = LOP_OK;
    for (size_t i = pass->network->node_count - 1; i > 0 && status == LOP_OK; i--)
        status = lopi_pass_backward(pass, i, error);
    callback = pass->profile.callback - callback;
    pass->profile.backward += lop_clock_seconds() - start - callback;
    return status;
}

lop_status lopi_trainer_step(lopi_trainer *trainer, const lopi_batch *batch, double *loss,
                             size_t *correct, lop_error *error)
{
    lopi_pass *pass = &trainer->pass;
    double mean = NAN;
    size_t right = 0;
    if (batch->size < 1 || batch->size > pass->max_batch)
        return lopi_fail(error, LOP_E_ARG, "expected a batch of 1 to %zu samples, found %zu",
                         pass->max_batch, batch->size);
    if (trainer->stale)
        lopi_pass_refresh_weights(pass);
    trainer->stale = false;
    const float *x = prepare_input(trainer, batch);
    lop_status status = lopi_pass_begin(pass, x, batch->size, trainer->logits, error);
    if (status == LOP_OK)
        status = forward(trainer, batch, error);
    if (status == LOP_OK)
        status = compute_loss(trainer, batch, &mean, &right, error);
    if (status == LOP_OK && isfinite(mean))
        status = backward(trainer, error);
    if (status != LOP_OK)
        return status;
    if (loss)
        *loss = mean;
    if (correct)
        *correct = right;
    return LOP_OK;
}

const lopi_profile *lopi_trainer_profile(const lopi_trainer *trainer)
{
    return &trainer->pass.profile;
}

lop_precision lopi_trainer_precision(const lopi_trainer *trainer)
{
    return trainer->pass.half ? LOP_BF16 : LOP_FLOAT32;
}
