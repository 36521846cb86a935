#include "run/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/kernels/float_mode.h"

struct lopi_pool {
    atomic_flag taken;
    pthread_mutex_t mutex;
    pthread_cond_t work_there, work_done;
    size_t threads, started; /* the caller counts among threads, not among those started */
    size_t round, running;   /* of the current work; under the mutex, as all below */
    bool ending;
    lopi_work work;
    void *context;
    pthread_t *ids;
};

typedef struct starter {
    lopi_pool *pool;
    size_t member;
} starter;

static void *serve(void *argument)
{
    const starter me = *(starter *)argument;
    lopi_free(argument);
    lopi_float_mode_default();
    lopi_pool *pool = me.pool;
    size_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->round == seen && !pool->ending)
            pthread_cond_wait(&pool->work_there, &pool->mutex);
        if (pool->ending)
            break;
        seen = pool->round;
        lopi_work work = pool->work;
        void *context = pool->context;
        pthread_mutex_unlock(&pool->mutex);
        work(context, me.member, pool->threads);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->work_done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static bool start_thread(lopi_pool *pool)
{
    starter *argument = lopi_alloc(1, sizeof *argument);
    if (!argument)
        return false;
    *argument = (starter){pool, pool->started + 1};
    if (pthread_create(&pool->ids[pool->started], NULL, serve, argument) != 0) {
        lopi_free(argument);
        return false;
    }
    pool->started++;
    return true;
}

lop_status lopi_pool_new(lopi_pool **out, size_t threads, lop_error *error)
{
    lopi_pool *pool = lopi_alloc(1, sizeof *pool);
    if (!pool)
        return lopi_fail_memory(error, sizeof *pool);
    pool->ids = lopi_alloc(threads, sizeof *pool->ids);
    if (!pool->ids) {
        lopi_free(pool);
        return lopi_fail_memory(error, threads * sizeof *pool->ids);
    }
    atomic_flag_clear(&pool->taken);
    pool->threads = threads;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_there, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    while (pool->started + 1 < threads)
        if (!start_thread(pool)) {
            lopi_pool_free(pool);
            return lopi_fail(error, LOP_E_MEMORY,
                             "the system gives no more threads than %zu of %zu", pool->started,
                             threads);
        }
    *out = pool;
    return LOP_OK;
}

void lopi_pool_free(lopi_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->work_there);
    pthread_cond_destroy(&pool->work_done);
    pthread_mutex_destroy(&pool->mutex);
    lopi_free(pool->ids);
    lopi_free(pool);
}

void lopi_pool_run(lopi_pool *pool, lopi_work work, void *context)
{
    if (!pool || atomic_flag_test_and_set(&pool->taken)) {
        work(context, 0, 1);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->context = context;
    pool->running = pool->started;
    pool->round++;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->mutex);
    work(context, 0, pool->threads);
    pthread_mutex_lock(&pool->mutex);
    while (pool->running > 0)
        pthread_cond_wait(&pool->work_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    atomic_flag_clear(&pool->taken);
}

void lopi_barrier_wait(lopi_barrier *barrier, size_t members)
{
    enum { SPINS = 2000 }; /* then the others may need this processor */
    if (members == 1)
        return;
    size_t round = atomic_load(&barrier->round);
    if (atomic_fetch_add(&barrier->arrived, 1) + 1 == members) {
        atomic_store(&barrier->arrived, 0);
        atomic_fetch_add(&barrier->round, 1);
        return;
    }
    for (size_t i = 0; atomic_load(&barrier->round) == round; i++)
        if (i >= SPINS)
            sched_yield();
}
