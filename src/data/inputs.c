/* Samples without labels, from a file in any of the formats. */
#include <lop/data.h>

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/csv.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/source.h"

struct lop_inputs {
    lopi_part part;
};

static bool is_idx(const lopi_bytes *content)
{
    return content->size >= 4 && content->data[0] == 0 && content->data[1] == 0;
}

/* Bytes as floats: b / 255 is what a network would see of the byte, b what it sees of the float. */
static lop_status make_floats(lopi_part *part, lop_error *error)
{
    size_t count = part->samples.count * part->samples.features; /* fits: the bytes are in memory */
    size_t start = (size_t)(part->samples.bytes - (const uint8_t *)part->values), room;
    /* In their own block, which a second one beside it would make a quarter larger. */
    if (!lopi_multiply(count, sizeof(float), &room) || !lopi_add(room, start, &room))
        return lopi_fail_memory(error, count);
    uint8_t *block = lopi_realloc(part->values, room, 1);
    if (!block)
        return lopi_fail_memory(error, room);
    /* Bytes at the end of the block: a float is written only where bytes were read already. */
    uint8_t *bytes = block + count * (sizeof(float) - 1);
    memmove(bytes, block + start, count);
    float *floats = (float *)(void *)block;
    for (size_t i = 0; i < count; i++)
        floats[i] = bytes[i];
    part->values = block;
    part->samples.bytes = NULL;
    part->samples.floats = floats;
    return LOP_OK;
}

static lop_status make_bytes(lopi_part *part, const char *path, lop_error *error)
{
    const lop_samples *samples = &part->samples;
    for (size_t i = 0; i < samples->count * samples->features; i++) {
        float value = samples->floats[i];
        if (!(value >= 0 && value <= 255) || value != (float)(int)value)
            return lopi_fail_file(error, LOP_E_RANGE, path,
                                  "sample %zu: expected whole numbers in 0 … 255, found %g",
                                  i / samples->features, (double)value);
    }
    return lopi_part_to_bytes(part, error);
}

/* The part may take the content over. */
static lop_status parse(lopi_part *part, const char *path, lopi_bytes *content, size_t features,
                        lop_input_values *values, lop_error *error)
{
    bool all_bytes = false;
    lop_status status;
    if (is_idx(content)) {
        lopi_source source = {.path = path, .limit = LOP_MAX_DATA_BYTES, .file = *content};
        status = lopi_idx_read_images(part, &source, error);
        *content = source.file;
    } else if (lopi_npy_is(content)) {
        status = lopi_npy_parse(part, path, content, features, error);
    } else {
        status = lopi_csv_parse_inputs(part, &all_bytes, path, content, features, error);
    }
    if (status == LOP_OK && *values == LOP_INPUT_AUTO)
        *values = part->samples.bytes || all_bytes ? LOP_INPUT_BYTES : LOP_INPUT_FLOATS;
    return status;
}

lop_status lop_inputs_read(lop_inputs **out, const char *path, size_t features,
                           lop_input_values values, lop_error *error)
{
    lopi_bytes content = {0};
    lopi_part part = {0};
    lop_status status = lopi_source_load(&content, path, LOP_MAX_DATA_BYTES, error);
    if (status == LOP_OK)
        status = parse(&part, path, &content, features, &values, error);
    if (status == LOP_OK && part.samples.features != features)
        status =
            lopi_fail_file(error, LOP_E_SHAPE, path, "expected samples of %zu values, found %zu",
                           features, part.samples.features);
    if (status == LOP_OK && values == LOP_INPUT_BYTES && part.samples.floats)
        status = make_bytes(&part, path, error);
    else if (status == LOP_OK && values == LOP_INPUT_FLOATS && part.samples.bytes)
        status = make_floats(&part, error);
    lop_inputs *inputs = status == LOP_OK ? lopi_alloc(1, sizeof *inputs) : NULL;
    if (status == LOP_OK && !inputs)
        status = lopi_fail_memory(error, sizeof *inputs);
    if (status == LOP_OK) {
        lopi_free(part.labels);
        part.labels = NULL;
        part.samples.labels = NULL;
        part.samples.classes = 0;
        inputs->part = part;
        *out = inputs;
        part = (lopi_part){0};
    }
    lopi_part_free(&part);
    lopi_free(content.data);
    return status;
}

const lop_samples *lop_inputs_samples(const lop_inputs *inputs) { return &inputs->part.samples; }

void lop_inputs_free(lop_inputs *inputs)
{
    if (!inputs)
        return;
    lopi_part_free(&inputs->part);
    lopi_free(inputs);
}
