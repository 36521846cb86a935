/* What predicting takes once a network is shipped: packed, planned by measuring, and run. */
#include <stdlib.h>

#include <lop/energy.h>
#include <lop/machine.h>
#include <lop/pack.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/sorted.h"
#include "experiment/measure.h"

enum { BATCH = 256, LEAST_RUNS = 5, MOST_RUNS = 20000, ROUNDS = 4, FORMS = 2 };
static const double round_seconds = 0.04; /* of one form at one size of batch */

/* A network in one form: for single samples, and for batches. */
typedef struct form {
    lop_packed *packed;
    lop_plan *single, *batch;
    void *workspace; /* [size], for either */
    size_t size;
    double latency_us, seconds_a_batch; /* the best round's */
    double joules, samples;             /* of single samples; joules NaN without a counter */
} form;

typedef struct bench {
    form form[FORMS];
    float *x, *y; /* [BATCH][inputs], [BATCH][outputs] */
    size_t inputs;
    double *times; /* [MOST_RUNS] */
    lop_energy_meter meter;
} bench;

/* Planned on `samples`, which are those that it is timed on too. */
static lop_status make_form(form *f, const lop_network *network, const lop_pack_options *pack,
                            lop_plan_samples samples, bool dense, lop_error *error)
{
    lop_plan_options options = {
        .measure = true, .samples = samples, .dense = dense, .max_batch = 1};
    lop_status status = lop_pack(&f->packed, network, pack, error);
    if (status == LOP_OK)
        status = lop_plan_new(&f->single, f->packed, &options, error);
    options.max_batch = BATCH;
    options.min_batch = 32;
    options.threads = lop_threads_get();
    if (status == LOP_OK)
        status = lop_plan_new(&f->batch, f->packed, &options, error);
    if (status != LOP_OK)
        return status;
    size_t one = lop_plan_workspace(f->single), many = lop_plan_workspace(f->batch);
    f->size = one > many ? one : many;
    f->workspace = lopi_alloc_aligned(f->size, 1);
    return f->workspace ? LOP_OK : lopi_fail_memory(error, f->size);
}

static void end_form(form *f)
{
    lop_plan_free(f->single);
    lop_plan_free(f->batch);
    lop_packed_free(f->packed);
    lopi_free(f->workspace);
}

/* Runs for about round_seconds; `samples` is 1, another sample each time, or BATCH. Seconds of the
 * median run. The first ones meet cold caches and count for nothing. */
static lop_status run_round(bench *b, const form *f, size_t samples, double *median,
                            lop_error *error)
{
    const lop_plan *plan = samples == 1 ? f->single : f->batch;
    double start = lop_clock_seconds(), now = start;
    size_t count = 0;
    for (size_t i = 0; count < LEAST_RUNS || (now - start < round_seconds && count < MOST_RUNS);
         i++) {
        const float *x = b->x + (samples == 1 ? i % BATCH * b->inputs : 0);
        double before = lop_clock_seconds();
        lop_status status = lop_plan_run(plan, x, samples, b->y, f->workspace, f->size, error);
        if (status != LOP_OK)
            return status;
        now = lop_clock_seconds();
        if (i >= LEAST_RUNS)
            b->times[count++] = now - before;
    }
    lopi_sort_numbers(b->times, count);
    *median = b->times[count / 2];
    return LOP_OK;
}

/* One form once; of its rounds the best counts. */
static lop_status take_turn(bench *b, form *f, bool first, lop_error *error)
{
    double one = 0, many = 0, before = lop_energy_read(&b->meter), start = lop_clock_seconds();
    lop_status status = run_round(b, f, 1, &one, error);
    double seconds = lop_clock_seconds() - start;
    f->joules += lop_energy_read(&b->meter) - before;
    f->samples += seconds / one;
    if (status == LOP_OK)
        status = run_round(b, f, BATCH, &many, error);
    if (status != LOP_OK)
        return status;
    f->latency_us = first || 1e6 * one < f->latency_us ? 1e6 * one : f->latency_us;
    f->seconds_a_batch = first || many < f->seconds_a_batch ? many : f->seconds_a_batch;
    return LOP_OK;
}

static lop_status measure(bench *b, lop_result *result, lop_error *error)
{
    lop_status status = LOP_OK;
    /* In turns, so that a slow moment of the machine hits both. */
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < FORMS && status == LOP_OK; i++)
            status = take_turn(b, &b->form[i], round == 0, error);
    if (status != LOP_OK)
        return status;
    const form *pruned = &b->form[0], *dense = &b->form[1];
    lop_energy small, whole;
    lop_energy_estimate(pruned->single, &small);
    lop_energy_estimate(dense->single, &whole);
    result->latency_us_batch1 = pruned->latency_us;
    result->throughput_batch256 = BATCH / pruned->seconds_a_batch;
    result->dense_latency_us_batch1 = dense->latency_us;
    result->dense_throughput_batch256 = BATCH / dense->seconds_a_batch;
    result->energy_uj_estimate = small.microjoules;
    result->dense_energy_uj_estimate = whole.microjoules;
    result->energy_uj_measured = 1e6 * pruned->joules / pruned->samples;
    result->dense_energy_uj_measured = 1e6 * dense->joules / dense->samples;
    return LOP_OK;
}

lop_status lopi_result_time_planned(lop_result *result, const lop_network *dense,
                                    const lop_network *pruned, const lop_samples *samples,
                                    const lop_split *split, lop_error *error)
{
    const lop_pack_options pack = {
        .samples = samples,
        .indices = split->train,
        .sample_count = split->train_count < 1000 ? split->train_count : 1000,
    };
    bench b = {
        .inputs = samples->features,
        .x = lopi_alloc(BATCH * samples->features, sizeof *b.x),
        .y = lopi_alloc(BATCH * lop_network_outputs(dense), sizeof *b.y),
        .times = lopi_alloc(MOST_RUNS, sizeof *b.times),
    };
    lop_error why = {0};
    lop_status status = b.x && b.y && b.times
                            ? LOP_OK
                            : lopi_fail_memory(error, BATCH * samples->features * sizeof *b.x);
    for (size_t i = 0; i < BATCH && status == LOP_OK; i++)
        lop_batch_gather(samples, split->train + i % split->train_count, 0, 1,
                         b.x + i * samples->features, NULL);
    const lop_plan_samples probes = {.floats = b.x, .count = BATCH};
    if (status == LOP_OK)
        status = make_form(&b.form[0], pruned, &pack, probes, false, &why);
    if (status == LOP_OK)
        status = make_form(&b.form[1], dense, &pack, probes, true, &why);
    /* What cannot be packed has no such times; that is no failure of the sweep. */
    if (status == LOP_OK)
        status = measure(&b, result, error);
    else if (status == LOP_E_UNSUPPORTED || status == LOP_E_NAN)
        status = LOP_OK;
    else if (error && why.code != LOP_OK)
        *error = why;
    for (size_t i = 0; i < FORMS; i++)
        end_form(&b.form[i]);
    lopi_free(b.x);
    lopi_free(b.y);
    lopi_free(b.times);
    return status;
}
