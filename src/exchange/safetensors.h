/**
 * Safetensors: the container. Eight bytes of header length, a JSON header that names each tensor
 * with its type, shape and place, then the tensors' bytes without gaps. Other rooms keep what they
 * like in it: trained networks, checkpoints.
 */
#ifndef LOPI_EXCHANGE_SAFETENSORS_H
#define LOPI_EXCHANGE_SAFETENSORS_H

#include <lop/exchange.h>

#include "exchange/dtype.h"

#define LOPI_MAX_RANK         8
#define LOPI_MAX_HEADER_BYTES (8u << 20) /* the format allows 100 MB; lop's own stay far below */
#define LOPI_MAX_FILE_BYTES   (1ull << 36)

typedef struct lopi_tensor {
    const char *name;
    lopi_dtype dtype;
    size_t rank;
    size_t shape[LOPI_MAX_RANK];
    const void *data; /* to be written: an array; of a file: little-endian and not aligned */
} lopi_tensor;

/** Values of a tensor, whose size is known to fit. */
size_t lopi_tensor_count(const lopi_tensor *tensor);
/** "[1000, 784]", cut off at `size`. */
char *lopi_tensor_shape_text(const lopi_tensor *tensor, char *buffer, size_t size);

/**
 * Write a file, by a temporary name.
 *
 * The same tensors and metadata in any order give the same bytes: wide types first, then by name,
 * so that every tensor is aligned; metadata by key.
 *
 * @param tensors   [count] borrowed; names unique
 * @param metadata  ends with a NULL key; may be NULL; keys unique, text in UTF-8
 * @return LOP_OK; LOP_E_ARG (a name twice, text that is not UTF-8); LOP_E_LIMIT; LOP_E_EXISTS,
 *         LOP_E_CREATE, LOP_E_IO, LOP_E_FULL, LOP_E_MEMORY
 */
lop_status lopi_safetensors_write(const char *path, const lopi_tensor *tensors, size_t count,
                                  const lop_metadata *metadata, bool overwrite, lop_error *error);

/** A file in memory; one owner. Tensors and texts live as long as it. */
typedef struct lopi_safetensors lopi_safetensors;

/**
 * Read a file and check it whole: every tensor inside the file, none overlapping, no gaps.
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_LIMIT, LOP_E_NOT_FOUND, LOP_E_IO,
 *         LOP_E_MEMORY
 */
lop_status lopi_safetensors_open(lopi_safetensors **out, const char *path, lop_error *error);
void lopi_safetensors_close(lopi_safetensors *file);

const char *lopi_safetensors_path(const lopi_safetensors *file);
/** Tensor `index` in the order of names; NULL beyond the last. */
const lopi_tensor *lopi_safetensors_at(const lopi_safetensors *file, size_t index);
/** NULL where there is none of that name. */
const lopi_tensor *lopi_safetensors_find(const lopi_safetensors *file, const char *name);
/** Where a tensor's bytes begin in the file: for errors. */
uint64_t lopi_safetensors_offset(const lopi_safetensors *file, const lopi_tensor *tensor);
/** Text of a metadata key; NULL where there is none. */
const char *lopi_safetensors_metadata(const lopi_safetensors *file, const char *key);
/** All metadata as a JSON object. Caller frees with free(). */
lop_status lopi_safetensors_metadata_json(const lopi_safetensors *file, char **json,
                                          lop_error *error);

/**
 * Copy a tensor's values out: `wanted` has the name, the type, the rank and the shape it must have.
 *
 * @param out  [values of `wanted`], aligned as its type
 * @return LOP_OK; LOP_E_NOT_FOUND (no such tensor); LOP_E_FORMAT (other type); LOP_E_SHAPE
 */
lop_status lopi_safetensors_copy(const lopi_safetensors *file, const lopi_tensor *wanted, void *out,
                                 lop_error *error);

/** As lopi_safetensors_copy for floats, whatever float type the file has; LOP_E_NAN. */
lop_status lopi_safetensors_copy_floats(const lopi_safetensors *file, const lopi_tensor *wanted,
                                        float *out, lop_error *error);

#endif
