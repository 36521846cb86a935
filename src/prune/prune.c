#include <lop/prune.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/criterion.h"
#include "prune/granularity.h"
#include "prune/select.h"

static const char *const scopes[] = {[LOP_SCOPE_LAYER] = "layer", [LOP_SCOPE_GLOBAL] = "global"};

enum { SCOPES = sizeof scopes / sizeof scopes[0] };

const char *lop_scope_name(size_t index) { return index < SCOPES ? scopes[index] : NULL; }

static const char *const allocations[] = {[LOP_ALLOCATION_UNIFORM] = "uniform",
                                          [LOP_ALLOCATION_ERK] = "erk",
                                          [LOP_ALLOCATION_LAMP] = "lamp",
                                          [LOP_ALLOCATION_LIST] = "list"};

enum { ALLOCATIONS = sizeof allocations / sizeof allocations[0] };

const char *lop_allocation_name(size_t index)
{
    return index < ALLOCATIONS ? allocations[index] : NULL;
}

/* One pruning on its way: the items of all layers that may be pruned, one behind the other. */
typedef struct plan {
    const lop_prune_options *options;
    const lopi_criterion *criterion;
    const lopi_granularity *granularity;
    size_t layers;
    size_t *start;   /* [layers + 1]: items of layer l are start[l] … start[l + 1] − 1 */
    size_t largest;  /* items of the largest layer */
    uint64_t *key;   /* [items], see select.h */
    uint8_t *remove; /* [items] */
    uint8_t *units;  /* [outputs of the widest layer], scratch of the report */
} plan;

static void plan_end(plan *p)
{
    lopi_free(p->start);
    lopi_free(p->key);
    lopi_free(p->remove);
    lopi_free(p->units);
}

static lop_status resolve(plan *p, const lop_prune_options *options, lop_error *error)
{
    p->options = options;
    p->granularity = lopi_granularity_at((size_t)options->granularity);
    if (!p->granularity)
        return lopi_fail(error, LOP_E_ARG, "unknown granularity %d", (int)options->granularity);
    if (!lop_scope_name((size_t)options->scope))
        return lopi_fail(error, LOP_E_ARG, "unknown scope %d", (int)options->scope);
    if (!(options->sparsity >= 0 && options->sparsity < 1))
        return lopi_fail(error, LOP_E_RANGE, "sparsity must be in [0, 1), found %g",
                         options->sparsity);

    if (!lop_allocation_name((size_t)options->allocation))
        return lopi_fail(error, LOP_E_ARG, "unknown allocation %d", (int)options->allocation);
    if (options->allocation != LOP_ALLOCATION_UNIFORM || options->min_keep > 0)
        return lopi_fail(error, LOP_E_UNSUPPORTED,
                         "only uniform allocation without min_keep can be had");

    const lop_criterion *shown = options->criterion;
    if (!shown) {
        lop_status status = lop_criterion_find(NULL, options->granularity, &shown, error);
        if (status)
            return status;
    }
    p->criterion = lopi_criterion_row(shown);
    if (!p->criterion)
        return lopi_fail(error, LOP_E_ARG,
                         "this criterion is not of the table; take one from lop_criterion_find");
    if (shown->granularity != options->granularity)
        return lopi_fail(error, LOP_E_ARG, "criterion '%s' scores by %s, but pruning is by %s",
                         shown->name, lop_granularity_name((size_t)shown->granularity),
                         p->granularity->name);
    return LOP_OK;
}

static lop_status lay_out(plan *p, const lop_network *network, lop_error *error)
{
    size_t widest = 0;
    p->layers = lop_network_layer_count(network);
    p->start = lopi_alloc(p->layers + 1, sizeof *p->start);
    if (!p->start)
        return lopi_fail_memory(error, (p->layers + 1) * sizeof *p->start);
    for (size_t l = 0; l < p->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        bool spared =
            layer->output && !(p->options->include_output && p->granularity->prunes_output);
        size_t items = spared ? 0 : p->granularity->items(layer);
        p->start[l + 1] = p->start[l] + items;
        if (items > p->largest)
            p->largest = items;
        if (layer->outputs > widest)
            widest = layer->outputs;
    }
    size_t items = p->start[p->layers];
    p->key = lopi_alloc(items, sizeof *p->key);
    p->remove = lopi_alloc(items, sizeof *p->remove);
    p->units = lopi_alloc(widest, sizeof *p->units);
    if (!p->key || !p->remove || !p->units)
        return lopi_fail_memory(error, items * (sizeof *p->key + sizeof *p->remove) + widest);
    return LOP_OK;
}

