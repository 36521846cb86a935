#include "experiment/places.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/sharing.h"
#include "experiment/stage.h"
#include "nn/floats.h"

/* Work ----------------------------------------------------------------------------------------- */

/* Hooks are called by one thread at a time. Whoever trains asks at every step whether to stop:
 * there it pauses too, while another measures times. */
typedef struct voices {
    const lop_hooks *outer;
    pthread_mutex_t lock;
    lopi_gate gate;
} voices;

/* One sweep at work, by one thread or several. What changes is changed under the lock. */
typedef struct work {
    const lopi_sweep *s;
    const lopi_places *list;
    voices *voices;
    pthread_mutex_t lock;
    size_t next_dense, next_point; /* of the list: what nobody has taken yet */
    size_t done;
    lop_status status; /* the first failure; all others stop at their next point */
    lop_error error;
} work;

static bool stopped(work *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->status != LOP_OK;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static void fail(work *w, lop_status status, const lop_error *error)
{
    pthread_mutex_lock(&w->lock);
    if (w->status == LOP_OK) {
        w->error = *error;
        w->status = status;
    }
    pthread_mutex_unlock(&w->lock);
}

static void announce(work *w, const lopi_point_job *point)
{
    pthread_mutex_lock(&w->lock);
    size_t done = w->done;
    pthread_mutex_unlock(&w->lock);
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

static lop_status keep(work *w, const lop_result *result, lop_error *error)
{
    const lop_sweep_options *options = w->s->options;
    pthread_mutex_lock(&w->lock);
    lop_status status = lop_results_append(w->s->directory.results_path, result, error);
    w->done += status == LOP_OK;
    if (status == LOP_OK && options->on_result) {
        pthread_mutex_lock(&w->voices->lock);
        options->on_result(options->context, result, w->done, w->list->total);
        pthread_mutex_unlock(&w->voices->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return status;
}

static void do_point(work *w, const lopi_place *at, lopi_parent *dense)
{
    lop_error error = {0};
    lopi_point_job point = {.seed = 0};
    lop_result result = lop_result_empty();
    lop_status status = lopi_place_point(w->s, at, &point, &result, &error);
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
    const lopi_place *at = &w->list->items[index];
    lop_stage way;
    if (!lopi_way_at(w->s->recipe, at->way, &way))
        return false;
    bool untrained = w->s->recipe->prune_while_training || lopi_stage_is_lottery(&way);
    return !untrained || lopi_way_sparsity(w->s->recipe, &way, at->sparsity) == 0;
}

/* Dense networks first, so that no two points of a seed train it: its first one that needs it. */
static void do_dense(work *w, size_t index)
{
    const lopi_place *items = w->list->items;
    lop_error error = {0};
    lopi_parent dense = {.network = NULL};
    bool first = needs_dense(w, index);
    for (size_t i = index; first && i-- > 0 && items[i].seed == items[index].seed;)
        first = !needs_dense(w, i);
    if (!first)
        return;
    lop_status status = lopi_parent_get(w->s, items[index].seed, &dense, &error);
    if (status != LOP_OK)
        fail(w, status, &error);
    lopi_parent_free(&dense);
}

static void work_alone(work *w)
{
    lopi_parent dense = {.network = NULL};
    for (size_t i = 0; i < w->list->count && !stopped(w); i++)
        do_point(w, &w->list->items[i], &dense);
    lopi_parent_free(&dense);
}

/* Side by side ----------------------------------------------------------------------------------
 */

/* The next of a list that all take from; false at its end. */
static bool take(work *w, size_t *next, size_t *index)
{
    pthread_mutex_lock(&w->lock);
    bool there = w->status == LOP_OK && *next < w->list->count;
    if (there)
        *index = (*next)++;
    pthread_mutex_unlock(&w->lock);
    return there;
}

/* Threads of their own and not OpenMP's: each computes as a process with one thread does. */
static void *train_dense(void *context)
{
    work *w = context;
    size_t index;
    lop_threads_set(1, NULL);
    while (take(w, &w->next_dense, &index))
        do_dense(w, index);
    return NULL;
}

static void *do_points(void *context)
{
    work *w = context;
    size_t index;
    lopi_parent dense = {.network = NULL};
    lop_threads_set(1, NULL);
    lopi_gate_enter(&w->voices->gate);
    while (take(w, &w->next_point, &index))
        do_point(w, &w->list->items[index], &dense);
    lopi_gate_leave(&w->voices->gate);
    lopi_parent_free(&dense);
    return NULL;
}

static void run_threads(work *w, size_t jobs, void *(*run)(void *context))
{
    pthread_t threads[LOPI_MOST_JOBS];
    size_t started = 0;
    while (started < jobs && pthread_create(&threads[started], NULL, run, w) == 0)
        started++;
    if (started == 0) {
        lop_error error = {0};
        fail(w, lopi_fail(&error, LOP_E_MEMORY, "no thread could be started"), &error);
    }
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static void one_message(void *context, lop_level level, const char *text)
{
    voices *v = context;
    pthread_mutex_lock(&v->lock);
    lopi_message(v->outer, level, "%s", text);
    pthread_mutex_unlock(&v->lock);
}

static void one_progress(void *context, const lop_progress *progress)
{
    voices *v = context;
    pthread_mutex_lock(&v->lock);
    lopi_progress(v->outer, progress);
    pthread_mutex_unlock(&v->lock);
}

static bool one_cancelled(void *context)
{
    voices *v = context;
    lopi_gate_pass(&v->gate);
    pthread_mutex_lock(&v->lock);
    bool cancelled = lopi_cancelled(v->outer);
    pthread_mutex_unlock(&v->lock);
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

static lop_status work_through(lopi_sweep *s, const lopi_places *list, voices *v, lop_error *error)
{
    work w = {.s = s,
              .list = list,
              .voices = v,
              .lock = PTHREAD_MUTEX_INITIALIZER,
              .done = list->total - list->count};
    size_t wanted = lopi_jobs_choose(s, s->threads);
    size_t jobs = wanted < list->count ? wanted : list->count;
    if (list->count == 0)
        lopi_message(s->hooks, LOP_INFO, "all %zu results are there", list->total);
    else if (w.done > 0)
        lopi_message(s->hooks, LOP_INFO, "%zu of %zu results are there; continuing", w.done,
                     list->total);
    if (wanted > 1 && jobs > 0) {
        s->gate = &v->gate;
        lopi_message(s->hooks, LOP_DETAIL, "%zu points side by side, each with one thread", jobs);
        run_threads(&w, jobs, train_dense);
        run_threads(&w, jobs, do_points);
    } else {
        work_alone(&w);
    }
    if (w.status != LOP_OK && error)
        *error = w.error;
    return w.status;
}

lop_status lop_sweep(const lop_recipe *recipe, const lop_dataset *dataset,
                     const lop_sweep_options *options, lop_error *error)
{
    voices v = {options->hooks, PTHREAD_MUTEX_INITIALIZER, LOPI_GATE_INITIALIZER};
    const lop_hooks hooks = {&v, one_message, one_progress, one_cancelled};
    lopi_sweep s = {
        .recipe = recipe,
        .dataset = dataset,
        .options = options,
        .hooks = &hooks,
        .directory.lock.descriptor = -1,
        .timing = !options->no_timing,
        .threads = lop_threads_get(),
    };
    lopi_places list = {.items = NULL};
    lopi_floats_begin();
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK)
        status = lopi_sharing_check_sweep(recipe, error);
    if (status == LOP_OK && options->jobs > LOPI_MOST_JOBS)
        status = lopi_fail(error, LOP_E_RANGE, "jobs: expected at most %d, found %zu",
                           LOPI_MOST_JOBS, options->jobs);
    if (status == LOP_OK)
        status = describe_network(&s, error);
    if (status == LOP_OK)
        status = lopi_sweep_directory_open(&s.directory, options->directory, recipe, options->hooks,
                                           error);
    if (status == LOP_OK)
        status = lopi_places_list(&s, &list, error);
    if (status == LOP_OK && options->on_begin)
        options->on_begin(options->context, list.total - list.count, list.total);
    if (status == LOP_OK)
        status = work_through(&s, &list, &v, error);
    if (status == LOP_OK && list.count > 0)
        status = lopi_places_order(&s, error);
    lopi_free(list.items);
    lopi_sweep_directory_close(&s.directory);
    lopi_floats_end();
    return status;
}
