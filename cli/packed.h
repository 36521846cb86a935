/** Networks that are to be run: packed ones, made from a trained network's file where need be. */
#ifndef CLI_PACKED_H
#define CLI_PACKED_H

#include <lop/data.h>
#include <lop/network.h>
#include <lop/run.h>

#include "options.h"
#include "session.h"

/** What commands that run networks begin with. */
typedef struct packed_values {
    common common; /* first */
    const char *data, *label_column;
    lop_run_precision precision;
} packed_values;

/** Options of commands whose values begin with packed_values. */
extern const option packed_options[];

typedef struct packed_network {
    lop_packed *packed;
    lop_network *network; /* as trained; NULL where the file is packed */
    uint64_t seed;        /* of the training; 1 where the file is packed */
    lop_dataset *dataset; /* that calibrated, or was named; may be NULL */
} packed_network;

/** Whether bytes begin as packed files do. */
bool packed_begins(const unsigned char *bytes, size_t size);
/** Whether a file begins as packed ones do. */
bool packed_is(const char *path);

/**
 * Open FILE, the first argument, a packed file or a trained network's. A trained network is packed
 * in memory, and calibrated with samples of the data set that is named, or that it was trained with
 * where that is at hand; otherwise it runs in float32.
 */
lop_status packed_open(packed_network *out, session *s, const packed_values *v, lop_error *error);
void packed_close(packed_network *network);

/** The widest instruction set that is wanted: what LOP_ISA names; NULL: any. */
const char *widest_isa(void);

/** Options for a plan: precision as asked for, and no wider instruction set than LOP_ISA names. */
lop_plan_options packed_plan_options(const packed_values *v);

/** The training samples of the network's data set, for plans to be measured with; none without one.
 */
lop_plan_samples packed_plan_samples(const packed_network *network);

/** A plan with all that a run of it needs. Zero it first; end with runner_end. */
typedef struct runner {
    lop_plan *plan;
    void *workspace;
    size_t size;
} runner;
/** Take `plan` over, also on failure. LOP_E_MEMORY. */
lop_status runner_begin(runner *r, lop_plan *plan, lop_error *error);
/** y [count][outputs] of samples first … first + count − 1. */
lop_status runner_run(const runner *r, const lop_samples *samples, size_t first, size_t count,
                      float *y, lop_error *error);
void runner_end(runner *r);

#endif
