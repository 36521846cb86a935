#include "packed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static void fill_values(lopi_packed_layer *layer, lopi_random *random, lop_values kind, size_t left)
{
    float deviation = sqrtf(2.0f * (float)layer->outputs / (float)(left + 1));
    layer->kind = kind;
    layer->entries = kind == LOP_VALUES_SHARED ? 16 : 0;
    layer->values = lopi_alloc(left, sizeof(float));
    layer->q = lopi_alloc(left, 1);
    layer->symbol = lopi_alloc(left, 1);
    layer->scale = lopi_alloc(layer->outputs, sizeof(float));
    layer->table = lopi_alloc(16, sizeof(float));
    for (size_t i = 0; i < left; i++) {
        layer->values[i] = deviation * (float)lopi_random_normal(random);
        layer->q[i] = (int8_t)((int)lopi_random_below(random, 255) - 127);
        layer->symbol[i] = (uint8_t)lopi_random_below(random, 16);
    }
    for (uint32_t r = 0; r < layer->outputs; r++)
        layer->scale[r] = deviation * (1 + lopi_random_float(random)) / 127;
    for (size_t i = 0; i < 16; i++)
        layer->table[i] = deviation * (float)lopi_random_normal(random);
}

lop_packed *test_packed_new(lopi_random *random, const uint32_t *widths, size_t layers,
                            float density, lop_values kind)
{
    lop_packed *packed = NULL;
    if (lopi_packed_new(&packed, layers, NULL) != LOP_OK)
        return NULL;
    for (size_t l = 0; l < layers; l++) {
        lopi_packed_layer *layer = &packed->layers[l];
        *layer = (lopi_packed_layer){.inputs = widths[l], .outputs = widths[l + 1]};
        snprintf(layer->name, sizeof layer->name, "fc%zu", l + 1);
        layer->relu = l + 1 < layers;
        layer->row_start = lopi_alloc((size_t)layer->outputs + 1, sizeof(uint32_t));
        layer->column = lopi_alloc((size_t)layer->outputs * layer->inputs, sizeof(uint32_t));
        layer->bias = lopi_alloc(layer->outputs, sizeof(float));
        uint32_t left = 0;
        for (uint32_t r = 0; r < layer->outputs; r++) {
            for (uint32_t c = 0; c < layer->inputs; c++)
                if (lopi_random_float(random) < density)
                    layer->column[left++] = c;
            layer->row_start[r + 1] = left;
            layer->bias[r] = 0.1f * (float)lopi_random_normal(random);
        }
        fill_values(layer, random, kind, left);
        layer->input_scale = (l == 0 ? 1 : 3) / 127.0f;
        layer->input_zero = l == 0 ? 5 : 0;
        layer->input_density = 0.5f;
    }
    if (lopi_packed_check(packed, NULL) != LOP_OK) {
        lop_packed_free(packed);
        return NULL;
    }
    return packed;
}

/* Of all the values between its layers. */
static size_t widest(const lop_packed *packed)
{
    size_t width = packed->inputs;
    for (size_t l = 0; l < packed->layer_count; l++)
        if (packed->layers[l].outputs > width)
            width = packed->layers[l].outputs;
    return width;
}

void test_packed_compute(const lop_packed *packed, const float *x, double *y)
{
    double *in = lopi_alloc(widest(packed), sizeof *in);
    double *out = lopi_alloc(widest(packed), sizeof *out);
    for (uint32_t i = 0; i < packed->inputs; i++)
        in[i] = (double)x[i];
    for (size_t l = 0; l < packed->layer_count; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        for (uint32_t r = 0; r < layer->outputs; r++) {
            uint32_t at = layer->row_start[r];
            out[r] = (double)layer->bias[r];
            for (uint32_t c = 0; c < layer->inputs; c++) {
                bool kept = at < layer->row_start[r + 1] && layer->column[at] == c;
                out[r] += (kept ? (double)lopi_packed_weight(layer, r, at++) : 0) * in[c];
            }
            if (layer->relu && out[r] < 0)
                out[r] = 0;
        }
        memcpy(in, out, layer->outputs * sizeof *in);
    }
    memcpy(y, in, packed->outputs * sizeof *y);
    lopi_free(in);
    lopi_free(out);
}

/* Weights of a unit in int8 and their scale. */
static double quantize_unit(const lopi_packed_layer *layer, uint32_t r, int *q)
{
    uint32_t first = layer->row_start[r], end = layer->row_start[r + 1];
    if (layer->kind == LOP_VALUES_INT8) {
        for (uint32_t i = first; i < end; i++)
            q[i - first] = layer->q[i];
        return (double)layer->scale[r];
    }
    double largest = 0;
    for (uint32_t i = first; i < end; i++)
        largest = fmax(largest, fabs((double)lopi_packed_weight(layer, r, i)));
    double scale = largest > 0 ? largest / 127 : 1;
    for (uint32_t i = first; i < end; i++)
        q[i - first] = (int)rint((double)lopi_packed_weight(layer, r, i) / scale);
    return scale;
}

/* The first `layers` layers: y [outputs] where those are all, else `hidden`, what the next one
 * reads. */
static void compute_int8(const lop_packed *packed, const float *x, size_t layers, float *y,
                         int *hidden)
{
    int *in = lopi_alloc(widest(packed), sizeof *in), *q = lopi_alloc(widest(packed), 4);
    int *out = lopi_alloc(widest(packed), sizeof *out);
    const lopi_packed_layer *first = &packed->layers[0];
    for (uint32_t i = 0; i < packed->inputs; i++) {
        float t = x[i] * (1 / first->input_scale);
        t += (float)first->input_zero;
        in[i] = (int)rintf(fminf(fmaxf(t, 0), 127));
    }
    for (size_t l = 0; l < layers; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        const lopi_packed_layer *next = l + 1 < packed->layer_count ? layer + 1 : NULL;
        double out_scale = next ? (double)next->input_scale : 1;
        for (uint32_t r = 0; r < layer->outputs; r++) {
            double mult = quantize_unit(layer, r, q) * (double)layer->input_scale / out_scale;
            long acc = 0, sum = 0;
            for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
                acc += (long)q[i - layer->row_start[r]] * in[layer->column[i]];
                sum += q[i - layer->row_start[r]];
            }
            float offset =
                (float)((double)layer->bias[r] / out_scale + (next ? next->input_zero : 0) -
                        (double)layer->input_zero * (double)sum * mult);
            float t = (float)acc * (float)mult;
            t += offset;
            if (next)
                out[r] = (int)rintf(fminf(fmaxf(t, 0), 127));
            else
                y[r] = layer->relu && t < 0 ? 0 : t;
        }
        memcpy(in, out, layer->outputs * sizeof *in);
    }
    if (hidden)
        memcpy(hidden, in, packed->layers[layers].inputs * sizeof *in);
    lopi_free(in);
    lopi_free(q);
    lopi_free(out);
}

void test_packed_compute_int8(const lop_packed *packed, const float *x, float *y)
{
    compute_int8(packed, x, packed->layer_count, y, NULL);
}

void test_packed_read_int8(const lop_packed *packed, const float *x, size_t layer, int *in)
{
    compute_int8(packed, x, layer, NULL, in);
}
