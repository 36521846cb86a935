/* The network as engines get it: float32, and rounded to 8 bits in the way that int8 engines want
 * it, a scale for each unit, and a range for what each layer yields on some training samples. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"
#include "place.h"

enum { CALIBRATION = 256 };

lop_status fail(lop_error *error, lop_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->code = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

float step_of(const peer_layer *layer)
{
    float range = layer->most - layer->least;
    return range > 0 ? range / 255 : 1;
}

uint8_t zero_of(const peer_layer *layer) { return (uint8_t)lrintf(-layer->least / step_of(layer)); }

const float *job_floats(const peer_job *job, size_t set)
{
    return job->contest->x + set * job->batch * job->contest->layers[0].inputs;
}

const uint8_t *job_bytes(const peer_job *job, size_t set)
{
    return job->contest->bytes + set * job->batch * job->contest->layers[0].inputs;
}

static lop_status round_weights(peer_layer *layer, lop_error *error)
{
    layer->rounded = malloc(layer->outputs * layer->inputs);
    layer->scale = malloc(layer->outputs * sizeof *layer->scale);
    if (!layer->rounded || !layer->scale)
        return fail(error, LOP_E_MEMORY, "out of memory");
    for (size_t o = 0; o < layer->outputs; o++) {
        const float *row = layer->weight + o * layer->inputs;
        float most = 0;
        for (size_t i = 0; i < layer->inputs; i++)
            most = fmaxf(most, fabsf(row[i]));
        layer->scale[o] = most > 0 ? most / 127 : 1;
        for (size_t i = 0; i < layer->inputs; i++)
            layer->rounded[o * layer->inputs + i] = (int8_t)lrintf(row[i] / layer->scale[o]);
    }
    return LOP_OK;
}

/* y = relu(W x) by columns, so that zeros of x cost nothing. */
static void multiply(const peer_layer *layer, const float *transposed, const float *x, float *y,
                     bool relu)
{
    memset(y, 0, layer->outputs * sizeof *y);
    for (size_t i = 0; i < layer->inputs; i++) {
        if (x[i] == 0)
            continue;
        const float *column = transposed + i * layer->outputs;
        for (size_t o = 0; o < layer->outputs; o++)
            y[o] += column[o] * x[i];
    }
    for (size_t o = 0; relu && o < layer->outputs; o++)
        y[o] = y[o] > 0 ? y[o] : 0;
}

/* The range of what a layer yields; x [CALIBRATION][inputs] becomes y [CALIBRATION][outputs]. */
static lop_status find_range(peer_layer *layer, float **x, bool relu, lop_error *error)
{
    float *transposed = malloc(layer->inputs * layer->outputs * sizeof *transposed);
    float *y = malloc(CALIBRATION * layer->outputs * sizeof *y);
    if (!transposed || !y) {
        free(transposed);
        free(y);
        return fail(error, LOP_E_MEMORY, "out of memory");
    }
    for (size_t o = 0; o < layer->outputs; o++)
        for (size_t i = 0; i < layer->inputs; i++)
            transposed[i * layer->outputs + o] = layer->weight[o * layer->inputs + i];
    for (size_t s = 0; s < CALIBRATION; s++)
        multiply(layer, transposed, *x + s * layer->inputs, y + s * layer->outputs, relu);
    for (size_t v = 0; v < CALIBRATION * layer->outputs; v++) {
        layer->least = fminf(layer->least, y[v]);
        layer->most = fmaxf(layer->most, y[v]);
    }
    free(transposed);
    free(*x);
    *x = y;
    return LOP_OK;
}

static lop_status calibrate(peer_net *c, lop_error *error)
{
    const lop_samples *train = lop_dataset_train(c->dataset);
    if (train->count < CALIBRATION)
        return fail(error, LOP_E_RANGE, "fewer than %d training samples", CALIBRATION);
    float *x = malloc(CALIBRATION * train->features * sizeof *x);
    if (!x)
        return fail(error, LOP_E_MEMORY, "out of memory");
    lop_batch_gather(train, NULL, 0, CALIBRATION, x, NULL);
    lop_status status = LOP_OK;
    for (size_t l = 0; l < c->layer_count && status == LOP_OK; l++) {
        status = round_weights(&c->layers[l], error);
        if (status == LOP_OK)
            status = find_range(&c->layers[l], &x, l + 1 < c->layer_count, error);
    }
    free(x);
    return status;
}

static lop_status take_layers(peer_net *c, lop_error *error)
{
    c->layer_count = lop_network_layer_count(c->network);
    if (c->layer_count == 0 || c->layer_count > MAX_LAYERS)
        return fail(error, LOP_E_UNSUPPORTED, "%zu layers; 1 to %d are computed here",
                    c->layer_count, MAX_LAYERS);
    for (size_t l = 0; l < c->layer_count; l++) {
        const lop_layer *from = lop_network_layer(c->network, l);
        if (from->bias)
            return fail(error, LOP_E_UNSUPPORTED, "layer %zu has biases", l);
        c->layers[l] =
            (peer_layer){.outputs = from->outputs, .inputs = from->inputs, .weight = from->weight};
    }
    return LOP_OK;
}

static lop_status take_samples(peer_net *c, const char *path, lop_error *error)
{
    const lop_samples *test = lop_dataset_test(c->dataset);
    if (test->count < SAMPLES || !test->bytes || test->features != c->layers[0].inputs)
        return fail(error, LOP_E_SHAPE, "%s does not read images of 28 by 28", path);
    c->bytes = test->bytes;
    c->x = malloc(SAMPLES * test->features * sizeof *c->x);
    if (!c->x)
        return fail(error, LOP_E_MEMORY, "out of memory");
    lop_batch_gather(test, NULL, 0, SAMPLES, c->x, NULL);
    return LOP_OK;
}

lop_status contest_open(peer_net *out, const char *path, lop_error *error)
{
    peer_net c = {0};
    lop_status status = lop_network_load(&c.network, path, NULL, error);
    if (status == LOP_OK)
        status = lop_dataset_open(&c.dataset, "mnist",
                                  &(lop_data_options){.cache_dir = place_of_data()}, error);
    if (status == LOP_OK)
        status = take_layers(&c, error);
    if (status == LOP_OK)
        status = take_samples(&c, path, error);
    if (status == LOP_OK)
        status = calibrate(&c, error);
    if (status == LOP_OK)
        *out = c;
    else
        contest_close(&c);
    return status;
}

void contest_close(peer_net *contest)
{
    for (size_t l = 0; l < MAX_LAYERS; l++) {
        free(contest->layers[l].rounded);
        free(contest->layers[l].scale);
    }
    free(contest->x);
    lop_dataset_free(contest->dataset);
    lop_network_free(contest->network);
    *contest = (peer_net){0};
}
