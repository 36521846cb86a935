#include "bench_measure.h"

#include <math.h>
#include <stdlib.h>

#include <lop/machine.h>
#include <lop/plan_cache.h>

#include "bench_plan.h"
#include "place.h"
#include "sorted.h"

enum { TURNS = 10, MOST_TIMES = 20000, LARGEST = 512, VARIANTS = 64 };

const size_t bench_batches[BENCH_BATCHES] = {1, 8, 32, 128, LARGEST};

/* One form at work. */
typedef struct contender {
    runner runner;
    double *times; /* [count] of MOST_TIMES, microseconds */
    size_t count;
    double joules, seconds; /* while it ran; joules NAN without a counter */
    lop_energy_meter meter;
} contender;

static lop_status samples_begin(bench_samples *out, const packed_network *network, lop_error *error)
{
    const lop_samples *test = network->dataset ? lop_dataset_test(network->dataset) : NULL;
    if (test && test->count >= LARGEST + VARIANTS) {
        out->view = *test;
        return LOP_OK;
    }
    size_t features = lop_packed_inputs(network->packed), count = LARGEST + VARIANTS;
    lop_packed_layer first = {0};
    lop_status status = lop_packed_layer_get(network->packed, 0, &first, error);
    if (status != LOP_OK)
        return status;
    out->drawn = calloc(count, features);
    if (!out->drawn)
        return usage_error(error, LOP_E_MEMORY, "out of memory for samples");
    uint32_t state = 2463534242u; /* what is drawn decides times, never results */
    double density = first.input_density > 0 ? (double)first.input_density : 1;
    for (size_t i = 0; i < count * features; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        out->drawn[i] = (double)(state >> 8) < density * 0x1p24 ? (uint8_t)(1 + state % 255) : 0;
    }
    out->view = (lop_samples){.count = count, .features = features, .bytes = out->drawn};
    return LOP_OK;
}

static lop_status make_contender(contender *c, session *s, const packed_network *network,
                                 const lop_plan_options *options, bool anew, lop_error *error)
{
    lop_plan *plan = NULL;
    lop_plan_cache_facts facts = {0};
    c->times = calloc(MOST_TIMES, sizeof *c->times);
    if (!c->times)
        return usage_error(error, LOP_E_MEMORY, "out of memory for times");
    const lop_data_options place = {.cache_dir = place_of_data()};
    lop_status status =
        lop_plan_cached(&plan, network->packed, options, &place, anew, &facts, error);
    if (status != LOP_OK)
        return status;
    if (!facts.file[0])
        say_more(s, "the plan is not kept: %s",
                 place_of_data() ? facts.why.text : "neither LOP_DATA nor HOME is set");
    else if (facts.why.code != LOP_OK)
        say_more(s, "plans are kept in %s: %s", facts.file, facts.why.text);
    else
        say_more(s, "plan %s %s", facts.found ? "of" : "measured, kept in", facts.file);
    return runner_begin(&c->runner, plan, error);
}

/* Runs of one form for about `seconds`, each on other samples. */
static lop_status take_turn(contender *c, const bench_samples *x, size_t batch, double seconds,
                            float *y, lop_error *error)
{
    double start = lop_clock_seconds(), now = start;
    double joules = lop_energy_read(&c->meter);
    for (size_t i = 0; i == 0 || now - start < seconds; i++) {
        double before = lop_clock_seconds();
        lop_status status = runner_run(&c->runner, &x->view, i % VARIANTS, batch, y, error);
        if (status != LOP_OK)
            return status;
        now = lop_clock_seconds();
        if (c->count < MOST_TIMES)
            c->times[c->count++] = 1e6 * (now - before);
    }
    c->joules += lop_energy_read(&c->meter) - joules;
    c->seconds += now - start;
    return LOP_OK;
}

static bench_times times_of(contender *c, size_t batch)
{
    double middle = median(c->times, c->count);
    return (bench_times){
        .median_us = middle,
        .low_us = c->times[c->count / 20],
        .high_us = c->times[c->count - 1 - c->count / 20],
        .joules = c->joules / c->seconds * 1e-6 * middle / (double)batch,
    };
}

