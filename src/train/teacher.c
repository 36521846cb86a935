#include "train/teacher.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/evaluate.h"

enum { PASS = 1000 }; /* samples at once */

static lop_status run(lopi_teacher *teacher, const lop_train_options *options,
                      const lop_samples *samples, const lop_split *split, lop_error *error)
{
    lop_compute *compute = NULL;
    size_t values = 0, classes = teacher->classes;
    size_t most = split->train_count < PASS ? split->train_count : PASS;
    float *x = NULL, *logits = lopi_alloc_aligned(most * classes, sizeof *logits);
    lop_status status = LOP_OK;
    if (lopi_multiply(most, samples->features, &values))
        x = lopi_alloc_aligned(values, sizeof *x);
    if (!x || !logits) {
        status = lopi_fail_memory(error, values * sizeof *x);
        goto out;
    }
    status = lop_compute_new(&compute, options->teacher, most, options->precision, error);
    for (size_t first = 0; status == LOP_OK && first < split->train_count; first += most) {
        const uint32_t *indices = split->train + first;
        size_t size = split->train_count - first < most ? split->train_count - first : most;
        lop_batch_gather(samples, indices, 0, size, x, NULL);
        status = lop_compute_forward(compute, x, size, logits, error);
        for (size_t i = 0; status == LOP_OK && i < size; i++)
            memcpy(teacher->logits + indices[i] * classes, logits + i * classes,
                   classes * sizeof *logits);
    }
out:
    lop_compute_free(compute);
    lopi_free(x);
    lopi_free(logits);
    return status;
}

lop_status lopi_teacher_init(lopi_teacher *teacher, const lop_train_options *options,
                             const lop_samples *samples, const lop_split *split, lop_error *error)
{
    size_t values = SIZE_MAX;
    lopi_teacher made = {.logits = NULL};
    if (!options->teacher)
        return LOP_OK;
    lop_status status = lopi_samples_fit(options->teacher, samples, error);
    if (status == LOP_OK)
        status = lop_network_check_finite(options->teacher, error);
    if (status != LOP_OK)
        return status;
    made.classes = lop_network_outputs(options->teacher);
    if (lopi_multiply(samples->count, made.classes, &values))
        made.logits = lopi_alloc(values, sizeof *made.logits);
    made.batch = lopi_alloc(options->batch_size, made.classes * sizeof *made.batch);
    if (!made.logits || !made.batch)
        status = lopi_fail_memory(error, values);
    else
        status = run(&made, options, samples, split, error);
    if (status == LOP_OK)
        *teacher = made;
    else
        lopi_teacher_end(&made);
    return status;
}

void lopi_teacher_end(lopi_teacher *teacher)
{
    lopi_free(teacher->logits);
    lopi_free(teacher->batch);
    *teacher = (lopi_teacher){.logits = NULL};
}

const float *lopi_teacher_batch(lopi_teacher *teacher, const uint32_t *indices, size_t size)
{
    size_t classes = teacher->classes;
    if (!teacher->logits)
        return NULL;
    for (size_t i = 0; i < size; i++)
        memcpy(teacher->batch + i * classes, teacher->logits + indices[i] * classes,
               classes * sizeof *teacher->batch);
    return teacher->batch;
}

/* FNV-1a over 32-bit words (Fowler, Noll and Vo). */
static uint64_t hash_floats(uint64_t hash, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &values[i], sizeof word);
        hash = (hash ^ word) * 0x100000001B3ull;
    }
    return (hash ^ count) * 0x100000001B3ull;
}

uint64_t lopi_teacher_hash(const lop_network *teacher)
{
    uint64_t hash = 0xCBF29CE484222325ull;
    const lop_layer *layer;
    if (!teacher)
        return 0;
    for (size_t l = 0; (layer = lop_network_layer(teacher, l)); l++) {
        hash = hash_floats(hash, layer->weight, layer->outputs * layer->inputs);
        hash = hash_floats(hash, layer->bias, layer->bias ? layer->outputs : 0);
    }
    return hash;
}
