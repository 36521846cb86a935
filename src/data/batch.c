#include <lop/data.h>

#include <assert.h>
#include <string.h>

#include "base/random.h"

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
static void scale_bytes(const uint8_t *restrict bytes, size_t count, float *restrict x)
{
    for (size_t i = 0; i < count; i++) {
        float byte = (float)bytes[i];
        x[i] = byte * 0x1.01p-8f + byte * 0x1.0101p-24f;
    }
}

void lop_batch_gather(const lop_samples *samples, const uint32_t *indices, size_t first,
                      size_t batch, float *x, uint16_t *labels)
{
    size_t features = samples->features;
    for (size_t i = 0; i < batch; i++) {
        size_t sample = indices ? indices[i] : first + i;
        assert(sample < samples->count);
        if (samples->bytes)
            scale_bytes(samples->bytes + sample * features, features, x + i * features);
        else
            memcpy(x + i * features, samples->floats + sample * features, features * sizeof *x);
        if (labels)
            labels[i] = samples->labels[sample];
    }
}
