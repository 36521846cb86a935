#include "pack/quantize.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pack/clusters.h"
#include "pack/sparse.h"
#include "pack/table.h"
#include "run/half.h"
#include "run/steps.h"

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
        layer->scale[r] = lopi_step_for(layer->values + begin, end - begin);
        for (uint32_t i = begin; i < end; i++)
            layer->q[i] = (int8_t)lopi_step_count(layer->values[i], layer->scale[r]);
    }
    lopi_free(layer->values);
    layer->values = NULL;
    return LOP_OK;
}

/* Shared values. ---------------------------------------------------------------------------------
 */

/* Where entries are all the values that the layer has, next to none is to be lost. */
static void round_table(float *entries, unsigned count, bool all)
{
    if (!all)
        lopi_table_round(entries, count);
    else if (lopi_steps_find(entries, count) == 0)
        lopi_halves_round(entries, count);
}

/* The table of a layer: used entries, rising, and none twice. */
static void make_table(lopi_packed_layer *layer, const lopi_clusters *c)
{
    float entries[LOPI_MAX_ENTRIES];
    unsigned count = 0;
    for (unsigned k = 0; k < c->entries; k++)
        if (lopi_clusters_used(c, k))
            entries[count++] = (float)c->center[k];
    round_table(entries, count, c->all);
    layer->entries = 0;
    for (unsigned k = 0; k < count; k++)
        if (layer->entries == 0 || entries[k] > layer->table[layer->entries - 1])
            layer->table[layer->entries++] = entries[k] + 0.0f; /* no minus 0 */
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

/* As finely as the weights are. */
static void round_biases(const lopi_packed_layer *layer)
{
    if (!layer->bias || layer->kind == LOP_VALUES_FLOAT32)
        return;
    if (layer->kind == LOP_VALUES_FLOAT16)
        lopi_halves_round(layer->bias, layer->outputs);
    else
        lopi_biases_round(layer->bias, layer->outputs);
}

lop_status lopi_quantize(lopi_packed_layer *layer, lop_values kind, unsigned entries,
                         lop_error *error)
{
    lop_status status = quantizers[kind](layer, entries, error);
    if (status != LOP_OK)
        return status;
    layer->kind = kind;
    round_biases(layer);
    status = lopi_sparse_drop_zeros(layer, error);
    if (status == LOP_OK && kind == LOP_VALUES_SHARED)
        drop_unused(layer);
    return status;
}
