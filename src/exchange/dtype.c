#include "exchange/dtype.h"

#include <stdint.h>
#include <string.h>

/* One value, its bytes in this machine's order, as a float. */
typedef float to_float(const void *value);

static float from_f32(const void *value)
{
    float number;
    memcpy(&number, value, sizeof number);
    return number;
}

static float from_f64(const void *value)
{
    double number;
    memcpy(&number, value, sizeof number);
    return (float)number;
}

static float from_bf16(const void *value)
{
    uint16_t half;
    memcpy(&half, value, sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    return from_f32(&bits);
}

/*
 * Shifted into place a half is a float whose exponent is 112 too small; the product mends that,
 * for denormals too. Only infinity and NaN need their exponent put in by hand.
 */
static float from_f16(const void *value)
{
    uint16_t half;
    memcpy(&half, value, sizeof half);
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fffu;
    uint32_t bits = magnitude << 13;
    float number = from_f32(&bits) * 0x1p112f;
    memcpy(&bits, &number, sizeof bits);
    if (magnitude >= 0x7c00)
        bits = 0x7f800000 | magnitude << 13;
    bits |= sign;
    return from_f32(&bits);
}

typedef struct dtype_row {
    const char *name;
    size_t size;
    to_float *convert; /* NULL: not a float, or none that lop reads */
} dtype_row;

static const dtype_row rows[LOPI_DTYPE_COUNT] = {
    [LOPI_F32] = {"F32", 4, from_f32},     [LOPI_U8] = {"U8", 1, NULL},
    [LOPI_U64] = {"U64", 8, NULL},         [LOPI_F64] = {"F64", 8, from_f64},
    [LOPI_F16] = {"F16", 2, from_f16},     [LOPI_BF16] = {"BF16", 2, from_bf16},
    [LOPI_BOOL] = {"BOOL", 1, NULL},       [LOPI_I8] = {"I8", 1, NULL},
    [LOPI_I16] = {"I16", 2, NULL},         [LOPI_U16] = {"U16", 2, NULL},
    [LOPI_I32] = {"I32", 4, NULL},         [LOPI_U32] = {"U32", 4, NULL},
    [LOPI_I64] = {"I64", 8, NULL},         [LOPI_F8_E4M3] = {"F8_E4M3", 1, NULL},
    [LOPI_F8_E5M2] = {"F8_E5M2", 1, NULL},
};

const char *lopi_dtype_name(lopi_dtype dtype) { return rows[dtype].name; }
size_t lopi_dtype_size(lopi_dtype dtype) { return rows[dtype].size; }
bool lopi_dtype_is_float(lopi_dtype dtype) { return rows[dtype].convert != NULL; }

lopi_dtype lopi_dtype_find(const char *name)
{
    int i = 0;
    while (i < LOPI_DTYPE_COUNT && strcmp(rows[i].name, name) != 0)
        i++;
    return (lopi_dtype)i;
}

static bool machine_is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

void lopi_little_endian_copy(void *to, const void *from, size_t count, size_t size)
{
    if (count == 0)
        return; /* either may be NULL then, which memcpy does not like */
    if (machine_is_little_endian()) {
        memcpy(to, from, count * size); /* fits: in memory */
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++) /* fits: in memory */
            ((uint8_t *)to)[i * size + j] = ((const uint8_t *)from)[i * size + size - 1 - j];
}

void lopi_dtype_to_float(lopi_dtype dtype, const void *bytes, size_t count, float *out)
{
    if (dtype == LOPI_F32) {
        lopi_little_endian_copy(out, bytes, count, sizeof *out);
        return;
    }
    size_t size = rows[dtype].size;
    for (size_t i = 0; i < count; i++) {
        uint8_t value[8];
        /* fits: in memory */
        lopi_little_endian_copy(value, (const uint8_t *)bytes + i * size, 1, size);
        out[i] = rows[dtype].convert(value);
    }
}
