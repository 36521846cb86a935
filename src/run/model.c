#include "run/model.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/hash.h"

size_t lopi_packed_left(const lopi_packed_layer *layer) { return layer->row_start[layer->outputs]; }

float lopi_packed_weight(const lopi_packed_layer *layer, uint32_t unit, size_t index)
{
    switch (layer->kind) {
    case LOP_VALUES_INT8:
        return (float)layer->q[index] * layer->scale[unit];
    case LOP_VALUES_SHARED:
        return layer->table[layer->symbol[index]];
    case LOP_VALUES_FLOAT32:
    case LOP_VALUES_FLOAT16:
        break;
    }
    return layer->values[index];
}

void lopi_packed_weights(const lopi_packed_layer *layer, float *out)
{
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (size_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++)
            out[i] = lopi_packed_weight(layer, r, i);
}

lop_status lopi_packed_new(lop_packed **out, size_t layer_count, lop_error *error)
{
    if (layer_count == 0 || layer_count > LOP_RUN_MAX_LAYERS)
        return lopi_fail(error, LOP_E_LIMIT, "expected 1 to %d layers, found %zu",
                         LOP_RUN_MAX_LAYERS, layer_count);
    lop_packed *packed = lopi_alloc(1, sizeof *packed);
    lopi_packed_layer *layers = lopi_alloc(layer_count, sizeof *layers);
    if (!packed || !layers) {
        lopi_free(packed);
        lopi_free(layers);
        return lopi_fail_memory(error, layer_count * sizeof *layers);
    }
    packed->layers = layers;
    packed->layer_count = layer_count;
    *out = packed;
    return LOP_OK;
}

void lop_packed_free(lop_packed *packed)
{
    if (!packed)
        return;
    for (size_t l = 0; l < packed->layer_count; l++) {
        lopi_packed_layer *layer = &packed->layers[l];
        void *const parts[] = {layer->row_start, layer->column, layer->values, layer->q,
                               layer->scale,     layer->symbol, layer->table,  layer->bias};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            lopi_free(parts[i]);
    }
    lopi_free(packed->layers);
    lopi_free(packed);
}

/* Checking. ----------------------------------------------------------------------------------- */

static lop_status check_shape(const lopi_packed_layer *layer, lop_error *error)
{
    if (layer->name[0] == 0 || !memchr(layer->name, 0, sizeof layer->name))
        return lopi_fail(error, LOP_E_FORMAT, "a layer's name is empty or has no end");
    const uint32_t widths[] = {layer->inputs, layer->outputs};
    for (size_t i = 0; i < 2; i++)
        if (widths[i] == 0 || widths[i] > LOP_RUN_MAX_WIDTH)
            return lopi_fail(error, LOP_E_LIMIT,
                             "layer %s: expected 1 to %u inputs and outputs, found %u", layer->name,
                             LOP_RUN_MAX_WIDTH, widths[i]);
    return LOP_OK;
}

static lop_status check_positions(const lopi_packed_layer *layer, lop_error *error)
{
    const uint32_t *start = layer->row_start;
    if (!start || start[0] != 0)
        return lopi_fail(error, LOP_E_FORMAT, "layer %s: its rows do not begin at 0", layer->name);
    for (uint32_t r = 0; r < layer->outputs; r++)
        if (start[r + 1] < start[r] || start[r + 1] - start[r] > layer->inputs)
            return lopi_fail(error, LOP_E_FORMAT, "layer %s: row %u ends where it cannot",
                             layer->name, r);
    if (start[layer->outputs] > LOP_RUN_MAX_WEIGHTS)
        return lopi_fail(error, LOP_E_LIMIT, "layer %s: expected at most %u weights, found %u",
                         layer->name, LOP_RUN_MAX_WEIGHTS, start[layer->outputs]);
    if (start[layer->outputs] > 0 && !layer->column)
        return lopi_fail(error, LOP_E_FORMAT, "layer %s: its columns are missing", layer->name);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = start[r]; i < start[r + 1]; i++)
            if (layer->column[i] >= layer->inputs ||
                (i > start[r] && layer->column[i] <= layer->column[i - 1]))
                return lopi_fail(error, LOP_E_FORMAT,
                                 "layer %s: in row %u column %u is out of order or of range",
                                 layer->name, r, layer->column[i]);
    return LOP_OK;
}

