#include "run/convert.h"

#include <math.h>
#include <string.h>

enum { STRIP = 64, MOST_TILE = 64 }; /* features that are turned at a time; samples of a tile */

/* Input. -------------------------------------------------------------------------------------- */

lopi_input lopi_input_make(size_t features, lopi_arithmetic arithmetic, lopi_isa isa, float scale,
                           int32_t zero)
{
    lopi_input input = {
        .features = features,
        .arithmetic = arithmetic,
        .kernel = lopi_input_kernel_for(isa),
        .quantizer = {.zero = (float)zero},
    };
    if (arithmetic == LOPI_I8)
        input.quantizer.inverse = fminf(1 / scale, 0x1p126f);
    for (size_t b = 0; b < 256; b++)
        input.float_of_byte[b] = (float)b / 255.0f;
    lopi_inputs_scalar.of_floats(&input.quantizer, input.float_of_byte, 256,
                                 input.quantizer.of_byte);
    return input;
}

/* Values first … first + count − 1 of the source, as the first layer reads them. */
static void convert_row(const lopi_input *input, lopi_source source, size_t first, size_t count,
                        void *out)
{
    if (input->arithmetic == LOPI_F32 && source.floats) {
        memcpy(out, source.floats + first, count * sizeof(float));
    } else if (input->arithmetic == LOPI_F32) {
        float *y = out;
        for (size_t i = 0; i < count; i++)
            y[i] = input->float_of_byte[source.bytes[first + i]];
    } else if (source.floats) {
        input->kernel->of_floats(&input->quantizer, source.floats + first, count, out);
    } else {
        input->kernel->of_bytes(&input->quantizer, source.bytes + first, count, out);
    }
}

/* Bytes of a matrix turned in squares of 8 × 8, each a row of eight words. Where a word's first
 * byte is its highest, columns count from the other end, and so rows do too. */
static void turn_square(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride)
{
    static const union {
        uint16_t word;
        uint8_t bytes[2];
    } one = {1};
    const size_t flip = one.bytes[0] ? 0 : 7;
    uint64_t row[8];
    for (size_t i = 0; i < 8; i++)
        memcpy(&row[i ^ flip], from + i * from_stride, 8);
    /* Swap the off-diagonal quarters of squares of 8, of 4, of 2 (Warren, Hacker's Delight, 7-3).
     */
    for (size_t i = 0; i < 4; i++) {
        uint64_t t = ((row[i] >> 32) ^ row[i + 4]) & 0x00000000ffffffffu;
        row[i + 4] ^= t;
        row[i] ^= t << 32;
    }
    for (size_t i = 0; i < 8; i += 4)
        for (size_t k = i; k < i + 2; k++) {
            uint64_t t = ((row[k] >> 16) ^ row[k + 2]) & 0x0000ffff0000ffffu;
            row[k + 2] ^= t;
            row[k] ^= t << 16;
        }
    for (size_t i = 0; i < 8; i += 2) {
        uint64_t t = ((row[i] >> 8) ^ row[i + 1]) & 0x00ff00ff00ff00ffu;
        row[i + 1] ^= t;
        row[i] ^= t << 8;
    }
    for (size_t i = 0; i < 8; i++)
        memcpy(to + i * to_stride, &row[i ^ flip], 8);
}

static void turn_bytes(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride,
                       size_t rows, size_t columns)
{
    size_t whole_rows = rows / 8 * 8, whole_columns = columns / 8 * 8;
    for (size_t r = 0; r < whole_rows; r += 8)
        for (size_t c = 0; c < whole_columns; c += 8)
            turn_square(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    for (size_t c = 0; c < columns; c++)
        for (size_t r = c < whole_columns ? whole_rows : 0; r < rows; r++)
            to[c * to_stride + r] = from[r * from_stride + c];
}

static void turn_words(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride,
                       size_t rows, size_t columns)
{
    for (size_t first = 0; first < columns; first += 8)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = first; c < first + 8 && c < columns; c++)
                memcpy(to + c * to_stride + 4 * r, from + r * from_stride + 4 * c, 4);
}

/* to[c][r] = from[r][c] for elements of 1 or 4 bytes; strides in bytes. */
static void turn(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride,
                 size_t rows, size_t columns, size_t size)
{
    if (size == 1)
        turn_bytes(from, from_stride, to, to_stride, rows, columns);
    else
        turn_words(from, from_stride, to, to_stride, rows, columns);
}

static void convert_tile(const lopi_input *input, lopi_source source, size_t first, size_t count,
                         const lopi_values *values, uint8_t *tile)
{
    float strip[MOST_TILE * STRIP]; /* [sample][STRIP] of either type */
    size_t width = values->layout.tile, row = STRIP * values->size;
    memset(strip, 0, sizeof strip);
    for (size_t begin = 0; begin < input->features; begin += STRIP) {
        size_t here = input->features - begin < STRIP ? input->features - begin : STRIP;
        for (size_t s = 0; s < count; s++)
            convert_row(input, source, (first + s) * input->features + begin, here,
                        (uint8_t *)strip + s * row);
        turn((const uint8_t *)strip, row, tile + begin * width * values->size, width * values->size,
             width, here, values->size);
    }
}

