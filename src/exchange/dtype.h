/** Dtype: the types of values that safetensors knows, and how they become floats. */
#ifndef LOPI_EXCHANGE_DTYPE_H
#define LOPI_EXCHANGE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum lopi_dtype {
    LOPI_F32,
    LOPI_U8,
    LOPI_U64,
    LOPI_F64,
    LOPI_F16,
    LOPI_BF16,
    LOPI_BOOL,
    LOPI_I8,
    LOPI_I16,
    LOPI_U16,
    LOPI_I32,
    LOPI_U32,
    LOPI_I64,
    LOPI_F8_E4M3,
    LOPI_F8_E5M2,
    LOPI_DTYPE_COUNT
} lopi_dtype;

/** "F32", as safetensors writes it. */
const char *lopi_dtype_name(lopi_dtype dtype);
/** Bytes a value. */
size_t lopi_dtype_size(lopi_dtype dtype);
/** LOPI_DTYPE_COUNT where the name is not known. */
lopi_dtype lopi_dtype_find(const char *name);

/** Whether lopi_dtype_to_float can convert it. */
bool lopi_dtype_is_float(lopi_dtype dtype);
/**
 * Values of a file (little-endian, unaligned) as floats, rounded to nearest where they are wider.
 * @param bytes  [count] values of `dtype`, for which lopi_dtype_is_float holds
 */
void lopi_dtype_to_float(lopi_dtype dtype, const void *bytes, size_t count, float *out);

/** Copy values between little-endian and this machine's order; both ways are the same. */
void lopi_little_endian_copy(void *to, const void *from, size_t count, size_t size);

#endif
