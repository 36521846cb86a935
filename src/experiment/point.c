#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>
#include <lop/pack.h>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/measure.h"
#include "experiment/retrain.h"
#include "experiment/stage.h"
#include "experiment/sweep.h"

/* The sizes that others get take them long: what a patient user asks for. */
enum { ZSTD_LEVEL = 19, GZIP_LEVEL = 9, TIMING_ROUNDS = 4 };
static const double round_seconds = 0.08;

lop_status lopi_point_identify(const lopi_sweep *s, const lopi_point_job *point, lop_result *result,
                               lop_error *error)
{
    char *text = NULL;
    lop_status status = lopi_stages_describe(&point->recipe, result, error);
    if (status == LOP_OK)
        status = lopi_run_text(&point->recipe, point->seed, &text, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->recipe, text, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->dataset, lop_dataset_name(s->dataset), error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->network, s->network, error);
    result->seed = point->seed;
    free(text);
    return status;
}

bool lopi_point_needs_dense(const lopi_point_job *point)
{
    bool plain = point->sparsity == 0 && point->recipe.share.entry_count == 0;
    return plain || !lopi_begins_untrained(&point->recipe);
}

/* Times and sizes ------------------------------------------------------------------------------ */

static void keep_best(lop_timing *best, const lop_timing *found, bool first)
{
    if (first || found->latency_us_batch1 < best->latency_us_batch1)
        best->latency_us_batch1 = found->latency_us_batch1;
    if (first || found->throughput_batch256 > best->throughput_batch256)
        best->throughput_batch256 = found->throughput_batch256;
}

/* Dense float32 products without dead units; of all rounds the best. */
static lop_status time_compacted(const lop_network *compacted, lop_result *result, lop_error *error)
{
    lop_timing best = {0}, found;
    for (int i = 0; i < TIMING_ROUNDS; i++) {
        lop_status status = lop_measure_timing(compacted, round_seconds, &found, error);
        if (status != LOP_OK)
            return status;
        keep_best(&best, &found, i == 0);
    }
    result->compacted_latency_us_batch1 = best.latency_us_batch1;
    result->compacted_throughput_batch256 = best.throughput_batch256;
    return LOP_OK;
}

/* What is measured of a point: the dense network, what is left of it, and without dead units. */
typedef struct outcome {
    const lop_network *dense, *pruned;
    lop_network *compacted;
    const lop_split *split;
} outcome;

static lop_status time_all(const lopi_sweep *s, const outcome *o, lop_result *result,
                           lop_error *error)
{
    lop_status status = time_compacted(o->compacted, result, error);
    if (status == LOP_OK)
        status = lopi_result_time_planned(result, o->dense, o->pruned,
                                          lop_dataset_train(s->dataset), o->split, error);
    return status;
}

/* Alone on the machine, and with all threads, whoever else is at work. */
static lop_status measure_times(const lopi_sweep *s, const outcome *o, lop_result *result,
                                lop_error *error)
{
    if (!s->gate)
        return time_all(s, o, result, error);
    size_t own = lop_threads_get();
    lopi_gate_alone(s->gate);
    lop_threads_set(s->threads, NULL);
    lop_status status = time_all(s, o, result, error);
    lop_threads_set(own, NULL);
    lopi_gate_open(s->gate);
    return status;
}

/* Sizes and times are those of the network that would be shipped: dead units removed. */
static lop_status measure_shipped(const lopi_sweep *s, outcome *o, lop_result *result,
                                  lop_error *error)
{
    size_t zstd = 0, gzip = 0, deep = 0;
    lop_status status = lop_compact(&o->compacted, o->pruned, error);
    if (status == LOP_OK)
        status = lop_zstd_bytes(o->compacted, ZSTD_LEVEL, &zstd, error);
    if (status == LOP_OK)
        status = lop_gzip_bytes(o->compacted, GZIP_LEVEL, &gzip, error);
    if (status == LOP_OK)
        status = lop_deep_compression_bytes(o->compacted, &deep, error);
    if (status == LOP_OK) {
        result->bytes_sparse = lop_sparse_bytes(o->compacted);
        result->bytes_zstd = zstd;
        result->bytes_gzip = gzip;
        result->bytes_deep_compression = deep;
    }
    if (status == LOP_OK && s->timing)
        status = measure_times(s, o, result, error);
    lop_network_free(o->compacted);
    return status;
}

