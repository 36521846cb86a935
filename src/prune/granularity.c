#include "prune/granularity.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "prune/blocks.h"
#include "prune/names.h"

/* Weights ------------------------------------------------------------------------------------- */

static size_t weight_items(const lop_layer *layer, const lop_prune_options *options)
{
    (void)options;
    return layer->outputs * layer->inputs;
}

static void weight_removed(const lopi_target *target, uint8_t *removed)
{
    const lop_layer *layer = lop_network_layer(target->network, target->index);
    size_t count = layer->outputs * layer->inputs;
    for (size_t i = 0; i < count; i++)
        removed[i] = layer->mask && !layer->mask[i];
}

static lop_status weight_prepare(lop_network *network, size_t index, lop_error *error)
{
    return lop_network_mask_new(network, index, error);
}

static void weight_remove(const lopi_target *target, const uint8_t *remove)
{
    const lop_layer *layer = lop_network_layer(target->network, target->index);
    size_t count = layer->outputs * layer->inputs;
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

static size_t unit_items(const lop_layer *layer, const lop_prune_options *options)
{
    (void)options;
    return layer->outputs;
}

/* A unit is removed where all is masked, and the bias zero, that removing it would touch. */
static void unit_removed(const lopi_target *target, uint8_t *removed)
{
    const lop_network *network = target->network;
    const lop_layer *layer = lop_network_layer(network, target->index);
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

static void unit_remove(const lopi_target *target, const uint8_t *remove)
{
    const lop_network *network = target->network;
    const lop_layer *layer = lop_network_layer(network, target->index);
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

/* Blocks -------------------------------------------------------------------------------------- */

static lop_status block_resolve(lop_prune_options *options, lop_error *error)
{
    if (options->block_rows == 0)
        options->block_rows = 4;
    if (options->block_columns == 0)
        options->block_columns = 4;
    if (options->block_rows > LOP_MAX_WIDTH || options->block_columns > LOP_MAX_WIDTH)
        return lopi_fail(error, LOP_E_RANGE,
                         "blocks have at most %u rows and columns, not %zu × %zu", LOP_MAX_WIDTH,
                         options->block_rows, options->block_columns);
    return LOP_OK;
}

static size_t block_items(const lop_layer *layer, const lop_prune_options *options)
{
    lopi_blocks grid = lopi_blocks_of(layer, options);
    return grid.down * grid.across;
}

static void block_removed(const lopi_target *target, uint8_t *removed)
{
    const lop_layer *layer = lop_network_layer(target->network, target->index);
    lopi_blocks grid = lopi_blocks_of(layer, target->options);
    memset(removed, layer->mask != NULL, grid.down * grid.across);
    for (size_t i = 0; layer->mask && i < layer->outputs * layer->inputs; i++)
        removed[lopi_blocks_at(&grid, i)] &= !layer->mask[i];
}

static void block_remove(const lopi_target *target, const uint8_t *remove)
{
    const lop_layer *layer = lop_network_layer(target->network, target->index);
    lopi_blocks grid = lopi_blocks_of(layer, target->options);
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        layer->mask[i] = layer->mask[i] && !remove[lopi_blocks_at(&grid, i)];
}

/* N:M ----------------------------------------------------------------------------------------- */

/* N and M decide the sparsity; what else speaks of it may not contradict. */
static lop_status nm_resolve(lop_prune_options *options, lop_error *error)
{
    if (options->n == 0 && options->m == 0) {
        options->n = 2;
        options->m = 4;
    }
    if (options->n < 1 || options->n > options->m || options->m > LOP_MAX_WIDTH)
        return lopi_fail(error, LOP_E_ARG,
                         "N:M keeps 1 to M of M consecutive inputs, not %zu of %zu", options->n,
                         options->m);
    double sparsity = 1 - (double)options->n / (double)options->m;
    if (options->sparsity != 0 && fabs(options->sparsity - sparsity) > 1e-9)
        return lopi_fail(
            error, LOP_E_ARG,
            "contradictory: %zu of %zu is a sparsity of %g, but %g is given too; leave "
            "it out",
            options->n, options->m, sparsity, options->sparsity);
    if (options->scope != LOP_SCOPE_LAYER || options->allocation != LOP_ALLOCATION_UNIFORM)
        return lopi_fail(
            error, LOP_E_ARG,
            "contradictory: %zu of %zu is the same in every layer; take scope '%s' and "
            "allocation '%s'",
            options->n, options->m, lop_scope_name(LOP_SCOPE_LAYER),
            lop_allocation_name(LOP_ALLOCATION_UNIFORM));
    options->sparsity = sparsity;
    return LOP_OK;
}

static lop_status nm_fits(const lop_layer *layer, const lop_prune_options *options,
                          lop_error *error)
{
    if (layer->inputs % options->m != 0)
        return lopi_fail(error, LOP_E_ARG,
                         "%zu of %zu needs a multiple of %zu inputs, but layer '%s' has %zu",
                         options->n, options->m, options->m, layer->name, layer->inputs);
    return LOP_OK;
}

/* The table ----------------------------------------------------------------------------------- */

static const lopi_granularity granularities[] = {
    [LOP_GRANULARITY_WEIGHT] = {.name = "weight",
                                .scored_as = LOP_GRANULARITY_WEIGHT,
                                .prunes_output = true,
                                .by_weight = true,
                                .items = weight_items,
                                .removed = weight_removed,
                                .prepare = weight_prepare,
                                .remove = weight_remove},
    [LOP_GRANULARITY_UNIT] = {.name = "unit",
                              .scored_as = LOP_GRANULARITY_UNIT,
                              .keeps_last = true,
                              .items = unit_items,
                              .removed = unit_removed,
                              .prepare = unit_prepare,
                              .remove = unit_remove},
    [LOP_GRANULARITY_BLOCK] = {.name = "block",
                               .scored_as = LOP_GRANULARITY_BLOCK,
                               .prunes_output = true,
                               .resolve = block_resolve,
                               .items = block_items,
                               .removed = block_removed,
                               .prepare = weight_prepare,
                               .remove = block_remove},
    [LOP_GRANULARITY_NM] = {.name = "nm",
                            .scored_as = LOP_GRANULARITY_WEIGHT,
                            .prunes_output = true,
                            .by_weight = true,
                            .resolve = nm_resolve,
                            .fits = nm_fits,
                            .items = weight_items,
                            .removed = weight_removed,
                            .prepare = weight_prepare,
                            .remove = weight_remove},
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
