#include "prune/calibrate.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/pass.h"
#include "nn/trainer.h"
#include "prune/linear.h"

enum { CHUNK = 256 }; /* samples at a time */

lop_status lopi_calibration_check(const lop_network *network, const lop_prune_options *options,
                                  const lop_criterion *criterion, lop_error *error)
{
    const lop_samples *samples = options->samples;
    bool labels = criterion->needs == LOP_NEEDS_LABELS;
    if (criterion->needs != LOP_NEEDS_SAMPLES && !labels)
        return LOP_OK;
    if (!samples || options->sample_count == 0 || !samples->bytes == !samples->floats)
        return lopi_fail(error, LOP_E_ARG, "criterion '%s' looks at data: name calibration samples",
                         criterion->name);
    if (samples->features != lop_network_inputs(network))
        return lopi_fail(error, LOP_E_SHAPE,
                         "calibration samples have %zu values, the network reads %zu",
                         samples->features, lop_network_inputs(network));
    if (labels && !samples->labels)
        return lopi_fail(error, LOP_E_ARG,
                         "criterion '%s' looks at labels: name calibration samples with labels",
                         criterion->name);
    if (labels && samples->classes > lop_network_outputs(network))
        return lopi_fail(error, LOP_E_SHAPE,
                         "calibration samples have %zu classes, the network has %zu outputs",
                         samples->classes, lop_network_outputs(network));
    if (!options->indices && options->sample_count > samples->count)
        return lopi_fail(error, LOP_E_RANGE, "%zu calibration samples wanted, but there are %zu",
                         options->sample_count, samples->count);
    for (size_t i = 0; options->indices && i < options->sample_count; i++) {
        if (options->indices[i] >= samples->count)
            return lopi_fail(error, LOP_E_RANGE, "calibration sample %lu wanted, but there are %zu",
                             (unsigned long)options->indices[i], samples->count);
    }
    return LOP_OK;
}

/* A walk over the samples, a chunk at a time. Zero it first. */
typedef struct walk {
    const lop_prune_options *options;
    size_t inputs, next, size; /* samples seen before this chunk and with it, and in it */
    float *x;                  /* [CHUNK][inputs] */
    uint16_t labels[CHUNK];
} walk;

static lop_status walk_begin(walk *w, const lop_network *network, const lop_prune_options *options,
                             lop_error *error)
{
    *w = (walk){.options = options, .inputs = lop_network_inputs(network)};
    w->x = lopi_alloc_aligned(CHUNK * w->inputs, sizeof *w->x);
    return w->x ? LOP_OK : lopi_fail_memory(error, CHUNK * w->inputs * sizeof *w->x);
}

static bool walk_on(walk *w)
{
    size_t left = w->options->sample_count - w->next;
    w->size = left < CHUNK ? left : CHUNK;
    if (w->size == 0)
        return false;
    const uint32_t *indices = w->options->indices;
    lop_batch_gather(w->options->samples, indices ? indices + w->next : NULL, w->next, w->size,
                     w->x, w->options->samples->labels ? w->labels : NULL);
    w->next += w->size;
    return true;
}

/* Gradients ----------------------------------------------------------------------------------- */

typedef struct gradient_sum {
    const lop_network *network;
    double **layer;
    double share; /* of this chunk in all samples */
} gradient_sum;

static lop_status add_gradient(void *context, const lopi_gradient *gradient, lop_error *error)
{
    (void)error;
    const gradient_sum *sum = context;
    const lop_layer *layer = lop_network_layer(sum->network, gradient->layer);
    double *to = sum->layer[gradient->layer];
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        to[i] += sum->share * (double)gradient->weight[i];
    return LOP_OK;
}

static lop_status collect_gradients(lopi_collection *out, const lop_network *network,
                                    const lop_prune_options *options, lop_error *error)
{
    walk w = {0};
    lopi_trainer *trainer = NULL;
    gradient_sum sum = {.network = network, .layer = out->layer};
    const lopi_trainer_options how = {
        .max_batch = CHUNK, .precision = LOP_FLOAT32, .context = &sum, .on_gradient = add_gradient};
    lop_status status = lopi_trainer_new(&trainer, network, &how, error);
    if (status == LOP_OK)
        status = walk_begin(&w, network, options, error);
    while (status == LOP_OK && walk_on(&w)) {
        double loss;
        const lopi_batch batch = {.x = w.x, .labels = w.labels, .size = w.size};
        sum.share = (double)w.size / (double)options->sample_count;
        status = lopi_trainer_step(trainer, &batch, &loss, NULL, error);
        if (status == LOP_OK && !isfinite(loss))
            status =
                lopi_fail(error, LOP_E_NAN, "the loss of the calibration samples is not finite");
    }
    lopi_free(w.x);
    lopi_trainer_free(trainer);
    return status;
}

/* What units yield ---------------------------------------------------------------------------- */

/* The node whose values are the layer's units': its own, or that of a relu behind it. */
static size_t yield_node(const lop_network *network, const lop_layer *layer)
{
    size_t node = layer->node;
    for (size_t n = node + 1; n < lop_network_node_count(network); n++) {
        const lop_node *reader = lop_network_node(network, n);
        if (reader->op == LOP_OP_RELU && reader->input == node)
            node = n;
    }
    return node;
}

/* What is not finite makes the sum so. */
static void add_values(double *to, const float *values, size_t units, size_t batch, bool firing)
{
    for (size_t s = 0; s < batch; s++) {
        const float *row = values + s * units;
        for (size_t u = 0; u < units; u++)
            to[u] += firing && isfinite(row[u]) ? (double)(row[u] != 0) : (double)row[u];
    }
}

