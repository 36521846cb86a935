#include <lop/sharer.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/floats.h"
#include "pack/clusters.h"
#include "pack/table.h"

_Static_assert(LOP_MAX_SHARED == LOPI_MAX_ENTRIES, "one limit");

#define GONE (-1.0f) /* the symbol of a weight that is pruned */

/* What is kept of a layer, as floats so that checkpoints hold it; whole numbers among them are
 * exact. */
typedef struct kept {
    float entries;         /* of the table; 0: weights are not shared yet */
    float outputs, inputs; /* of the layer when it was seen last */
    float table[LOP_MAX_SHARED];
} kept;

typedef struct shared_layer {
    size_t weights; /* at the start */
    float *latent;  /* [weights]: the value that a weight has for itself … */
    float *symbol;  /* … and its place in the table, or GONE; where the weight stands in the layer
                     */
    kept *kept;
    unsigned entries; /* wanted */
} shared_layer;

struct lop_sharer {
    lop_sharer_options options;
    size_t begin, hold, end, layers;
    shared_layer *layer; /* [layers] */
    float *latent, *symbol;
    kept *kept;
    uint32_t *list; /* [weights of the largest layer at the start] */
    lop_state states[3];
};

/* Making --------------------------------------------------------------------------------------- */

lop_status lop_sharer_options_check(const lop_sharer_options *options, lop_error *error)
{
    double epochs = (double)options->epochs, begin = options->begin_epoch;
    if (options->entry_count < 1)
        return lopi_fail(error, LOP_E_ARG,
                         "entries: expected a number for all layers, or for each");
    for (size_t i = 0; i < options->entry_count; i++)
        if (options->entries[i] < 1 || options->entries[i] > LOP_MAX_SHARED)
            return lopi_fail(error, LOP_E_RANGE, "entries: expected 1 to %d, found %zu",
                             LOP_MAX_SHARED, options->entries[i]);
    if (options->epochs < 1 || options->steps_per_epoch < 1)
        return lopi_fail(error, LOP_E_RANGE, "sharing needs a training: epochs and steps");
    if (!(begin >= 0 && begin < epochs))
        return lopi_fail(error, LOP_E_RANGE, "begin_epoch: expected 0 to below %zu, found %g",
                         options->epochs, begin);
    if (!(options->hold_epoch >= begin && options->hold_epoch <= epochs))
        return lopi_fail(error, LOP_E_RANGE, "hold_epoch: expected %g to %zu, found %g", begin,
                         options->epochs, options->hold_epoch);
    if (!(options->rate >= 0 && isfinite(options->rate)))
        return lopi_fail(error, LOP_E_RANGE, "rate: expected a number from 0, found %g",
                         options->rate);
    return LOP_OK;
}

static size_t weights_of(const lop_network *network, size_t layer)
{
    const lop_layer *of = lop_network_layer(network, layer);
    return of->outputs * of->inputs;
}

/* Floats hold whole numbers exactly as long as they are small. */
_Static_assert(LOP_MAX_WIDTH <= 1 << 24, "widths must be exact as floats");

static lop_status make_layers(lop_sharer *s, const lop_network *network, lop_error *error)
{
    size_t weights = 0, largest = 0;
    const lop_sharer_options *options = &s->options;
    for (size_t i = 0; i < s->layers; i++) {
        weights += weights_of(network, i);
        largest = weights_of(network, i) > largest ? weights_of(network, i) : largest;
    }
    if (largest > UINT32_MAX)
        return lopi_fail(error, LOP_E_LIMIT, "a layer has more than 2^32 weights to share");
    s->layer = lopi_alloc(s->layers, sizeof *s->layer);
    s->kept = lopi_alloc(s->layers, sizeof *s->kept);
    s->latent = lopi_alloc_aligned(weights, sizeof *s->latent);
    s->symbol = lopi_alloc_aligned(weights, sizeof *s->symbol);
    s->list = lopi_alloc(largest, sizeof *s->list);
    if (!s->layer || !s->kept || !s->latent || !s->symbol || !s->list)
        return lopi_fail_memory(error, weights * sizeof *s->latent);
    memset(s->kept, 0, s->layers * sizeof *s->kept);
    size_t at = 0;
    for (size_t i = 0; i < s->layers; i++) {
        size_t entries = options->entries[options->entry_count > 1 ? i : 0];
        s->layer[i] = (shared_layer){weights_of(network, i), s->latent + at, s->symbol + at,
                                     &s->kept[i], (unsigned)entries};
        at += s->layer[i].weights;
    }
    memset(s->latent, 0, weights * sizeof *s->latent);
    for (size_t i = 0; i < weights; i++)
        s->symbol[i] = GONE;
    s->states[0] = (lop_state){"sharer.latent", s->latent, weights};
    s->states[1] = (lop_state){"sharer.symbol", s->symbol, weights};
    s->states[2] =
        (lop_state){"sharer.table", &s->kept->entries, s->layers * sizeof *s->kept / sizeof(float)};
    return LOP_OK;
}

