#include <lop/experiment.h>

#include <stdlib.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sorted.h"

enum { LARGE_BATCH = 256, MOST_REPETITIONS = 100000, LEAST_REPETITIONS = 5 };

typedef struct bench {
    lop_compute *compute;
    float *x, *logits;
    double *times; /* [count] of single passes, rising once measured; room for MOST_REPETITIONS */
    size_t count;
} bench;

/* Pass after pass for about `seconds`. */
static lop_status repeat_pass(bench *b, size_t batch, double seconds, lop_error *error)
{
    double start = lop_clock_seconds();
    b->count = 0;
    /* The first passes meet cold caches and unset clocks; they count for nothing. */
    for (size_t i = 0; b->count < MOST_REPETITIONS; i++) {
        double before = lop_clock_seconds();
        lop_status status = lop_compute_forward(b->compute, b->x, batch, b->logits, error);
        if (status != LOP_OK)
            return status;
        double now = lop_clock_seconds();
        if (now - start > seconds / 10 && i >= LEAST_REPETITIONS)
            b->times[b->count++] = now - before;
        if (now - start > seconds && b->count >= LEAST_REPETITIONS)
            break;
    }
    lopi_sort_numbers(b->times, b->count);
    return LOP_OK;
}

lop_status lop_measure_timing(const lop_network *network, double seconds, lop_timing *out,
                              lop_error *error)
{
    size_t inputs = lop_network_inputs(network), outputs = lop_network_outputs(network);
    bench b = {
        .x = lopi_alloc_aligned(LARGE_BATCH * inputs, sizeof(float)),
        .logits = lopi_alloc_aligned(LARGE_BATCH * outputs, sizeof(float)),
        .times = lopi_alloc(MOST_REPETITIONS, sizeof(double)),
    };
    lop_timing timing = {0};
    lop_status status = LOP_OK;
    if (!b.x || !b.logits || !b.times)
        status = lopi_fail_memory(error, LARGE_BATCH * inputs * sizeof(float));
    lopi_random random = lopi_random_stream(0, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; status == LOP_OK && i < LARGE_BATCH * inputs; i++)
        b.x[i] = lopi_random_float(&random);

    if (status == LOP_OK)
        status = lop_compute_new(&b.compute, network, 1, LOP_FLOAT32, error);
    if (status == LOP_OK)
        status = repeat_pass(&b, 1, seconds / 2, error);
    if (status == LOP_OK)
        timing.latency_us_batch1 = 1e6 * b.times[b.count / 2];
    lop_compute_free(b.compute);
    b.compute = NULL;

    if (status == LOP_OK)
        status = lop_compute_new(&b.compute, network, LARGE_BATCH, LOP_FLOAT32, error);
    if (status == LOP_OK)
        status = repeat_pass(&b, LARGE_BATCH, seconds / 2, error);
    if (status == LOP_OK) {
        timing.throughput_batch256 = LARGE_BATCH / b.times[0];
        *out = timing;
    }
    lop_compute_free(b.compute);
    lopi_free(b.x);
    lopi_free(b.logits);
    lopi_free(b.times);
    return status;
}
