#include <lop/prune.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/json_dump.h"
#include "prune/liveness.h"

/* What stays of one node's values: `index` [count] are their old places. */
typedef struct kept {
    size_t *index;
    size_t count;
} kept;

/* Kept values of all nodes; the indices of node n lie at live->start[n] of `index`. */
static void choose_kept(kept *nodes, size_t *index, const lopi_liveness *live,
                        const lop_network *network)
{
    for (size_t n = 0; n < live->nodes; n++) {
        const lop_node *node = lop_network_node(network, n);
        kept *k = &nodes[n];
        if (node->op == LOP_OP_RELU) { /* as wide as what it reads */
            *k = nodes[node->input];
            continue;
        }
        k->index = index + live->start[n];
        for (size_t i = 0; i < node->width; i++) {
            if (live->needed[live->start[n] + i])
                k->index[k->count++] = i;
        }
        if (k->count == 0) /* its first unit stays, as a zero */
            k->index[k->count++] = 0;
    }
}

/* The same graph with the widths of what is kept. */
static lop_status new_graph(lop_network **out, const lop_network *network, const kept *nodes,
                            lop_error *error)
{
    char *spec = NULL;
    json_t *root = NULL;
    lop_status status = lop_network_spec(network, &spec, error);
    if (status)
        goto out;
    root = json_loads(spec, 0, NULL);
    free(spec);
    spec = NULL;
    json_t *list = json_object_get(root, "nodes");
    if (json_array_size(list) != lop_network_node_count(network)) {
        status =
            lopi_fail(error, LOP_E_INTERNAL, "the spec of the network does not list its nodes");
        goto out;
    }
    for (size_t n = 0; n < json_array_size(list); n++) {
        json_t *node = json_array_get(list, n);
        if (lop_network_node(network, n)->op == LOP_OP_LINEAR &&
            json_object_set_new(node, "width", json_integer((json_int_t)nodes[n].count)) != 0) {
            status = lopi_fail_memory(error, sizeof(json_int_t));
            goto out;
        }
    }
    spec = lopi_json_dump(root, JSON_COMPACT);
    status = spec ? lop_network_new_spec(out, spec, strlen(spec), error)
                  : lopi_fail(error, LOP_E_MEMORY, "no memory for the spec of the network");
out:
    json_decref(root);
    free(spec);
    return status;
}

/* What the constants that are no longer there gave to a unit. */
static double folded(const lopi_liveness *live, const lop_node *node, const float *row)
{
    const uint8_t *needed = live->needed + live->start[node->input];
    const double *constant = live->constant + live->start[node->input];
    size_t inputs = live->start[node->input + 1] - live->start[node->input];
    double sum = 0;
    for (size_t i = 0; i < inputs; i++)
        sum += needed[i] ? 0 : (double)row[i] * constant[i];
    return sum;
}

static void copy_layer(const lop_layer *to, const lop_layer *from, const lopi_liveness *live,
                       const lop_node *node, const kept *nodes)
{
    const kept *units = &nodes[from->node], *inputs = &nodes[node->input];
    const uint8_t *needed = live->needed + live->start[from->node];
    const uint8_t *input_needed = live->needed + live->start[node->input];
    for (size_t u = 0; u < units->count; u++) {
        size_t unit = units->index[u];
        const float *row = from->weight + unit * from->inputs;
        for (size_t i = 0; i < inputs->count; i++) {
            size_t input = inputs->index[i];
            bool live_weight = needed[unit] && input_needed[input];
            to->weight[u * to->inputs + i] = live_weight ? row[input] : 0;
            if (to->mask)
                to->mask[u * to->inputs + i] =
                    live_weight && from->mask[unit * from->inputs + input];
        }
        if (to->bias && needed[unit])
            to->bias[u] = (float)((double)from->bias[unit] + folded(live, node, row));
    }
}

lop_status lop_compact(lop_network **out, const lop_network *network, lop_error *error)
{
    lopi_liveness live = {0};
    lop_network *small = NULL;
    kept *nodes = NULL;
    size_t *index = NULL;
    lop_status status = lop_network_check_finite(network, error);
    if (status)
        goto out;
    status = lopi_liveness_find(&live, network, error);
    if (status)
        goto out;
    nodes = lopi_alloc(live.nodes, sizeof *nodes);
    index = lopi_alloc(live.start[live.nodes], sizeof *index);
    if (!nodes || !index) {
        status = lopi_fail_memory(error, live.start[live.nodes] * sizeof *index);
        goto out;
    }
    choose_kept(nodes, index, &live, network);
    status = new_graph(&small, network, nodes, error);
    if (status)
        goto out;

    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        const lop_node *node = lop_network_node(network, layer->node);
        if (layer->mask) {
            status = lop_network_mask_new(small, l, error);
            if (status)
                goto out;
        }
        copy_layer(lop_network_layer(small, l), layer, &live, node, nodes);
    }
    *out = small;
    small = NULL;
out:
    lop_network_free(small);
    lopi_free(nodes);
    lopi_free(index);
    lopi_liveness_end(&live);
    return status;
}
