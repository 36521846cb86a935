/* First weights: He et al., "Delving deep into rectifiers", 2015, equation 10. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/floats.h"
#include "nn/graph.h"

/* Two standard normals from block `block` (Box and Muller 1958). */
static void normal_pair(const lopi_random *random, size_t block, double out[2])
{
    uint32_t bits[4];
    lopi_random_block(random, block, bits);
    double u = 1.0 - (double)(((uint64_t)bits[0] << 32 | bits[1]) >> 11) * 0x1p-53;
    double v = (double)(((uint64_t)bits[2] << 32 | bits[3]) >> 11) * 0x1p-53;
    double radius = sqrt(-2.0 * log(u));
    out[0] = radius * cos(6.283185307179586 * v);
    out[1] = radius * sin(6.283185307179586 * v);
}

/* Weights 2b and 2b + 1 come from block b: the number of threads does not matter. */
static void draw(lop_layer *layer, size_t index, uint64_t seed)
{
    const lopi_random random = lopi_random_stream(seed, LOPI_STREAM_WEIGHTS, index);
    size_t count = layer->outputs * layer->inputs;
    double deviation = sqrt(2.0 / (double)layer->inputs);
#pragma omp parallel for schedule(static)
    for (size_t block = 0; block < (count + 1) / 2; block++) {
        double pair[2];
        normal_pair(&random, block, pair);
        for (size_t i = 0; i < 2 && 2 * block + i < count; i++)
            layer->weight[2 * block + i] = (float)(deviation * pair[i]);
    }
}

void lop_network_initialize(lop_network *network, uint64_t seed)
{
    lopi_floats_begin();
    for (size_t i = 0; i < network->layer_count; i++) {
        lop_layer *layer = &network->layers[i];
        draw(layer, i, seed);
        if (layer->bias)
            memset(layer->bias, 0, layer->outputs * sizeof *layer->bias);
        lopi_free(layer->mask);
        layer->mask = NULL;
    }
    lopi_floats_end();
}
