#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/measure.h"
#include "experiment/sweep.h"

/* Training speaks of itself; a sweep adds which seed or point it is. */
static void pass_message(void *context, lop_level level, const char *text)
{
    const lopi_voice *v = context;
    lopi_message(v->outer, level, "%s, %s", v->detail, text);
}

static void pass_progress(void *context, const lop_progress *progress)
{
    const lopi_voice *v = context;
    lop_progress told = *progress;
    told.detail = v->detail;
    lopi_progress(v->outer, &told);
}

static bool pass_cancelled(void *context)
{
    return lopi_cancelled(((const lopi_voice *)context)->outer);
}

void lopi_voice_init(lopi_voice *voice, const lop_hooks *outer, const char *detail)
{
    *voice = (lopi_voice){outer, detail, {voice, pass_message, pass_progress, pass_cancelled}};
}

/* A trained network that an earlier process left, if it was trained as this recipe says. */
static lop_status load(const lop_recipe *recipe, uint64_t seed, const char *path,
                       lopi_parent *dense, lop_error *error)
{
    char *metadata = NULL;
    json_t *object = NULL, *expected = NULL, *trained = NULL;
    lop_status status = lop_network_load(&dense->network, path, &metadata, error);
    if (status == LOP_OK)
        status = lopi_run_object(recipe, seed, &expected, error);
    if (status != LOP_OK)
        goto out;
    object = json_loads(metadata, 0, NULL);
    const char *history = json_string_value(json_object_get(object, "lop.history"));
    const char *text = json_string_value(json_object_get(object, "lop.recipe"));
    trained = text ? json_loads(text, 0, NULL) : NULL;
    if (!history || !trained || !json_equal(trained, expected))
        status = lopi_fail_file(error, LOP_E_ARG, path,
                                "not trained by this sweep's recipe; remove it to train it anew");
    else
        status = lop_result_read(&dense->training, history, strlen(history), error);
out:
    free(metadata);
    json_decref(object);
    json_decref(expected);
    json_decref(trained);
    return status;
}

static lop_status train(const lopi_sweep *s, const lop_recipe *recipe, uint64_t seed,
                        const char *path, const char *checkpoint, lopi_parent *dense,
                        lop_error *error)
{
    lopi_voice voice;
    char detail[32];
    snprintf(detail, sizeof detail, "seed %llu", (unsigned long long)seed);
    lopi_voice_init(&voice, s->hooks, detail);
    lop_run_options options = {
        .seed = seed,
        .output = path,
        .checkpoint = checkpoint,
        .resume = true,
        .evaluate_test = true,
        .hooks = &voice.hooks,
    };
    return lop_run(recipe, s->dataset, &options, &dense->network, &dense->training, NULL, error);
}

static lop_status get(const lopi_sweep *s, uint64_t seed, lopi_parent *dense, lop_error *error)
{
    char name[64];
    lop_recipe recipe = {0};
    snprintf(name, sizeof name, "dense-seed%llu.safetensors", (unsigned long long)seed);
    char *path = lopi_path_join(s->directory.path, name);
    snprintf(name, sizeof name, "dense-seed%llu.checkpoint", (unsigned long long)seed);
    char *checkpoint = lopi_path_join(s->directory.path, name);
    lop_status status = LOP_OK;
    if (!path || !checkpoint)
        status = lopi_fail_memory(error, sizeof name);
    if (status == LOP_OK)
        status = lopi_recipe_dense(s->recipe, &recipe, error);
    if (status == LOP_OK && lopi_file_exists(path))
        status = load(&recipe, seed, path, dense, error);
    else if (status == LOP_OK)
        status = train(s, &recipe, seed, path, checkpoint, dense, error);
    /* The network itself is on the disk now; or a crash left both. */
    if (status == LOP_OK)
        lopi_file_remove(checkpoint);
    if (status == LOP_OK)
        status = lopi_recipe_split(&dense->split, s->recipe, s->dataset, seed, error);
    lop_recipe_free(&recipe);
    lopi_free(path);
    lopi_free(checkpoint);
    return status;
}

lop_status lopi_parent_get(const lopi_sweep *s, uint64_t seed, lopi_parent *dense, lop_error *error)
{
    if (dense->network && dense->seed == seed)
        return LOP_OK;
    lopi_parent_free(dense);
    dense->training = lop_result_empty();
    dense->seed = seed;
    lop_status status = get(s, seed, dense, error);
    if (status != LOP_OK)
        lopi_parent_free(dense);
    return status;
}

void lopi_parent_free(lopi_parent *dense)
{
    lop_network_free(dense->network);
    lop_split_free(&dense->split);
    lop_result_free(&dense->training);
    *dense = (lopi_parent){.network = NULL};
}
