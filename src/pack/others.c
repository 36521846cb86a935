/** What a network's weights take in Deep Compression's scheme. */
#include <string.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/memory.h"
#include "pack/clusters.h"

enum { INDEX_BITS = 5, GAPS = 1 << INDEX_BITS, ENTRIES = 32 };

/* How often each symbol comes: gaps of 0 … 31 zeros before a weight, and places in the table; the
 * last one is of weights that were only put there because a gap was too long. */
typedef struct symbols {
    size_t gap[GAPS], entry[ENTRIES + 1];
} symbols;

/*
 * Bits that a Huffman code takes for symbols that come so often: the sum of all inner nodes. Its
 * table has a byte for each symbol's length.
 */
static size_t huffman_bits(const size_t *counts, size_t count)
{
    size_t weight[GAPS + 2], left = 0, bits = 0;
    for (size_t i = 0; i < count; i++)
        if (counts[i] > 0)
            weight[left++] = counts[i];
    bits = left == 1 ? weight[0] : 0;
    while (left > 1) {
        size_t least = 0, next = 1;
        for (size_t i = 1; i < left; i++)
            if (weight[i] < weight[least])
                least = i;
        next = least == 0 ? 1 : 0;
        for (size_t i = 0; i < left; i++)
            if (i != least && weight[i] < weight[next])
                next = i;
        bits += weight[least] + weight[next];
        weight[least] += weight[next];
        weight[next] = weight[--left];
    }
    return bits + 8 * count;
}

/* The entry that a value is nearest to; centers rise. */
static unsigned nearest(const lopi_clusters *c, double value)
{
    unsigned k = 0;
    while (k + 1 < c->entries && value > (c->center[k] + c->center[k + 1]) / 2)
        k++;
    return k;
}

static lop_status layer_bits(const lop_layer *layer, size_t *bits, lop_error *error)
{
    size_t count = layer->outputs * layer->inputs, left = 0, gap = 0;
    symbols s = {{0}, {0}};
    lopi_clusters clusters = {.count = 0};
    float *values = lopi_alloc(count, sizeof *values);
    if (!values)
        return lopi_fail_memory(error, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        if (layer->weight[i] != 0)
            values[left++] = layer->weight[i];
    lop_status status = lopi_clusters_find(&clusters, values, left, ENTRIES, error);
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        if (layer->weight[i] == 0 && gap < GAPS - 1) {
            gap++;
            continue;
        }
        if (layer->weight[i] == 0 && left == 0)
            break;
        s.gap[gap]++;
        s.entry[layer->weight[i] == 0 ? ENTRIES : nearest(&clusters, (double)layer->weight[i])]++;
        left -= layer->weight[i] != 0;
        gap = 0;
    }
    *bits = huffman_bits(s.gap, GAPS) + huffman_bits(s.entry, ENTRIES + 1) +
            32 * (size_t)clusters.entries;
    lopi_clusters_end(&clusters);
    lopi_free(values);
    return status;
}

lop_status lop_deep_compression_bytes(const lop_network *network, size_t *bytes, lop_error *error)
{
    size_t sum = 0;
    lop_status status = lop_network_check_finite(network, error);
    for (size_t l = 0; l < lop_network_layer_count(network) && status == LOP_OK; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t bits = 0;
        status = layer_bits(layer, &bits, error);
        sum += (bits + 7) / 8 + (layer->bias ? layer->outputs * sizeof(float) : 0);
    }
    if (status == LOP_OK)
        *bytes = sum;
    return status;
}
