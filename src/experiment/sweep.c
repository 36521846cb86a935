#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/exchange.h>
#include <lop/experiment.h>
#include <lop/machine.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/directory.h"
#include "experiment/fields.h"
#include "experiment/measure.h"

/* Level 9 is what a patient user of zstd takes: 19 gains 1 % on weights and takes ten times as
 * long.
 */
enum { ZSTD_LEVEL = 9, NAME = 64, TIMING_ROUNDS = 4 };
static const double round_seconds = 0.08; /* for each of two networks at each point */

typedef struct sweep {
    const lop_recipe *recipe;
    const lop_dataset *dataset;
    const lop_sweep_options *options;
    lopi_sweep_directory directory;
    lop_split split;     /* of the seed at hand */
    lop_network *dense;  /* of the seed at hand; NULL until a point needs it */
    lop_result training; /* its record */
    char network[512];   /* widths, as results name it */
    size_t done, total;
} sweep;

/* A point: what a result is identified by, before it is measured. */
typedef struct point {
    uint64_t seed;
    lop_granularity method;
    double sparsity;
} point;

static void describe_point(const point *p, char *buffer, size_t size)
{
    snprintf(buffer, size, "seed %llu, %s %g %%", (unsigned long long)p->seed,
             lop_granularity_name(p->method), 100 * p->sparsity);
}

static lop_status identify(const sweep *s, const point *p, lop_result *result, lop_error *error)
{
    const char *wanted = p->method == LOP_GRANULARITY_WEIGHT ? s->recipe->weight_criterion
                                                             : s->recipe->unit_criterion;
    const lop_criterion *criterion;
    lop_status status = lop_criterion_find(wanted, p->method, &criterion, error);
    if (status != LOP_OK)
        return status;
    const struct {
        char **field;
        const char *value;
    } texts[] = {
        {&result->dataset, lop_dataset_name(s->dataset)},
        {&result->network, s->network},
        {&result->method, lop_granularity_name(p->method)},
        {&result->criterion, criterion->name},
        {&result->scope, lop_scope_name(s->recipe->scope)},
        {&result->schedule, "oneshot"},
        {&result->recipe, s->directory.recipe},
    };
    for (size_t i = 0; status == LOP_OK && i < sizeof texts / sizeof *texts; i++)
        status = lop_result_set_text(texts[i].field, texts[i].value, error);
    result->seed = p->seed;
    result->target_sparsity = p->sparsity;
    return status;
}

static lop_status point_is_there(const sweep *s, const point *p, bool *there, lop_error *error)
{
    lop_result wanted = lop_result_empty();
    lop_status status = identify(s, p, &wanted, error);
    *there = false;
    for (size_t i = 0; status == LOP_OK && !*there && i < s->directory.results.count; i++)
        *there = lop_result_same(&wanted, &s->directory.results.items[i]);
    lop_result_free(&wanted);
    return status;
}

/* The dense parent ----------------------------------------------------------------------------- */

/* Training speaks of itself; a sweep adds which seed it is. */
typedef struct voice {
    const lop_hooks *outer;
    char detail[NAME];
} voice;

static void pass_message(void *context, lop_level level, const char *text)
{
    const voice *v = context;
    lopi_message(v->outer, level, "%s, %s", v->detail, text);
}

static void pass_progress(void *context, const lop_progress *progress)
{
    const voice *v = context;
    lop_progress told = *progress;
    told.detail = v->detail;
    lopi_progress(v->outer, &told);
}

static bool pass_cancelled(void *context)
{
    return lopi_cancelled(((const voice *)context)->outer);
}

/* A trained network that an earlier process left, if it was trained as this recipe says. */
static lop_status dense_load(sweep *s, uint64_t seed, const char *path, lop_error *error)
{
    char *metadata = NULL;
    json_t *object = NULL, *expected = NULL, *trained = NULL;
    lop_status status = lop_network_load(&s->dense, path, &metadata, error);
    if (status == LOP_OK)
        status = lopi_training_object(s->recipe, seed, &expected, error);
    if (status != LOP_OK)
        goto out;
    object = json_loads(metadata, 0, NULL);
    const char *history = json_string_value(json_object_get(object, "lop.history"));
    const char *recipe = json_string_value(json_object_get(object, "lop.recipe"));
    trained = recipe ? json_loads(recipe, 0, NULL) : NULL;
    if (!history || !trained || !json_equal(trained, expected))
        status = lopi_fail_file(error, LOP_E_ARG, path,
                                "not trained by this sweep's recipe; remove it to train it anew");
    else
        status = lop_result_read(&s->training, history, strlen(history), error);
out:
    free(metadata);
    json_decref(object);
    json_decref(expected);
    json_decref(trained);
    return status;
}

