#include "nn/graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/control.h"
#include "base/error.h"
#include "base/memory.h"
#include "nn/op.h"

enum { PARALLEL_FROM = 1 << 15 }; /* weights: below, starting threads costs more than it saves */

/* Building ----------------------------------------------------------------------------------- */

static lop_status check_name(const lopi_node_spec *nodes, size_t index, lop_error *error)
{
    const char *name = nodes[index].name;
    size_t length = strlen(name);
    if (length == 0 || length >= LOP_MAX_NAME)
        return lopi_fail(error, LOP_E_LIMIT,
                         "expected names of 1 to %d bytes, found %zu at node %zu", LOP_MAX_NAME - 1,
                         length, index);
    for (size_t i = 0; i < length; i++)
        if (lopi_control(name + i))
            return lopi_fail(error, LOP_E_FORMAT,
                             "expected a name without control characters at node %zu", index);
    for (size_t i = 0; i < index; i++)
        if (strcmp(nodes[i].name, name) == 0)
            return lopi_fail(error, LOP_E_FORMAT, "expected unique names, found '%s' twice", name);
    return LOP_OK;
}

static lop_status check_place(const lopi_node_spec *nodes, size_t index, lop_error *error)
{
    const lopi_node_spec *node = &nodes[index];
    if ((node->op == LOP_OP_INPUT) != (index == 0))
        return lopi_fail(error, LOP_E_FORMAT,
                         "expected one input, and as the first node; found '%s' as node %zu",
                         lopi_op_get(node->op)->name, index);
    if (index > 0 && node->input >= index)
        return lopi_fail(error, LOP_E_FORMAT, "expected '%s' to read an earlier node", node->name);
    return LOP_OK;
}

static lop_status check_node(lopi_node_spec *nodes, size_t index, lop_error *error)
{
    lopi_node_spec *node = &nodes[index];
    lop_status status = check_name(nodes, index, error);
    if (status == LOP_OK)
        status = check_place(nodes, index, error);
    if (status == LOP_OK)
        status = lopi_op_get(node->op)->shape(node, nodes[node->input].width, error);
    if (status == LOP_OK && (node->width < 1 || node->width > LOP_MAX_WIDTH))
        status = lopi_fail(error, LOP_E_LIMIT, "expected a width of 1 to %u at '%s', found %zu",
                           LOP_MAX_WIDTH, node->name, node->width);
    return status;
}

/* Every value is used: the last node's by the caller, the others' by exactly one node. */
static lop_status check_used(const lopi_node_spec *nodes, size_t count, lop_error *error)
{
    bool used[LOP_MAX_NODES] = {false};
    for (size_t i = 1; i < count; i++) {
        if (used[nodes[i].input])
            return lopi_fail(error, LOP_E_FORMAT,
                             "expected each value to be read once, found '%s' read again by '%s'",
                             nodes[nodes[i].input].name, nodes[i].name);
        used[nodes[i].input] = true;
    }
    for (size_t i = 0; i + 1 < count; i++)
        if (!used[i])
            return lopi_fail(error, LOP_E_FORMAT,
                             "expected every value to be used, found '%s' unread", nodes[i].name);
    return LOP_OK;
}

static lop_status check_parameters(const lopi_node_spec *nodes, size_t count, uint64_t limit,
                                   size_t *layers, lop_error *error)
{
    uint64_t total = 0;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!lopi_op_get(nodes[i].op)->layer)
            continue;
        found++;
        /* Widths are at most 2^20 and nodes 2^10: no overflow. */
        total += (uint64_t)nodes[i].width * (nodes[nodes[i].input].width + nodes[i].bias);
    }
    if (found == 0)
        return lopi_fail(error, LOP_E_FORMAT, "expected at least one layer, found none");
    if (total > limit)
        return lopi_fail(error, LOP_E_LIMIT,
                         "expected at most %" PRIu64 " weights and biases, found %" PRIu64, limit,
                         total);
    *layers = found;
    return LOP_OK;
}

