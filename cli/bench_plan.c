#include "bench_plan.h"

#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>
#include <lop/pack.h>
#include <lop/plan_cache.h>

#include "place.h"
#include "sorted.h"

enum { STARTS = 7, TURNS = 11, MOST_SINGLES = 64 };
static const double near = 2;

/* First answers. ------------------------------------------------------------------------------ */

/* Answer one sample by a plan that was just made, which ends here. */
static lop_status answer(lop_plan *plan, const lop_packed *packed, const bench_samples *x,
                         lop_error *error)
{
    runner r = {0};
    float *y = calloc(lop_packed_outputs(packed), sizeof *y);
    lop_status status = runner_begin(&r, plan, error);
    if (status == LOP_OK && !y)
        status = usage_error(error, LOP_E_MEMORY, "out of memory for the outputs");
    if (status == LOP_OK)
        status = runner_run(&r, &x->view, 0, 1, y, error);
    runner_end(&r);
    free(y);
    return status;
}

typedef struct start {
    const uint8_t *file; /* [size] */
    size_t size;
    const bench_samples *x;
    lop_plan_options options;
} start;

static lop_status start_once(const start *s, bool kept, double *open_ms, double *plan_ms,
                             lop_error *error)
{
    lop_packed *packed = NULL;
    lop_plan *plan = NULL;
    const lop_data_options place = {.cache_dir = place_of_data()};
    double before = lop_clock_seconds(), opened = 0;
    lop_status status = lop_packed_open(&packed, s->file, s->size, 0, error);
    opened = lop_clock_seconds();
    if (status == LOP_OK)
        status = kept ? lop_plan_cached(&plan, packed, &s->options, &place, false, NULL, error)
                      : lop_plan_new(&plan, packed, &s->options, error);
    if (status == LOP_OK)
        status = answer(plan, packed, s->x, error);
    *open_ms = 1e3 * (opened - before);
    *plan_ms = 1e3 * (lop_clock_seconds() - opened);
    lop_packed_free(packed);
    return status;
}

lop_status bench_start(bench_start_times *out, const packed_network *network,
                       const bench_samples *x, const packed_values *v, lop_error *error)
{
    uint8_t *file = NULL;
    size_t size = 0;
    double opens[STARTS], plans[STARTS], restores[STARTS], ignored;
    lop_status status = lop_packed_encode(network->packed, &file, &size, error);
    start todo = {.file = file, .size = size, .x = x, .options = packed_plan_options(v)};
    todo.options.samples = packed_plan_samples(network);
    todo.options.max_batch = 1; /* who waits for one answer plans for no more */
    /* The first one with a kept plan measures and keeps it, where it is not there yet. */
    if (status == LOP_OK)
        status = start_once(&todo, true, &ignored, &ignored, error);
    for (size_t i = 0; i < STARTS && status == LOP_OK; i++) {
        status = start_once(&todo, false, &opens[i], &plans[i], error);
        if (status == LOP_OK)
            status = start_once(&todo, true, &ignored, &restores[i], error);
    }
    if (status == LOP_OK)
        *out = (bench_start_times){median(opens, STARTS), median(plans, STARTS),
                                   median(restores, STARTS)};
    free(file);
    return status;
}

/* Single kernels. ----------------------------------------------------------------------------- */

/* Kernels that are candidates of some layer, each once. */
static size_t list_kernels(const char **out, const lop_plan *plan, size_t class, size_t layers)
{
    size_t count = 0;
    for (size_t l = 0; l < layers; l++) {
        lop_plan_choice choice;
        if (lop_plan_choice_get(plan, class, l, &choice, NULL) != LOP_OK)
            continue;
        for (size_t i = 0; i < choice.candidate_count; i++) {
            size_t at = 0;
            while (at < count && strcmp(out[at], choice.candidates[i].kernel) != 0)
                at++;
            if (at == count && count < MOST_SINGLES)
                out[count++] = choice.candidates[i].kernel;
        }
    }
    return count;
}

/* What a network of this kernel took layer by layer, over what the plan did. */
static double expected(const lop_plan *plan, size_t class, size_t layers, const char *kernel)
{
    double own = 0, planned = 0;
    for (size_t l = 0; l < layers; l++) {
        lop_plan_choice choice;
        if (lop_plan_choice_get(plan, class, l, &choice, NULL) != LOP_OK)
            continue;
        double ns = 0;
        for (size_t i = 0; i < choice.candidate_count; i++)
            if (strcmp(choice.candidates[i].kernel, kernel) == 0)
                ns = choice.candidates[i].ns;
        /* Where it is no candidate it cannot compute the layer, or is hopeless. */
        own += ns > 0 ? ns : choice.chosen.ns;
        planned += choice.chosen.ns;
    }
    return own / planned;
}

typedef struct contest {
    const bench_samples *x;
    size_t batch, threads; /* the plan's: both sides have as many */
    double turn_seconds;
    float *y;
} contest;

