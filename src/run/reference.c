#include "run/reference.h"

float lopi_reference_row(const lopi_packed_layer *layer, uint32_t unit, const uint32_t *place,
                         const lopi_values *x, size_t sample)
{
    const float *values = lopi_values_at(x, 0, sample);
    size_t step = lopi_values_step(x);
    uint32_t at = layer->row_start[unit], end = layer->row_start[unit + 1];
    float sum = 0;
    for (uint32_t c = 0; c < layer->inputs; c++) {
        float weight = 0;
        if (at < end && layer->column[at] == c)
            weight = lopi_packed_weight(layer, unit, at++);
        sum += weight * values[(place ? place[c] : c) * step];
    }
    sum += layer->bias ? layer->bias[unit] : 0;
    return layer->relu && sum < 0 ? 0 : sum;
}
