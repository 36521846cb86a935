#include "prune/regrow.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "prune/select.h"

enum { PARALLEL_FROM = 1 << 15 };

static const uint32_t out_of_reach = UINT32_MAX; /* above every key that competes */

/* Smallest |w| first among those that are kept; none of the others. */
static void rank_dropped(const lop_layer *layer, size_t count, uint32_t *key)
{
    const uint8_t *mask = layer->mask;
    const float *weight = layer->weight;
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        key[i] = mask[i] ? lopi_magnitude_key(weight[i]) : out_of_reach;
}

/* Largest |gradient| first among those that are masked; none of the others. */
static lop_status rank_by_gradient(const lop_layer *layer, size_t count, const float *gradient,
                                   uint32_t *key, lop_error *error)
{
    const uint32_t infinity = 0x7F800000u;
    const uint8_t *mask = layer->mask;
    size_t bad = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : bad) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        uint32_t size = lopi_magnitude_key(gradient[i]);
        bad += size >= infinity;
        key[i] = mask[i] ? out_of_reach : infinity - size;
    }
    return bad == 0 ? LOP_OK
                    : lopi_fail(error, LOP_E_NAN,
                                "%zu gradients of layer '%s' are not finite; lower the learning "
                                "rate",
                                bad, layer->name);
}

/* In random order; weight i takes the i-th number of the stream, whatever the mask is. */
static void rank_at_random(const lop_layer *layer, size_t count, const lopi_random *stream,
                           uint32_t *key)
{
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t b = 0; b < (count + 3) / 4; b++) {
        uint32_t block[4];
        lopi_random_block(stream, b, block);
        for (size_t i = 4 * b; i < 4 * b + 4 && i < count; i++) {
            uint32_t number = block[i % 4] < out_of_reach ? block[i % 4] : out_of_reach - 1;
            key[i] = layer->mask[i] ? out_of_reach : number;
        }
    }
}

static void exchange(const lop_layer *layer, size_t count, const uint8_t *drop, const uint8_t *grow)
{
    uint8_t *mask = layer->mask;
    float *weight = layer->weight;
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        mask[i] = (uint8_t)((mask[i] & ~drop[i]) | grow[i]);
        weight[i] = drop[i] | grow[i] ? 0 : weight[i];
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

    uint32_t *key = lopi_alloc(count, sizeof *key);
    uint8_t *drop = lopi_alloc(count, sizeof *drop), *grow = lopi_alloc(count, sizeof *grow);
    if (!key || !drop || !grow) {
        status = lopi_fail_memory(error, count * sizeof *key);
        goto out;
    }
    rank_dropped(layer, count, key);
    lopi_select_lowest32(key, count, wanted, drop);
    if (how->gradient) {
        status = rank_by_gradient(layer, count, how->gradient, key, error);
    } else {
        const lopi_random stream = lopi_random_stream(how->seed, LOPI_STREAM_PRUNE, how->number);
        rank_at_random(layer, count, &stream, key);
    }
    if (status != LOP_OK)
        goto out;
    lopi_select_lowest32(key, count, wanted, grow);
    exchange(layer, count, drop, grow);
out:
    lopi_free(key);
    lopi_free(drop);
    lopi_free(grow);
    return status;
}