static lop_status dense_train(sweep *s, uint64_t seed, const char *path, const char *checkpoint,
                              lop_error *error)
{
    voice v = {.outer = s->options->hooks};
    lop_hooks hooks = {&v, pass_message, pass_progress, pass_cancelled};
    snprintf(v.detail, sizeof v.detail, "seed %llu", (unsigned long long)seed);
    lop_run_options options = {
        .seed = seed,
        .output = path,
        .checkpoint = checkpoint,
        .resume = true,
        .hooks = &hooks,
    };
    lop_status status =
        lop_run(s->recipe, s->dataset, &options, &s->dense, &s->training, NULL, error);
    if (status == LOP_OK)
        unlink(checkpoint); /* the network itself is on the disk now */
    return status;
}

static lop_status dense_get(sweep *s, uint64_t seed, lop_error *error)
{
    char name[NAME];
    snprintf(name, sizeof name, "dense-seed%llu.safetensors", (unsigned long long)seed);
    char *path = lopi_path_join(s->directory.path, name);
    snprintf(name, sizeof name, "dense-seed%llu.checkpoint", (unsigned long long)seed);
    char *checkpoint = lopi_path_join(s->directory.path, name);
    lop_status status;
    if (!path || !checkpoint)
        status = lopi_fail_memory(error, NAME);
    else if (lopi_file_exists(path))
        status = dense_load(s, seed, path, error);
    else
        status = dense_train(s, seed, path, checkpoint, error);
    lopi_free(path);
    lopi_free(checkpoint);
    return status;
}

/* One point ------------------------------------------------------------------------------------ */

static void keep_best(lop_timing *best, const lop_timing *found, bool first)
{
    if (first || found->latency_us_batch1 < best->latency_us_batch1)
        best->latency_us_batch1 = found->latency_us_batch1;
    if (first || found->throughput_batch256 > best->throughput_batch256)
        best->throughput_batch256 = found->throughput_batch256;
}

/*
 * Dense and compacted in turn, and of each the best round: a machine's speed drifts and other work
 * comes and goes, but the ratio of the two stays.
 */
static lop_status measure_times(const sweep *s, const lop_network *compacted, lop_result *result,
                                lop_error *error)
{
    lop_timing dense = {0}, small = {0}, found;
    for (int i = 0; i < TIMING_ROUNDS; i++) {
        lop_status status = lop_measure_timing(s->dense, round_seconds, &found, error);
        if (status != LOP_OK)
            return status;
        keep_best(&dense, &found, i == 0);
        status = lop_measure_timing(compacted, round_seconds, &found, error);
        if (status != LOP_OK)
            return status;
        keep_best(&small, &found, i == 0);
    }
    result->dense_latency_us_batch1 = dense.latency_us_batch1;
    result->dense_throughput_batch256 = dense.throughput_batch256;
    result->compacted_latency_us_batch1 = small.latency_us_batch1;
    result->compacted_throughput_batch256 = small.throughput_batch256;
    return LOP_OK;
}

/* Sizes and times are those of the network that would be shipped: dead units removed. */
static lop_status measure_compacted(const sweep *s, const lop_network *pruned, lop_result *result,
                                    lop_error *error)
{
    lop_network *compacted = NULL;
    size_t bytes = 0;
    lop_status status = lop_compact(&compacted, pruned, error);
    if (status == LOP_OK)
        status = lop_zstd_bytes(compacted, ZSTD_LEVEL, &bytes, error);
    if (status == LOP_OK) {
        result->bytes_sparse = lop_sparse_bytes(compacted);
        result->bytes_zstd = bytes;
    }
    if (status == LOP_OK && !s->options->no_timing)
        status = measure_times(s, compacted, result, error);
    lop_network_free(compacted);
    return status;
}

static lop_status prune_copy(const sweep *s, const point *p, lop_network **out, double *seconds,
                             lop_error *error)
{
    const char *wanted = p->method == LOP_GRANULARITY_WEIGHT ? s->recipe->weight_criterion
                                                             : s->recipe->unit_criterion;
    lop_prune_options options = {
        .granularity = p->method,
        .scope = s->recipe->scope,
        .sparsity = p->sparsity,
        .include_output = s->recipe->include_output,
        .seed = p->seed,
    };
    lop_network *pruned = NULL;
    lop_status status = lop_criterion_find(wanted, p->method, &options.criterion, error);
    if (status == LOP_OK)
        status = lop_network_copy(&pruned, s->dense, error);
    double start = lop_clock_seconds();
    if (status == LOP_OK)
        status = lop_prune(pruned, &options, error);
    *seconds = lop_clock_seconds() - start;
    if (status == LOP_OK)
        *out = pruned;
    else
        lop_network_free(pruned);
    return status;
}

/* The dense network's result carries the epochs that led to it. */
static lop_status add_training(const sweep *s, const point *p, lop_result *result, lop_error *error)
{
    result->train_seconds = s->training.train_seconds;
    if (p->sparsity > 0 || s->training.epoch_count == 0)
        return LOP_OK;
    size_t count = s->training.epoch_count;
    result->epochs = lopi_alloc(count, sizeof *result->epochs);
    if (!result->epochs)
        return lopi_fail_memory(error, count * sizeof *result->epochs);
    memcpy(result->epochs, s->training.epochs, count * sizeof *result->epochs);
    result->epoch_count = count;
    return LOP_OK;
}