/* Pruning -------------------------------------------------------------------------------------- */

static char *checkpoint_of(const lopi_sweep *s, const lopi_point_job *point)
{
    char *name = lopi_point_file(point, ".checkpoint"), *path = NULL;
    if (name)
        path = lopi_path_join(s->directory.path, name);
    lopi_free(name);
    return path;
}

/* Retraining counts on from the dense training, whose epochs stand in the dense network's result.
 */
static lop_status add_training(const lopi_parent *dense, lop_result *result, lop_error *error)
{
    const lop_result *training = &dense->training;
    size_t count = training->epoch_count, more = result->epoch_count;
    for (size_t i = 0; i < more; i++)
        result->epochs[i].epoch += count;
    result->train_seconds += training->train_seconds;
    if (result->target_sparsity > 0 || count == 0)
        return LOP_OK;
    lop_epoch *epochs = lopi_realloc(result->epochs, count + more, sizeof *epochs);
    if (!epochs)
        return lopi_fail_memory(error, (count + more) * sizeof *epochs);
    memmove(epochs + count, epochs, more * sizeof *epochs);
    memcpy(epochs, training->epochs, count * sizeof *epochs);
    result->epochs = epochs;
    result->epoch_count = count + more;
    return LOP_OK;
}

/* Gone for good before the result is there: nobody comes back for what a finished point left. */
static lop_status drop(const char *checkpoint, lop_error *error)
{
    lopi_file_remove(checkpoint); /* where there is one; its stages' are removed by now */
    int number = lopi_directory_sync(checkpoint);
    return number ? lopi_fail_errno(error, LOP_E_IO, checkpoint, "sync the directory of", number)
                  : LOP_OK;
}

static lop_status run_point(const lopi_sweep *s, const lopi_point_job *point,
                            const lop_network *parent, lop_network **network, lop_result *result,
                            lop_error *error)
{
    lopi_voice voice;
    lop_recipe recipe = point->recipe; /* a shallow copy, for reading */
    char *checkpoint = checkpoint_of(s, point);
    lop_run_options options = {
        .seed = point->seed,
        .parent = parent,
        .checkpoint = checkpoint,
        .resume = true,
        .hooks = &voice.hooks,
    };
    lopi_voice_init(&voice, s->hooks, point->name);
    if (!checkpoint)
        return lopi_fail_memory(error, LOPI_SWEEP_NAME);
    /* Untrained and not pruned: the dense training itself, which is there. */
    if (parent && lopi_begins_untrained(&recipe))
        recipe.stage_count = 0;
    lop_status status = lop_run(&recipe, s->dataset, &options, network, result, NULL, error);
    if (status == LOP_OK)
        status = drop(checkpoint, error);
    lopi_free(checkpoint);
    return status;
}

lop_status lopi_point_measure(const lopi_sweep *s, const lopi_point_job *point, lopi_parent *dense,
                              lop_result *result, lop_error *error)
{
    lop_network *pruned = NULL, *untrained = NULL;
    lop_split split = {0};
    bool trained = lopi_point_needs_dense(point);
    lop_status status = LOP_OK;
    if (trained)
        status = lopi_parent_get(s, point->seed, dense, error);
    else if (s->timing)
        status = lop_recipe_network(&point->recipe, s->dataset, point->seed, &untrained, error);
    if (status == LOP_OK && !trained)
        status = lopi_recipe_split(&split, &point->recipe, s->dataset, point->seed, error);
    if (status == LOP_OK)
        status = run_point(s, point, trained ? dense->network : NULL, &pruned, result, error);
    if (status == LOP_OK)
        status = lopi_point_identify(s, point, result, error);
    outcome o = {.dense = trained ? dense->network : untrained,
                 .pruned = pruned,
                 .split = trained ? &dense->split : &split};
    if (status == LOP_OK)
        status = measure_shipped(s, &o, result, error);
    if (status == LOP_OK)
        status = lopi_point_pack(s, point, pruned, o.split, result, error);
    if (status == LOP_OK && trained)
        status = add_training(dense, result, error);
    size_t peak = lop_memory_peak_bytes();
    result->peak_memory_bytes = peak ? peak : LOP_ABSENT;
    lop_network_free(pruned);
    lop_network_free(untrained);
    lop_split_free(&split);
    return status;
}
