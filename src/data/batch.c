#include <lop/data.h>

#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "base/wide.h"

enum { PARALLEL_FROM = 1 << 15 }; /* values: below, starting threads costs more than it saves */

void lop_batch_order(const uint32_t *indices, size_t count, uint64_t seed, uint64_t epoch,
                     uint32_t *order)
{
    memcpy(order, indices, count * sizeof *order);
    lopi_random random = lopi_random_stream(seed, LOPI_STREAM_ORDER, epoch);
    lopi_random_shuffle(&random, order, count);
}

/*
 * byte / 255, correctly rounded, without a division: 1/255 is 2^-8 + 2^-16 + 2^-24 + …, the first
 * product is exact, so only the small second one and the sum are rounded. A test compares all 256.
 */
LOPI_WIDE static void scale_bytes(const uint8_t *restrict bytes, size_t count, float *restrict x)
{
    for (size_t i = 0; i < count; i++) {
        float byte = (float)bytes[i];
        x[i] = byte * 0x1.01p-8f + byte * 0x1.0101p-24f;
    }
}

static void take_values(const lop_samples *samples, size_t first, size_t count, float *x)
{
    if (samples->bytes)
        scale_bytes(samples->bytes + first, count, x);
    else
        memcpy(x, samples->floats + first, count * sizeof *x);
}

void lop_batch_gather(const lop_samples *samples, const uint32_t *indices, size_t first,
                      size_t batch, float *x, uint16_t *labels)
{
    size_t features = samples->features;
#pragma omp parallel for schedule(static) if (batch * features >= PARALLEL_FROM)
    for (size_t i = 0; i < batch; i++) {
        size_t sample = indices ? indices[i] : first + i;
        assert(sample < samples->count);
        take_values(samples, sample * features, features, x + i * features);
        if (labels)
            labels[i] = samples->labels[sample];
    }
}

/* Part of a line of `length` that stays inside when it moves by `by`: from where, and how much. */
static size_t part_left(ptrdiff_t by, size_t length, size_t *from)
{
    size_t distance = (size_t)(by < 0 ? -by : by);
    *from = by < 0 ? distance : 0;
    return distance < length ? length - distance : 0;
}

static void shift_image(const lop_samples *samples, size_t sample, ptrdiff_t down, ptrdiff_t right,
                        float *x)
{
    size_t top, left, width = samples->width;
    size_t rows = part_left(down, samples->height, &top);
    size_t columns = part_left(right, width, &left);
    size_t first = sample * samples->features + top * width + left;
    size_t to = (down > 0 ? (size_t)down : 0) * width + (right > 0 ? (size_t)right : 0);
    memset(x, 0, samples->features * sizeof *x);
    for (size_t row = 0; row < rows && columns > 0; row++)
        take_values(samples, first + row * width, columns, x + to + row * width);
}

void lop_batch_gather_shifted(const lop_samples *samples, const uint32_t *indices, size_t batch,
                              const lop_shift *shift, float *x, uint16_t *labels)
{
    assert(samples->features == samples->height * samples->width);
    const lopi_random random = lopi_random_stream(shift->seed, LOPI_STREAM_SHIFT, shift->epoch);
    const uint64_t places = 2 * (uint64_t)shift->pixels + 1;
    const ptrdiff_t most = (ptrdiff_t)shift->pixels;
#pragma omp parallel for schedule(static) if (batch * samples->features >= PARALLEL_FROM)
    for (size_t i = 0; i < batch; i++) {
        assert(indices[i] < samples->count);
        uint32_t draw[4];
        lopi_random_block(&random, indices[i], draw);
        ptrdiff_t down = (ptrdiff_t)(draw[0] * places >> 32) - most;
        ptrdiff_t right = (ptrdiff_t)(draw[1] * places >> 32) - most;
        shift_image(samples, indices[i], down, right, x + i * samples->features);
        if (labels)
            labels[i] = samples->labels[indices[i]];
    }
}