static lop_status measure_point(sweep *s, const point *p, lop_result *result, lop_error *error)
{
    lop_network *pruned = NULL;
    lop_status status = identify(s, p, result, error);
    if (status == LOP_OK)
        status = lopi_result_begin(result, s->dataset, s->dense, p->seed, error);
    if (status == LOP_OK)
        status = prune_copy(s, p, &pruned, &result->prune_seconds, error);
    if (status == LOP_OK)
        status = lopi_result_count(result, pruned, error);
    if (status == LOP_OK)
        status = lopi_result_evaluate(result, pruned, s->dataset, &s->split,
                                      s->recipe->train.evaluate_train, error);
    if (status == LOP_OK)
        status = measure_compacted(s, pruned, result, error);
    if (status == LOP_OK)
        status = add_training(s, p, result, error);
    size_t peak = lop_memory_peak_bytes();
    result->peak_memory_bytes = peak ? peak : LOP_ABSENT;
    lop_network_free(pruned);
    return status;
}

static lop_status do_point(sweep *s, const point *p, lop_error *error)
{
    char detail[NAME];
    lop_result result = lop_result_empty();
    describe_point(p, detail, sizeof detail);
    if (lopi_cancelled(s->options->hooks))
        return lopi_fail(error, LOP_E_CANCELLED, "stopped before %s", detail);
    lop_progress progress = {
        .what = "sweep",
        .detail = detail,
        .step = s->done,
        .steps = s->total,
        .loss = NAN,
        .accuracy = NAN,
        .samples_per_second = NAN,
        .seconds_left = NAN,
    };
    lopi_progress(s->options->hooks, &progress);
    lop_status status = LOP_OK;
    if (!s->dense) {
        status = dense_get(s, p->seed, error);
        if (status == LOP_OK)
            status = lopi_recipe_split(&s->split, s->recipe, s->dataset, p->seed, error);
    }
    if (status == LOP_OK)
        status = measure_point(s, p, &result, error);
    if (status == LOP_OK)
        status = lop_results_append(s->directory.results_path, &result, error);
    if (status == LOP_OK) {
        s->done++;
        if (s->options->on_result)
            s->options->on_result(s->options->context, &result, s->done, s->total);
    }
    lop_result_free(&result);
    return status;
}

/* All points ----------------------------------------------------------------------------------- */

static void seed_end(sweep *s)
{
    lop_network_free(s->dense);
    s->dense = NULL;
    lop_result_free(&s->training);
    lop_split_free(&s->split);
    s->split = (lop_split){0};
}

/* Visit every point: count those that are there, or do those that are not. */
static lop_status visit(sweep *s, bool count_only, lop_error *error)
{
    const lop_recipe *recipe = s->recipe;
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < recipe->seed_count; i++) {
        for (size_t m = 0; status == LOP_OK && m < recipe->method_count; m++)
            for (size_t k = 0; status == LOP_OK && k < recipe->sparsity_count; k++) {
                point p = {recipe->seed + i, recipe->methods[m], recipe->sparsities[k]};
                bool there = false;
                status = point_is_there(s, &p, &there, error);
                if (status == LOP_OK && there)
                    s->done += count_only;
                else if (status == LOP_OK && !count_only)
                    status = do_point(s, &p, error);
            }
        seed_end(s);
    }
    return status;
}

static lop_status describe_network(sweep *s, lop_error *error)
{
    lop_network *network = NULL;
    lop_status status = lop_recipe_network(s->recipe, s->dataset, s->recipe->seed, &network, error);
    if (status == LOP_OK)
        lop_network_describe(network, s->network, sizeof s->network);
    lop_network_free(network);
    return status;
}

lop_status lop_sweep(const lop_recipe *recipe, const lop_dataset *dataset,
                     const lop_sweep_options *options, lop_error *error)
{
    sweep s = {
        .recipe = recipe,
        .dataset = dataset,
        .options = options,
        .directory.lock.descriptor = -1,
        .training = lop_result_empty(),
        .total = recipe->seed_count * recipe->method_count * recipe->sparsity_count,
    };
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = describe_network(&s, error);
    if (status == LOP_OK)
        status = lopi_sweep_directory_open(&s.directory, options->directory, recipe, options->hooks,
                                           error);
    if (status == LOP_OK)
        status = visit(&s, true, error);
    if (status == LOP_OK && s.done == s.total)
        lopi_message(options->hooks, LOP_INFO, "all %zu results are there", s.total);
    else if (status == LOP_OK && s.done > 0)
        lopi_message(options->hooks, LOP_INFO, "%zu of %zu results are there; continuing", s.done,
                     s.total);
    if (status == LOP_OK)
        status = visit(&s, false, error);
    seed_end(&s);
    lopi_sweep_directory_close(&s.directory);
    return status;
}
