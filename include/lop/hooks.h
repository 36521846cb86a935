/**
 * Hooks: how the library speaks while it works, and how it is told to stop.
 *
 * The library never prints. A caller that wants messages or progress passes hooks; NULL hooks, or
 * NULL members, mean silence.
 */
#ifndef LOP_HOOKS_H
#define LOP_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lop_level { LOP_DETAIL, LOP_INFO, LOP_WARNING } lop_level;

/** One moment of a long job. Numbers that are not known yet are NaN. */
typedef struct lop_progress {
    const char *what;   /* "train", "download", "sweep": borrowed for the call */
    const char *detail; /* one short line such as "seed 1 weight 90 %", or NULL */
    size_t step, steps; /* done and in all; steps is 0 where the end is not known */
    size_t epoch, epochs;
    double loss, accuracy;     /* of the running epoch so far; accuracy a fraction in [0, 1] */
    double samples_per_second; /* NaN where it makes no sense */
    double seconds_left;
} lop_progress;

typedef struct lop_hooks {
    void *context; /* handed back to each function */
    void (*message)(void *context, lop_level level, const char *text);
    void (*progress)(void *context, const lop_progress *progress);
    bool (*cancelled)(void *context); /* asked often; true ends the job with LOP_E_CANCELLED */
} lop_hooks;

#ifdef __cplusplus
}
#endif

#endif
