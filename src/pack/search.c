/** The fewest bits for the values of a network that its accuracy bears. */
#include <stdlib.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/memory.h"
#include "pack/forward.h"
#include "run/model.h"

/* What to try, from many bits to few. */
static const lop_pack_values ladder[] = {
    {LOP_VALUES_FLOAT32, 0},  {LOP_VALUES_FLOAT16, 0},  {LOP_VALUES_INT8, 0},
    {LOP_VALUES_SHARED, 256}, {LOP_VALUES_SHARED, 128}, {LOP_VALUES_SHARED, 64},
    {LOP_VALUES_SHARED, 48},  {LOP_VALUES_SHARED, 32},  {LOP_VALUES_SHARED, 24},
    {LOP_VALUES_SHARED, 16},  {LOP_VALUES_SHARED, 12},  {LOP_VALUES_SHARED, 10},
    {LOP_VALUES_SHARED, 8},   {LOP_VALUES_SHARED, 7},   {LOP_VALUES_SHARED, 6},
    {LOP_VALUES_SHARED, 5},   {LOP_VALUES_SHARED, 4},   {LOP_VALUES_SHARED, 3},
    {LOP_VALUES_SHARED, 2},
};
enum { RUNGS = sizeof ladder / sizeof *ladder, MANY = 3 /* shared values, where to begin */ };

typedef struct hunt {
    const lop_network *network;
    const lop_pack_search *search;
    lop_pack_values *values; /* [layers] */
    size_t layers, least;    /* samples that must be recognized */
    size_t correct;          /* with `values`, at the last trial that was good */
    size_t trials;
} hunt;

/* Whether the network with `values` recognizes enough samples. A weight that is too large for
 * FLOAT16 is one more way not to. */
static lop_status try_values(hunt *h, bool *good, size_t *correct, lop_error *error)
{
    lop_packed *packed = NULL;
    lop_error why = {0};
    lop_pack_options options = {.values = h->values, .value_count = h->layers, .keep_order = true};
    lop_status status = lop_pack(&packed, h->network, &options, &why);
    h->trials++;
    *good = false;
    if (status == LOP_E_RANGE)
        return LOP_OK;
    if (status == LOP_OK)
        status = lopi_forward_correct(packed, h->search->samples, h->search->indices,
                                      h->search->sample_count, correct, &why);
    lop_packed_free(packed);
    if (status != LOP_OK && error)
        *error = why;
    *good = status == LOP_OK && *correct >= h->least;
    if (*good)
        h->correct = *correct;
    return status;
}

static void set_all(hunt *h, lop_pack_values values)
{
    for (size_t i = 0; i < h->layers; i++)
        h->values[i] = values;
}

/* The same for all layers: down the ladder from many shared values as long as that is good, or up
 * until it is, which at the top it always is. *rung is the one found. */
static lop_status all_layers(hunt *h, size_t *rung, lop_error *error)
{
    size_t correct = 0, at = MANY;
    bool good = false;
    set_all(h, ladder[at]);
    lop_status status = try_values(h, &good, &correct, error);
    bool down = good;
    while (status == LOP_OK && good == down && (down ? at + 1 < RUNGS : at > 0)) {
        at = down ? at + 1 : at - 1;
        set_all(h, ladder[at]);
        status = try_values(h, &good, &correct, error);
    }
    *rung = down && !good ? at - 1 : at;
    set_all(h, ladder[*rung]);
    return status;
}

static lop_status one_layer(hunt *h, size_t layer, size_t rung, lop_error *error)
{
    lop_status status = LOP_OK;
    bool good = true;
    for (size_t r = rung + 1; r < RUNGS && good && status == LOP_OK; r++) {
        size_t correct = 0;
        lop_pack_values before = h->values[layer];
        h->values[layer] = ladder[r];
        status = try_values(h, &good, &correct, error);
        if (!good)
            h->values[layer] = before;
    }
    return status;
}

typedef struct rank {
    size_t layer, left;
} rank;

static int by_weights(const void *a, const void *b)
{
    const rank *p = a, *q = b;
    if (p->left != q->left)
        return p->left > q->left ? -1 : 1;
    return (p->layer > q->layer) - (p->layer < q->layer);
}

/* Layers with the most weights first: there a bit saves most. */
static lop_status each_layer(hunt *h, size_t rung, lop_error *error)
{
    rank *ranks = lopi_alloc(h->layers, sizeof *ranks);
    if (!ranks)
        return lopi_fail_memory(error, h->layers * sizeof *ranks);
    for (size_t i = 0; i < h->layers; i++) {
        const lop_layer *layer = lop_network_layer(h->network, i);
        ranks[i].layer = i;
        for (size_t w = 0; w < layer->outputs * layer->inputs; w++)
            ranks[i].left += layer->weight[w] != 0;
    }
    qsort(ranks, h->layers, sizeof *ranks, by_weights);
    lop_status status = LOP_OK;
    for (size_t i = 0; i < h->layers && status == LOP_OK; i++)
        status = one_layer(h, ranks[i].layer, rung, error);
    lopi_free(ranks);
    return status;
}

static lop_status check(const lop_network *network, const lop_pack_search *search, lop_error *error)
{
    const lop_samples *samples = search->samples;
    if (!samples || search->sample_count == 0)
        return lopi_fail(error, LOP_E_ARG, "expected validation samples to search with");
    if (!samples->labels)
        return lopi_fail(error, LOP_E_ARG, "expected validation samples with labels");
    if (samples->features != lop_network_inputs(network))
        return lopi_fail(error, LOP_E_SHAPE, "expected samples of %zu values, found %zu",
                         lop_network_inputs(network), samples->features);
    if (!(search->max_loss >= 0 && search->max_loss <= 1))
        return lopi_fail(error, LOP_E_RANGE, "expected a loss of 0 to 1, found %g",
                         search->max_loss);
    for (size_t i = 0; i < search->sample_count; i++) {
        size_t sample = search->indices ? search->indices[i] : i;
        if (sample >= samples->count)
            return lopi_fail(error, LOP_E_RANGE, "expected samples below %zu, found %zu",
                             samples->count, sample);
    }
    return LOP_OK;
}

lop_status lop_pack_search_values(lop_pack_values *values, const lop_network *network,
                                  const lop_pack_search *search, lop_pack_found *found,
                                  lop_error *error)
{
    lop_status status = check(network, search, error);
    if (status != LOP_OK)
        return status;
    size_t layers = lop_network_layer_count(network), before = 0, rung = 0;
    double count = (double)search->sample_count;
    bool good = false;
    hunt h = {.network = network, .search = search, .layers = layers};
    h.values = lopi_alloc(layers, sizeof *h.values);
    if (!h.values)
        return lopi_fail_memory(error, layers * sizeof *h.values);
    status = try_values(&h, &good, &before, error);
    double allowed = search->max_loss * count + 1e-9; /* what is meant in decimal counts */
    h.least = (double)before > allowed ? before - (size_t)allowed : 0;
    if (status == LOP_OK)
        status = all_layers(&h, &rung, error);
    if (status == LOP_OK)
        status = each_layer(&h, rung, error);
    for (size_t i = 0; status == LOP_OK && i < layers; i++)
        values[i] = h.values[i];
    if (status == LOP_OK && found)
        *found = (lop_pack_found){(double)before / count, (double)h.correct / count, h.trials};
    lopi_free(h.values);
    return status;
}