/* Microseconds of one run; `at` counts them. */
static lop_status time_runs(const contest *c, const runner *r, double *out, lop_error *error)
{
    double begin, now;
    size_t runs = 0, variants = c->x->view.count - c->batch + 1;
    variants = variants < 64 ? variants : 64;
    /* The first meets cold caches. */
    lop_status status = runner_run(r, &c->x->view, 0, c->batch, c->y, error);
    begin = now = lop_clock_seconds();
    while (status == LOP_OK && (runs == 0 || now - begin < c->turn_seconds)) {
        status = runner_run(r, &c->x->view, runs++ % variants, c->batch, c->y, error);
        now = lop_clock_seconds();
    }
    *out = 1e6 * (now - begin) / (double)runs;
    return status;
}

static lop_status compare_one(const contest *c, const runner *planned, const runner *single,
                              bench_single *out, lop_error *error)
{
    double own[TURNS] = {0}, others[TURNS] = {0}, ratios[TURNS];
    lop_status status = LOP_OK;
    for (size_t t = 0; t < TURNS && status == LOP_OK; t++) {
        /* Neither is always the first of a turn. */
        status = t % 2 ? LOP_OK : time_runs(c, planned, &own[t], error);
        if (status == LOP_OK)
            status = time_runs(c, single, &others[t], error);
        if (status == LOP_OK && t % 2)
            status = time_runs(c, planned, &own[t], error);
        ratios[t] = own[t] / others[t];
    }
    if (status == LOP_OK) {
        out->planned_us = median(own, TURNS);
        out->single_us = median(others, TURNS);
        out->ratio = median(ratios, TURNS);
    }
    return status;
}

/* Whether both compute each layer alike: then they are one network, and where its weights happened
 * to lie in memory would be all that a comparison tells. */
static bool same_choices(const lop_plan *planned, size_t class, const lop_plan *single,
                         size_t layers)
{
    for (size_t l = 0; l < layers; l++) {
        lop_plan_choice a, b;
        if (lop_plan_choice_get(planned, class, l, &a, NULL) != LOP_OK ||
            lop_plan_choice_get(single, 0, l, &b, NULL) != LOP_OK ||
            strcmp(a.chosen.kernel, b.chosen.kernel) != 0)
            return false;
    }
    return true;
}

static lop_status compare_class(bench_single *out, const runner *planned, size_t class,
                                const packed_network *network, const contest *c,
                                const packed_values *v, lop_error *error)
{
    const char *kernels[MOST_SINGLES];
    size_t layers = lop_packed_layer_count(network->packed);
    size_t count = list_kernels(kernels, planned->plan, class, layers);
    lop_status status = LOP_OK;
    for (size_t i = 0; i < count && status == LOP_OK; i++) {
        lop_plan_options options = packed_plan_options(v);
        lop_plan *plan = NULL;
        runner single = {0};
        bench_single found = {0};
        options.kernel = kernels[i];
        options.threads = c->threads;
        options.min_batch = options.max_batch = c->batch;
        options.measure = true;
        options.samples = packed_plan_samples(network);
        if (expected(planned->plan, class, layers, kernels[i]) > near)
            continue;
        status = lop_plan_new(&plan, network->packed, &options, error);
        if (status == LOP_OK)
            status = runner_begin(&single, plan, error);
        if (status == LOP_OK)
            status = compare_one(c, planned, &single, &found, error);
        if (status == LOP_OK && same_choices(planned->plan, class, plan, layers))
            found.ratio = 1;
        if (status == LOP_OK && (!out->kernel[0] || found.ratio > out->ratio)) {
            *out = found;
            snprintf(out->kernel, sizeof out->kernel, "%s", kernels[i]);
        }
        runner_end(&single);
    }
    return status;
}

lop_status bench_singles(bench_single *out, const lop_plan *planned, const packed_network *network,
                         const bench_samples *x, const packed_values *v, double seconds,
                         lop_error *error)
{
    lop_plan_facts facts;
    lop_plan_facts_get(planned, &facts);
    /* Borrowed: it is ended by its owner. */
    runner r = {.plan = (lop_plan *)(uintptr_t)planned, .size = facts.workspace_bytes};
    contest c = {.x = x, .threads = facts.threads, .turn_seconds = seconds / TURNS / 4};
    r.workspace = aligned_alloc(64, r.size);
    c.y =
        calloc(bench_batches[BENCH_BATCHES - 1], lop_packed_outputs(network->packed) * sizeof *c.y);
    lop_status status = r.workspace && c.y
                            ? LOP_OK
                            : usage_error(error, LOP_E_MEMORY, "out of memory for a workspace");
    for (size_t b = 0; b < BENCH_BATCHES && b < facts.classes && status == LOP_OK; b++) {
        c.batch = bench_batches[b];
        out[b] = (bench_single){0};
        status = compare_class(&out[b], &r, b, network, &c, v, error);
    }
    free(r.workspace);
    free(c.y);
    return status;
}
