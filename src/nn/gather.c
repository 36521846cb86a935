#include "nn/gather.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/op.h"

const lop_layer *lopi_layer_source(const lop_network *network, const lop_layer *layer)
{
    size_t node = network->nodes[layer->node].input;
    while (node > 0 && !lopi_op_get(network->nodes[node].op)->layer)
        node = network->nodes[node].input;
    return node > 0 ? &network->layers[network->nodes[node].layer] : NULL;
}

lopi_selection lopi_select_weights(const lop_network *network, const lopi_kept *kept, size_t index)
{
    const lop_layer *layer = &network->layers[index];
    const lop_layer *source = lopi_layer_source(network, layer);
    return (lopi_selection){
        .rows = kept[index],
        .columns = source ? kept[source - network->layers] : (lopi_kept){NULL, layer->inputs},
        .width = layer->inputs,
    };
}

static size_t place(const lopi_kept *kept, size_t i) { return kept->index ? kept->index[i] : i; }

void lopi_gather(void *to, const void *from, size_t size, const lopi_selection *selection)
{
    const lopi_kept *rows = &selection->rows, *columns = &selection->columns;
    char *next = to;
    for (size_t r = 0; r < rows->count; r++) {
        const char *row = (const char *)from + place(rows, r) * selection->width * size;
        if (!columns->index)
            memcpy(next, row, columns->count * size);
        for (size_t c = 0; columns->index && c < columns->count; c++)
            memcpy(next + c * size, row + columns->index[c] * size, size);
        next += columns->count * size;
    }
}

static lop_status make_small(lop_network **out, const lop_network *network, const lopi_kept *kept,
                             lop_error *error)
{
    lopi_node_spec *nodes = lopi_alloc(network->node_count, sizeof *nodes);
    if (!nodes)
        return lopi_fail_memory(error, network->node_count * sizeof *nodes);
    for (size_t i = 0; i < network->node_count; i++) {
        const lop_node *node = &network->nodes[i];
        bool layer = lopi_op_get(node->op)->layer;
        nodes[i] = (lopi_node_spec){
            .op = node->op,
            .name = node->name,
            .input = node->input,
            .width = layer ? kept[node->layer].count : node->width,
            .bias = layer && network->layers[node->layer].bias,
        };
    }
    lop_status status =
        lopi_network_build(out, nodes, network->node_count, LOP_MAX_PARAMETERS, error);
    lopi_free(nodes);
    return status;
}

lop_status lopi_network_gather(lop_network **out, const lop_network *network, const lopi_kept *kept,
                               lop_error *error)
{
    lop_network *small = NULL;
    lop_status status = make_small(&small, network, kept, error);
    for (size_t i = 0; status == LOP_OK && i < network->layer_count; i++) {
        const lop_layer *from = &network->layers[i], *to = &small->layers[i];
        const lopi_selection weights = lopi_select_weights(network, kept, i);
        const lopi_selection biases = {kept[i], {NULL, 1}, 1};
        lopi_gather(to->weight, from->weight, sizeof *to->weight, &weights);
        if (from->bias)
            lopi_gather(to->bias, from->bias, sizeof *to->bias, &biases);
        if (!from->mask)
            continue;
        status = lop_network_mask_new(small, i, error);
        if (status == LOP_OK)
            lopi_gather(to->mask, from->mask, sizeof *to->mask, &weights);
    }
    if (status == LOP_OK)
        *out = small;
    else
        lop_network_free(small);
    return status;
}

void lopi_network_swap(lop_network *a, lop_network *b)
{
    lop_network was = *a;
    *a = *b;
    *b = was;
}
