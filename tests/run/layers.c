#include "layers.h"

#include <math.h>

#include "base/memory.h"

test_layer test_layer_new(lopi_random *random, lopi_arithmetic arithmetic, uint32_t outputs,
                          uint32_t inputs, float density)
{
    size_t most = (size_t)outputs * inputs;
    test_layer layer = {
        .row_start = lopi_alloc((size_t)outputs + 1, sizeof(uint32_t)),
        .column = lopi_alloc(most, sizeof(uint32_t)),
        .value = lopi_alloc(most, sizeof(float)),
        .mult = lopi_alloc(outputs, sizeof(float)),
        .offset = lopi_alloc(outputs, sizeof(float)),
        .q = lopi_alloc(most, 1),
    };
    uint32_t left = 0;
    for (uint32_t r = 0; r < outputs; r++) {
        for (uint32_t c = 0; c < inputs; c++) {
            if (density < 1 && lopi_random_float(random) >= density)
                continue;
            layer.column[left] = c;
            layer.q[left] = (int8_t)((int)lopi_random_below(random, 255) - 127);
            layer.value[left++] = (float)lopi_random_normal(random);
        }
        layer.row_start[r + 1] = left;
        /* Sums of n such products have a deviation of some 127 · 127 / 3 · √n. */
        float spread = 5400 * sqrtf((float)(1 + left - layer.row_start[r]));
        layer.mult[r] = (20 + 40 * lopi_random_float(random)) / spread;
        layer.offset[r] = 20 * (float)lopi_random_normal(random);
    }
    layer.view = (lopi_layer){
        .outputs = outputs,
        .inputs = inputs,
        .row_start = layer.row_start,
        .column = layer.column,
        .value = arithmetic == LOPI_F32 ? layer.value : NULL,
        .q = arithmetic == LOPI_I8 ? layer.q : NULL,
        .mult = arithmetic == LOPI_I8 ? layer.mult : NULL,
        .offset = layer.offset,
        .density = 0.5f,
    };
    return layer;
}

void test_layer_free(test_layer *layer)
{
    lopi_free(layer->row_start);
    lopi_free(layer->column);
    lopi_free(layer->value);
    lopi_free(layer->mult);
    lopi_free(layer->offset);
    lopi_free(layer->q);
}
