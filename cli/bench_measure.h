/** lop bench: what is measured, and how. */
#ifndef CLI_BENCH_MEASURE_H
#define CLI_BENCH_MEASURE_H

#include <lop/energy.h>

#include "packed.h"

/** The forms of one network that take turns. */
typedef enum bench_form {
    FORM_PLANNED,
    FORM_DENSE,         /* the same without skipping zeros */
    FORM_DENSE_FLOAT32, /* and in float32; only where the planned form is int8 */
    FORM_COUNT
} bench_form;

enum { BENCH_BATCHES = 5, BENCH_TEAMS = 2 };
extern const size_t bench_batches[BENCH_BATCHES];

/** Times of one form for one batch: microseconds a batch. */
typedef struct bench_times {
    double median_us, low_us, high_us; /* 50th, 5th and 95th percentile of single runs */
    double joules; /* a sample, of the whole processor; NAN where it has no counter */
} bench_times;

/** How soon a network answers: milliseconds from its file's bytes, which are in memory, to the
 * outputs of one sample, in a plan for single samples. Medians, by the thread's own clock. */
typedef struct bench_start_times {
    double open_ms;    /* reading and decoding */
    double plan_ms;    /* planning by stated costs, and running */
    double restore_ms; /* planning by what was measured and kept, and running */
} bench_start_times;

/** The planned network beside those that compute all layers in one way, for one size of batch. */
typedef struct bench_single {
    double planned_us, single_us; /* medians, in turns */
    char kernel[48];              /* of the fastest of those; "": none was near */
    double ratio;                 /* planned over single, median of the turns */
} bench_single;

/** Samples to run: of the data set, or drawn. */
typedef struct bench_samples {
    lop_samples view;
    uint8_t *drawn;
} bench_samples;

/** All that is found. */
typedef struct bench_findings {
    const char *forms[FORM_COUNT]; /* "int8", …; NULL where a form is not measured */
    lop_plan_facts facts[FORM_COUNT];
    size_t threads[BENCH_TEAMS], teams; /* rows of `times` */
    bench_times times[BENCH_TEAMS][BENCH_BATCHES][FORM_COUNT];
    lop_energy energy[FORM_COUNT]; /* estimated */
    bench_start_times start;
    bench_single single[BENCH_BATCHES]; /* where asked for */
    bool real_data;                     /* samples of a data set, not drawn */
} bench_findings;

/** What is asked for. */
typedef struct bench_wanted {
    double seconds; /* for each form, batch and number of threads */
    size_t threads; /* 0: one, and all cores */
    bool anew;      /* no kept plans */
    bool singles;   /* also compare with single kernels */
} bench_wanted;

/**
 * Measure all forms in turns: a slow moment of the machine hits all of them.
 * @param planned  receives the plan with one team's threads, for showing; lop_plan_free
 */
lop_status bench_measure(bench_findings *out, lop_plan **planned, session *s,
                         const packed_network *network, const packed_values *v,
                         const bench_wanted *wanted, lop_error *error);

#endif
