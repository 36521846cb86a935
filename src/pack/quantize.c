#include "pack/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pack/sparse.h"
#include "run/half.h"

#define MAX_ROUNDS 200

/* Floats of 16 bits. -----------------------------------------------------------------------------
 */

static lop_status to_half(lopi_packed_layer *layer, unsigned entries, lop_error *error)
{
    (void)entries;
    size_t left = lopi_packed_left(layer);
    for (size_t i = 0; i < left; i++) {
        float half = lopi_half_to_float(lopi_float_to_half(layer->values[i]));
        if (!isfinite(half))
            return lopi_fail(error, LOP_E_RANGE,
                             "layer %s: weight %g is too large for 16 bits; keep it as float32",
                             layer->name, (double)layer->values[i]);
    }
    for (size_t i = 0; i < left; i++)
        layer->values[i] = lopi_half_to_float(lopi_float_to_half(layer->values[i]));
    return LOP_OK;
}

/* Whole numbers. ---------------------------------------------------------------------------------
 */

/* 127 times it is exact in float32, so that quantizing again finds the same scale. */
static float scale_for(const float *values, uint32_t count)
{
    float most = 0;
    for (uint32_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(values[i]));
    float scale = lopi_bfloat_to_float(lopi_float_to_bfloat(most / 127));
    return scale > 0 && isfinite(scale) ? scale : 1;
}

static lop_status to_int8(lopi_packed_layer *layer, unsigned entries, lop_error *error)
{
    (void)entries;
    size_t left = lopi_packed_left(layer);
    layer->q = lopi_alloc(left, sizeof *layer->q);
    layer->scale = lopi_alloc(layer->outputs, sizeof *layer->scale);
    if (!layer->q || !layer->scale)
        return lopi_fail_memory(error, left);
    for (uint32_t r = 0; r < layer->outputs; r++) {
        uint32_t begin = layer->row_start[r], end = layer->row_start[r + 1];
        layer->scale[r] = scale_for(layer->values + begin, end - begin);
        for (uint32_t i = begin; i < end; i++) {
            float q = rintf(layer->values[i] / layer->scale[r]);
            layer->q[i] = (int8_t)fmaxf(-127, fminf(127, q));
        }
    }
    lopi_free(layer->values);
    layer->values = NULL;
    return LOP_OK;
}

/* Shared values. ---------------------------------------------------------------------------------
 */

/* A layer's weights in rising order, and what k-means makes of them. */
typedef struct clusters {
    float *sorted; /* [count] */
    double *sum;   /* [count + 1]: of the first weights */
    size_t count;
    double center[256];
    size_t end[256]; /* cluster k ends before sorted[end[k]] */
    unsigned entries;
} clusters;

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void assign(clusters *c)
{
    size_t i = 0;
    for (unsigned k = 0; k < c->entries; k++) {
        double border = k + 1 < c->entries ? (c->center[k] + c->center[k + 1]) / 2 : INFINITY;
        size_t low = i, high = c->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (c->sorted[middle] <= border)
                low = middle + 1;
            else
                high = middle;
        }
        i = low;
        c->end[k] = i;
    }
}

static bool update(clusters *c)
{
    bool changed = false;
    for (unsigned k = 0; k < c->entries; k++) {
        size_t begin = k > 0 ? c->end[k - 1] : 0;
        if (c->end[k] == begin)
            continue;
        double mean = (c->sum[c->end[k]] - c->sum[begin]) / (double)(c->end[k] - begin);
        changed = changed || mean != c->center[k];
        c->center[k] = mean;
    }
    return changed;
}

/* Different values of the layer, where there are at most `entries` of them. */
static bool few_values(clusters *c, unsigned entries)
{
    unsigned count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0 && c->sorted[i] == c->sorted[i - 1])
            continue;
        if (count == entries)
            return false;
        c->center[count++] = c->sorted[i];
    }
    c->entries = count;
    return true;
}

static void find_clusters(clusters *c, unsigned entries)
{
    if (few_values(c, entries))
        return;
    double least = c->sorted[0], most = c->sorted[c->count - 1];
    c->entries = entries;
    for (unsigned k = 0; k < entries; k++)
        c->center[k] =
            entries > 1 ? least + (most - least) * k / (entries - 1) : (least + most) / 2;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        assign(c);
        if (!update(c))
            break;
    }
}

static bool is_used(const clusters *c, unsigned k)
{
    return c->end[k] > (k > 0 ? c->end[k - 1] : 0);
}

