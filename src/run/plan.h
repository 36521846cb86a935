/**
 * A planned network as its own room sees it. plan.c makes and shows it, choose.c decides, measure.c
 * takes times, execute.c runs it, plan_text.c writes and reads it.
 */
#ifndef LOPI_RUN_PLAN_H
#define LOPI_RUN_PLAN_H

#include "run/convert.h"
#include "run/layers.h"
#include "run/store.h"
#include "run/threads.h"

/** A layer laid out for a kernel; classes share them. */
typedef struct lopi_laid {
    const lopi_kernel *kernel;
    size_t layer;
    void *memory; /* [bytes], in the plan's store; of a kernel with `begin` its own */
    size_t bytes;
} lopi_laid;

/** What is done for batches of about `batch` samples. */
typedef struct lopi_class {
    size_t batch;
    double ns;                       /* for `batch` samples on one thread */
    const lopi_laid **steps;         /* [layers] */
    lop_plan_candidate **candidates; /* [layers], each [candidate_counts[l]], the fastest first */
    size_t *candidate_counts;        /* [layers] */
} lopi_class;

struct lop_plan {
    const lop_packed *packed;
    lopi_arithmetic arithmetic;
    lopi_isa isa;           /* the widest it may use */
    bool measured, sampled; /* sampled: measured on samples that were given */
    bool dense;
    lopi_rounding rounding;  /* what kernels may serve beside the FULL ones */
    const lopi_kernel *only; /* where it fits; NULL: any */
    uint32_t **place;        /* [layers][outputs]: see lopi_places_find */
    lopi_input input;
    lopi_class *classes; /* [class_count], batches rising from 1 */
    size_t class_count;
    lopi_laid **laid; /* [laid_count] */
    size_t laid_count;
    lopi_store store;
    bool trying; /* layers are laid out to be run at once, and not all of them will be kept */
    size_t threads;
    lopi_pool *pool; /* NULL with one thread */
    /* A thread's workspace: two buffers of activations, scratch, a flag for each sample. */
    size_t buffer_bytes, scratch_bytes, worker_bytes;
};

/** Whether a kernel rounds no more than the plan allows. */
static inline bool lopi_plan_allows(const lop_plan *plan, const lopi_kernel *kernel)
{
    return kernel->rounding == LOPI_FULL || kernel->rounding == plan->rounding;
}

/** The plan's precision, which is not AUTO. */
lop_run_precision lopi_plan_precision(const lop_plan *plan);

/** Bytes of an element that layer `layer` reads; at the layer count, of the network's output. */
size_t lopi_plan_size(const lop_plan *plan, size_t layer);

/** Bytes of the larger of what a step reads and what it yields, for so many samples. */
size_t lopi_plan_buffer(const lop_plan *plan, const lopi_laid *step, size_t samples);

/** The layer laid out for a kernel, made where it is not there yet. Where the plan tries nothing,
 * it is laid out when all that will be is known. LOP_E_MEMORY. */
lop_status lopi_plan_lay(lop_plan *plan, const lopi_layers *layers, size_t layer,
                         const lopi_kernel *kernel, const lopi_laid **out, lop_error *error);

/** A way to compute each layer of one class while it is being chosen. */
typedef struct lopi_option {
    const lopi_kernel *kernel;
    double ns;
} lopi_option;

/** Options of a layer for one class. */
typedef struct lopi_options {
    lopi_option *option; /* [count] */
    size_t count;
} lopi_options;

/** Decide all classes: fills their steps, times and candidates. Of the options `measure` and
 * `samples` count here. */
lop_status lopi_plan_choose(lop_plan *plan, const lopi_layers *layers,
                            const lop_plan_options *options, lop_error *error);

/** Nanoseconds to bring the values of one layer's border into another layout, guessed. */
double lopi_relayout_ns(lopi_layout from, lopi_layout to, size_t features, size_t size,
                        size_t samples);

/** A place to take times, on samples or what is made up for them (probes.h). */
typedef struct lopi_bench lopi_bench;
lop_status lopi_bench_new(lopi_bench **out, const lop_plan *plan, size_t batch,
                          const lop_plan_samples *samples, lop_error *error);
void lopi_bench_free(lopi_bench *bench);
/** Where there are samples, compute what each layer reads for them, by steps [layers], any that
 * can. Before anything is timed. */
lop_status lopi_bench_follow(lopi_bench *bench, const lopi_laid *const *steps, lop_error *error);
/** Time the kernels of one layer against each other, in turns: sets ns of each; those that are
 * hopeless get the time of one call. */
lop_status lopi_bench_layer(lopi_bench *bench, const lopi_laid *const *laid, lopi_option *option,
                            size_t count, lop_error *error);
/** Time whole networks against each other: ns [count] of steps [count][layers]. */
lop_status lopi_bench_networks(lopi_bench *bench, const lopi_laid *const *const *steps, double *ns,
                               size_t count, lop_error *error);

/** What a thread needs to compute a piece: buffers for any layer's values, flags [samples]. */
typedef struct lopi_room {
    void *buffer[2], *scratch;
    uint8_t *flags;
} lopi_room;

/** One piece through all layers by one thread, as a run does it: to take its time. */
void lopi_run_piece(const lop_plan *plan, const lopi_class *class, lopi_source source, size_t count,
                    float *y, const lopi_room *room);

/** Read a saved plan into a plan that has no choices yet. As lop_plan_new says. */
lop_status lopi_plan_restore(lop_plan *plan, const lopi_layers *layers, const char *text,
                             lop_error *error);

#endif
