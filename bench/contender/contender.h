/*
 * contender: one engine at a time, computing one network, as inference.py asks it to.
 *
 * An engine is a row of a table: it opens a job, runs it, and closes it. What it is given is the
 * same for all: the weights as float32, the same weights in 8 bits with what is known of the
 * activations, and the samples. main.c holds the clock.
 */
#ifndef CONTENDER_H
#define CONTENDER_H

#include <lop/lop.h>

enum { MAX_LAYERS = 16, SAMPLES = 1024, SETS_OF_ONE = 128, SETTING = 256 };

/** A layer: y = relu(W x), the last one without relu. */
typedef struct peer_layer {
    size_t outputs, inputs;
    const float *weight; /* [outputs][inputs], the network's */
    int8_t *rounded;     /* [outputs][inputs]: weight = rounded · scale of its unit */
    float *scale;        /* [outputs] */
    float least, most;   /* of what it yields, behind relu, on training samples */
} peer_layer;

/** A network that engines compute. */
typedef struct peer_net {
    lop_network *network;
    lop_dataset *dataset;
    peer_layer layers[MAX_LAYERS];
    size_t layer_count;
    float *x;             /* [SAMPLES][inputs], of the test part */
    const uint8_t *bytes; /* the same: x = byte / 255 */
} peer_net;

/** Load a network and what engines need to know of it. `contest` is all zero before. */
lop_status contest_open(peer_net *out, const char *path, lop_error *error);
void contest_close(peer_net *contest);

/** Steps of the 8 bits that what layer `l` yields is rounded to, and which of them is 0: behind
 * relu 0 … most in 0 … 255. */
float step_of(const peer_layer *layer);
uint8_t zero_of(const peer_layer *layer);

/** What is asked of an engine. */
typedef struct peer_job {
    const peer_net *contest;
    size_t threads, batch, variant;
    size_t sets; /* of samples to choose from: set s is samples s · batch … */
} peer_job;

const float *job_floats(const peer_job *job, size_t set);
const uint8_t *job_bytes(const peer_job *job, size_t set);

typedef struct peer_engine {
    const char *name;
    const char
        *variants[8]; /* settings to choose from, the fastest is kept; NULL beyond the last */
    /** Make ready. On failure nothing is left behind. */
    lop_status (*open)(void **state, const peer_job *job, lop_error *error);
    /** y [batch][outputs]: logits of a set. */
    lop_status (*run)(void *state, size_t set, float *y, lop_error *error);
    void (*close)(void *state);
    /** Add members to the JSON object that answers `open`, each begun by ", "; NULL: none. */
    void (*describe)(const void *state);
} peer_engine;

extern const peer_engine engine_lop_int8, engine_lop_float32, engine_lop_avx2;
extern const peer_engine engine_onnxruntime_int8, engine_onnxruntime_float32;
extern const peer_engine engine_onednn_int8, engine_onednn_bf16, engine_onednn_float32;
extern const peer_engine engine_graphblas;

/** An error of this program's own. */
lop_status fail(lop_error *error, lop_status status, const char *format, ...) LOP_PRINTF(3, 4);

#endif