static lop_status collect_values(lopi_collection *out, const lop_network *network, bool firing,
                                 const lop_prune_options *options, lop_error *error)
{
    walk w = {0};
    lopi_pass pass = {0};
    float *result = lopi_alloc_aligned(CHUNK * lop_network_outputs(network), sizeof *result);
    lop_status status =
        result ? lopi_pass_init(&pass, network, CHUNK, false, false, error)
               : lopi_fail_memory(error, CHUNK * lop_network_outputs(network) * sizeof *result);
    if (status == LOP_OK)
        status = walk_begin(&w, network, options, error);
    while (status == LOP_OK && walk_on(&w)) {
        status = lopi_pass_begin(&pass, w.x, w.size, result, error);
        for (size_t n = 0; n < lop_network_node_count(network) && status == LOP_OK; n++) {
            status = lopi_pass_forward(&pass, n, error);
            for (size_t l = 0; l < out->layers && status == LOP_OK; l++) {
                const lop_layer *layer = lop_network_layer(network, l);
                if (yield_node(network, layer) == n)
                    add_values(out->layer[l], pass.values[n].data, layer->outputs, w.size, firing);
            }
        }
    }
    for (size_t l = 0; l < out->layers && status == LOP_OK; l++) {
        for (size_t u = 0; u < lop_network_layer(network, l)->outputs; u++)
            out->layer[l][u] /= (double)options->sample_count;
    }
    lopi_free(result);
    lopi_free(w.x);
    lopi_pass_end(&pass);
    return status;
}

lop_status lopi_collect(lopi_collection *out, const lop_network *network, lopi_collects what,
                        const lop_prune_options *options, lop_error *error)
{
    size_t layers = lop_network_layer_count(network);
    out->layer = lopi_alloc(layers, sizeof *out->layer);
    if (!out->layer)
        return lopi_fail_memory(error, layers * sizeof *out->layer);
    out->layers = layers;
    for (size_t l = 0; l < layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t values = layer->outputs * (what == LOPI_COLLECTS_GRADIENT ? layer->inputs : 1);
        out->layer[l] = lopi_alloc(values, sizeof **out->layer);
        if (!out->layer[l])
            return lopi_fail_memory(error, values * sizeof **out->layer);
    }
    if (what == LOPI_COLLECTS_GRADIENT)
        return collect_gradients(out, network, options, error);
    return collect_values(out, network, what == LOPI_COLLECTS_FIRING, options, error);
}

void lopi_collection_end(lopi_collection *collection)
{
    for (size_t l = 0; l < collection->layers; l++)
        lopi_free(collection->layer[l]);
    lopi_free(collection->layer);
    *collection = (lopi_collection){0};
}

/* What layers read ---------------------------------------------------------------------------- */

static void add_squares(double *to, const double *x, size_t inputs, size_t batch)
{
    for (size_t s = 0; s < batch; s++) {
        for (size_t i = 0; i < inputs; i++)
            to[i] += x[s * inputs + i] * x[s * inputs + i];
    }
}

/* Compute the samples of a walk up to node `node`, and hand what it yields to the sum. */
static lop_status sum_inputs(double *out, walk *w, lopi_pass *pass, size_t node, bool whole,
                             lop_error *error)
{
    size_t inputs = lop_network_node(pass->network, node)->width;
    size_t outputs = lop_network_outputs(pass->network);
    float *result = lopi_alloc_aligned(CHUNK * outputs, sizeof *result);
    double *x = lopi_alloc_aligned(CHUNK * inputs, sizeof *x);
    lop_status status =
        result && x ? LOP_OK : lopi_fail_memory(error, CHUNK * (inputs + outputs) * sizeof *x);
    while (status == LOP_OK && walk_on(w)) {
        status = lopi_pass_begin(pass, w->x, w->size, result, error);
        for (size_t n = 0; n <= node && status == LOP_OK; n++)
            status = lopi_pass_forward(pass, n, error);
        const float *values = pass->values[node].data;
        for (size_t i = 0; i < w->size * inputs && status == LOP_OK; i++)
            x[i] = (double)values[i];
        if (status == LOP_OK && whole)
            lopi_gram_add(out, inputs, x, w->size);
        else if (status == LOP_OK)
            add_squares(out, x, inputs, w->size);
    }
    lopi_free(result);
    lopi_free(x);
    return status;
}

lop_status lopi_collect_inputs(double *out, const lop_network *network, size_t index,
                               lopi_collects what, const lop_prune_options *options,
                               lop_error *error)
{
    const lop_layer *layer = lop_network_layer(network, index);
    size_t inputs = layer->inputs;
    bool whole = what == LOPI_COLLECTS_HESSIAN;
    walk w = {0};
    lopi_pass pass = {0};
    memset(out, 0, inputs * (whole ? inputs : 1) * sizeof *out);
    lop_status status = lopi_pass_init(&pass, network, CHUNK, false, false, error);
    if (status == LOP_OK)
        status = walk_begin(&w, network, options, error);
    if (status == LOP_OK)
        status =
            sum_inputs(out, &w, &pass, lop_network_node(network, layer->node)->input, whole, error);
    if (status)
        goto out;
    for (size_t i = 0; i < inputs; i++) {
        if (!isfinite(out[whole ? i * inputs + i : i])) {
            status = lopi_fail(error, LOP_E_NAN,
                               "input %zu of layer '%s' is not finite for some calibration sample",
                               i, layer->name);
            goto out;
        }
    }
    if (whole)
        lopi_mirror(out, inputs);
    for (size_t i = 0; i < inputs * (whole ? inputs : 1); i++)
        out[i] = whole ? out[i] / (double)options->sample_count : sqrt(out[i]);
out:
    lopi_free(w.x);
    lopi_pass_end(&pass);
    return status;
}
