#include "exchange/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/json_dump.h"
#include "nn/json_read.h"

struct lopi_safetensors {
    char *path;
    lopi_bytes bytes;
    const uint8_t *data; /* behind the header */
    size_t data_size;
    json_t *header; /* owns the names and the metadata */
    lopi_tensor *tensors;
    size_t count;
};

size_t lopi_tensor_count(const lopi_tensor *tensor)
{
    size_t count = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i]; /* fits: read_shape multiplied them with care */
    return count;
}

char *lopi_tensor_shape_text(const lopi_tensor *tensor, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (size_t i = 0; i < tensor->rank && used < size; i++)
        used +=
            (size_t)snprintf(buffer + used, size - used, "%s%zu", i ? ", " : "", tensor->shape[i]);
    if (used < size)
        snprintf(buffer + used, size - used, "]");
    return buffer;
}

static lop_status bad_tensor(const lopi_safetensors *file, const char *name, const char *what,
                             lop_error *error)
{
    return lopi_fail_file(error, LOP_E_FORMAT, file->path, "tensor %.100s: %s", name, what);
}

/* A JSON integer that is not negative and not beyond any file. */
static bool get_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value))
        return false;
    json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number > LOPI_MAX_FILE_BYTES)
        return false;
    *out = (size_t)number;
    return true;
}

static lop_status read_shape(const lopi_safetensors *file, const json_t *shape, lopi_tensor *tensor,
                             size_t *size, lop_error *error)
{
    if (!json_is_array(shape) || json_array_size(shape) > LOPI_MAX_RANK)
        return bad_tensor(file, tensor->name, "expected a shape of at most 8 sizes", error);
    tensor->rank = json_array_size(shape);
    *size = lopi_dtype_size(tensor->dtype);
    for (size_t i = 0; i < tensor->rank; i++)
        if (!get_size(json_array_get(shape, i), &tensor->shape[i]) ||
            !lopi_multiply(*size, tensor->shape[i], size))
            return bad_tensor(file, tensor->name,
                              "expected sizes whose product fits a file, found others", error);
    return LOP_OK;
}

static lop_status read_tensor(const lopi_safetensors *file, const char *name, const json_t *entry,
                              lopi_tensor *tensor, lop_error *error)
{
    size_t size = 0, begin = 0, end = 0;
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!dtype || json_object_size(entry) != 3)
        return bad_tensor(file, name, "expected exactly dtype, shape and data_offsets", error);
    tensor->name = name;
    tensor->dtype = lopi_dtype_find(dtype);
    if (tensor->dtype == LOPI_DTYPE_COUNT)
        return bad_tensor(file, name, "expected a dtype such as F32, found one not known", error);
    lop_status status = read_shape(file, json_object_get(entry, "shape"), tensor, &size, error);
    if (status != LOP_OK)
        return status;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !get_size(json_array_get(offsets, 0), &begin) ||
        !get_size(json_array_get(offsets, 1), &end) || begin > end)
        return bad_tensor(file, name, "expected data_offsets [begin, end]", error);
    if (end > file->data_size)
        return lopi_fail_file(error, LOP_E_TRUNCATED, file->path,
                              "tensor %.100s: expected %zu bytes of tensors, found %zu", name, end,
                              file->data_size);
    if (end - begin != size)
        return lopi_fail_file(error, LOP_E_FORMAT, file->path,
                              "tensor %.100s: expected %zu bytes as its shape says, found %zu",
                              name, size, end - begin);
    tensor->data = file->data + begin;
    return LOP_OK;
}

static lop_status check_metadata(const lopi_safetensors *file, const json_t *metadata,
                                 lop_error *error)
{
    if (!json_is_object(metadata))
        return lopi_fail_at(error, LOP_E_FORMAT, file->path, 8,
                            "expected __metadata__ to be an object of texts");
    /* jansson's iteration takes no const object, though it changes nothing. */
    json_t *object = (json_t *)metadata;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        if (!json_is_string(json_object_iter_value(at)))
            return lopi_fail_at(error, LOP_E_FORMAT, file->path, 8,
                                "expected metadata %.100s to be a text", json_object_iter_key(at));
    return LOP_OK;
}

