#include "run/kernels/prepared.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

void *lopi_shelf_take(lopi_shelf *shelf, size_t count, size_t size)
{
    void *piece = shelf->base ? shelf->base + shelf->used : NULL;
    shelf->used += (count * size + LOPI_ALIGNMENT - 1) / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
    return piece;
}

void lopi_prepared_fill(lopi_prepared *prepared, const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t padded = ((size_t)layer->outputs + 63) / 64 * 64;
    float *mult = layer->mult ? lopi_shelf_take(shelf, padded, sizeof(float)) : NULL;
    float *offset = lopi_shelf_take(shelf, padded, sizeof(float));
    if (!offset)
        return;
    *prepared = (lopi_prepared){
        .outputs = layer->outputs,
        .inputs = layer->inputs,
        .last = layer->last,
        .relu = layer->relu,
        .mult = mult,
        .offset = offset,
    };
    memcpy(offset, layer->offset, layer->outputs * sizeof(float));
    if (mult)
        memcpy(mult, layer->mult, layer->outputs * sizeof(float));
}

float lopi_power_above(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t exponent = (bits >> 23) + 1;
    bits = (exponent < 253 ? exponent : 253) << 23;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint8_t lopi_requantize(int32_t acc, float mult, float offset)
{
    float t = (float)acc * mult + offset;
    t = t > 0 ? t : 0;
    t = t < 127 ? t : 127;
    return (uint8_t)rintf(t);
}

size_t lopi_parts_by_rows(const void *prepared, size_t samples)
{
    (void)samples;
    const lopi_prepared *p = prepared;
    return ((size_t)p->outputs + LOPI_ROWS_A_PART - 1) / LOPI_ROWS_A_PART;
}

size_t lopi_parts_by_samples(const void *prepared, size_t samples)
{
    (void)prepared;
    return samples;
}

lopi_row_range lopi_call_rows(const lopi_call *call)
{
    const lopi_prepared *p = call->prepared;
    size_t first = call->first * LOPI_ROWS_A_PART, last = call->last * LOPI_ROWS_A_PART;
    return (lopi_row_range){(uint32_t)(first < p->outputs ? first : p->outputs),
                            (uint32_t)(last < p->outputs ? last : p->outputs)};
}

bool lopi_note_find(const lopi_layer *layer, const void *who, uint32_t which, double *out)
{
    for (size_t i = 0; layer->notes && i < layer->notes->count; i++)
        if (layer->notes->note[i].who == who && layer->notes->note[i].which == which) {
            *out = layer->notes->note[i].value;
            return true;
        }
    return false;
}

void lopi_note_keep(const lopi_layer *layer, const void *who, uint32_t which, double value)
{
    lopi_notes *notes = layer->notes;
    if (!notes || notes->count == sizeof notes->note / sizeof *notes->note)
        return;
    notes->note[notes->count].who = who;
    notes->note[notes->count].which = which;
    notes->note[notes->count++].value = value;
}