static lop_status make_layer(lop_network *network, const lopi_node_spec *node, size_t index,
                             lop_error *error)
{
    lop_layer *layer = &network->layers[network->layer_count];
    *layer = (lop_layer){.name = network->names[index],
                         .outputs = node->width,
                         .inputs = network->nodes[node->input].width,
                         .node = index};
    network->nodes[index].layer = network->layer_count++;
    size_t count = layer->outputs * layer->inputs; /* within LOP_MAX_PARAMETERS */
    layer->weight = lopi_alloc_aligned(count, sizeof *layer->weight);
    if (!layer->weight)
        return lopi_fail_memory(error, count * sizeof *layer->weight);
    if (!node->bias)
        return LOP_OK;
    layer->bias = lopi_alloc_aligned(layer->outputs, sizeof *layer->bias);
    return layer->bias ? LOP_OK : lopi_fail_memory(error, layer->outputs * sizeof *layer->bias);
}

/* The layer that the result comes from, with nothing but parameterless nodes behind it. */
static void mark_output(lop_network *network)
{
    size_t node = network->node_count - 1;
    while (!lopi_op_get(network->nodes[node].op)->layer)
        node = network->nodes[node].input;
    network->layers[network->nodes[node].layer].output = true;
}

static lop_status make_nodes(lop_network *network, const lopi_node_spec *nodes, size_t count,
                             size_t layers, lop_error *error)
{
    network->nodes = lopi_alloc(count, sizeof *network->nodes);
    network->names = lopi_alloc(count, sizeof *network->names);
    network->layers = lopi_alloc(layers, sizeof *network->layers);
    if (!network->nodes || !network->names || !network->layers)
        return lopi_fail_memory(error, count * (sizeof(lop_node) + LOP_MAX_NAME));
    for (size_t i = 0; i < count; i++) {
        snprintf(network->names[i], LOP_MAX_NAME, "%s", nodes[i].name);
        network->nodes[i] = (lop_node){.op = nodes[i].op,
                                       .name = network->names[i],
                                       .input = nodes[i].input,
                                       .width = nodes[i].width};
        network->node_count++;
        if (!lopi_op_get(nodes[i].op)->layer)
            continue;
        lop_status status = make_layer(network, &nodes[i], i, error);
        if (status != LOP_OK)
            return status;
    }
    mark_output(network);
    return LOP_OK;
}

lop_status lopi_network_build(lop_network **out, lopi_node_spec *nodes, size_t count,
                              uint64_t max_parameters, lop_error *error)
{
    if (count < 1 || count > LOP_MAX_NODES)
        return lopi_fail(error, LOP_E_LIMIT, "expected 1 to %d nodes, found %zu", LOP_MAX_NODES,
                         count);
    nodes[0].input = 0;
    size_t layers = 0;
    lop_status status = LOP_OK;
    for (size_t i = 0; i < count && status == LOP_OK; i++)
        status = check_node(nodes, i, error);
    if (status == LOP_OK)
        status = check_used(nodes, count, error);
    if (status == LOP_OK)
        status = check_parameters(nodes, count, max_parameters, &layers, error);
    if (status != LOP_OK)
        return status;

    lop_network *network = lopi_alloc(1, sizeof *network);
    if (!network)
        return lopi_fail_memory(error, sizeof *network);
    status = make_nodes(network, nodes, count, layers, error);
    if (status == LOP_OK)
        *out = network;
    else
        lop_network_free(network);
    return status;
}

/* Nodes of a fully connected network: input, then a layer and a relu in turns, a layer last. */
static void mlp_nodes(const lop_mlp_spec *spec, lopi_node_spec *nodes, char (*names)[LOP_MAX_NAME])
{
    nodes[0] = (lopi_node_spec){.op = LOP_OP_INPUT, .name = "input", .width = spec->inputs};
    for (size_t i = 0; i <= spec->hidden_count; i++) {
        size_t at = 1 + 2 * i;
        bool last = i == spec->hidden_count;
        snprintf(names[at], LOP_MAX_NAME, "fc%zu", i + 1);
        nodes[at] = (lopi_node_spec){.op = LOP_OP_LINEAR,
                                     .name = names[at],
                                     .input = at - 1,
                                     .width = last ? spec->outputs : spec->hidden[i],
                                     .bias = spec->bias};
        if (last)
            break;
        snprintf(names[at + 1], LOP_MAX_NAME, "relu%zu", i + 1);
        nodes[at + 1] = (lopi_node_spec){.op = LOP_OP_RELU, .name = names[at + 1], .input = at};
    }
}

