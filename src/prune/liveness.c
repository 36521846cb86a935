#include "prune/liveness.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static void reach_linear(lopi_liveness *live, const lop_layer *layer, const lop_node *node)
{
    const uint8_t *input_reached = live->reached + live->start[node->input];
    const double *input_constant = live->constant + live->start[node->input];
    uint8_t *reached = live->reached + live->start[layer->node];
    double *constant = live->constant + live->start[layer->node];
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        const float *row = layer->weight + unit * layer->inputs;
        uint8_t any = 0;
        for (size_t i = 0; i < layer->inputs; i++)
            any |= (uint8_t)((row[i] != 0) & input_reached[i]);
        reached[unit] = any;
        if (any)
            continue;
        double sum = layer->bias ? (double)layer->bias[unit] : 0;
        for (size_t i = 0; i < layer->inputs; i++)
            sum += (double)row[i] * input_constant[i];
        constant[unit] = sum;
    }
}

static void reach_relu(lopi_liveness *live, size_t index, const lop_node *node)
{
    size_t from = live->start[node->input], to = live->start[index];
    for (size_t i = 0; i < node->width; i++) {
        double constant = live->constant[from + i];
        live->reached[to + i] = live->reached[from + i];
        live->constant[to + i] = constant > 0 ? constant : 0;
    }
}

static void need_linear(lopi_liveness *live, const lop_layer *layer, const lop_node *node)
{
    const uint8_t *input_reached = live->reached + live->start[node->input];
    const double *input_constant = live->constant + live->start[node->input];
    uint8_t *input_needed = live->needed + live->start[node->input];
    const uint8_t *needed = live->needed + live->start[layer->node];
    bool takes_over = layer->bias != NULL;
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        if (!needed[unit])
            continue;
        const float *row = layer->weight + unit * layer->inputs;
        for (size_t i = 0; i < layer->inputs; i++) {
            bool matters = input_reached[i] | (!takes_over & (input_constant[i] != 0));
            input_needed[i] |= (uint8_t)((row[i] != 0) & matters);
        }
    }
}

static void need_relu(lopi_liveness *live, size_t index, const lop_node *node)
{
    uint8_t *input_needed = live->needed + live->start[node->input];
    const uint8_t *needed = live->needed + live->start[index];
    for (size_t i = 0; i < node->width; i++)
        input_needed[i] |= needed[i];
}

static lop_status make_room(lopi_liveness *live, const lop_network *network, lop_error *error)
{
    size_t nodes = lop_network_node_count(network);
    live->start = lopi_alloc(nodes + 1, sizeof *live->start);
    if (!live->start)
        return lopi_fail_memory(error, (nodes + 1) * sizeof *live->start);
    live->nodes = nodes;
    for (size_t n = 0; n < nodes; n++)
        live->start[n + 1] = live->start[n] + lop_network_node(network, n)->width;
    size_t values = live->start[nodes];
    live->reached = lopi_alloc(values, sizeof *live->reached);
    live->needed = lopi_alloc(values, sizeof *live->needed);
    live->constant = lopi_alloc(values, sizeof *live->constant);
    if (!live->reached || !live->needed || !live->constant)
        return lopi_fail_memory(error, values * (2 + sizeof *live->constant));
    return LOP_OK;
}

lop_status lopi_liveness_find(lopi_liveness *out, const lop_network *network, lop_error *error)
{
    *out = (lopi_liveness){0};
    lop_status status = make_room(out, network, error);
    if (status)
        return status;

    for (size_t n = 0; n < out->nodes; n++) {
        const lop_node *node = lop_network_node(network, n);
        switch (node->op) {
        case LOP_OP_INPUT:
            memset(out->reached + out->start[n], 1, node->width);
            break;
        case LOP_OP_LINEAR:
            reach_linear(out, lop_network_layer(network, node->layer), node);
            break;
        case LOP_OP_RELU:
            reach_relu(out, n, node);
            break;
        case LOP_OP_COUNT:
            return lopi_fail(error, LOP_E_INTERNAL, "node '%s' has no operation", node->name);
        }
    }

    size_t last = out->nodes - 1;
    memset(out->needed + out->start[last], 1, out->start[last + 1] - out->start[last]);
    for (size_t n = out->nodes; n-- > 0;) {
        const lop_node *node = lop_network_node(network, n);
        if (node->op == LOP_OP_LINEAR)
            need_linear(out, lop_network_layer(network, node->layer), node);
        else if (node->op == LOP_OP_RELU)
            need_relu(out, n, node);
        else
            memset(out->needed + out->start[n], 1, node->width);
    }
    return LOP_OK;
}

void lopi_liveness_end(lopi_liveness *liveness)
{
    lopi_free(liveness->start);
    lopi_free(liveness->reached);
    lopi_free(liveness->needed);
    lopi_free(liveness->constant);
    *liveness = (lopi_liveness){0};
}
