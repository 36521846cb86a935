#include "pack/forward.h"

#include "base/error.h"
#include "base/memory.h"

lop_status lopi_forward_begin(lopi_forward *forward, const lop_packed *packed, lop_error *error)
{
    size_t widest = packed->inputs, layers = packed->layer_count;
    forward->packed = packed;
    forward->weight = lopi_alloc(layers, sizeof *forward->weight);
    if (!forward->weight)
        return lopi_fail_memory(error, layers * sizeof *forward->weight);
    for (size_t l = 0; l < layers; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        size_t left = lopi_packed_left(layer);
        widest = layer->outputs > widest ? layer->outputs : widest;
        forward->weight[l] = lopi_alloc(left, sizeof(float));
        if (!forward->weight[l])
            return lopi_fail_memory(error, left * sizeof(float));
        lopi_packed_weights(layer, forward->weight[l]);
    }
    forward->rows = lopi_alloc((size_t)packed->inputs * LOPI_TILE, sizeof(float));
    forward->x = lopi_alloc(widest * LOPI_TILE, sizeof(float));
    forward->y = lopi_alloc(widest * LOPI_TILE, sizeof(float));
    if (!forward->rows || !forward->x || !forward->y)
        return lopi_fail_memory(error, widest * LOPI_TILE * sizeof(float));
    return LOP_OK;
}

void lopi_forward_end(lopi_forward *forward)
{
    for (size_t l = 0; forward->weight && l < forward->packed->layer_count; l++)
        lopi_free(forward->weight[l]);
    lopi_free(forward->weight);
    lopi_free(forward->rows);
    lopi_free(forward->x);
    lopi_free(forward->y);
    *forward = (lopi_forward){0};
}

static void compute_layer(const lopi_packed_layer *layer, const float *weight, const float *x,
                          float *y)
{
    for (uint32_t r = 0; r < layer->outputs; r++) {
        float *sum = y + (size_t)r * LOPI_TILE;
        for (size_t b = 0; b < LOPI_TILE; b++)
            sum[b] = layer->bias ? layer->bias[r] : 0;
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            const float *input = x + (size_t)layer->column[i] * LOPI_TILE;
            for (size_t b = 0; b < LOPI_TILE; b++)
                sum[b] += weight[i] * input[b];
        }
        for (size_t b = 0; b < LOPI_TILE && layer->relu; b++)
            sum[b] = sum[b] < 0 ? 0 : sum[b];
    }
}

const float *lopi_forward_rows(lopi_forward *forward, size_t batch, lopi_forward_look *look,
                               void *context)
{
    const lop_packed *packed = forward->packed;
    for (size_t i = 0; i < packed->inputs; i++)
        for (size_t b = 0; b < LOPI_TILE; b++)
            forward->x[i * LOPI_TILE + b] = b < batch ? forward->rows[b * packed->inputs + i] : 0;
    for (size_t l = 0; l < packed->layer_count; l++) {
        if (look)
            look(context, l, forward->x, batch);
        compute_layer(&packed->layers[l], forward->weight[l], forward->x, forward->y);
        float *swap = forward->x;
        forward->x = forward->y;
        forward->y = swap;
    }
    return forward->x;
}

size_t lopi_forward_load(lopi_forward *forward, const lop_samples *samples, const uint32_t *indices,
                         size_t first, size_t count)
{
    size_t batch = count - first < LOPI_TILE ? count - first : LOPI_TILE;
    lop_batch_gather(samples, indices ? indices + first : NULL, first, batch, forward->rows, NULL);
    return batch;
}

static size_t highest(const float *y, size_t outputs, size_t sample)
{
    size_t best = 0;
    for (size_t o = 1; o < outputs; o++)
        if (y[o * LOPI_TILE + sample] > y[best * LOPI_TILE + sample])
            best = o;
    return best;
}

lop_status lopi_forward_correct(const lop_packed *packed, const lop_samples *samples,
                                const uint32_t *indices, size_t count, size_t *correct,
                                lop_error *error)
{
    lopi_forward forward = {0};
    size_t right = 0;
    lop_status status = lopi_forward_begin(&forward, packed, error);
    for (size_t first = 0; first < count && status == LOP_OK; first += LOPI_TILE) {
        size_t batch = lopi_forward_load(&forward, samples, indices, first, count);
        const float *y = lopi_forward_rows(&forward, batch, NULL, NULL);
        for (size_t b = 0; b < batch; b++) {
            size_t sample = indices ? indices[first + b] : first + b;
            right += highest(y, packed->outputs, b) == samples->labels[sample];
        }
    }
    lopi_forward_end(&forward);
    if (status == LOP_OK)
        *correct = right;
    return status;
}