static lop_status not_finite(const lopi_packed_layer *layer, const char *what, size_t index,
                             lop_error *error)
{
    return lopi_fail(error, LOP_E_NAN, "layer %s: %s %zu is not finite", layer->name, what, index);
}

static lop_status check_finite(const lopi_packed_layer *layer, const float *values, size_t count,
                               const char *what, lop_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return not_finite(layer, what, i, error);
    return LOP_OK;
}

static lop_status missing(const lopi_packed_layer *layer, lop_error *error)
{
    return lopi_fail(error, LOP_E_FORMAT, "layer %s: its values are missing", layer->name);
}

static lop_status check_int8(const lopi_packed_layer *layer, lop_error *error)
{
    size_t left = lopi_packed_left(layer);
    if ((left > 0 && !layer->q) || !layer->scale)
        return missing(layer, error);
    for (size_t i = 0; i < left; i++)
        if (layer->q[i] == INT8_MIN)
            return lopi_fail(error, LOP_E_FORMAT,
                             "layer %s: weight %zu is -128; expected -127 to 127", layer->name, i);
    for (uint32_t r = 0; r < layer->outputs; r++)
        if (!(layer->scale[r] > 0) || !isfinite(layer->scale[r]))
            return lopi_fail(error, LOP_E_FORMAT,
                             "layer %s: the scale of unit %u is not a positive number", layer->name,
                             r);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++)
            if (!isfinite((float)layer->q[i] * layer->scale[r]))
                return not_finite(layer, "weight", i, error);
    return LOP_OK;
}

static lop_status check_shared(const lopi_packed_layer *layer, lop_error *error)
{
    size_t left = lopi_packed_left(layer);
    if ((left > 0 && !layer->symbol) || !layer->table)
        return missing(layer, error);
    if (layer->entries == 0 || layer->entries > 256)
        return lopi_fail(error, LOP_E_FORMAT,
                         "layer %s: expected a table of 1 to 256 values, found %u", layer->name,
                         layer->entries);
    for (size_t i = 0; i < left; i++)
        if (layer->symbol[i] >= layer->entries)
            return lopi_fail(error, LOP_E_FORMAT,
                             "layer %s: weight %zu is entry %u of a table of %u", layer->name, i,
                             layer->symbol[i], layer->entries);
    return check_finite(layer, layer->table, layer->entries, "table entry", error);
}

static lop_status check_values(const lopi_packed_layer *layer, lop_error *error)
{
    switch (layer->kind) {
    case LOP_VALUES_FLOAT32:
    case LOP_VALUES_FLOAT16:
        if (lopi_packed_left(layer) > 0 && !layer->values)
            return missing(layer, error);
        return check_finite(layer, layer->values, lopi_packed_left(layer), "weight", error);
    case LOP_VALUES_INT8:
        return check_int8(layer, error);
    case LOP_VALUES_SHARED:
        return check_shared(layer, error);
    }
    return lopi_fail(error, LOP_E_FORMAT, "layer %s: its values are of unknown kind %d",
                     layer->name, (int)layer->kind);
}

static lop_status check_calibration(const lopi_packed_layer *layer, bool behind_relu,
                                    lop_error *error)
{
    bool zero_fits = layer->input_zero >= 0 && layer->input_zero <= (behind_relu ? 0 : 127);
    if (!(layer->input_scale >= 0) || !isfinite(layer->input_scale) || !zero_fits)
        return lopi_fail(error, LOP_E_FORMAT,
                         "layer %s: its input cannot have scale %g and zero point %d", layer->name,
                         (double)layer->input_scale, layer->input_zero);
    if (!(layer->input_density >= 0 && layer->input_density <= 1))
        return lopi_fail(error, LOP_E_FORMAT,
                         "layer %s: expected an input density of 0 to 1, found %g", layer->name,
                         (double)layer->input_density);
    return LOP_OK;
}