lop_status lop_sharer_new(lop_sharer **out, const lop_sharer_options *options,
                          const lop_network *network, lop_error *error)
{
    lop_status status = lop_sharer_options_check(options, error);
    if (status != LOP_OK)
        return status;
    size_t layers = lop_network_layer_count(network);
    if (options->entry_count > 1 && options->entry_count != layers)
        return lopi_fail(error, LOP_E_ARG, "entries: expected 1 number or %zu, found %zu", layers,
                         options->entry_count);
    lop_sharer *s = lopi_alloc(1, sizeof *s);
    if (!s)
        return lopi_fail_memory(error, sizeof *s);
    double steps = (double)options->steps_per_epoch;
    *s = (lop_sharer){
        .options = *options,
        .layers = layers,
        .begin = (size_t)llround(options->begin_epoch * steps),
        .hold = (size_t)llround(options->hold_epoch * steps),
        .end = options->epochs * options->steps_per_epoch,
    };
    status = make_layers(s, network, error);
    s->options.entries = NULL;
    if (status == LOP_OK)
        *out = s;
    else
        lop_sharer_free(s);
    return status;
}

void lop_sharer_free(lop_sharer *sharer)
{
    if (!sharer)
        return;
    lopi_free(sharer->layer);
    lopi_free(sharer->kept);
    lopi_free(sharer->latent);
    lopi_free(sharer->symbol);
    lopi_free(sharer->list);
    lopi_free(sharer);
}

const lop_state *lop_sharer_state(const lop_sharer *sharer, size_t *count)
{
    *count = sizeof sharer->states / sizeof *sharer->states;
    return sharer->states;
}

/* A whole number that a float holds. */
static bool is_count(float value, size_t most)
{
    return value >= 0 && value <= (float)most && value == floorf(value);
}

/* Nothing is said of a layer whose weights are not shared yet. */
static lop_status check_layer(const shared_layer *s, size_t index, lop_error *error)
{
    const kept *k = s->kept;
    size_t product = 0;
    if (!is_count(k->entries, LOP_MAX_SHARED))
        return lopi_fail(error, LOP_E_FORMAT,
                         "sharer: expected 0 to %d shared values of layer %zu, found %g",
                         LOP_MAX_SHARED, index, (double)k->entries);
    if (k->entries == 0)
        return LOP_OK;
    bool good = is_count(k->outputs, LOP_MAX_WIDTH) && is_count(k->inputs, LOP_MAX_WIDTH) &&
                lopi_multiply((size_t)k->outputs, (size_t)k->inputs, &product) &&
                product <= s->weights;
    if (!good)
        return lopi_fail(error, LOP_E_FORMAT,
                         "sharer: expected at most %zu weights of layer %zu, found %g × %g",
                         s->weights, index, (double)k->outputs, (double)k->inputs);
    for (size_t e = 0; e < (size_t)k->entries; e++)
        if (!isfinite(k->table[e]))
            return lopi_fail(error, LOP_E_FORMAT, "sharer: shared value %zu of layer %zu is %g", e,
                             index, (double)k->table[e]);
    for (size_t i = 0; i < s->weights; i++) {
        float symbol = s->symbol[i];
        bool known = symbol == GONE || (is_count(symbol, LOP_MAX_SHARED) && symbol < k->entries);
        if (!known || !isfinite(s->latent[i]))
            return lopi_fail(error, LOP_E_FORMAT,
                             "sharer: expected one of %g places for weight %zu of layer %zu, found "
                             "%g",
                             (double)k->entries, i, index, (double)symbol);
    }
    return LOP_OK;
}

lop_status lop_sharer_restored(const lop_sharer *sharer, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; i < sharer->layers && status == LOP_OK; i++)
        status = check_layer(&sharer->layer[i], i, error);
    return status;
}

bool lop_sharer_due(const lop_sharer *sharer, size_t step) { return step >= sharer->begin; }

/* Tables --------------------------------------------------------------------------------------- */

/* What the entries are in the network, and will be in a file. */
static void round_entries(const kept *of, float value[LOP_MAX_SHARED])
{
    size_t count = (size_t)of->entries;
    memcpy(value, of->table, count * sizeof *value);
    lopi_table_round(value, count);
}

