#include "pack/calibrate.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/half.h"

enum { BINS = 4096, LEVELS = 127, DEFAULT_SAMPLES = 1000, CUTS = 36 };

/* How often values lie in each of BINS equal parts of low … high. */
typedef struct histogram {
    double low, high;
    double count[BINS];
} histogram;

static histogram count_values(const float *values, size_t count)
{
    histogram h = {0};
    for (size_t i = 0; i < count; i++) {
        h.low = fmin(h.low, (double)values[i]);
        h.high = fmax(h.high, (double)values[i]);
    }
    double bins_a_unit = h.high > h.low ? BINS / (h.high - h.low) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t bin = (size_t)(((double)values[i] - h.low) * bins_a_unit);
        if (values[i] != 0) /* zero has no error in any range */
            h.count[bin < BINS ? bin : BINS - 1]++;
    }
    return h;
}

static lopi_range range_of(double low, double high)
{
    lopi_range range = {.scale = (float)((high - low) / LEVELS)};
    if (!(range.scale >= FLT_MIN)) /* all values are 0, or nearly */
        return (lopi_range){.scale = 1};
    range.scale = lopi_bfloat_to_float(lopi_float_to_bfloat(range.scale)); /* as files keep it */
    range.zero = (int32_t)fmin(fmax(rint(-low / (double)range.scale), 0), LEVELS);
    return range;
}

static double squared_error(const histogram *h, lopi_range range)
{
    double sum = 0, width = (h->high - h->low) / BINS, scale = (double)range.scale;
    for (size_t b = 0; b < BINS; b++) {
        if (h->count[b] == 0)
            continue;
        double x = h->low + ((double)b + 0.5) * width;
        double q = fmin(fmax(rint(x / scale) + range.zero, 0), LEVELS);
        double wrong = scale * (q - range.zero) - x;
        sum += h->count[b] * wrong * wrong;
    }
    return sum;
}

lopi_range lopi_range_find(const float *values, size_t count, bool relu)
{
    histogram h = count_values(values, count);
    lopi_range best = range_of(relu ? 0 : h.low, h.high);
    double least = squared_error(&h, best);
    for (size_t cut = 1; cut < CUTS; cut++) {
        double part = 1 - 0.02 * (double)cut;
        lopi_range range = range_of(relu ? 0 : part * h.low, part * h.high);
        double wrong = squared_error(&h, range);
        if (wrong < least) {
            least = wrong;
            best = range;
        }
    }
    return best;
}

static lop_status check_samples(const lop_packed *packed, const lop_pack_options *options,
                                size_t *count, lop_error *error)
{
    const lop_samples *samples = options->samples;
    if (!samples->bytes == !samples->floats)
        return lopi_fail(error, LOP_E_ARG, "samples have either bytes or floats");
    if (samples->features != packed->inputs)
        return lopi_fail(error, LOP_E_SHAPE,
                         "calibration samples have %zu values, the network reads %u",
                         samples->features, packed->inputs);
    *count = options->sample_count;
    if (*count == 0)
        *count = samples->count < DEFAULT_SAMPLES ? samples->count : DEFAULT_SAMPLES;
    if (*count == 0 || (!options->indices && *count > samples->count))
        return lopi_fail(error, LOP_E_RANGE, "%zu calibration samples wanted, but there are %zu",
                         *count, samples->count);
    for (size_t i = 0; options->indices && i < *count; i++)
        if (options->indices[i] >= samples->count)
            return lopi_fail(error, LOP_E_RANGE, "calibration sample %lu wanted, but there are %zu",
                             (unsigned long)options->indices[i], samples->count);
    return LOP_OK;
}

/* What a layer yields for x [count][inputs], in float32: y [count][outputs]. */
static lop_status run_layer(lopi_packed_layer *layer, const float *x, size_t count, float *y,
                            lop_error *error)
{
    const lop_packed alone = {layer->inputs, layer->outputs, 1, layer, 0};
    const lop_plan_options options = {.precision = LOP_RUN_FLOAT32, .max_batch = 128};
    lop_plan *plan = NULL;
    lop_status status = lop_plan_new(&plan, &alone, &options, error);
    if (status != LOP_OK)
        return status;
    size_t size = lop_plan_workspace(plan);
    void *workspace = lopi_alloc_aligned(size, 1);
    status = workspace ? lop_plan_run(plan, x, count, y, workspace, size, error)
                       : lopi_fail_memory(error, size);
    lopi_free(workspace);
    lop_plan_free(plan);
    return status;
}

static lop_status calibrate_layer(lopi_packed_layer *layer, const float *x, size_t count, bool relu,
                                  lop_error *error)
{
    size_t values = count * layer->inputs, used = 0;
    for (size_t i = 0; i < values; i++) {
        if (!isfinite(x[i]))
            return lopi_fail(error, LOP_E_NAN, "layer %s reads a value that is not finite",
                             layer->name);
        used += x[i] != 0;
    }
    lopi_range range = lopi_range_find(x, values, relu);
    layer->input_scale = range.scale;
    layer->input_zero = range.zero;
    layer->input_density = (float)((double)used / (double)values);
    return LOP_OK;
}

lop_status lopi_calibrate(lop_packed *packed, const lop_pack_options *options, lop_error *error)
{
    size_t count = 0, widest = packed->inputs;
    float *x = NULL, *y = NULL;
    lop_status status = check_samples(packed, options, &count, error);
    if (status != LOP_OK)
        return status;
    for (size_t l = 0; l < packed->layer_count; l++)
        widest = packed->layers[l].outputs > widest ? packed->layers[l].outputs : widest;
    x = lopi_alloc(count, widest * sizeof *x);
    y = lopi_alloc(count, widest * sizeof *y);
    if (!x || !y) {
        status = lopi_fail_memory(error, count * widest * sizeof *x);
        goto out;
    }
    lop_batch_gather(options->samples, options->indices, 0, count, x, NULL);
    for (size_t l = 0; l < packed->layer_count && status == LOP_OK; l++) {
        lopi_packed_layer *layer = &packed->layers[l];
        status = calibrate_layer(layer, x, count, l > 0 && layer[-1].relu, error);
        if (status == LOP_OK && l + 1 < packed->layer_count)
            status = run_layer(layer, x, count, y, error);
        float *read = x;
        x = y;
        y = read;
    }
out:
    lopi_free(x);
    lopi_free(y);
    return status;
}