void lopi_input_convert(const lopi_input *input, lopi_source source, size_t first, size_t count,
                        lopi_layout layout, void *out)
{
    size_t size = input->arithmetic == LOPI_I8 ? 1 : sizeof(float);
    const lopi_values values = {out, layout, input->features, size, count};
    size_t stride = lopi_layout_stride(layout, input->features, size), width = layout.tile;
    if (width == 0) {
        for (size_t s = 0; s < count; s++)
            convert_row(input, source, (first + s) * input->features, input->features,
                        (uint8_t *)out + s * stride);
    } else {
        for (size_t s = 0; s < count; s += width)
            convert_tile(input, source, first + s, count - s < width ? count - s : width, &values,
                         (uint8_t *)out + s / width * stride);
    }
    lopi_values_pad(&values);
}

size_t lopi_find_nan(const float *x, size_t count)
{
    /* In pieces: looking for a NaN at all is quicker than looking for the first. */
    enum { PIECE = 256 };
    for (size_t begin = 0; begin < count; begin += PIECE) {
        size_t end = count - begin < PIECE ? count : begin + PIECE;
        int found = 0;
        for (size_t i = begin; i < end; i++)
            found |= x[i] != x[i];
        for (size_t i = begin; found && i < end; i++)
            if (isnan(x[i]))
                return i;
    }
    return count;
}

/* Layouts. ------------------------------------------------------------------------------------ */

static size_t stride_of(const lopi_values *values)
{
    return lopi_layout_stride(values->layout, values->features, values->size);
}

static size_t blocks_of(const lopi_values *values)
{
    size_t tile = values->layout.tile;
    return tile ? (values->samples + tile - 1) / tile : values->samples;
}

void lopi_values_pad(const lopi_values *values)
{
    size_t tile = values->layout.tile ? values->layout.tile : 1, stride = stride_of(values);
    size_t used = values->features * tile * values->size;
    for (size_t b = 0; b < blocks_of(values) && used < stride; b++)
        memset((uint8_t *)values->data + b * stride + used, 0, stride - used);
}

void *lopi_values_at(const lopi_values *values, size_t feature, size_t sample)
{
    size_t tile = values->layout.tile;
    uint8_t *data = values->data;
    if (tile == 0)
        return data + sample * stride_of(values) + feature * values->size;
    return data + sample / tile * stride_of(values) +
           (feature * tile + sample % tile) * values->size;
}

size_t lopi_values_step(const lopi_values *values)
{
    return values->layout.tile ? values->layout.tile : 1;
}

/* Features begin … begin + count − 1 of samples first … into a strip [sample][STRIP]; samples that
 * are not there are left. */
static void read_strip(const lopi_values *from, size_t first, size_t samples, size_t begin,
                       size_t count, uint8_t *strip)
{
    size_t row = STRIP * from->size, tile = from->layout.tile;
    if (tile == 0) {
        for (size_t s = 0; s < samples; s++)
            memcpy(strip + s * row, lopi_values_at(from, begin, first + s), count * from->size);
        return;
    }
    for (size_t s = 0; s < samples;) {
        size_t inside = (first + s) % tile;
        size_t here = samples - s < tile - inside ? samples - s : tile - inside;
        turn(lopi_values_at(from, begin, first + s), tile * from->size, strip + s * row, row, count,
             here, from->size);
        s += here;
    }
}

void lopi_values_relayout(const lopi_values *from, const lopi_values *to)
{
    float strip[MOST_TILE * STRIP];
    size_t width = to->layout.tile ? to->layout.tile : MOST_TILE, size = from->size;
    memset(strip, 0, sizeof strip);
    for (size_t first = 0; first < to->samples; first += width) {
        size_t samples = to->samples - first < width ? to->samples - first : width;
        if (samples < width)
            memset(strip, 0, sizeof strip); /* those beyond the last are zeros */
        for (size_t begin = 0; begin < from->features; begin += STRIP) {
            size_t count = from->features - begin < STRIP ? from->features - begin : STRIP;
            read_strip(from, first, samples, begin, count, (uint8_t *)strip);
            if (to->layout.tile)
                turn((const uint8_t *)strip, STRIP * size, lopi_values_at(to, begin, first),
                     width * size, width, count, size);
            for (size_t s = 0; s < samples && !to->layout.tile; s++)
                memcpy(lopi_values_at(to, begin, first + s), (uint8_t *)strip + s * STRIP * size,
                       count * size);
        }
    }
    lopi_values_pad(to);
}

void lopi_values_take(const lopi_values *from, float *y)
{
    size_t step = lopi_values_step(from);
    for (size_t s = 0; s < from->samples; s++) {
        const float *x = lopi_values_at(from, 0, s);
        for (size_t f = 0; f < from->features; f++)
            y[s * from->features + f] = x[f * step];
    }
}

/* 0x7f800000 in all bits of the exponent: infinity or NaN. */
static uint32_t exponent_is_full(uint32_t bits) { return (bits & 0x7f800000u) == 0x7f800000u; }

bool lopi_values_not_finite(const lopi_values *values, uint8_t *flags)
{
    size_t tile = lopi_values_step(values), stride = stride_of(values);
    uint32_t any = 0;
    for (size_t first = 0; first < values->samples; first += tile) {
        const uint32_t *x =
            (const uint32_t *)(const void *)((uint8_t *)values->data + first / tile * stride);
        uint32_t full[MOST_TILE] = {0};
        if (tile == 1)
            for (size_t f = 0; f < values->features; f++)
                full[0] |= exponent_is_full(x[f]);
        else
            for (size_t f = 0; f < values->features; f++)
                for (size_t t = 0; t < tile; t++)
                    full[t] |= exponent_is_full(x[f * tile + t]);
        for (size_t t = 0; t < tile && first + t < values->samples; t++) {
            flags[first + t] = (uint8_t)full[t];
            any |= full[t];
        }
    }
    return any;
}