/* The weights of a layer and what is shared of them, side by side. */
typedef struct view {
    const shared_layer *shared;
    float *weight;
    const uint8_t *mask; /* NULL: all are kept */
    size_t count;
    uint32_t
        *list; /* [left]: where shared weights stand; few of many, and looked at time and again */
    size_t left;
} view;

static bool is_kept(const view *v, size_t i) { return !v->mask || v->mask[i]; }

static void list_shared(view *v)
{
    v->left = 0;
    for (size_t i = 0; i < v->count; i++)
        if (v->shared->symbol[i] >= 0)
            v->list[v->left++] = (uint32_t)i;
}

/* Members of each entry, and what they sum up to. */
typedef struct members {
    size_t count[LOP_MAX_SHARED], all;
    double sum[LOP_MAX_SHARED], squares;
} members;

static void count_members(const view *v, members *out)
{
    *out = (members){.all = 0};
    for (size_t j = 0; j < v->left; j++) {
        uint32_t i = v->list[j];
        double value = (double)v->shared->latent[i];
        size_t k = (size_t)v->shared->symbol[i];
        out->count[k]++;
        out->sum[k] += value;
        out->squares += value * value;
        out->all++;
    }
}

/* What each entry's bits cost, in the weights' own squared units. */
static void find_costs(const members *of, unsigned entries, double rate, double *cost)
{
    double unit = of->all ? rate * of->squares / (double)of->all : 0;
    for (unsigned k = 0; k < entries; k++) {
        /* An empty entry costs as if it had half a weight: it may come back. */
        double share = fmax((double)of->count[k], 0.5) / fmax((double)of->all, 1);
        cost[k] = -unit * log2(share);
    }
}

/* The table rises or entries were moved past each other by training: all are looked at. */
static unsigned nearest(const kept *of, const double *cost, float value)
{
    unsigned best = 0;
    double least = INFINITY;
    for (unsigned k = 0; k < (unsigned)of->entries; k++) {
        double gap = (double)value - (double)of->table[k], all = gap * gap + cost[k];
        if (all < least) {
            least = all;
            best = k;
        }
    }
    return best;
}

/* Each weight to its entry, and each entry to the mean of its weights. */
static void cluster(const view *v, double rate)
{
    members of;
    double cost[LOP_MAX_SHARED];
    kept *k = v->shared->kept;
    count_members(v, &of);
    find_costs(&of, (unsigned)k->entries, rate, cost);
    for (size_t j = 0; j < v->left; j++)
        v->shared->symbol[v->list[j]] = (float)nearest(k, cost, v->shared->latent[v->list[j]]);
    count_members(v, &of);
    for (unsigned e = 0; e < (unsigned)k->entries; e++)
        if (of.count[e] > 0)
            k->table[e] = (float)(of.sum[e] / (double)of.count[e]);
}

static void put(const view *v)
{
    float value[LOP_MAX_SHARED];
    round_entries(v->shared->kept, value);
    for (size_t j = 0; j < v->left; j++)
        v->weight[v->list[j]] = value[(size_t)v->shared->symbol[v->list[j]]];
}

/* Steps ---------------------------------------------------------------------------------------- */

static lop_status begin_layer(view *v, unsigned entries, lop_error *error)
{
    const shared_layer *s = v->shared;
    lopi_clusters clusters = {.count = 0};
    size_t left = 0;
    for (size_t i = 0; i < v->count; i++) {
        s->symbol[i] = is_kept(v, i) ? 0 : GONE;
        s->latent[i] = v->weight[i];
        if (!is_kept(v, i))
            continue;
        if (!isfinite(v->weight[i]))
            return lopi_fail(error, LOP_E_NAN, "a weight to be shared is not finite");
        s->latent[left++] = v->weight[i]; /* in a row for once: at or before i */
    }
    lop_status status = lopi_clusters_find(&clusters, s->latent, left, entries, error);
    if (status == LOP_OK) {
        s->kept->entries = (float)(left > 0 ? clusters.entries : 1);
        for (unsigned k = 0; k < clusters.entries; k++)
            s->kept->table[k] = (float)clusters.center[k];
        for (size_t i = 0; i < v->count; i++)
            s->latent[i] = v->weight[i];
        list_shared(v);
        cluster(v, 0);
        put(v);
    }
    lopi_clusters_end(&clusters);
    return status;
}

/*
 * Units were removed since the layer was seen last. What is left of its weights stands in the same
 * order, and none behind where it was, so that it can be moved in place.
 */
