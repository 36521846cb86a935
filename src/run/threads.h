/**
 * A plan's threads: they sleep until a run has work for them. The only file that knows POSIX
 * threads.
 */
#ifndef LOPI_RUN_THREADS_H
#define LOPI_RUN_THREADS_H

#include <stdatomic.h>
#include <stddef.h>

#include <lop/status.h>

typedef struct lopi_pool lopi_pool;

/** Work of one member of the team: 0 is the caller. */
typedef void (*lopi_work)(void *context, size_t member, size_t members);

/** A pool for teams of `threads`, the caller included; at least 2. LOP_E_MEMORY. */
lop_status lopi_pool_new(lopi_pool **out, size_t threads, lop_error *error);
void lopi_pool_free(lopi_pool *pool);

/** Run `work` in all members, and wait. NULL, and a pool that another call has, mean alone. */
void lopi_pool_run(lopi_pool *pool, lopi_work work, void *context);

/** Where the members of a team meet. Zero it before a team starts. */
typedef struct lopi_barrier {
    atomic_size_t arrived, round;
} lopi_barrier;
void lopi_barrier_wait(lopi_barrier *barrier, size_t members);

#endif
