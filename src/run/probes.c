#include "run/probes.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum {
    MOST_VARIANTS = 32,
    SAMPLES = 128,  /* in all variants, but for a batch that has more */
    RUN = 6,        /* neighbours that share their fate in what a network reads: a stroke's width */
    MOST_POWER = 63 /* of a rate: fewer than one in 64 is as good as none */
};

static const uint32_t tiles[LOPI_LAYOUTS] = {0, 8, 16, 32, 64};

static size_t slot_of(lopi_layout layout)
{
    size_t slot = 0;
    while (slot + 1 < LOPI_LAYOUTS && tiles[slot] != layout.tile)
        slot++;
    return slot;
}

/* Made-up values. ----------------------------------------------------------------------------- */

/* A small generator: what is drawn decides times, never results. */
static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* How often a unit fires: (1 − t) uⁿ + t uⁿ⁺¹ for u even in 0 … 1, n and t such that the mean over
 * all units is the density. Some fire for nearly every sample, and many for hardly any. */
static double draw_rate(uint32_t *units, double density)
{
    double u = (double)draw(units) / UINT32_MAX, power = 1;
    int n = 0;
    for (; n < MOST_POWER && density * (n + 2) <= 1; n++)
        power *= u;
    double t = (1.0 / (n + 1) - density) * (n + 1) * (n + 2);
    return power * (1 - t + t * u);
}

/*
 * Zeros as networks have them. In what the network reads, neighbours are alike: pixels of a border,
 * and of a stroke, which begins anywhere. `run` neighbours share their fate. Kernels that skip
 * zeros depend on it, by what they skip and by what stays in the caches.
 */
static void draw_values(const lopi_values *values, float density, size_t run, uint32_t layer,
                        uint32_t variant)
{
    uint32_t first = 2463534242u + 97 * layer, samples = first + 7919 * (variant + 1);
    for (size_t s = 0; s < values->samples; s++) {
        uint32_t units = first;
        size_t left = run - draw(&samples) % run; /* of the run that begins the sample */
        for (size_t f = 0; f < values->features; left = run) {
            bool zero =
                (double)draw(&samples) > draw_rate(&units, (double)density) * (double)UINT32_MAX;
            for (; left > 0 && f < values->features; left--, f++) {
                uint32_t drawn = 1 + draw(&samples) % 127;
                void *at = lopi_values_at(values, f, s);
                if (values->size == 1)
                    *(uint8_t *)at = (uint8_t)(zero ? 0 : drawn);
                else
                    *(float *)at = zero ? 0 : (float)drawn / 64;
            }
        }
    }
}

static float density_of(const lopi_probes *probes, size_t layer)
{
    float density = probes->plan->packed->layers[layer].input_density;
    return density > 0 ? density : 1;
}

static lop_status draw_source(lopi_probes *probes, lop_error *error)
{
    size_t inputs = probes->plan->packed->inputs, count = probes->variants * probes->batch;
    probes->bytes = lopi_alloc_aligned(count, inputs);
    if (!probes->bytes)
        return lopi_fail_memory(error, count * inputs);
    for (size_t s = 0; s < count; s++) {
        const lopi_values one = {
            .data = probes->bytes + s * inputs, .features = inputs, .size = 1, .samples = 1};
        draw_values(&one, density_of(probes, 0), RUN, 0, (uint32_t)s);
    }
    return LOP_OK;
}

/* Samples. ------------------------------------------------------------------------------------ */

/* As many as are needed, from all over those that there are: neighbours may be alike. */
static lop_status copy_source(lopi_probes *probes, const lop_plan_samples *samples,
                              lop_error *error)
{
    size_t inputs = probes->plan->packed->inputs, count = probes->variants * probes->batch;
    size_t row = inputs * (samples->bytes ? 1 : sizeof(float));
    const uint8_t *from = samples->bytes ? samples->bytes : (const uint8_t *)samples->floats;
    uint8_t *to = lopi_alloc_aligned(count, row);
    if (!to)
        return lopi_fail_memory(error, count * row);
    if (samples->bytes)
        probes->bytes = to;
    else
        probes->floats = (float *)(void *)to;
    size_t apart = samples->count > count ? samples->count / count : 1, sample = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(to + i * row, from + sample * row, row);
        bool nan = probes->floats && probes->plan->arithmetic == LOPI_I8;
        size_t at = nan ? lopi_find_nan(probes->floats + i * inputs, inputs) : inputs;
        if (at < inputs)
            return lopi_fail(error, LOP_E_NAN,
                             "sample %zu: value %zu is NaN, which int8 cannot hold", sample, at);
        sample = sample + apart < samples->count ? sample + apart : 0;
    }
    return LOP_OK;
}