static lop_status follow_shape(const view *v, size_t before, lop_error *error)
{
    const shared_layer *s = v->shared;
    size_t from = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (!is_kept(v, i)) {
            s->symbol[i] = GONE;
            continue;
        }
        while (from < before && s->symbol[from] < 0)
            from++;
        if (from < i || from >= before)
            return lopi_fail(error, LOP_E_SHAPE,
                             "a layer has other weights than when they were shared");
        s->latent[i] = s->latent[from];
        s->symbol[i] = s->symbol[from];
        if (from > i)
            s->symbol[from] = GONE;
        from++;
    }
    while (from < before && s->symbol[from] < 0)
        from++;
    if (from < before)
        return lopi_fail(error, LOP_E_SHAPE,
                         "a layer lost weights and units between two steps of its sharing");
    for (size_t i = v->count; i < before; i++)
        s->symbol[i] = GONE;
    return LOP_OK;
}

/* Masks may have taken weights or let some grow. */
static void follow_masks(const view *v)
{
    const shared_layer *s = v->shared;
    const double free_of_cost[LOP_MAX_SHARED] = {0};
    for (size_t i = 0; v->mask && i < v->count; i++) {
        if (!v->mask[i]) {
            s->symbol[i] = GONE;
        } else if (s->symbol[i] < 0) {
            s->latent[i] = v->weight[i];
            s->symbol[i] = (float)nearest(s->kept, free_of_cost, v->weight[i]);
        }
    }
}

/* Before the assignment is held each weight moves by its own step, then each entry by the mean of
 * its weights' steps. */
static void move(const view *v, bool held)
{
    const shared_layer *s = v->shared;
    kept *k = s->kept;
    double sum[LOP_MAX_SHARED] = {0};
    size_t count[LOP_MAX_SHARED] = {0};
    float value[LOP_MAX_SHARED];
    round_entries(k, value);
    for (size_t j = 0; j < v->left; j++) {
        uint32_t i = v->list[j];
        if (!is_kept(v, i)) /* pruned by the same step */
            continue;
        size_t e = (size_t)s->symbol[i];
        float step = v->weight[i] - value[e];
        s->latent[i] += step;
        sum[e] += (double)step;
        count[e]++;
    }
    for (unsigned e = 0; held && e < (unsigned)k->entries; e++)
        if (count[e] > 0)
            k->table[e] = (float)((double)k->table[e] + sum[e] / (double)count[e]);
}

static lop_status step_layer(const lop_sharer *sharer, size_t index, const lop_layer *layer,
                             size_t step, lop_error *error)
{
    const shared_layer *s = &sharer->layer[index];
    kept *k = s->kept;
    view v = {s, layer->weight, layer->mask, layer->outputs * layer->inputs, sharer->list, 0};
    size_t before = (size_t)k->outputs * (size_t)k->inputs;
    bool same = (size_t)k->outputs == layer->outputs && (size_t)k->inputs == layer->inputs;
    lop_status status = LOP_OK;
    if (k->entries == 0) {
        status = begin_layer(&v, s->entries, error);
    } else {
        if (!same && v.count > before)
            return lopi_fail(error, LOP_E_SHAPE, "a layer has grown since its weights were shared");
        if (!same)
            status = follow_shape(&v, before, error);
        if (status != LOP_OK)
            return status;
        list_shared(&v);
        move(&v, step > sharer->hold);
        follow_masks(&v);
        list_shared(&v);
        if (step <= sharer->hold)
            cluster(&v, sharer->options.rate);
        put(&v);
    }
    k->outputs = (float)layer->outputs;
    k->inputs = (float)layer->inputs;
    return status;
}

lop_status lop_sharer_step(lop_sharer *sharer, lop_network *network, size_t step, lop_error *error)
{
    if (lop_network_layer_count(network) != sharer->layers)
        return lopi_fail(error, LOP_E_SHAPE, "expected a network of %zu layers, found %zu",
                         sharer->layers, lop_network_layer_count(network));
    if (!lop_sharer_due(sharer, step))
        return LOP_OK;
    lop_status status = LOP_OK;
    lopi_floats_begin();
    for (size_t i = 0; i < sharer->layers && status == LOP_OK; i++)
        status = step_layer(sharer, i, lop_network_layer(network, i), step, error);
    for (size_t i = 0; i < sharer->layers && status == LOP_OK && step >= sharer->end; i++) {
        const lop_layer *layer = lop_network_layer(network, i);
        if (layer->bias) /* few, so that training need not get used to it */
            lopi_biases_round(layer->bias, layer->outputs);
    }
    lopi_floats_end();
    return status;
}
