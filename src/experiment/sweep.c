#include "experiment/sweep.h"

#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/fields.h"
#include "experiment/stage.h"

/* Points --------------------------------------------------------------------------------------- */

/* What a point is made from; its recipe is made when it is its turn. */
typedef struct place {
    uint64_t seed;
    size_t way, sparsity; /* indices */
} place;

typedef struct places {
    place *items;
    size_t count, total; /* that are missing; and all */
} places;

/* "seed 1, weight magnitude gradual 90 %"; what is the recipe's first choice anyway is left out. */
static void name_point(const lop_result *of, char *text, size_t size)
{
    snprintf(text, size, "seed %llu, %.60s %.24s %.24s %g %%", (unsigned long long)of->seed,
             of->method, of->criterion, of->schedule, 100 * of->target_sparsity);
}

static lop_status point_make(const lopi_sweep *s, const place *at, lopi_point_job *out,
                             lop_result *identity, lop_error *error)
{
    lop_stage way;
    lopi_point_job point = {.seed = at->seed};
    if (!lopi_way_at(s->recipe, at->way, &way))
        return lopi_fail(error, LOP_E_INTERNAL, "there is no way %zu of pruning", at->way);
    point.sparsity = lopi_way_sparsity(s->recipe, &way, at->sparsity);
    lop_status status =
        lopi_recipe_point(s->recipe, &way, point.sparsity, at->seed, &point.recipe, error);
    if (status == LOP_OK)
        status = lopi_point_identify(s, &point, identity, error);
    if (status == LOP_OK) {
        name_point(identity, point.name, sizeof point.name);
        *out = point;
    } else {
        lop_recipe_free(&point.recipe);
    }
    return status;
}

static lop_status is_there(const lopi_sweep *s, const place *at, bool *there, lop_error *error)
{
    lopi_point_job point = {.seed = 0};
    lop_result wanted = lop_result_empty();
    lop_status status = point_make(s, at, &point, &wanted, error);
    *there = false;
    for (size_t i = 0; status == LOP_OK && !*there && i < s->directory.results.count; i++)
        *there = lop_result_same(&wanted, &s->directory.results.items[i]);
    lop_recipe_free(&point.recipe);
    lop_result_free(&wanted);
    return status;
}

static size_t points_of_seed(const lop_recipe *recipe)
{
    lop_stage way;
    size_t count = 0;
    for (size_t w = 0; lopi_way_at(recipe, w, &way); w++)
        count += lopi_way_sparsities(recipe, &way);
    return count;
}

/* All points that are not on the disk, seed by seed. */
static lop_status list_missing(const lopi_sweep *s, places *out, lop_error *error)
{
    const lop_recipe *recipe = s->recipe;
    lop_stage way;
    lop_status status = LOP_OK;
    out->total = recipe->seed_count * points_of_seed(recipe);
    out->items = lopi_alloc(out->total, sizeof *out->items);
    if (!out->items)
        return lopi_fail_memory(error, out->total * sizeof *out->items);
    for (size_t i = 0; i < recipe->seed_count; i++)
        for (size_t w = 0; lopi_way_at(recipe, w, &way); w++)
            for (size_t k = 0; k < lopi_way_sparsities(recipe, &way); k++) {
                const place at = {recipe->seed + i, w, k};
                bool there;
                status = is_there(s, &at, &there, error);
                if (status != LOP_OK)
                    return status;
                if (!there)
                    out->items[out->count++] = at;
            }
    return LOP_OK;
}

/* Work ----------------------------------------------------------------------------------------- */

/* One sweep at work, by one thread or several. What changes is changed by one at a time. */
typedef struct work {
    lopi_sweep *s;
    const places *list;
    size_t done;
    lop_status status; /* the first failure; all others stop at their next point */
    lop_error error;
} work;

static bool stopped(const work *w)
{
    lop_status status;
#pragma omp critical(lopi_sweep)
    status = w->status;
    return status != LOP_OK;
}

static void fail(work *w, lop_status status, const lop_error *error)
{
#pragma omp critical(lopi_sweep)
    if (w->status == LOP_OK) {
        w->error = *error;
        w->status = status;
    }
}

static void announce(const work *w, const lopi_point_job *point)
{
    size_t done;
#pragma omp critical(lopi_sweep)
    done = w->done;
    const lop_progress progress = {
        .what = "sweep",
        .detail = point->name,
        .step = done,
        .steps = w->list->total,
        .loss = NAN,
        .accuracy = NAN,
        .samples_per_second = NAN,
        .seconds_left = NAN,
    };
    lopi_progress(w->s->hooks, &progress);
}

static void tell(const work *w, const lop_result *result)
{
    const lop_sweep_options *options = w->s->options;
    if (!options->on_result)
        return;
#pragma omp critical(lopi_sweep_hooks)
    options->on_result(options->context, result, w->done, w->list->total);
}

static lop_status keep(work *w, const lop_result *result, lop_error *error)
{
    lop_status status;
#pragma omp critical(lopi_sweep)
    {
        status = lop_results_append(w->s->directory.results_path, result, error);
        w->done += status == LOP_OK;
        if (status == LOP_OK)
            tell(w, result);
    }
    return status;
}