/* All. ---------------------------------------------------------------------------------------- */

lop_status lopi_probes_begin(lopi_probes *out, const lop_plan *plan, size_t batch,
                             const lop_plan_samples *samples, lop_error *error)
{
    size_t layers = plan->packed->layer_count, variants = (SAMPLES + batch - 1) / batch;
    *out = (lopi_probes){.plan = plan,
                         .batch = batch,
                         .variants = variants < MOST_VARIANTS ? variants : MOST_VARIANTS,
                         .sampled = samples->count > 0};
    out->probe = lopi_alloc(layers, sizeof *out->probe);
    if (!out->probe)
        return lopi_fail_memory(error, layers * sizeof *out->probe);
    return out->sampled ? copy_source(out, samples, error) : draw_source(out, error);
}

void lopi_probes_end(lopi_probes *probes)
{
    for (size_t l = 0; probes->probe && l < probes->plan->packed->layer_count; l++)
        for (size_t i = 0; i < LOPI_LAYOUTS; i++)
            lopi_free(probes->probe[l][i].data);
    lopi_free(probes->probe);
    lopi_free(probes->bytes);
    lopi_free(probes->floats);
}

lopi_source lopi_probes_source(const lopi_probes *probes, size_t variant)
{
    size_t first = variant * probes->batch * probes->plan->packed->inputs;
    return (lopi_source){.floats = probes->floats ? probes->floats + first : NULL,
                         .bytes = probes->bytes ? probes->bytes + first : NULL};
}

static lopi_values values_of(const lopi_probes *probes, size_t layer, size_t slot, size_t variant)
{
    const lopi_probe *probe = &probes->probe[layer][slot];
    return (lopi_values){.data = probe->data ? probe->data + variant * probe->bytes : NULL,
                         .layout = {tiles[slot]},
                         .features = probes->plan->packed->layers[layer].inputs,
                         .size = lopi_plan_size(probes->plan, layer),
                         .samples = probes->batch};
}

static lop_status make_room(lopi_probes *probes, size_t layer, size_t slot, lop_error *error)
{
    lopi_values values = values_of(probes, layer, slot, 0);
    size_t bytes = lopi_layout_bytes(values.layout, values.features, values.size, values.samples);
    uint8_t *data = lopi_alloc_aligned(probes->variants, bytes);
    if (!data)
        return lopi_fail_memory(error, probes->variants * bytes);
    probes->probe[layer][slot] = (lopi_probe){data, bytes};
    return LOP_OK;
}

lop_status lopi_probes_make(lopi_probes *probes, size_t layer, lopi_layout layout, lop_error *error)
{
    size_t slot = slot_of(layout);
    if (probes->probe[layer][slot].data)
        return LOP_OK;
    lop_status status = make_room(probes, layer, slot, error);
    for (size_t v = 0; v < probes->variants && status == LOP_OK; v++) {
        lopi_values values = values_of(probes, layer, slot, v);
        if (layer == 0) {
            lopi_input_convert(&probes->plan->input, lopi_probes_source(probes, v), 0,
                               probes->batch, layout, values.data);
        } else if (probes->sampled) {
            lopi_values rows = values_of(probes, layer, 0, v);
            lopi_values_relayout(&rows, &values);
        } else {
            draw_values(&values, density_of(probes, layer), 1, (uint32_t)layer, (uint32_t)v);
        }
    }
    return status;
}

const void *lopi_probes_get(const lopi_probes *probes, size_t layer, lopi_layout layout,
                            size_t variant)
{
    const lopi_probe *probe = &probes->probe[layer][slot_of(layout)];
    return probe->data + variant * probe->bytes;
}

lop_status lopi_probes_keep(lopi_probes *probes, size_t layer, size_t variant,
                            const lopi_values *values, lop_error *error)
{
    if (!probes->probe[layer][0].data) {
        lop_status status = make_room(probes, layer, 0, error);
        if (status != LOP_OK)
            return status;
    }
    lopi_values rows = values_of(probes, layer, 0, variant);
    lopi_values_relayout(values, &rows);
    return LOP_OK;
}
