#include "nn/elementwise.h"

#include <math.h>
#include <stdint.h>

#include "nn/bf16.h"

enum {
    PARALLEL_FROM = 1 << 14, /* values: below, starting threads costs more than it saves */
    PER_BLOCK = 8,           /* values that one block of random numbers decides */
    STRIP = 64,              /* columns summed together */
};

/* `half` is a constant wherever these are called: one loop becomes one for each type. */
static inline float load(const void *data, bool half, size_t i)
{
    return half ? lopi_bf16_to_float(((const uint16_t *)data)[i]) : ((const float *)data)[i];
}

static inline void store(void *data, bool half, size_t i, float value)
{
    if (half)
        ((uint16_t *)data)[i] = lopi_bf16_from_float(value);
    else
        ((float *)data)[i] = value;
}

static inline void relu(const void *x, bool x_half, void *y, bool y_half, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        float value = load(x, x_half, i);
        store(y, y_half, i, value < 0 ? 0 : value);
    }
}

void lopi_relu(lopi_floats x, lopi_floats y, size_t count)
{
    if (x.half && y.half)
        relu(x.data, true, y.data, true, count);
    else if (x.half)
        relu(x.data, true, y.data, false, count);
    else if (y.half)
        relu(x.data, false, y.data, true, count);
    else
        relu(x.data, false, y.data, false, count);
}

static inline void relu_backward(const void *y, bool y_half, void *gradient, bool gradient_half,
                                 float scale, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        float through = load(gradient, gradient_half, i) * scale;
        store(gradient, gradient_half, i, load(y, y_half, i) > 0 ? through : 0);
    }
}

void lopi_relu_backward(lopi_floats y, lopi_floats gradient, float scale, size_t count)
{
    if (y.half && gradient.half)
        relu_backward(y.data, true, gradient.data, true, scale, count);
    else if (gradient.half)
        relu_backward(y.data, false, gradient.data, true, scale, count);
    else if (y.half)
        relu_backward(y.data, true, gradient.data, false, scale, count);
    else
        relu_backward(y.data, false, gradient.data, false, scale, count);
}

lopi_dropout lopi_dropout_from_rate(double rate)
{
    unsigned threshold = (unsigned)lround(rate * 65536);
    if (threshold > 65535)
        threshold = 65535;
    return (lopi_dropout){.threshold = threshold, .scale = 65536.0f / (float)(65536 - threshold)};
}

static inline void drop_block(const lopi_dropout *dropout, const uint32_t bits[4], void *data,
                              bool half, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned draw = bits[i / 2] >> (i % 2 * 16) & 0xFFFFu;
        float kept = load(data, half, first + i) * dropout->scale;
        store(data, half, first + i, draw < dropout->threshold ? 0 : kept);
    }
}

static inline void drop(const lopi_dropout *dropout, const lopi_random *random, void *data,
                        bool half, size_t count)
{
    size_t blocks = count / PER_BLOCK;
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t block = 0; block < blocks; block++) {
        uint32_t bits[4];
        lopi_random_block(random, block, bits);
        drop_block(dropout, bits, data, half, block * PER_BLOCK, PER_BLOCK);
    }
    if (count % PER_BLOCK) {
        uint32_t bits[4];
        lopi_random_block(random, blocks, bits);
        drop_block(dropout, bits, data, half, blocks * PER_BLOCK, count % PER_BLOCK);
    }
}

void lopi_dropout_apply(const lopi_dropout *dropout, const lopi_random *random, lopi_floats x,
                        size_t count)
{
    if (dropout->threshold == 0)
        return;
    if (x.half)
        drop(dropout, random, x.data, true, count);
    else
        drop(dropout, random, x.data, false, count);
}

/* One strip of columns, its sums kept in registers or the nearest cache. */
static inline void strip_sums(lopi_floats x, bool half, size_t rows, size_t columns, size_t first,
                              float *sums)
{
    float strip[STRIP] = {0};
    size_t width = columns - first < STRIP ? columns - first : STRIP;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++)
            strip[c] += load(x.data, half, r * columns + first + c);
    for (size_t c = 0; c < width; c++)
        sums[first + c] = strip[c];
}

void lopi_column_sums(lopi_floats x, size_t rows, size_t columns, float *sums)
{
    size_t strips = (columns + STRIP - 1) / STRIP;
#pragma omp parallel for schedule(static) if (rows * columns >= PARALLEL_FROM)
    for (size_t s = 0; s < strips; s++) {
        if (x.half)
            strip_sums(x, true, rows, columns, s * STRIP, sums);
        else
            strip_sums(x, false, rows, columns, s * STRIP, sums);
    }
}
