#include "data/part.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#define TEST_SHARE 6 /* one of so many samples, as in MNIST: 10,000 of 70,000, nearly */

void lopi_part_free(lopi_part *part)
{
    lopi_free(part->values);
    lopi_free(part->labels);
    *part = (lopi_part){0};
}

lop_status lopi_part_to_bytes(lopi_part *part, lop_error *error)
{
    size_t count = part->samples.count * part->samples.features; /* the floats are in memory */
    uint8_t *bytes = lopi_alloc(count, 1);
    if (!bytes)
        return lopi_fail_memory(error, count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)part->samples.floats[i];
    lopi_free(part->values);
    part->values = bytes;
    part->samples.bytes = bytes;
    part->samples.floats = NULL;
    return LOP_OK;
}

/* The samples whose mark is `wanted`, of which there are `count`. */
static lop_status pick(lopi_part *out, const lop_samples *from, const uint8_t *marks,
                       uint8_t wanted, size_t count, lop_error *error)
{
    lopi_part made = {.samples = *from};
    size_t row = from->features * sizeof(float);
    float *values = made.values = lopi_alloc(count, row);
    made.labels = lopi_alloc(count, sizeof *made.labels);
    if (!made.values || !made.labels) {
        lopi_part_free(&made);
        return lopi_fail_memory(error, count * row);
    }
    size_t next = 0;
    for (size_t i = 0; i < from->count; i++) {
        if (marks[i] != wanted)
            continue;
        memcpy(values + next * from->features, from->floats + i * from->features, row);
        made.labels[next++] = from->labels[i];
    }
    made.samples.count = count;
    made.samples.floats = values;
    made.samples.labels = made.labels;
    *out = made;
    return LOP_OK;
}

lop_status lopi_part_divide(lopi_part *part, lopi_part *test, const char *path, lop_error *error)
{
    const lop_samples *all = &part->samples;
    if (all->count < TEST_SHARE)
        return lopi_fail_file(error, LOP_E_FORMAT, path,
                              "expected at least %d samples to set a test part aside, found %zu",
                              TEST_SHARE, all->count);
    size_t test_count = all->count / TEST_SHARE;
    lopi_part first = {0}, second = {0};
    uint32_t *order = lopi_alloc(all->count, sizeof *order);
    uint8_t *marks = lopi_alloc(all->count, 1);
    lop_status status = LOP_OK;
    if (!order || !marks) {
        status = lopi_fail_memory(error, all->count * sizeof *order);
        goto out;
    }
    for (size_t i = 0; i < all->count; i++)
        order[i] = (uint32_t)i;
    lopi_random random = lopi_random_stream(0, LOPI_STREAM_DATA, 0);
    lopi_random_shuffle(&random, order, all->count);
    for (size_t i = 0; i < test_count; i++)
        marks[order[i]] = 1;
    status = pick(&first, all, marks, 0, all->count - test_count, error);
    if (status == LOP_OK)
        status = pick(&second, all, marks, 1, test_count, error);
    if (status != LOP_OK)
        goto out;
    lopi_part_free(part);
    *part = first;
    *test = second;
    first = (lopi_part){0};
out:
    lopi_part_free(&first);
    lopi_free(order);
    lopi_free(marks);
    return status;
}
