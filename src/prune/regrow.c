#include "prune/regrow.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "prune/select.h"

/* Smallest |w| first among those that are kept; none of the others. */
static void rank_dropped(const lop_layer *layer, size_t count, uint64_t *key)
{
    for (size_t i = 0; i < count; i++)
        key[i] = layer->mask[i] ? lopi_key(fabs((double)layer->weight[i])) : LOPI_KEY_LAST;
}

/* Largest |gradient| first among those that are masked; none of the others. */
static lop_status rank_by_gradient(const lop_layer *layer, size_t count, const float *gradient,
                                   uint64_t *key, lop_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(gradient[i]))
            return lopi_fail(error, LOP_E_NAN,
                             "the gradient of weight %zu in layer '%s' is not finite", i,
                             layer->name);
        key[i] = layer->mask[i] ? LOPI_KEY_LAST : lopi_key(-fabs((double)gradient[i]));
    }
    return LOP_OK;
}

/* In random order; weight i takes the i-th number of the stream, whatever the mask is. */
static void rank_at_random(const lop_layer *layer, size_t count, lopi_random stream, uint64_t *key)
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t block[4];
        lopi_random_block(&stream, i / 4, block);
        for (size_t j = 0; j < 4 && i + j < count; j++)
            key[i + j] = layer->mask[i + j] ? LOPI_KEY_LAST : block[j];
    }
}

static void exchange(const lop_layer *layer, size_t count, const uint8_t *drop, const uint8_t *grow)
{
    for (size_t i = 0; i < count; i++) {
        layer->mask[i] = (layer->mask[i] && !drop[i]) || grow[i];
        if (drop[i] || grow[i])
            layer->weight[i] = 0;
    }
}

lop_status lopi_regrow_layer(const lop_layer *layer, const lopi_regrow *how, lop_error *error)
{
    lop_status status = LOP_OK;
    size_t count = layer->outputs * layer->inputs, left = 0;
    if (!layer->mask)
        return LOP_OK;
    for (size_t i = 0; i < count; i++)
        left += layer->mask[i];
    size_t wanted = lopi_round_share(how->share, left);
    if (wanted > count - left)
        wanted = count - left;
    if (wanted == 0)
        return LOP_OK;

    uint64_t *key = lopi_alloc(count, sizeof *key);
    uint8_t *drop = lopi_alloc(count, sizeof *drop), *grow = lopi_alloc(count, sizeof *grow);
    if (!key || !drop || !grow) {
        status = lopi_fail_memory(error, count * sizeof *key);
        goto out;
    }
    rank_dropped(layer, count, key);
    lopi_select_lowest(key, count, wanted, drop);
    if (how->gradient)
        status = rank_by_gradient(layer, count, how->gradient, key, error);
    else
        rank_at_random(layer, count, lopi_random_stream(how->seed, LOPI_STREAM_PRUNE, how->number),
                       key);
    if (status != LOP_OK)
        goto out;
    lopi_select_lowest(key, count, wanted, grow);
    exchange(layer, count, drop, grow);
out:
    lopi_free(key);
    lopi_free(drop);
    lopi_free(grow);
    return status;
}
