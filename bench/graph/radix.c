/*
 * RadiX-Net layers, by the published rule for mixed-radix topologies.
 *
 * A mixed-radix system with radices r_1 … r_k counts m = r_1 · … · r_k nodes. Its layer i joins
 * node j with the r_i nodes j + n · (r_1 · … · r_{i−1}) mod m, n = 0 … r_i − 1: after k layers each
 * node has met each other one exactly once. The Kronecker product with a block of ones, s × s, puts
 * s neurons in the place of each node, joined all with all.
 *
 * Here all radices are 2 and s is 16, so a neuron has 2 · 16 = 32 inputs, and k = log2(neurons /
 * 16) layers make one base network: 6 for 1024 neurons, 8 for 4096, 10 for 16384. Deeper networks
 * are base networks one behind the other; those after the first have their neurons renamed at
 * random, with what goes into them shuffled anew. Weights are all 1/16, the bias is the size's own.
 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16, SEED = 1 };

static const struct {
    uint32_t neurons, base; /* layers of the base network: 2^base nodes of BLOCK neurons */
    float bias;
} sizes[] = {{1024, 6, -0.3f}, {4096, 8, -0.35f}, {16384, 10, -0.4f}};

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void keep_order(uint16_t *name, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        name[i] = (uint16_t)i;
}

static void shuffle(uint16_t *name, uint32_t count, uint64_t *state)
{
    keep_order(name, count);
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)(next_random(state) % i);
        uint16_t held = name[i - 1];
        name[i - 1] = name[other];
        name[other] = held;
    }
}

static int compare_names(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* One layer: `from` and `to` name the neurons that stand at each place of the rule. */
static void join(uint16_t *input, uint32_t neurons, uint32_t step, const uint16_t *from,
                 const uint16_t *to)
{
    uint32_t nodes = neurons / BLOCK;
    for (uint32_t place = 0; place < neurons; place++) {
        uint16_t *row = input + (size_t)to[place] * GRAPH_FAN_IN;
        uint32_t node = place / BLOCK, other = (node + nodes - step) % nodes;
        for (uint32_t i = 0; i < BLOCK; i++) {
            row[i] = from[node * BLOCK + i];
            row[BLOCK + i] = from[other * BLOCK + i];
        }
        qsort(row, GRAPH_FAN_IN, sizeof *row, compare_names);
    }
}

bool graph_network_new(graph_network *network, uint32_t neurons, uint32_t layers)
{
    size_t size = 0;
    while (size < sizeof sizes / sizeof *sizes && sizes[size].neurons != neurons)
        size++;
    if (size == sizeof sizes / sizeof *sizes)
        return false;
    uint16_t *input = malloc((size_t)layers * neurons * GRAPH_FAN_IN * sizeof *input);
    uint16_t *from = malloc(2 * (size_t)neurons * sizeof *from);
    if (!input || !from) {
        free(input);
        free(from);
        return false;
    }
    *network = (graph_network){neurons, layers, sizes[size].bias, input};
    uint16_t *to = from + neurons;
    uint64_t state = SEED;
    uint32_t at = 0; /* in its base network */
    bool renamed = false;
    keep_order(to, neurons);
    for (uint32_t l = 0; l < layers; l++) {
        memcpy(from, to, neurons * sizeof *from);
        if (renamed && at == 0)
            shuffle(from, neurons, &state);
        if (renamed)
            shuffle(to, neurons, &state);
        join(input + (size_t)l * neurons * GRAPH_FAN_IN, neurons, 1u << at, from, to);
        if (++at == sizes[size].base) {
            at = 0;
            renamed = true;
        }
    }
    free(from);
    return true;
}

void graph_network_free(graph_network *network) { free(network->input); }
