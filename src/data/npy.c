#include "data/npy.h"

#include <ctype.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/memory.h"

enum { MAX_DIMENSIONS = 8, MAX_HEADER = 65536 };

static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* Types that are read: how the header names them, and their size. */
static const struct {
    const char *name;
    size_t size;
} types[] = {{"|u1", 1}, {"<f4", 4}, {"<f8", 8}};

typedef struct header {
    size_t shape[MAX_DIMENSIONS], dimensions;
    size_t type;   /* row of `types` */
    size_t values; /* offset of the first */
} header;

bool lopi_npy_is(const lopi_bytes *content)
{
    return content->size >= sizeof magic && memcmp(content->data, magic, sizeof magic) == 0;
}

static lop_status malformed(const char *path, const char *expected, lop_error *error)
{
    return lopi_fail_at(error, LOP_E_FORMAT, path, sizeof magic,
                        "the NPY header is malformed: expected %s", expected);
}

/* What stands behind a key of the header, a Python dictionary of three. */
static const char *value_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

static lop_status read_type(header *h, const char *text, const char *path, lop_error *error)
{
    const char *at = value_of(text, "'descr'");
    for (size_t i = 0; at && i < sizeof types / sizeof *types; i++) {
        size_t length = strlen(types[i].name);
        if ((*at == '\'' || *at == '"') && strncmp(at + 1, types[i].name, length) == 0 &&
            at[length + 1] == *at) {
            h->type = i;
            return LOP_OK;
        }
    }
    return malformed(path, "'descr' of '|u1', '<f4' or '<f8'", error);
}

/* (3, 784): numbers, each with a comma behind but for the last of several. */
static lop_status read_shape(header *h, const char *text, const char *path, lop_error *error)
{
    const char *at = value_of(text, "'shape'");
    if (!at || *at++ != '(')
        return malformed(path, "'shape' and its numbers in parentheses", error);
    while (at += strspn(at, " "), isdigit((unsigned char)*at)) {
        size_t size = 0;
        for (; isdigit((unsigned char)*at); at++) {
            size = 10 * size + (size_t)(*at - '0');
            if (size > LOP_MAX_DATA_BYTES)
                return lopi_fail_file(error, LOP_E_LIMIT, path, "the array is too large");
        }
        if (h->dimensions == MAX_DIMENSIONS)
            return malformed(path, "at most 8 dimensions", error);
        h->shape[h->dimensions++] = size;
        at += strspn(at, " ");
        at += *at == ',';
    }
    if (*at != ')' || h->dimensions == 0)
        return malformed(path, "'shape' with one number at least", error);
    return LOP_OK;
}

static lop_status read_header(header *h, const char *path, const lopi_bytes *content,
                              lop_error *error)
{
    lopi_cursor cursor = {.data = content->data, .size = content->size};
    const uint8_t *start, *text = NULL;
    uint8_t major = 0, minor = 0, length[4] = {0};
    bool fits = lopi_cursor_take(&cursor, sizeof magic, &start) &&
                lopi_cursor_u8(&cursor, &major) && lopi_cursor_u8(&cursor, &minor);
    if (fits && (major < 1 || major > 3))
        return lopi_fail_at(error, LOP_E_VERSION, path, sizeof magic,
                            "expected NPY version 1 to 3, found %u", major);
    for (size_t i = 0; fits && i < (major == 1 ? 2u : 4u); i++)
        fits = lopi_cursor_u8(&cursor, &length[i]);
    size_t size =
        length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (size > MAX_HEADER)
        return lopi_fail_at(error, LOP_E_LIMIT, path, sizeof magic,
                            "expected an NPY header of at most %d bytes, found %zu", MAX_HEADER,
                            size);
    if (!fits || !lopi_cursor_take(&cursor, size, &text))
        return lopi_fail_at(error, LOP_E_TRUNCATED, path, cursor.position,
                            "the file ends within its NPY header");
    h->values = cursor.position;
    char *copy = lopi_alloc(size + 1, 1); /* terminated */
    if (!copy)
        return lopi_fail_memory(error, size + 1);
    memcpy(copy, text, size);
    const char *order = value_of(copy, "'fortran_order'");
    lop_status status = read_type(h, copy, path, error);
    if (status == LOP_OK)
        status = read_shape(h, copy, path, error);
    if (status == LOP_OK && (!order || strncmp(order, "False", strlen("False")) != 0))
        status =
            malformed(path, "'fortran_order': False; numpy.ascontiguousarray makes it so", error);
    lopi_free(copy);
    return status;
}

static lop_status count_samples(const header *h, const char *path, size_t features, size_t *count,
                                lop_error *error)
{
    size_t each = 1;
    for (size_t i = 1; i < h->dimensions; i++)
        if (!lopi_multiply(each, h->shape[i], &each))
            return lopi_fail_file(error, LOP_E_LIMIT, path, "the array is too large");
    bool alone = h->dimensions == 1;
    *count = alone ? 1 : h->shape[0];
    each = alone ? h->shape[0] : each;
    if (each != features)
        return lopi_fail_file(error, LOP_E_SHAPE, path, "expected samples of %zu values, found %zu",
                              features, each);
    if (*count == 0 || *count > LOP_MAX_SAMPLES)
        return lopi_fail_file(error, LOP_E_LIMIT, path, "expected 1 to %u samples, found %zu",
                              LOP_MAX_SAMPLES, *count);
    return LOP_OK;
}

/* Little-endian values of any of the types, as bytes or floats. */
static void copy_values(void *out, const uint8_t *from, size_t count, size_t size)
{
    if (size == 1) {
        memcpy(out, from, count);
        return;
    }
    float *to = out;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        for (size_t b = 0; b < size; b++)
            bits |= (uint64_t)from[i * size + b] << (8 * b); /* fits: the bytes are in memory */
        if (size == 4) {
            uint32_t half = (uint32_t)bits;
            memcpy(&to[i], &half, sizeof half);
        } else {
            double value;
            memcpy(&value, &bits, sizeof value);
            to[i] = (float)value;
        }
    }
}

lop_status lopi_npy_parse(lopi_part *part, const char *path, const lopi_bytes *content,
                          size_t features, lop_error *error)
{
    header h = {0};
    size_t count = 0, values, bytes;
    lop_status status = read_header(&h, path, content, error);
    if (status == LOP_OK)
        status = count_samples(&h, path, features, &count, error);
    if (status != LOP_OK)
        return status;
    size_t size = types[h.type].size;
    if (!lopi_multiply(count, features, &values) || !lopi_multiply(values, size, &bytes) ||
        bytes != content->size - h.values)
        return lopi_fail_at(error, LOP_E_TRUNCATED, path, h.values,
                            "expected %zu samples of %zu values of %zu bytes, found %zu bytes",
                            count, features, size, content->size - h.values);
    lopi_part made = {.samples = {.count = count, .features = features, .height = 1}};
    made.samples.width = features;
    made.values = lopi_alloc(values, size == 1 ? 1 : sizeof(float));
    if (!made.values)
        return lopi_fail_memory(error, values * sizeof(float));
    copy_values(made.values, content->data + h.values, values, size);
    if (size == 1)
        made.samples.bytes = made.values;
    else
        made.samples.floats = made.values;
    *part = made;
    return LOP_OK;
}
