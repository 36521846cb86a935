/** Small networks for the tests of this room, and a plain forward pass in double. */
#ifndef LOP_TESTS_PRUNE_NETWORKS_H
#define LOP_TESTS_PRUNE_NETWORKS_H

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <lop/network.h>
#include <lop/prune.h>

/** A fully connected network of these widths, input first. */
static inline lop_network *test_mlp(const size_t *widths, size_t count, bool bias, uint64_t seed)
{
    lop_network *network = NULL;
    lop_error error = {0};
    lop_mlp_spec spec = {.inputs = widths[0],
                         .hidden = widths + 1,
                         .hidden_count = count - 2,
                         .outputs = widths[count - 1],
                         .bias = bias,
                         .seed = seed};
    if (lop_network_new_mlp(&network, &spec, &error) != LOP_OK)
        fail_msg("%s", error.text);
    return network;
}

/** 784-1000-1000-500-200-10 without biases. */
static inline lop_network *test_challenge(void)
{
    static const size_t widths[] = {784, 1000, 1000, 500, 200, 10};
    return test_mlp(widths, 6, false, 1);
}

/** y [outputs] from x [inputs]; every node in double, in the order of the graph. */
static inline void test_forward(const lop_network *network, const double *x, double *y)
{
    size_t nodes = lop_network_node_count(network);
    double **value = calloc(nodes, sizeof *value);
    for (size_t n = 0; n < nodes; n++) {
        const lop_node *node = lop_network_node(network, n);
        value[n] = calloc(node->width, sizeof **value);
        const double *input = value[node->input];
        const lop_layer *layer =
            node->op == LOP_OP_LINEAR ? lop_network_layer(network, node->layer) : NULL;
        for (size_t i = 0; i < node->width; i++) {
            if (node->op == LOP_OP_INPUT)
                value[n][i] = x[i];
            else if (node->op == LOP_OP_RELU)
                value[n][i] = input[i] > 0 ? input[i] : 0;
            for (size_t j = 0; layer && j < layer->inputs; j++)
                value[n][i] += (double)layer->weight[i * layer->inputs + j] * input[j];
            if (layer && layer->bias)
                value[n][i] += (double)layer->bias[i];
        }
    }
    memcpy(y, value[nodes - 1], lop_network_outputs(network) * sizeof *y);
    for (size_t n = 0; n < nodes; n++)
        free(value[n]);
    free(value);
}

/** Same weights, biases and masks, to the bit; no mask and a mask of ones are the same. */
static inline bool test_same(const lop_network *a, const lop_network *b)
{
    if (lop_network_layer_count(a) != lop_network_layer_count(b))
        return false;
    for (size_t l = 0; l < lop_network_layer_count(a); l++) {
        const lop_layer *p = lop_network_layer(a, l), *q = lop_network_layer(b, l);
        size_t count = p->outputs * p->inputs;
        if (p->outputs != q->outputs || p->inputs != q->inputs || !p->bias != !q->bias ||
            memcmp(p->weight, q->weight, count * sizeof *p->weight) != 0)
            return false;
        if (p->bias && memcmp(p->bias, q->bias, p->outputs * sizeof *p->bias) != 0)
            return false;
        for (size_t i = 0; i < count; i++) {
            if ((p->mask ? p->mask[i] : 1) != (q->mask ? q->mask[i] : 1))
                return false;
        }
    }
    return true;
}

/** Pruning refuses with this status, says why, and changes nothing. The network has no masks. */
static inline void test_refuses(lop_network *network, const lop_prune_options *options,
                                lop_status expected)
{
    lop_network *before = NULL;
    lop_error error = {0};
    assert_int_equal(lop_network_copy(&before, network, NULL), LOP_OK);
    assert_int_equal(lop_prune(network, options, &error), expected);
    assert_int_equal(error.code, expected);
    assert_true(error.text[0] != 0);
    assert_true(test_same(before, network));
    assert_null(lop_network_layer(network, 0)->mask);
    lop_network_free(before);
}

#endif
