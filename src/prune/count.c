#include <lop/prune.h>

#include "base/error.h"
#include "prune/liveness.h"

static void count_layer(lop_layer_count *out, const lopi_liveness *live, const lop_layer *layer,
                        const lop_node *node)
{
    const uint8_t *needed = live->needed + live->start[layer->node];
    const uint8_t *input_needed = live->needed + live->start[node->input];
    *out = (lop_layer_count){.weights = layer->outputs * layer->inputs, .units = layer->outputs};
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        const float *row = layer->weight + unit * layer->inputs;
        size_t left = 0, effective = 0;
        for (size_t i = 0; i < layer->inputs; i++) {
            left += row[i] != 0;
            effective += (row[i] != 0) & input_needed[i];
        }
        out->weights_left += left;
        out->effective_weights_left += needed[unit] ? effective : 0;
        out->units_left += needed[unit];
    }
}

lop_status lop_count_network(const lop_network *network, lop_count *out, lop_error *error)
{
    lop_count count = {.layers = lop_network_layer_count(network)};
    if (count.layers > LOP_MAX_COUNTED_LAYERS)
        return lopi_fail(error, LOP_E_LIMIT, "can count at most %d layers, the network has %zu",
                         LOP_MAX_COUNTED_LAYERS, count.layers);
    lopi_liveness live;
    lop_status status = lopi_liveness_find(&live, network, error);
    if (status)
        goto out;
    for (size_t l = 0; l < count.layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        count_layer(&count.layer[l], &live, layer, lop_network_node(network, layer->node));
        count.weights += count.layer[l].weights;
        count.weights_left += count.layer[l].weights_left;
        count.effective_weights_left += count.layer[l].effective_weights_left;
    }
    if (count.weights > 0)
        count.sparsity = (double)(count.weights - count.weights_left) / (double)count.weights;
    *out = count;
out:
    lopi_liveness_end(&live);
    return status;
}