static lop_status read_entries(lopi_safetensors *file, lop_error *error)
{
    file->tensors = lopi_alloc(json_object_size(file->header), sizeof *file->tensors);
    if (!file->tensors)
        return lopi_fail_memory(error, json_object_size(file->header) * sizeof *file->tensors);
    lop_status status = LOP_OK;
    for (void *at = json_object_iter(file->header); at && status == LOP_OK;
         at = json_object_iter_next(file->header, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *entry = json_object_iter_value(at);
        if (strcmp(name, "__metadata__") == 0)
            status = check_metadata(file, entry, error);
        else
            status = read_tensor(file, name, entry, &file->tensors[file->count++], error);
    }
    return status;
}

static int compare_places(const void *a, const void *b)
{
    const lopi_tensor *x = a, *y = b;
    const uint8_t *x_data = x->data, *y_data = y->data;
    if (x_data != y_data)
        return x_data < y_data ? -1 : 1;
    /* Empty tensors share their place with the next one: they go first. */
    size_t x_count = lopi_tensor_count(x), y_count = lopi_tensor_count(y);
    return (x_count > y_count) - (x_count < y_count);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const lopi_tensor *)a)->name, ((const lopi_tensor *)b)->name);
}

/* One behind the other from the first byte to the last: nothing shared, nothing hidden between. */
static lop_status check_places(lopi_safetensors *file, lop_error *error)
{
    size_t place = 0;
    if (file->count > 0)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const lopi_tensor *tensor = &file->tensors[i];
        size_t begin = (size_t)((const uint8_t *)tensor->data - file->data);
        if (begin != place)
            return lopi_fail_at(error, LOP_E_FORMAT, file->path,
                                lopi_safetensors_offset(file, tensor),
                                "expected tensor %.100s to begin where the one before it ends, "
                                "%zu, found %zu",
                                tensor->name, place, begin);
        place += lopi_tensor_count(tensor) * lopi_dtype_size(tensor->dtype); /* fits: in the file */
    }
    if (place != file->data_size)
        return lopi_fail_at(error, LOP_E_FORMAT, file->path,
                            (uint64_t)(file->data - file->bytes.data) + place,
                            "expected the end of the file behind the last tensor, found %zu bytes",
                            file->data_size - place);
    if (file->count > 0)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_names);
    return LOP_OK;
}

static lop_status read_header(lopi_safetensors *file, lop_error *error)
{
    lopi_cursor cursor = {.data = file->bytes.data, .size = file->bytes.size};
    uint64_t length = 0;
    const uint8_t *text = NULL;
    if (!lopi_cursor_u64_le(&cursor, &length))
        return lopi_fail_at(error, LOP_E_TRUNCATED, file->path, 0,
                            "expected 8 bytes of header length, found %zu", file->bytes.size);
    if (length > LOPI_MAX_HEADER_BYTES)
        return lopi_fail_at(error, LOP_E_LIMIT, file->path, 0,
                            "expected a header of at most %u bytes, found %llu; is this a "
                            "safetensors file?",
                            LOPI_MAX_HEADER_BYTES, (unsigned long long)length);
    if (!lopi_cursor_take(&cursor, (size_t)length, &text))
        return lopi_fail_at(error, LOP_E_TRUNCATED, file->path, 8,
                            "expected a header of %llu bytes, found %zu",
                            (unsigned long long)length, lopi_cursor_left(&cursor));
    json_error_t reason;
    lop_status status = lopi_json_read(&file->header, (const char *)text, (size_t)length, &reason);
    if (status == LOP_E_MEMORY)
        return lopi_fail_memory(error, (size_t)length);
    if (status != LOP_OK)
        return lopi_fail_at(error, status, file->path, 8 + (uint64_t)reason.position,
                            "expected a JSON header, found damage: %s", reason.text);
    if (!json_is_object(file->header))
        return lopi_fail_at(error, LOP_E_FORMAT, file->path, 8,
                            "expected the header to be a JSON object");
    file->data = cursor.data + cursor.position;
    file->data_size = lopi_cursor_left(&cursor);
    return LOP_OK;
}

lop_status lopi_safetensors_open(lopi_safetensors **out, const char *path, lop_error *error)
{
    lopi_safetensors *file = lopi_alloc(1, sizeof *file);
    if (!file || !(file->path = lopi_strdup(path))) {
        lopi_safetensors_close(file);
        return lopi_fail_memory(error, sizeof *file);
    }
    lop_status status = lopi_file_read(&file->bytes, path, LOPI_MAX_FILE_BYTES, error);
    if (status == LOP_OK)
        status = read_header(file, error);
    if (status == LOP_OK)
        status = read_entries(file, error);
    if (status == LOP_OK)
        status = check_places(file, error);
    if (status != LOP_OK) {
        lopi_safetensors_close(file);
        return status;
    }
    *out = file;
    return LOP_OK;
}

