#include "pack/quantize.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pack/clusters.h"
#include "pack/sparse.h"
#include "run/half.h"

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

/* Whether a table bears to be rounded to 16 bits. */
static bool bears_half(const lopi_clusters *c)
{
    for (unsigned k = 0; k < c->entries; k++)
        if (lopi_clusters_used(c, k) && !lopi_entry_bears_half(c->center[k]))
            return false;
    return true;
}

/* The table of a layer: used entries, rising, and none twice. */
static void make_table(lopi_packed_layer *layer, const lopi_clusters *c)
{
    bool half = bears_half(c);
    layer->entries = 0;
    for (unsigned k = 0; k < c->entries; k++) {
        float entry = (float)c->center[k];
        if (half)
            entry = lopi_half_to_float(lopi_float_to_half(entry));
        if (entry == 0)
            entry = 0; /* no minus */
        if (!lopi_clusters_used(c, k) ||
            (layer->entries > 0 && entry <= layer->table[layer->entries - 1]))
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
    size_t left = lopi_packed_left(layer);
    lopi_clusters c = {0};
    lop_status status = lopi_clusters_find(&c, layer->values, left, entries, error);
    layer->symbol = lopi_alloc(left, sizeof *layer->symbol);
    layer->table = lopi_alloc(LOPI_MAX_ENTRIES, sizeof *layer->table);
    if (status == LOP_OK && (!layer->symbol || !layer->table))
        status = lopi_fail_memory(error, left);
    if (status != LOP_OK)
        goto out;
    if (left > 0)
        make_table(layer, &c);
    for (size_t i = 0; i < left; i++)
        layer->symbol[i] = nearest(layer, layer->values[i]);
    drop_unused(layer);
    lopi_free(layer->values);
    layer->values = NULL;
out:
    lopi_clusters_end(&c);
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
