/**
 * The network as its own room sees it: nodes, layers, and the one place that builds them.
 *
 * Start reading at graph.c (what a network is), then op.h (what a node can do), pass.h (a network
 * at work), compute.h (training). Only dense.c knows oneDNN.
 */
#ifndef LOPI_NN_GRAPH_H
#define LOPI_NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

struct lop_network {
    lop_node *nodes; /* [node_count]; node 0 is the input, the last one yields the result */
    size_t node_count;
    lop_layer *layers; /* [layer_count], in the order of their nodes */
    size_t layer_count;
    char (*names)[LOP_MAX_NAME]; /* [node_count] */
};

/** What a node is made from. */
typedef struct lopi_node_spec {
    lop_op op;
    const char *name; /* borrowed */
    size_t input;     /* index of an earlier node; 0 for the input node itself */
    size_t width;     /* where the op does not decide it */
    bool bias;        /* of a layer */
} lopi_node_spec;

/**
 * A network with weights of zero from a list of nodes; the one place where graphs are checked.
 *
 * @param nodes           [count], borrowed; widths that an op decides are filled in
 * @param max_parameters  at most so many weights and biases: LOP_E_LIMIT above, before memory is
 *                        asked for
 * @return LOP_OK, LOP_E_FORMAT, LOP_E_LIMIT, LOP_E_MEMORY
 */
lop_status lopi_network_build(lop_network **out, lopi_node_spec *nodes, size_t count,
                              uint64_t max_parameters, lop_error *error);

/**
 * As lop_network_new_spec, refusing more than `max_parameters` weights and biases before memory is
 * asked for: for a spec that comes in a file whose size says how many there can be.
 */
lop_status lopi_network_new_spec(lop_network **out, const char *json, size_t size,
                                 uint64_t max_parameters, lop_error *error);

/** Whether two networks have the same operations, edges, widths and biases. Names may differ. */
bool lopi_network_same_graph(const lop_network *a, const lop_network *b);

#endif