lop_status lop_network_new_mlp(lop_network **out, const lop_mlp_spec *spec, lop_error *error)
{
    if (!out || !spec || (spec->hidden_count > 0 && !spec->hidden))
        return lopi_fail(error, LOP_E_ARG, "expected a spec with its hidden widths");
    if (spec->hidden_count > (LOP_MAX_NODES - 2) / 2)
        return lopi_fail(error, LOP_E_LIMIT, "expected at most %d hidden layers, found %zu",
                         (LOP_MAX_NODES - 2) / 2, spec->hidden_count);
    size_t count = 2 * spec->hidden_count + 2;
    lopi_node_spec *nodes = lopi_alloc(count, sizeof *nodes);
    char(*names)[LOP_MAX_NAME] = lopi_alloc(count, sizeof *names);
    lop_network *network = NULL;
    lop_status status = LOP_OK;
    if (nodes && names) {
        mlp_nodes(spec, nodes, names);
        status = lopi_network_build(&network, nodes, count, LOP_MAX_PARAMETERS, error);
    } else {
        status = lopi_fail_memory(error, count * (sizeof *nodes + sizeof *names));
    }
    if (status == LOP_OK) {
        lop_network_initialize(network, spec->seed);
        *out = network;
    }
    lopi_free(nodes);
    lopi_free(names);
    return status;
}

void lop_network_free(lop_network *network)
{
    if (!network)
        return;
    for (size_t i = 0; i < network->layer_count; i++) {
        lopi_free(network->layers[i].weight);
        lopi_free(network->layers[i].bias);
        lopi_free(network->layers[i].mask);
    }
    lopi_free(network->layers);
    lopi_free(network->names);
    lopi_free(network->nodes);
    lopi_free(network);
}

/* Copying ------------------------------------------------------------------------------------ */

bool lopi_network_same_graph(const lop_network *a, const lop_network *b)
{
    if (a->node_count != b->node_count || a->layer_count != b->layer_count)
        return false;
    for (size_t i = 0; i < a->node_count; i++) {
        const lop_node *p = &a->nodes[i], *q = &b->nodes[i];
        if (p->op != q->op || p->input != q->input || p->width != q->width)
            return false;
    }
    for (size_t i = 0; i < a->layer_count; i++)
        if (!a->layers[i].bias != !b->layers[i].bias)
            return false;
    return true;
}