static lop_status check_layer(const lopi_packed_layer *layer, const lopi_packed_layer *before,
                              lop_error *error)
{
    lop_status status = check_shape(layer, error);
    if (status == LOP_OK && before && before->outputs != layer->inputs)
        status =
            lopi_fail(error, LOP_E_SHAPE, "layer %s reads %u values, but %s before it yields %u",
                      layer->name, layer->inputs, before->name, before->outputs);
    if (status == LOP_OK)
        status = check_positions(layer, error);
    if (status == LOP_OK)
        status = check_values(layer, error);
    if (status == LOP_OK && layer->bias)
        status = check_finite(layer, layer->bias, layer->outputs, "bias", error);
    if (status == LOP_OK)
        status = check_calibration(layer, before && before->relu, error);
    return status;
}

lop_status lopi_packed_check(lop_packed *packed, lop_error *error)
{
    for (size_t l = 0; l < packed->layer_count; l++) {
        lop_status status =
            check_layer(&packed->layers[l], l > 0 ? &packed->layers[l - 1] : NULL, error);
        if (status != LOP_OK)
            return status;
    }
    packed->inputs = packed->layers[0].inputs;
    packed->outputs = packed->layers[packed->layer_count - 1].outputs;
    packed->checksum = lopi_packed_checksum(packed);
    return LOP_OK;
}

/* Checksum. ----------------------------------------------------------------------------------- */

uint64_t lopi_packed_checksum(const lop_packed *packed)
{
    uint64_t sum = LOPI_HASH_START;
    for (size_t l = 0; l < packed->layer_count; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        size_t left = lopi_packed_left(layer);
        const uint32_t shape[] = {layer->outputs,
                                  layer->inputs,
                                  layer->relu,
                                  (uint32_t)layer->kind,
                                  layer->entries,
                                  layer->bias != NULL,
                                  (uint32_t)layer->input_zero};
        const float calibration[] = {layer->input_scale, layer->input_density};
        sum = lopi_hash(sum, shape, sizeof shape);
        sum = lopi_hash(sum, calibration, sizeof calibration);
        sum = lopi_hash(sum, layer->row_start, ((size_t)layer->outputs + 1) * sizeof(uint32_t));
        sum = lopi_hash(sum, layer->column, left * sizeof(uint32_t));
        sum = lopi_hash(sum, layer->values, left * sizeof(float));
        sum = lopi_hash(sum, layer->q, left);
        sum = lopi_hash(sum, layer->scale, layer->outputs * sizeof(float));
        sum = lopi_hash(sum, layer->symbol, left);
        sum = lopi_hash(sum, layer->table, layer->entries * sizeof(float));
        sum = lopi_hash(sum, layer->bias, layer->outputs * sizeof(float));
    }
    return sum;
}

/* Showing. ------------------------------------------------------------------------------------ */

size_t lop_packed_inputs(const lop_packed *packed) { return packed->inputs; }

size_t lop_packed_outputs(const lop_packed *packed) { return packed->outputs; }

size_t lop_packed_layer_count(const lop_packed *packed) { return packed->layer_count; }

lop_status lop_packed_layer_get(const lop_packed *packed, size_t index, lop_packed_layer *out,
                                lop_error *error)
{
    if (index >= packed->layer_count)
        return lopi_fail(error, LOP_E_RANGE, "expected a layer below %zu, found %zu",
                         packed->layer_count, index);
    const lopi_packed_layer *layer = &packed->layers[index];
    *out = (lop_packed_layer){
        .name = layer->name,
        .outputs = layer->outputs,
        .inputs = layer->inputs,
        .weights_left = lopi_packed_left(layer),
        .values = layer->kind,
        .entries = layer->entries,
        .relu = layer->relu,
        .bias = layer->bias != NULL,
        .input_density = layer->input_density,
        .calibrated = layer->input_scale > 0,
    };
    return LOP_OK;
}