void lopi_safetensors_close(lopi_safetensors *file)
{
    if (!file)
        return;
    json_decref(file->header);
    lopi_free(file->tensors);
    lopi_free(file->bytes.data);
    lopi_free(file->path);
    lopi_free(file);
}

const char *lopi_safetensors_path(const lopi_safetensors *file) { return file->path; }

const lopi_tensor *lopi_safetensors_at(const lopi_safetensors *file, size_t index)
{
    return index < file->count ? &file->tensors[index] : NULL;
}

const lopi_tensor *lopi_safetensors_find(const lopi_safetensors *file, const char *name)
{
    const lopi_tensor wanted = {.name = name};
    if (file->count == 0)
        return NULL;
    return bsearch(&wanted, file->tensors, file->count, sizeof wanted, compare_names);
}

uint64_t lopi_safetensors_offset(const lopi_safetensors *file, const lopi_tensor *tensor)
{
    return (uint64_t)((const uint8_t *)tensor->data - file->bytes.data);
}

const char *lopi_safetensors_metadata(const lopi_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

lop_status lopi_safetensors_metadata_json(const lopi_safetensors *file, char **json,
                                          lop_error *error)
{
    const json_t *metadata = json_object_get(file->header, "__metadata__");
    char *text =
        metadata ? lopi_json_dump(metadata, JSON_COMPACT | JSON_SORT_KEYS) : lopi_strdup("{}");
    if (!text)
        return lopi_fail_memory(error, 1);
    *json = text;
    return LOP_OK;
}

/* The tensor of the wanted name and shape. */
static lop_status find_shaped(const lopi_safetensors *file, const lopi_tensor *wanted,
                              const lopi_tensor **out, lop_error *error)
{
    const lopi_tensor *found = lopi_safetensors_find(file, wanted->name);
    if (!found)
        return lopi_fail_file(error, LOP_E_NOT_FOUND, file->path,
                              "expected a tensor %.100s, found none", wanted->name);
    if (found->rank != wanted->rank ||
        memcmp(found->shape, wanted->shape, found->rank * sizeof *found->shape) != 0) {
        char expected[128], other[128];
        return lopi_fail_at(error, LOP_E_SHAPE, file->path, lopi_safetensors_offset(file, found),
                            "tensor %.100s: expected shape %s, found %s", wanted->name,
                            lopi_tensor_shape_text(wanted, expected, sizeof expected),
                            lopi_tensor_shape_text(found, other, sizeof other));
    }
    *out = found;
    return LOP_OK;
}

static lop_status other_type(const lopi_safetensors *file, const lopi_tensor *found,
                             const char *expected, lop_error *error)
{
    return lopi_fail_at(error, LOP_E_FORMAT, file->path, lopi_safetensors_offset(file, found),
                        "tensor %.100s: expected type %s, found %s", found->name, expected,
                        lopi_dtype_name(found->dtype));
}

lop_status lopi_safetensors_copy(const lopi_safetensors *file, const lopi_tensor *wanted, void *out,
                                 lop_error *error)
{
    const lopi_tensor *found = NULL;
    lop_status status = find_shaped(file, wanted, &found, error);
    if (status != LOP_OK)
        return status;
    if (found->dtype != wanted->dtype)
        return other_type(file, found, lopi_dtype_name(wanted->dtype), error);
    lopi_little_endian_copy(out, found->data, lopi_tensor_count(found),
                            lopi_dtype_size(found->dtype));
    return LOP_OK;
}

lop_status lopi_safetensors_copy_floats(const lopi_safetensors *file, const lopi_tensor *wanted,
                                        float *out, lop_error *error)
{
    const lopi_tensor *found = NULL;
    lop_status status = find_shaped(file, wanted, &found, error);
    if (status != LOP_OK)
        return status;
    if (!lopi_dtype_is_float(found->dtype))
        return other_type(file, found, "F32, F16, BF16 or F64", error);
    size_t count = lopi_tensor_count(found), size = lopi_dtype_size(found->dtype);
    lopi_dtype_to_float(found->dtype, found->data, count, out);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(out[i]))
            return lopi_fail_at(error, LOP_E_NAN, file->path,
                                lopi_safetensors_offset(file, found) +
                                    i * size, /* fits: in the file */
                                "tensor %.100s: expected finite values, found %g at index %zu",
                                found->name, (double)out[i], i);
    return LOP_OK;
}
