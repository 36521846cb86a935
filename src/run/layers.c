#include "run/layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Order of units. ----------------------------------------------------------------------------- */

typedef struct unit {
    uint32_t index, count;
} unit;

static int compare_units(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static lop_status find_place(uint32_t **out, const lopi_packed_layer *layer, bool sorted,
                             lop_error *error)
{
    unit *units = lopi_alloc(layer->outputs, sizeof *units);
    uint32_t *place = lopi_alloc(layer->outputs, sizeof *place);
    if (!units || !place) {
        lopi_free(units);
        lopi_free(place);
        return lopi_fail_memory(error, layer->outputs * sizeof *units);
    }
    for (uint32_t u = 0; u < layer->outputs; u++)
        units[u] = (unit){u, layer->row_start[u + 1] - layer->row_start[u]};
    if (sorted)
        qsort(units, layer->outputs, sizeof *units, compare_units);
    for (uint32_t u = 0; u < layer->outputs; u++)
        place[units[u].index] = u;
    lopi_free(units);
    *out = place;
    return LOP_OK;
}

lop_status lopi_places_find(uint32_t **out, const lop_packed *packed, lop_error *error)
{
    for (size_t l = 0; l < packed->layer_count; l++) {
        lop_status status =
            find_place(&out[l], &packed->layers[l], l + 1 < packed->layer_count, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

/* Rows. --------------------------------------------------------------------------------------- */

/* A weight of a row on its way to its new column. */
typedef struct placed {
    uint32_t column;
    uint32_t from; /* its index in the packed layer */
} placed;

static int compare_columns(const void *a, const void *b)
{
    uint32_t x = ((const placed *)a)->column, y = ((const placed *)b)->column;
    return x < y ? -1 : x > y;
}

/* Arrays of one layer while it is made; they become those of a lopi_layer. */
typedef struct arrays {
    uint32_t *row_start, *column, *from; /* from [left]: index in the packed layer */
    float *value, *mult, *offset;
    int8_t *q;
} arrays;

static void free_arrays(arrays *a)
{
    lopi_free(a->row_start);
    lopi_free(a->column);
    lopi_free(a->from);
    lopi_free(a->value);
    lopi_free(a->mult);
    lopi_free(a->offset);
    lopi_free(a->q);
}

static lop_status place_rows(arrays *a, const lopi_packed_layer *layer, const uint32_t *place,
                             const uint32_t *input_place, lop_error *error)
{
    placed *row = lopi_alloc(layer->inputs, sizeof *row);
    uint32_t *unit_at = lopi_alloc(layer->outputs, sizeof *unit_at);
    if (!row || !unit_at) {
        lopi_free(row);
        lopi_free(unit_at);
        return lopi_fail_memory(error, layer->inputs * sizeof *row);
    }
    for (uint32_t u = 0; u < layer->outputs; u++)
        unit_at[place[u]] = u;
    uint32_t left = 0;
    for (uint32_t r = 0; r < layer->outputs; r++) {
        uint32_t first = layer->row_start[unit_at[r]], count = 0;
        for (uint32_t i = first; i < layer->row_start[unit_at[r] + 1]; i++, count++)
            row[count] =
                (placed){input_place ? input_place[layer->column[i]] : layer->column[i], i};
        if (input_place)
            qsort(row, count, sizeof *row, compare_columns);
        for (uint32_t i = 0; i < count; i++, left++) {
            a->column[left] = row[i].column;
            a->from[left] = row[i].from;
        }
        a->row_start[r + 1] = left;
    }
    lopi_free(row);
    lopi_free(unit_at);
    return LOP_OK;
}

/* Values. ------------------------------------------------------------------------------------- */

static void fill_float(arrays *a, const lopi_packed_layer *layer, const uint32_t *place,
                       const float *weights)
{
    for (size_t i = 0; i < lopi_packed_left(layer); i++)
        a->value[i] = weights[a->from[i]];
    for (uint32_t u = 0; u < layer->outputs; u++)
        a->offset[place[u]] = layer->bias ? layer->bias[u] : 0;
}

/* Scale of a unit's weights in int8; 1 where all are 0. */
static double row_scale(const lopi_packed_layer *layer, uint32_t u, const float *weights)
{
    if (layer->kind == LOP_VALUES_INT8)
        return (double)layer->scale[u];
    float largest = 0;
    for (uint32_t i = layer->row_start[u]; i < layer->row_start[u + 1]; i++)
        largest = fmaxf(largest, fabsf(weights[i]));
    return largest > 0 ? (double)largest / 127 : 1;
}

/* One unit: weights as whole numbers, and what turns its sum into an output. `next` is the layer
 * that reads it, NULL for the last. */
static lop_status quantize_row(arrays *a, const lopi_packed_layer *layer,
                               const lopi_packed_layer *next, uint32_t u, uint32_t row,
                               const float *weights, lop_error *error)
{
    double scale = row_scale(layer, u, weights);
    int64_t sum = 0;
    for (uint32_t i = a->row_start[row]; i < a->row_start[row + 1]; i++) {
        a->q[i] = layer->kind == LOP_VALUES_INT8
                      ? layer->q[a->from[i]]
                      : (int8_t)fmax(-127, fmin(127, rint((double)weights[a->from[i]] / scale)));
        sum += a->q[i];
    }
    double mult = scale * (double)layer->input_scale,
           bias = layer->bias ? (double)layer->bias[u] : 0;
    double zero = 0;
    if (next) {
        mult /= (double)next->input_scale;
        bias /= (double)next->input_scale;
        zero = next->input_zero;
    }
    a->mult[row] = (float)mult;
    a->offset[row] = (float)(bias + zero - (double)layer->input_zero * (double)sum * mult);
    if (!isfinite(a->mult[row]) || !isfinite(a->offset[row]))
        return lopi_fail(error, LOP_E_UNSUPPORTED,
                         "layer %s: unit %u cannot be computed in int8, its scales are too far "
                         "apart; use float32",
                         layer->name, u);
    return LOP_OK;
}

static lop_status make_layer(lopi_layer *out, const lop_packed *packed, size_t index,
                             uint32_t *const *place, lopi_arithmetic arithmetic, lop_error *error)
{
    const lopi_packed_layer *layer = &packed->layers[index];
    const lopi_packed_layer *next = index + 1 < packed->layer_count ? layer + 1 : NULL;
    size_t left = lopi_packed_left(layer);
    bool int8 = arithmetic == LOPI_I8;
    arrays a = {
        .row_start = lopi_alloc((size_t)layer->outputs + 1, sizeof *a.row_start),
        .column = lopi_alloc(left, sizeof *a.column),
        .from = lopi_alloc(left, sizeof *a.from),
        .value = int8 ? NULL : lopi_alloc(left, sizeof *a.value),
        .mult = int8 ? lopi_alloc(layer->outputs, sizeof *a.mult) : NULL,
        .offset = lopi_alloc(layer->outputs, sizeof *a.offset),
        .q = int8 ? lopi_alloc(left, 1) : NULL,
    };
    float *weights = lopi_alloc(left, sizeof *weights);
    lopi_notes *notes = lopi_alloc(1, sizeof *notes);
    lop_status status = LOP_OK;
    if (!notes || !a.row_start || !a.column || !a.from || !(int8 ? (void *)a.q : (void *)a.value) ||
        (int8 && !a.mult) || !a.offset || !weights) {
        status = lopi_fail_memory(error, left * sizeof *weights);
        goto out;
    }
    lopi_packed_weights(layer, weights);
    status = place_rows(&a, layer, place[index], index > 0 ? place[index - 1] : NULL, error);
    if (status != LOP_OK)
        goto out;
    if (!int8)
        fill_float(&a, layer, place[index], weights);
    for (uint32_t u = 0; int8 && status == LOP_OK && u < layer->outputs; u++)
        status = quantize_row(&a, layer, next, u, place[index][u], weights, error);
    if (status != LOP_OK)
        goto out;
    *out = (lopi_layer){
        .outputs = layer->outputs,
        .inputs = layer->inputs,
        .row_start = a.row_start,
        .column = a.column,
        .value = a.value,
        .q = a.q,
        .mult = a.mult,
        .offset = a.offset,
        .last = !next,
        .relu = layer->relu,
        .density = layer->input_density > 0 ? layer->input_density : 1,
        .notes = notes,
    };
    lopi_free(a.from);
    a = (arrays){0};
    notes = NULL;
out:
    free_arrays(&a);
    lopi_free(notes);
    lopi_free(weights);
    return status;
}

lop_status lopi_layers_check_int8(const lop_packed *packed, lop_error *error)
{
    for (size_t l = 0; l < packed->layer_count; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        if (!(layer->input_scale > 0))
            return lopi_fail(error, LOP_E_UNSUPPORTED,
                             "layer %s was not calibrated, so it cannot run in int8; pack it with "
                             "samples, or use float32",
                             layer->name);
        for (uint32_t u = 0; u < layer->outputs; u++)
            if (layer->row_start[u + 1] - layer->row_start[u] > LOPI_I8_MAX_ROW)
                return lopi_fail(error, LOP_E_UNSUPPORTED,
                                 "layer %s: unit %u has more than %u weights, whose sum int8 "
                                 "cannot hold; use float32",
                                 layer->name, u, LOPI_I8_MAX_ROW);
    }
    return LOP_OK;
}

lop_status lopi_layers_make(lopi_layers *out, const lop_packed *packed, uint32_t *const *place,
                            lopi_arithmetic arithmetic, lop_error *error)
{
    *out = (lopi_layers){.layer = lopi_alloc(packed->layer_count, sizeof *out->layer)};
    if (!out->layer)
        return lopi_fail_memory(error, packed->layer_count * sizeof *out->layer);
    for (; out->count < packed->layer_count; out->count++) {
        lop_status status =
            make_layer(&out->layer[out->count], packed, out->count, place, arithmetic, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

void lopi_layers_end(lopi_layers *layers)
{
    for (size_t l = 0; layers->layer && l < layers->count; l++) {
        const lopi_layer *layer = &layers->layer[l];
        /* Borrowed by kernels as const, owned here. */
        const void *const parts[] = {layer->row_start, layer->column, layer->value,
                                     layer->q,         layer->mult,   layer->offset};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            lopi_free((void *)(uintptr_t)parts[i]);
        lopi_free(layer->notes);
    }
    lopi_free(layers->layer);
    *layers = (lopi_layers){0};
}