/* Keys of one layer's items: what the masks remove comes first. */
static lop_status rank_layer(plan *p, const lop_network *network, size_t l, double *score,
                             lop_error *error)
{
    const lop_layer *layer = lop_network_layer(network, l);
    lopi_score_context context = {
        .network = network, .layer = layer, .index = l, .seed = p->options->seed};
    lop_status status = p->criterion->score(&context, score, error);
    if (status)
        return status;

    size_t count = p->start[l + 1] - p->start[l];
    uint64_t *key = p->key + p->start[l];
    uint8_t *removed = p->remove + p->start[l];
    p->granularity->removed(network, l, removed);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(score[i]))
            return lopi_fail(error, LOP_E_NAN, "the %s score of %s %zu in layer '%s' is not finite",
                             p->criterion->shown.name, p->granularity->name, i, layer->name);
        key[i] = removed[i] ? LOPI_KEY_FIRST : lopi_key(score[i]);
    }
    return LOP_OK;
}

static lop_status rank(plan *p, const lop_network *network, lop_error *error)
{
    lop_status status = LOP_OK;
    double *score = lopi_alloc(p->largest, sizeof *score);
    if (!score)
        return lopi_fail_memory(error, p->largest * sizeof *score);
    for (size_t l = 0; l < p->layers && status == LOP_OK; l++) {
        if (p->start[l] < p->start[l + 1])
            status = rank_layer(p, network, l, score, error);
    }
    lopi_free(score);
    return status;
}

/* Put each layer's best item (of equals the last) out of reach; returns how many that are. */
static size_t protect_last(plan *p)
{
    size_t protected = 0;
    for (size_t l = 0; l < p->layers; l++) {
        size_t best = p->start[l];
        for (size_t i = best; i < p->start[l + 1]; i++) {
            if (p->key[i] >= p->key[best])
                best = i;
        }
        if (best < p->start[l + 1]) {
            p->key[best] = LOPI_KEY_LAST;
            protected++;
        }
    }
    return protected;
}

static void select_items(plan *p)
{
    double sparsity = p->options->sparsity;
    if (p->options->scope == LOP_SCOPE_GLOBAL) {
        size_t items = p->start[p->layers];
        size_t free_items = items - (p->granularity->keeps_last ? protect_last(p) : 0);
        size_t wanted = lopi_round_share(sparsity, items);
        lopi_select_lowest(p->key, items, wanted < free_items ? wanted : free_items, p->remove);
        return;
    }
    for (size_t l = 0; l < p->layers; l++) {
        size_t items = p->start[l + 1] - p->start[l];
        lopi_select_lowest(p->key + p->start[l], items, lopi_round_share(sparsity, items),
                           p->remove + p->start[l]);
    }
}

static bool removes_any(const plan *p, size_t l)
{
    size_t items = p->start[l + 1] - p->start[l];
    return items > 0 && memchr(p->remove + p->start[l], 1, items);
}

/* Does the layer keep fewer than one weight for an output that is still read? */
static bool starves(lop_prune_warning *warning, const lop_network *network, size_t l, uint8_t *gone)
{
    const lop_layer *layer = lop_network_layer(network, l);
    *warning = (lop_prune_warning){.layer = l};
    lopi_granularity_at(LOP_GRANULARITY_UNIT)->removed(network, l, gone);
    for (size_t unit = 0; unit < layer->outputs; unit++)
        warning->outputs += layer->output || !gone[unit];
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        warning->weights_left += layer->mask[i];
    return warning->weights_left < warning->outputs || warning->weights_left == 0;
}

/* What the network's masks say after all; `p->remove` has served. */
static void report(lop_prune_outcome *outcome, plan *p, const lop_network *network)
{
    *outcome = (lop_prune_outcome){.items = p->start[p->layers]};
    for (size_t l = 0; l < p->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        uint8_t *removed = p->remove + p->start[l];
        if (p->start[l] == p->start[l + 1] || !layer->mask)
            continue;
        p->granularity->removed(network, l, removed);
        for (size_t i = 0; i < p->start[l + 1] - p->start[l]; i++)
            outcome->removed += removed[i];
        if (outcome->warnings < LOP_MAX_WARNINGS &&
            starves(&outcome->warning[outcome->warnings], network, l, p->units))
            outcome->warnings++;
    }
}

lop_status lop_prune(lop_network *network, const lop_prune_options *options, lop_error *error)
{
    plan p = {0};
    lop_status status = resolve(&p, options, error);
    if (status)
        goto out;
    status = lop_network_check_finite(network, error);
    if (status)
        goto out;
    status = lay_out(&p, network, error);
    if (status)
        goto out;
    status = rank(&p, network, error);
    if (status)
        goto out;
    select_items(&p);

    /* All that can fail comes first; a mask of ones prunes nothing. */
    for (size_t l = 0; l < p.layers; l++) {
        if (!removes_any(&p, l))
            continue;
        status = p.granularity->prepare(network, l, error);
        if (status)
            goto out;
    }
    for (size_t l = 0; l < p.layers; l++) {
        if (removes_any(&p, l))
            p.granularity->remove(network, l, p.remove + p.start[l]);
    }
    lop_network_apply_masks(network);
    if (options->outcome)
        report(options->outcome, &p, network);
out:
    plan_end(&p);
    return status;
}