static void do_point(work *w, const place *at, lopi_parent *dense)
{
    lop_error error = {0};
    lopi_point_job point = {.seed = 0};
    lop_result result = lop_result_empty();
    if (stopped(w))
        return;
    lop_status status = point_make(w->s, at, &point, &result, &error);
    if (status == LOP_OK && lopi_cancelled(w->s->hooks))
        status = lopi_fail(&error, LOP_E_CANCELLED, "stopped before %s", point.name);
    lop_result_free(&result);
    if (status == LOP_OK) {
        announce(w, &point);
        status = lopi_point_measure(w->s, &point, dense, &result, &error);
    }
    if (status == LOP_OK)
        status = keep(w, &result, &error);
    if (status != LOP_OK)
        fail(w, status, &error);
    lop_recipe_free(&point.recipe);
    lop_result_free(&result);
}

static bool needs_dense(const work *w, size_t index)
{
    const place *at = &w->list->items[index];
    lop_stage way;
    if (!lopi_way_at(w->s->recipe, at->way, &way))
        return false;
    bool untrained = w->s->recipe->prune_while_training || lopi_stage_is_lottery(&way);
    return !untrained || lopi_way_sparsity(w->s->recipe, &way, at->sparsity) == 0;
}

/* Dense networks first, so that no two points of a seed train it: its first one that needs it. */
static void do_dense(work *w, size_t index)
{
    const place *items = w->list->items;
    lop_error error = {0};
    lopi_parent dense = {.network = NULL};
    bool first = needs_dense(w, index);
    for (size_t i = index; first && i-- > 0 && items[i].seed == items[index].seed;)
        first = !needs_dense(w, i);
    if (!first || stopped(w))
        return;
    lop_status status = lopi_parent_get(w->s, items[index].seed, &dense, &error);
    if (status != LOP_OK)
        fail(w, status, &error);
    lopi_parent_free(&dense);
}

static void work_alone(work *w)
{
    lopi_parent dense = {.network = NULL};
    for (size_t i = 0; i < w->list->count; i++)
        do_point(w, &w->list->items[i], &dense);
    lopi_parent_free(&dense);
}

/* Side by side, each with one thread: inside of a parallel region there is no other. */
static void work_together(work *w, size_t jobs)
{
    const long count = (long)w->list->count;
#pragma omp parallel num_threads((int)jobs)
    {
        lopi_parent dense = {.network = NULL};
        lop_threads_set(1, NULL);
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < count; i++)
            do_dense(w, (size_t)i);
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < count; i++)
            do_point(w, &w->list->items[i], &dense);
        lopi_parent_free(&dense);
    }
}

/* Hooks of all threads, one at a time ---------------------------------------------------------- */

static void one_message(void *context, lop_level level, const char *text)
{
#pragma omp critical(lopi_sweep_hooks)
    lopi_message(context, level, "%s", text);
}

static void one_progress(void *context, const lop_progress *progress)
{
#pragma omp critical(lopi_sweep_hooks)
    lopi_progress(context, progress);
}

static bool one_cancelled(void *context)
{
    bool cancelled;
#pragma omp critical(lopi_sweep_hooks)
    cancelled = lopi_cancelled(context);
    return cancelled;
}

/* All ------------------------------------------------------------------------------------------ */

static lop_status describe_network(lopi_sweep *s, lop_error *error)
{
    lop_network *network = NULL;
    lop_status status = lop_recipe_network(s->recipe, s->dataset, s->recipe->seed, &network, error);
    if (status == LOP_OK)
        lop_network_describe(network, s->network, sizeof s->network);
    lop_network_free(network);
    return status;
}

static lop_status work_through(lopi_sweep *s, const places *list, lop_error *error)
{
    work w = {.s = s, .list = list, .done = list->total - list->count};
    size_t jobs = s->options->jobs < list->count ? s->options->jobs : list->count;
    if (list->count == 0)
        lopi_message(s->hooks, LOP_INFO, "all %zu results are there", list->total);
    else if (w.done > 0)
        lopi_message(s->hooks, LOP_INFO, "%zu of %zu results are there; continuing", w.done,
                     list->total);
    if (s->options->jobs > 1 && list->count > 0)
        work_together(&w, jobs);
    else
        work_alone(&w);
    if (w.status != LOP_OK && error)
        *error = w.error;
    return w.status;
}

lop_status lop_sweep(const lop_recipe *recipe, const lop_dataset *dataset,
                     const lop_sweep_options *options, lop_error *error)
{
    const lop_hooks hooks = {(void *)options->hooks, one_message, one_progress, one_cancelled};
    lopi_sweep s = {
        .recipe = recipe,
        .dataset = dataset,
        .options = options,
        .hooks = &hooks,
        .directory.lock.descriptor = -1,
        .timing = !options->no_timing && options->jobs <= 1,
    };
    places list = {.items = NULL};
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = describe_network(&s, error);
    if (status == LOP_OK)
        status = lopi_sweep_directory_open(&s.directory, options->directory, recipe, options->hooks,
                                           error);
    if (status == LOP_OK)
        status = list_missing(&s, &list, error);
    if (status == LOP_OK)
        status = work_through(&s, &list, error);
    lopi_free(list.items);
    lopi_sweep_directory_close(&s.directory);
    return status;
}