/* Masks where `from` has some, before anything is changed. */
static lop_status make_masks(lop_network *to, const lop_network *from, lop_error *error)
{
    for (size_t i = 0; i < from->layer_count; i++) {
        lop_status status = LOP_OK;
        if (from->layers[i].mask)
            status = lop_network_mask_new(to, i, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static void copy_layer(lop_layer *to, const lop_layer *from)
{
    size_t count = from->outputs * from->inputs;
    memcpy(to->weight, from->weight, count * sizeof *to->weight);
    if (from->bias)
        memcpy(to->bias, from->bias, from->outputs * sizeof *to->bias);
    if (from->mask) {
        memcpy(to->mask, from->mask, count);
    } else {
        lopi_free(to->mask);
        to->mask = NULL;
    }
}

lop_status lop_network_assign(lop_network *to, const lop_network *from, lop_error *error)
{
    if (!to || !from)
        return lopi_fail(error, LOP_E_ARG, "expected two networks");
    if (!lopi_network_same_graph(to, from)) {
        char expected[128], found[128];
        return lopi_fail(error, LOP_E_SHAPE, "expected a network like %s, found %s",
                         lop_network_describe(to, expected, sizeof expected),
                         lop_network_describe(from, found, sizeof found));
    }
    if (to == from)
        return LOP_OK;
    lop_status status = make_masks(to, from, error);
    for (size_t i = 0; status == LOP_OK && i < from->layer_count; i++)
        copy_layer(&to->layers[i], &from->layers[i]);
    return status;
}

lop_status lop_network_copy(lop_network **out, const lop_network *network, lop_error *error)
{
    if (!out || !network)
        return lopi_fail(error, LOP_E_ARG, "expected a network to copy");
    lop_network *copy = NULL;
    lopi_node_spec *nodes = lopi_alloc(network->node_count, sizeof *nodes);
    if (!nodes)
        return lopi_fail_memory(error, network->node_count * sizeof *nodes);
    for (size_t i = 0; i < network->node_count; i++) {
        const lop_node *node = &network->nodes[i];
        bool layer = lopi_op_get(node->op)->layer;
        nodes[i] = (lopi_node_spec){.op = node->op,
                                    .name = node->name,
                                    .input = node->input,
                                    .width = node->width,
                                    .bias = layer && network->layers[node->layer].bias};
    }
    lop_status status =
        lopi_network_build(&copy, nodes, network->node_count, LOP_MAX_PARAMETERS, error);
    if (status == LOP_OK)
        status = lop_network_assign(copy, network, error);
    if (status == LOP_OK)
        *out = copy;
    else
        lop_network_free(copy);
    lopi_free(nodes);
    return status;
}

/* Looking ------------------------------------------------------------------------------------ */

size_t lop_network_node_count(const lop_network *network) { return network->node_count; }

const lop_node *lop_network_node(const lop_network *network, size_t index)
{
    return index < network->node_count ? &network->nodes[index] : NULL;
}

size_t lop_network_layer_count(const lop_network *network) { return network->layer_count; }

const lop_layer *lop_network_layer(const lop_network *network, size_t index)
{
    return index < network->layer_count ? &network->layers[index] : NULL;
}

size_t lop_network_inputs(const lop_network *network) { return network->nodes[0].width; }

size_t lop_network_outputs(const lop_network *network)
{
    return network->nodes[network->node_count - 1].width;
}

size_t lop_network_weight_count(const lop_network *network)
{
    size_t count = 0;
    for (size_t i = 0; i < network->layer_count; i++)
        count += network->layers[i].outputs * network->layers[i].inputs;
    return count;
}

char *lop_network_describe(const lop_network *network, char *buffer, size_t size)
{
    if (size == 0)
        return buffer;
    snprintf(buffer, size, "%zu", lop_network_inputs(network));
    for (size_t i = 0; i < network->layer_count; i++) {
        size_t length = strlen(buffer);
        snprintf(buffer + length, size - length, "-%zu", network->layers[i].outputs);
    }
    return buffer;
}

/* Masks and values --------------------------------------------------------------------------- */

lop_status lop_network_mask_new(lop_network *network, size_t index, lop_error *error)
{
    if (index >= network->layer_count)
        return lopi_fail(error, LOP_E_ARG, "expected a layer below %zu, found %zu",
                         network->layer_count, index);
    lop_layer *layer = &network->layers[index];
    if (layer->mask)
        return LOP_OK;
    size_t count = layer->outputs * layer->inputs;
    uint8_t *mask = lopi_alloc_aligned(count, 1);
    if (!mask)
        return lopi_fail_memory(error, count);
    memset(mask, 1, count);
    layer->mask = mask;
    return LOP_OK;
}

void lop_network_apply_masks(lop_network *network)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        lop_layer *layer = &network->layers[i];
        size_t count = layer->mask ? layer->outputs * layer->inputs : 0;
        float *restrict weight = layer->weight;
        const uint8_t *restrict mask = layer->mask;
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
        for (size_t j = 0; j < count; j++)
            weight[j] = mask[j] ? weight[j] : 0;
    }
}

/* The first value that is not finite, or `count`. */
static size_t find_not_finite(const float *values, size_t count)
{
    enum { CHUNK = 4096 };
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t end = count - first < CHUNK ? count : first + CHUNK;
        uint32_t bad = 0;
        for (size_t i = first; i < end; i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], sizeof bits);
            bad += (bits & 0x7F800000u) == 0x7F800000u; /* one by one a branch each would cost */
        }
        for (size_t i = first; bad > 0 && i < end; i++)
            if (!isfinite(values[i]))
                return i;
    }
    return count;
}

lop_status lop_network_check_finite(const lop_network *network, lop_error *error)
{
    for (size_t i = 0; i < network->layer_count; i++) {
        const lop_layer *layer = &network->layers[i];
        size_t count = layer->outputs * layer->inputs;
        size_t at = find_not_finite(layer->weight, count);
        if (at < count)
            return lopi_fail(
                error, LOP_E_NAN, "expected finite weights, found %g at [%zu][%zu] of layer '%s'",
                (double)layer->weight[at], at / layer->inputs, at % layer->inputs, layer->name);
        count = layer->bias ? layer->outputs : 0;
        at = find_not_finite(layer->bias, count);
        if (at < count)
            return lopi_fail(error, LOP_E_NAN,
                             "expected finite biases, found %g at [%zu] of layer '%s'",
                             (double)layer->bias[at], at, layer->name);
    }
    return LOP_OK;
}
