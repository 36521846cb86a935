#include "nn/elementwise.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/wide.h"
#include "nn/bf16.h"

enum {
    PARALLEL_FROM = 1 << 14, /* values: below, starting threads costs more than it saves */
    CHUNK = 1 << 12,         /* values a thread takes at a time */
    PER_BLOCK = 16,          /* values that one block of random numbers decides */
    STRIP = 64,              /* columns summed together */
};

/*
 * `half` is a constant wherever these are called, so that one loop becomes one for each type. This
 * holds only outside of parallel loops, which compilers cut out before they look at constants:
 * therefore the parallel loops below are over chunks, and call a plain function for each.
 */
static LOPI_INLINE float load(const void *data, bool half, size_t i)
{
    return half ? lopi_bf16_to_float(((const uint16_t *)data)[i]) : ((const float *)data)[i];
}

static LOPI_INLINE void store(void *data, bool half, size_t i, float value)
{
    if (half)
        ((uint16_t *)data)[i] = lopi_bf16_from_float(value);
    else
        ((float *)data)[i] = value;
}

/*
 * The value, or 0, without a branch: a compiler that would have to compute what is not kept (and
 * might trap) keeps the branch and gives up on vectors.
 */
static LOPI_INLINE float keep_if(bool keep, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0u - (uint32_t)keep;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t chunk_end(size_t first, size_t count)
{
    return count - first < CHUNK ? count : first + CHUNK;
}

static LOPI_INLINE void relu(const void *x, bool x_half, void *y, bool y_half, size_t first,
                             size_t end)
{
    for (size_t i = first; i < end; i++) {
        float value = load(x, x_half, i);
        store(y, y_half, i, value < 0 ? 0 : value);
    }
}

LOPI_WIDE static void relu_chunk(lopi_floats x, lopi_floats y, size_t first, size_t end)
{
    if (x.half && y.half)
        relu(x.data, true, y.data, true, first, end);
    else if (x.half)
        relu(x.data, true, y.data, false, first, end);
    else if (y.half)
        relu(x.data, false, y.data, true, first, end);
    else
        relu(x.data, false, y.data, false, first, end);
}

void lopi_relu(lopi_floats x, lopi_floats y, size_t count)
{
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t first = 0; first < count; first += CHUNK)
        relu_chunk(x, y, first, chunk_end(first, count));
}

static LOPI_INLINE void relu_backward(const void *y, bool y_half, void *gradient,
                                      bool gradient_half, float scale, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        float through = load(gradient, gradient_half, i) * scale;
        store(gradient, gradient_half, i, keep_if(load(y, y_half, i) > 0, through));
    }
}

LOPI_WIDE static void relu_backward_chunk(lopi_floats y, lopi_floats gradient, float scale,
                                          size_t first, size_t end)
{
    void *g = gradient.data;
    if (y.half && gradient.half)
        relu_backward(y.data, true, g, true, scale, first, end);
    else if (gradient.half)
        relu_backward(y.data, false, g, true, scale, first, end);
    else if (y.half)
        relu_backward(y.data, true, g, false, scale, first, end);
    else
        relu_backward(y.data, false, g, false, scale, first, end);
}

void lopi_relu_backward(lopi_floats y, lopi_floats gradient, float scale, size_t count)
{
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t first = 0; first < count; first += CHUNK)
        relu_backward_chunk(y, gradient, scale, first, chunk_end(first, count));
}

lopi_dropout lopi_dropout_from_rate(double rate)
{
    int threshold = (int)lround(rate * 256);
    if (threshold == 0 && rate > 0)
        threshold = 1;
    if (threshold > 255)
        threshold = 255;
    return (lopi_dropout){.threshold = threshold, .scale = 256.0f / (float)(256 - threshold)};
}

/*
 * A value is dropped where its byte of the random bits is below the threshold. Four values take one
 * byte each of the block's four numbers: so four are decided at a time by vectors of 32 bits.
 */
static LOPI_INLINE void drop_block(const lopi_dropout *dropout, const uint32_t bits[4], void *data,
                                   bool half, size_t first)
{
    const int threshold = dropout->threshold;
    const float scale = dropout->scale;
    for (size_t byte = 0; byte < 4; byte++) {
        float kept[4];
        size_t at = first + 4 * byte;
        for (size_t word = 0; word < 4; word++) {
            int draw = (int)(bits[word] >> 8 * byte & 0xFFu);
            kept[word] = keep_if(draw >= threshold, load(data, half, at + word) * scale);
        }
        for (size_t word = 0; word < 4; word++)
            store(data, half, at + word, kept[word]);
    }
}

static LOPI_INLINE void drop(const lopi_dropout *dropout, const lopi_random *random, void *data,
                             bool half, size_t first, size_t end)
{
    uint32_t bits[4];
    for (; first + PER_BLOCK <= end; first += PER_BLOCK) {
        lopi_random_block(random, first / PER_BLOCK, bits);
        drop_block(dropout, bits, data, half, first);
    }
    if (first == end)
        return;
    /* The last values, by way of a whole block. */
    size_t size = half ? sizeof(uint16_t) : sizeof(float);
    char *at = (char *)data + first * size;
    float last[PER_BLOCK] = {0};
    memcpy(last, at, (end - first) * size);
    lopi_random_block(random, first / PER_BLOCK, bits);
    drop_block(dropout, bits, last, half, 0);
    memcpy(at, last, (end - first) * size);
}

LOPI_WIDE static void drop_chunk(const lopi_dropout *dropout, const lopi_random *random,
                                 lopi_floats x, size_t first, size_t end)
{
    if (x.half)
        drop(dropout, random, x.data, true, first, end);
    else
        drop(dropout, random, x.data, false, first, end);
}

void lopi_dropout_apply(const lopi_dropout *dropout, const lopi_random *random, lopi_floats x,
                        size_t count)
{
    if (dropout->threshold == 0)
        return;
#pragma omp parallel for schedule(static) if (count >= PARALLEL_FROM)
    for (size_t first = 0; first < count; first += CHUNK)
        drop_chunk(dropout, random, x, first, chunk_end(first, count));
}

/* One strip of columns, its sums kept in registers or the nearest cache. */
static LOPI_INLINE void strip_sums(lopi_floats x, bool half, size_t rows, size_t columns,
                                   size_t first, float *sums)
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