static lop_status measure_batch(bench_times *out, contender *list, const bench_samples *x,
                                size_t batch, double seconds, float *y, lop_error *error)
{
    for (size_t f = 0; f < FORM_COUNT; f++) {
        list[f].count = 0;
        list[f].joules = list[f].seconds = 0;
    }
    /* The first turn meets cold caches; its times are dropped. */
    for (size_t turn = 0; turn <= TURNS; turn++)
        for (size_t f = 0; f < FORM_COUNT; f++) {
            if (!list[f].runner.plan)
                continue;
            lop_status status = take_turn(&list[f], x, batch, seconds / TURNS, y, error);
            if (status != LOP_OK)
                return status;
            if (turn == 0)
                list[f].count = 0;
        }
    for (size_t f = 0; f < FORM_COUNT; f++)
        if (list[f].runner.plan)
            out[f] = times_of(&list[f], batch);
    return LOP_OK;
}

/* What stays the same from one number of threads to the next. */
typedef struct job {
    session *s;
    const packed_network *network;
    const packed_values *values;
    const bench_wanted *wanted;
    bench_samples x;
    float *y;
} job;

static lop_status make_forms(const job *j, bench_findings *out, contender *list, size_t threads,
                             lop_error *error)
{
    lop_plan_options options = packed_plan_options(j->values);
    options.threads = threads;
    options.samples = packed_plan_samples(j->network);
    contender *planned = &list[FORM_PLANNED];
    lop_status status = make_contender(planned, j->s, j->network, &options, j->wanted->anew, error);
    if (status != LOP_OK)
        return status;
    lop_plan_facts_get(planned->runner.plan, &out->facts[FORM_PLANNED]);
    lop_energy_estimate(planned->runner.plan, &out->energy[FORM_PLANNED]);
    static const char *const names[] = {[LOP_RUN_AUTO] = "auto",
                                        [LOP_RUN_FLOAT32] = "float32",
                                        [LOP_RUN_INT8] = "int8",
                                        [LOP_RUN_BF16] = "bf16",
                                        [LOP_RUN_FP16] = "fp16"};
    lop_run_precision precision = out->facts[FORM_PLANNED].precision;
    out->forms[FORM_PLANNED] = out->forms[FORM_DENSE] = names[precision];
    out->forms[FORM_DENSE_FLOAT32] = precision == LOP_RUN_FLOAT32 ? NULL : names[LOP_RUN_FLOAT32];
    options.dense = true;
    for (size_t f = FORM_DENSE; f < FORM_COUNT && out->forms[f]; f++) {
        options.precision = f == FORM_DENSE ? precision : LOP_RUN_FLOAT32;
        status = make_contender(&list[f], j->s, j->network, &options, j->wanted->anew, error);
        if (status != LOP_OK)
            return status;
        lop_plan_facts_get(list[f].runner.plan, &out->facts[f]);
        lop_energy_estimate(list[f].runner.plan, &out->energy[f]);
    }
    return LOP_OK;
}

static lop_status measure_team(const job *j, bench_findings *out, size_t team, lop_plan **planned,
                               lop_error *error)
{
    contender list[FORM_COUNT] = {0};
    lop_status status = make_forms(j, out, list, out->threads[team], error);
    for (size_t b = 0; b < BENCH_BATCHES && status == LOP_OK; b++)
        status = measure_batch(out->times[team][b], list, &j->x, bench_batches[b],
                               j->wanted->seconds, j->y, error);
    if (status == LOP_OK && !*planned) {
        *planned = list[FORM_PLANNED].runner.plan;
        list[FORM_PLANNED].runner.plan = NULL;
    }
    for (size_t f = 0; f < FORM_COUNT; f++) {
        runner_end(&list[f].runner);
        free(list[f].times);
    }
    return status;
}

lop_status bench_measure(bench_findings *out, lop_plan **planned, session *s,
                         const packed_network *network, const packed_values *v,
                         const bench_wanted *wanted, lop_error *error)
{
    job j = {.s = s, .network = network, .values = v, .wanted = wanted};
    lop_machine machine;
    lop_machine_get(&machine);
    *out = (bench_findings){.threads = {wanted->threads ? wanted->threads : 1, machine.cores},
                            .teams = wanted->threads || machine.cores == 1 ? 1 : 2};
    j.y = calloc(LARGEST, lop_packed_outputs(network->packed) * sizeof *j.y);
    lop_status status = j.y ? samples_begin(&j.x, network, error)
                            : usage_error(error, LOP_E_MEMORY, "out of memory for the outputs");
    out->real_data = !j.x.drawn;
    if (status == LOP_OK)
        status = bench_start(&out->start, network, &j.x, v, error);
    for (size_t team = 0; team < out->teams && status == LOP_OK; team++)
        status = measure_team(&j, out, team, planned, error);
    if (status == LOP_OK && wanted->singles)
        status = bench_singles(out->single, *planned, network, &j.x, v, wanted->seconds, error);
    free(j.x.drawn);
    free(j.y);
    return status;
}
