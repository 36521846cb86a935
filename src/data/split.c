#include <lop/data.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#define VALIDATION_SHARE 12

size_t lop_split_default_count(const lop_samples *samples)
{
    size_t count = samples->count / VALIDATION_SHARE;
    return count > 0 ? count : 1;
}

lop_status lop_split_new(lop_split *out, const lop_samples *samples, size_t validation_count,
                         uint64_t seed, lop_error *error)
{
    size_t count = samples->count;
    if (validation_count == 0 || validation_count >= count)
        return lopi_fail(error, LOP_E_RANGE, "expected 1 to %zu samples for validation, found %zu",
                         count > 0 ? count - 1 : 0, validation_count);
    lop_split made = {.train_count = count - validation_count,
                      .validation_count = validation_count};
    uint32_t *order = lopi_alloc(count, sizeof *order);
    uint8_t *validates = lopi_alloc(count, 1);
    made.train = lopi_alloc(made.train_count, sizeof *made.train);
    made.validation = lopi_alloc(validation_count, sizeof *made.validation);
    lop_status status = LOP_OK;
    if (!order || !validates || !made.train || !made.validation) {
        status = lopi_fail_memory(error, count * sizeof *order);
        lop_split_free(&made);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    lopi_random random = lopi_random_stream(seed, LOPI_STREAM_SPLIT, 0);
    lopi_random_shuffle(&random, order, count);
    for (size_t i = made.train_count; i < count; i++)
        validates[order[i]] = 1;
    size_t train = 0, validation = 0;
    for (size_t i = 0; i < count; i++) {
        if (validates[i])
            made.validation[validation++] = (uint32_t)i;
        else
            made.train[train++] = (uint32_t)i;
    }
    *out = made;
out:
    lopi_free(order);
    lopi_free(validates);
    return status;
}

void lop_split_free(lop_split *split)
{
    if (!split)
        return;
    lopi_free(split->train);
    lopi_free(split->validation);
    *split = (lop_split){0};
}