/* Whether a table bears to be rounded to 16 bits: no entry is at the ends of their range. */
static bool bears_half(const clusters *c)
{
    for (unsigned k = 0; k < c->entries; k++) {
        double size = fabs(c->center[k]);
        if (is_used(c, k) && size != 0 && (size < 0x1p-13 || size > 0x1p15))
            return false;
    }
    return true;
}

/* The table of a layer: used entries, rising, and none twice. */
static void make_table(lopi_packed_layer *layer, const clusters *c)
{
    bool half = bears_half(c);
    layer->entries = 0;
    for (unsigned k = 0; k < c->entries; k++) {
        float entry = (float)c->center[k];
        if (half)
            entry = lopi_half_to_float(lopi_float_to_half(entry));
        if (entry == 0)
            entry = 0; /* no minus */
        if (!is_used(c, k) || (layer->entries > 0 && entry <= layer->table[layer->entries - 1]))
            continue;
        layer->table[layer->entries++] = entry;
    }
}

static uint8_t nearest(const lopi_packed_layer *layer, float value)
{
    unsigned best = 0;
    while (best + 1 < layer->entries &&
           fabsf(value - layer->table[best + 1]) < fabsf(value - layer->table[best]))
        best++;
    return (uint8_t)best;
}

/* After rounding, and again after zeros have gone, only entries that are used stay. */
static void drop_unused(lopi_packed_layer *layer)
{
    uint8_t used[256] = {0}, to[256] = {0};
    size_t left = lopi_packed_left(layer);
    unsigned count = 0;
    for (size_t i = 0; i < left; i++)
        used[layer->symbol[i]] = 1;
    for (unsigned k = 0; k < layer->entries; k++) {
        to[k] = (uint8_t)count;
        if (used[k])
            layer->table[count++] = layer->table[k];
    }
    for (size_t i = 0; i < left; i++)
        layer->symbol[i] = to[layer->symbol[i]];
    layer->entries = count > 0 ? count : 1;
}

static lop_status to_shared(lopi_packed_layer *layer, unsigned entries, lop_error *error)
{
    lop_status status = LOP_OK;
    clusters c = {.count = lopi_packed_left(layer)};
    c.sorted = lopi_alloc(c.count, sizeof *c.sorted);
    c.sum = lopi_alloc(c.count + 1, sizeof *c.sum);
    layer->symbol = lopi_alloc(c.count, sizeof *layer->symbol);
    layer->table = lopi_alloc(256, sizeof *layer->table);
    if (!c.sorted || !c.sum || !layer->symbol || !layer->table) {
        status = lopi_fail_memory(error, c.count * sizeof *c.sum);
        goto out;
    }
    if (c.count > 0) {
        memcpy(c.sorted, layer->values, c.count * sizeof *c.sorted);
        qsort(c.sorted, c.count, sizeof *c.sorted, by_value);
        for (size_t i = 0; i < c.count; i++)
            c.sum[i + 1] = c.sum[i] + (double)c.sorted[i];
        find_clusters(&c, entries);
        assign(&c);
        make_table(layer, &c);
    }
    for (size_t i = 0; i < c.count; i++)
        layer->symbol[i] = nearest(layer, layer->values[i]);
    drop_unused(layer);
    lopi_free(layer->values);
    layer->values = NULL;
out:
    lopi_free(c.sorted);
    lopi_free(c.sum);
    return status;
}

static lop_status to_float(lopi_packed_layer *layer, unsigned entries, lop_error *error)
{
    (void)layer;
    (void)entries;
    (void)error;
    return LOP_OK;
}

/* Kinds. -----------------------------------------------------------------------------------------
 */

typedef lop_status quantizer(lopi_packed_layer *layer, unsigned entries, lop_error *error);
static quantizer *const quantizers[] = {
    [LOP_VALUES_FLOAT32] = to_float,
    [LOP_VALUES_FLOAT16] = to_half,
    [LOP_VALUES_INT8] = to_int8,
    [LOP_VALUES_SHARED] = to_shared,
};

lop_status lopi_quantize(lopi_packed_layer *layer, lop_values kind, unsigned entries,
                         lop_error *error)
{
    lop_status status = quantizers[kind](layer, entries, error);
    if (status != LOP_OK)
        return status;
    layer->kind = kind;
    status = lopi_sparse_drop_zeros(layer, error);
    if (status == LOP_OK && kind == LOP_VALUES_SHARED)
        drop_unused(layer);
    return status;
}
