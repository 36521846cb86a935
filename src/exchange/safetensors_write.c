#include "exchange/safetensors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "nn/json_dump.h"

#define BLOCK_BYTES (1u << 16)

static int compare_tensors(const void *a, const void *b)
{
    const lopi_tensor *x = *(const lopi_tensor *const *)a, *y = *(const lopi_tensor *const *)b;
    size_t x_size = lopi_dtype_size(x->dtype), y_size = lopi_dtype_size(y->dtype);
    if (x_size != y_size)
        return x_size > y_size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int compare_metadata(const void *a, const void *b)
{
    const lop_metadata *x = *(const lop_metadata *const *)a, *y = *(const lop_metadata *const *)b;
    return strcmp(x->key, y->key);
}

static lop_status add_metadata(json_t *header, const lop_metadata *metadata, lop_error *error)
{
    size_t count = 0;
    while (metadata && metadata[count].key)
        count++;
    if (count == 0)
        return LOP_OK;
    const lop_metadata **order = lopi_alloc(count, sizeof *order);
    json_t *texts = order ? json_object() : NULL;
    /* json_object_set_new takes `texts` also where it fails. */
    if (!texts || json_object_set_new(header, "__metadata__", texts) != 0) {
        lopi_free(order);
        return lopi_fail_memory(error, count * sizeof *order);
    }
    for (size_t i = 0; i < count; i++)
        order[i] = &metadata[i];
    qsort(order, count, sizeof *order, compare_metadata);
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < count; i++) {
        const char *key = order[i]->key;
        if (json_object_get(texts, key))
            status =
                lopi_fail(error, LOP_E_ARG, "expected metadata keys once, found %s twice", key);
        else if (!lopi_is_utf8(key) || !lopi_is_utf8(order[i]->value))
            status = lopi_fail(error, LOP_E_ARG, "expected UTF-8 in metadata %s, found other bytes",
                               key);
        else if (json_object_set_new(texts, key, json_string(order[i]->value)) != 0)
            status = lopi_fail_memory(error, strlen(order[i]->value));
    }
    lopi_free(order);
    return status;
}

/* NULL: no memory. */
static json_t *describe(const lopi_tensor *tensor, size_t begin, size_t end)
{
    json_t *shape = json_array();
    bool whole = shape != NULL;
    for (size_t i = 0; whole && i < tensor->rank; i++)
        whole = json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i])) == 0;
    if (!whole) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", lopi_dtype_name(tensor->dtype), "shape",
                     shape, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static lop_status add_tensors(json_t *header, const lopi_tensor *const *order, size_t count,
                              lop_error *error)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = end, size = lopi_dtype_size(order[i]->dtype);
        for (size_t j = 0; j < order[i]->rank; j++)
            if (!lopi_multiply(size, order[i]->shape[j], &size))
                size = SIZE_MAX;
        if (!lopi_add(begin, size, &end) || end > LOPI_MAX_FILE_BYTES)
            return lopi_fail(error, LOP_E_LIMIT,
                             "expected at most %llu bytes of tensors, found "
                             "more at %s",
                             LOPI_MAX_FILE_BYTES, order[i]->name);
        if (json_object_get(header, order[i]->name))
            return lopi_fail(error, LOP_E_ARG, "expected each tensor once, found %s twice",
                             order[i]->name);
        if (!lopi_is_utf8(order[i]->name))
            return lopi_fail(error, LOP_E_ARG, "expected a tensor's name in UTF-8, found \"%s\"",
                             order[i]->name);
        if (json_object_set_new(header, order[i]->name, describe(order[i], begin, end)) != 0)
            return lopi_fail_memory(error, sizeof *order[i]);
    }
    return LOP_OK;
}

/* The header's text, padded with spaces so that the tensors begin at a multiple of eight. */
static lop_status header_text(const lopi_tensor *const *order, size_t count,
                              const lop_metadata *metadata, char **text, lop_error *error)
{
    json_t *header = json_object();
    char *compact = NULL;
    lop_status status = header ? add_metadata(header, metadata, error) : lopi_fail_memory(error, 1);
    if (status == LOP_OK)
        status = add_tensors(header, order, count, error);
    if (status == LOP_OK && !(compact = lopi_json_dump(header, JSON_COMPACT)))
        status = lopi_fail_memory(error, 1);
    json_decref(header);
    if (status != LOP_OK)
        return status;
    size_t length = strlen(compact), padded = (length + 7) / 8 * 8;
    char *made = lopi_alloc(padded + 1, 1);
    if (made && padded <= LOPI_MAX_HEADER_BYTES) {
        memset(made, ' ', padded);
        memcpy(made, compact, length);
        *text = made;
    } else {
        lopi_free(made);
        status = made ? lopi_fail(error, LOP_E_LIMIT,
                                  "expected at most %u bytes of names and metadata, found %zu",
                                  LOPI_MAX_HEADER_BYTES, length)
                      : lopi_fail_memory(error, padded);
    }
    free(compact);
    return status;
}

static bool write_tensor(FILE *stream, const lopi_tensor *tensor)
{
    uint8_t block[BLOCK_BYTES];
    size_t size = lopi_dtype_size(tensor->dtype), left = lopi_tensor_count(tensor);
    const uint8_t *data = tensor->data;
    while (left > 0) {
        size_t some = left < BLOCK_BYTES / size ? left : BLOCK_BYTES / size;
        lopi_little_endian_copy(block, data, some, size);
        if (fwrite(block, size, some, stream) != some)
            return false;
        data += some * size;
        left -= some;
    }
    return true;
}

static bool write_content(FILE *stream, const char *header, const lopi_tensor *const *order,
                          size_t count)
{
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++)
        if (putc((int)((uint64_t)length >> 8 * i & 0xff), stream) == EOF)
            return false;
    if (fwrite(header, 1, length, stream) != length)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!write_tensor(stream, order[i]))
            return false;
    return true;
}

lop_status lopi_safetensors_write(const char *path, const lopi_tensor *tensors, size_t count,
                                  const lop_metadata *metadata, bool overwrite, lop_error *error)
{
    char *header = NULL;
    lopi_output output = {0};
    lop_status status = LOP_OK;
    const lopi_tensor **order = lopi_alloc(count, sizeof *order);
    if (!order)
        return lopi_fail_memory(error, count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = &tensors[i];
    if (count > 0)
        qsort(order, count, sizeof *order, compare_tensors);
    status = header_text(order, count, metadata, &header, error);
    if (status == LOP_OK)
        status = lopi_output_open(&output, path, overwrite, error);
    if (status != LOP_OK)
        goto out;
    errno = EIO;
    if (write_content(output.stream, header, order, count)) {
        status = lopi_output_commit(&output, error);
    } else {
        status = lopi_fail_errno(error, LOP_E_IO, path, "write", errno);
        lopi_output_abandon(&output);
    }
out:
    lopi_free(header);
    lopi_free(order);
    return status;
}
