#include <stdio.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/graph.h"
#include "run/model.h"

static lop_status fill_layer(lop_network *network, size_t index, const lopi_packed_layer *from,
                             lop_error *error)
{
    const lop_layer *to = lop_network_layer(network, index);
    size_t left = lopi_packed_left(from);
    float *weights = lopi_alloc(left, sizeof *weights);
    lop_status status = weights ? LOP_OK : lopi_fail_memory(error, left * sizeof *weights);
    if (status == LOP_OK && left < to->outputs * to->inputs)
        status = lop_network_mask_new(network, index, error);
    if (status == LOP_OK) {
        lopi_packed_weights(from, weights);
        for (size_t i = 0; to->mask && i < to->outputs * to->inputs; i++)
            to->mask[i] = 0;
        for (uint32_t r = 0; r < from->outputs; r++) {
            for (uint32_t i = from->row_start[r]; i < from->row_start[r + 1]; i++) {
                size_t place = (size_t)r * to->inputs + from->column[i];
                to->weight[place] = weights[i];
                if (to->mask)
                    to->mask[place] = 1;
            }
            if (from->bias)
                to->bias[r] = from->bias[r];
        }
    }
    lopi_free(weights);
    return status;
}

/* The graph's nodes: the input, and each layer with its relu. Names of the latter are made up. */
static size_t make_nodes(const lop_packed *packed, lopi_node_spec *nodes,
                         char (*names)[LOP_MAX_NAME])
{
    size_t count = 0, relus = 0;
    nodes[count++] = (lopi_node_spec){.op = LOP_OP_INPUT, .name = "input", .width = packed->inputs};
    for (size_t i = 0; i < packed->layer_count; i++) {
        const lopi_packed_layer *layer = &packed->layers[i];
        nodes[count] = (lopi_node_spec){.op = LOP_OP_LINEAR,
                                        .name = layer->name,
                                        .input = count - 1,
                                        .width = layer->outputs,
                                        .bias = layer->bias != NULL};
        count++;
        if (!layer->relu)
            continue;
        snprintf(names[relus], LOP_MAX_NAME, "relu%zu", i + 1);
        nodes[count] =
            (lopi_node_spec){.op = LOP_OP_RELU, .name = names[relus++], .input = count - 1};
        count++;
    }
    return count;
}

lop_status lop_unpack(lop_network **out, const lop_packed *packed, lop_error *error)
{
    size_t room = 2 * packed->layer_count + 1;
    lopi_node_spec *nodes = lopi_alloc(room, sizeof *nodes);
    char(*names)[LOP_MAX_NAME] = lopi_alloc(room, sizeof *names);
    lop_network *network = NULL;
    lop_status status = LOP_OK;
    if (!nodes || !names) {
        status = lopi_fail_memory(error, room * sizeof *names);
        goto out;
    }
    size_t count = make_nodes(packed, nodes, names);
    status = lopi_network_build(&network, nodes, count, LOP_MAX_PARAMETERS, error);
    for (size_t i = 0; i < packed->layer_count && status == LOP_OK; i++)
        status = fill_layer(network, i, &packed->layers[i], error);
    if (status == LOP_OK)
        *out = network;
    else
        lop_network_free(network);
out:
    lopi_free(nodes);
    lopi_free(names);
    return status;
}
