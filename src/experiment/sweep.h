/**
 * A sweep's points: what is measured, and the dense network that each begins with.
 *
 * places.c says which points there are, sweep.c who does them, jobs.c how many at a time; parent.c
 * makes the networks; point.c measures; packed.c keeps what would be shipped.
 */
#ifndef LOPI_EXPERIMENT_SWEEP_H
#define LOPI_EXPERIMENT_SWEEP_H

#include <lop/experiment.h>

#include "experiment/directory.h"
#include "experiment/gate.h"

enum { LOPI_SWEEP_NAME = 160, LOPI_MOST_JOBS = 256 };

/** What all points share; not changed while they are measured. */
typedef struct lopi_sweep {
    const lop_recipe *recipe;
    const lop_dataset *dataset;
    const lop_sweep_options *options;
    const lop_hooks *hooks; /* may be called from any thread */
    lopi_sweep_directory directory;
    char network[512]; /* widths, as results name it */
    bool timing;
    size_t threads;  /* with which prediction times are measured */
    lopi_gate *gate; /* where points side by side let one measure them; NULL: one after the other */
} lopi_sweep;

/** Points side by side: as asked for; or as the directory's sweep was begun; or what is faster. */
size_t lopi_jobs_choose(const lopi_sweep *s, size_t threads);

/** A point: a way of pruning at one sparsity, from one seed. */
typedef struct lopi_point_job {
    lop_recipe recipe; /* its own; lop_recipe_free */
    uint64_t seed;
    double sparsity;
    char name[LOPI_SWEEP_NAME]; /* for people */
} lopi_point_job;

/** The dense network of a seed, and what was told of its training. Zero it; lopi_parent_free. */
typedef struct lopi_parent {
    uint64_t seed;
    lop_network *network; /* NULL: none yet */
    lop_split split;
    lop_result training;
} lopi_parent;

/** Load what an earlier process trained, or train; what `dense` held goes where the seed differs.
 */
lop_status lopi_parent_get(const lopi_sweep *s, uint64_t seed, lopi_parent *dense,
                           lop_error *error);
void lopi_parent_free(lopi_parent *dense);

/** What a result is identified by. */
lop_status lopi_point_identify(const lopi_sweep *s, const lopi_point_job *point, lop_result *result,
                               lop_error *error);
/** Whether the dense network of the seed is needed. */
bool lopi_point_needs_dense(const lopi_point_job *point);
/** Prune, retrain and measure. `dense` may be empty where it is not needed. */
lop_status lopi_point_measure(const lopi_sweep *s, const lopi_point_job *point, lopi_parent *dense,
                              lop_result *result, lop_error *error);

/** A file's name from what people are told of a point; lopi_free. NULL: out of memory. */
char *lopi_point_file(const lopi_point_job *point, const char *end);
/**
 * Pack the network of a point and keep the file, exactly the network that was measured: values of a
 * recipe that shares them as shared ones, others as float32. Where it cannot be packed the result
 * stays without.
 * @param split  its training part calibrates the network for int8
 */
lop_status lopi_point_pack(const lopi_sweep *s, const lopi_point_job *point,
                           const lop_network *network, const lop_split *split, lop_result *result,
                           lop_error *error);

/** Hooks that put `detail` before what training tells. */
typedef struct lopi_voice {
    const lop_hooks *outer;
    const char *detail;
    lop_hooks hooks;
} lopi_voice;
void lopi_voice_init(lopi_voice *voice, const lop_hooks *outer, const char *detail);

#endif
