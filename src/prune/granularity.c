#include "prune/granularity.h"

#include <string.h>

#include "base/error.h"
#include "prune/names.h"

/* Weights ------------------------------------------------------------------------------------- */

static size_t weight_items(const lop_layer *layer) { return layer->outputs * layer->inputs; }

static void weight_removed(const lop_network *network, size_t index, uint8_t *removed)
{
    const lop_layer *layer = lop_network_layer(network, index);
    size_t count = weight_items(layer);
    for (size_t i = 0; i < count; i++)
        removed[i] = layer->mask && !layer->mask[i];
}

static lop_status weight_prepare(lop_network *network, size_t index, lop_error *error)
{
    return lop_network_mask_new(network, index, error);
}

static void weight_remove(lop_network *network, size_t index, const uint8_t *remove)
{
    const lop_layer *layer = lop_network_layer(network, index);
    size_t count = weight_items(layer);
    for (size_t i = 0; i < count; i++)
        layer->mask[i] = layer->mask[i] && !remove[i];
}

/* Units --------------------------------------------------------------------------------------- */

/* Does node `reader` see the values of node `source` as they are, or through relus? */
static bool sees(const lop_network *network, const lop_node *reader, size_t source)
{
    size_t node = reader->input;
    while (node != source && lop_network_node(network, node)->op == LOP_OP_RELU)
        node = lop_network_node(network, node)->input;
    return node == source;
}

/* The next linear layer from `*index` on that reads the units of `layer`; NULL after the last. */
static const lop_layer *next_reader(const lop_network *network, const lop_layer *layer,
                                    size_t *index)
{
    const lop_layer *reader;
    while ((reader = lop_network_layer(network, *index))) {
        ++*index;
        if (sees(network, lop_network_node(network, reader->node), layer->node))
            return reader;
    }
    return NULL;
}

static size_t unit_items(const lop_layer *layer) { return layer->outputs; }

/* A unit is removed where all is masked, and the bias zero, that removing it would touch. */
static void unit_removed(const lop_network *network, size_t index, uint8_t *removed)
{
    const lop_layer *layer = lop_network_layer(network, index);
    for (size_t unit = 0; unit < layer->outputs; unit++)
        removed[unit] = layer->mask &&
                        !memchr(layer->mask + unit * layer->inputs, 1, layer->inputs) &&
                        !(layer->bias && layer->bias[unit] != 0);
    size_t next = 0;
    const lop_layer *reader;
    while ((reader = next_reader(network, layer, &next))) {
        if (!reader->mask)
            memset(removed, 0, layer->outputs);
        for (size_t row = 0; reader->mask && row < reader->outputs; row++) {
            const uint8_t *mask = reader->mask + row * reader->inputs;
            for (size_t i = 0; i < reader->inputs; i++)
                removed[i] = removed[i] && !mask[i];
        }
    }
}

static lop_status unit_prepare(lop_network *network, size_t index, lop_error *error)
{
    const lop_layer *layer = lop_network_layer(network, index);
    lop_status status = lop_network_mask_new(network, index, error);
    size_t next = 0;
    while (status == LOP_OK && next_reader(network, layer, &next))
        status = lop_network_mask_new(network, next - 1, error);
    return status;
}

static void unit_remove(lop_network *network, size_t index, const uint8_t *remove)
{
    const lop_layer *layer = lop_network_layer(network, index);
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        if (!remove[unit])
            continue;
        memset(layer->mask + unit * layer->inputs, 0, layer->inputs);
        if (layer->bias)
            layer->bias[unit] = 0;
    }
    size_t next = 0;
    const lop_layer *reader;
    while ((reader = next_reader(network, layer, &next))) {
        for (size_t row = 0; row < reader->outputs; row++) {
            uint8_t *mask = reader->mask + row * reader->inputs;
            for (size_t i = 0; i < reader->inputs; i++)
                mask[i] = mask[i] && !remove[i];
        }
    }
}

/* The table ----------------------------------------------------------------------------------- */

static const lopi_granularity granularities[] = {
    [LOP_GRANULARITY_WEIGHT] = {.name = "weight",
                                .prunes_output = true,
                                .items = weight_items,
                                .removed = weight_removed,
                                .prepare = weight_prepare,
                                .remove = weight_remove},
    [LOP_GRANULARITY_UNIT] = {.name = "unit",
                              .keeps_last = true,
                              .items = unit_items,
                              .removed = unit_removed,
                              .prepare = unit_prepare,
                              .remove = unit_remove},
};

enum { GRANULARITIES = sizeof granularities / sizeof granularities[0] };

const lopi_granularity *lopi_granularity_at(size_t index)
{
    return index < GRANULARITIES ? &granularities[index] : NULL;
}

const char *lop_granularity_name(size_t index)
{
    return index < GRANULARITIES ? granularities[index].name : NULL;
}

lop_status lop_granularity_find(const char *name, lop_granularity *out, lop_error *error)
{
    lopi_names known = {0};
    for (size_t i = 0; i < GRANULARITIES; i++) {
        if (strcmp(name, granularities[i].name) == 0) {
            *out = (lop_granularity)i;
            return LOP_OK;
        }
        lopi_names_add(&known, granularities[i].name);
    }
    return lopi_fail(error, LOP_E_NAME, "no granularity '%s'; there are: %s", name, known.text);
}
