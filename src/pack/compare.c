/** Whether two packed networks compute the same. */
#include <math.h>
#include <string.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/random.h"
#include "pack/forward.h"

static size_t highest(const float *y, size_t outputs, size_t sample)
{
    size_t best = 0;
    for (size_t o = 1; o < outputs; o++)
        if (y[o * LOPI_TILE + sample] > y[best * LOPI_TILE + sample])
            best = o;
    return best;
}

static void compare_tile(const float *a, const float *b, size_t outputs, size_t batch,
                         lop_difference *out)
{
    for (size_t s = 0; s < batch; s++) {
        for (size_t o = 0; o < outputs; o++) {
            const float *x = &a[o * LOPI_TILE + s], *y = &b[o * LOPI_TILE + s];
            double difference = fabs((double)*x - (double)*y);
            out->different += memcmp(x, y, sizeof *x) != 0;
            if (!(difference <= out->largest)) { /* NaN too */
                out->largest = difference;
                out->sample = out->samples + s;
            }
        }
        out->classes_different += highest(a, outputs, s) != highest(b, outputs, s);
    }
    out->values += batch * outputs;
    out->samples += batch;
}

static void make_up(lopi_random *random, float *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rows[i] = 2 * lopi_random_float(random) - 1;
}

lop_status lop_packed_compare(const lop_packed *a, const lop_packed *b, const lop_samples *samples,
                              size_t count, uint64_t seed, lop_difference *out, lop_error *error)
{
    if (a->inputs != b->inputs || a->outputs != b->outputs)
        return lopi_fail(error, LOP_E_SHAPE,
                         "one network has %u inputs and %u outputs, the other %u and %u", a->inputs,
                         a->outputs, b->inputs, b->outputs);
    if (samples && samples->features != a->inputs)
        return lopi_fail(error, LOP_E_SHAPE, "expected samples of %u values, found %zu", a->inputs,
                         samples->features);
    if (samples && count > samples->count)
        return lopi_fail(error, LOP_E_RANGE, "expected at most %zu samples, found %zu",
                         samples->count, count);
    lopi_forward x = {0}, y = {0};
    lopi_random random = lopi_random_stream(seed, LOPI_STREAM_DATA, 0);
    lop_status status = lopi_forward_begin(&x, a, error);
    if (status == LOP_OK)
        status = lopi_forward_begin(&y, b, error);
    for (size_t first = 0; first < count && status == LOP_OK; first += LOPI_TILE) {
        size_t batch = count - first < LOPI_TILE ? count - first : LOPI_TILE;
        if (samples)
            lopi_forward_load(&x, samples, NULL, first, count);
        else
            make_up(&random, x.rows, batch * a->inputs);
        memcpy(y.rows, x.rows, batch * a->inputs * sizeof *x.rows);
        compare_tile(lopi_forward_rows(&x, batch, NULL, NULL),
                     lopi_forward_rows(&y, batch, NULL, NULL), a->outputs, batch, out);
    }
    lopi_forward_end(&x);
    lopi_forward_end(&y);
    return status;
}
