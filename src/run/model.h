/**
 * The packed network in memory: what the file's reader fills, what the packer makes of a trained
 * network, and what the planner plans.
 *
 * A chain of linear layers: each reads what the one before it yields, the first the network's
 * input. Weights are kept as CSR, a row for each unit. Whoever fills one ends with
 * lopi_packed_check, so that all others may trust it.
 */
#ifndef LOPI_RUN_MODEL_H
#define LOPI_RUN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/run.h>

typedef struct lopi_packed_layer {
    char name[LOP_RUN_MAX_NAME];
    uint32_t outputs, inputs;
    bool relu; /* behind the layer: y < 0 becomes 0, NaN stays */
    uint32_t
        *row_start; /* [outputs + 1]; weights of row r at row_start[r] … row_start[r + 1] − 1 */
    uint32_t *column; /* [left], rising within each row */
    lop_values kind;
    float *values;    /* FLOAT32; FLOAT16, widened: [left] */
    int8_t *q;        /* INT8: [left], −127 … 127; a weight is q · scale[row] */
    float *scale;     /* INT8: [outputs], above 0 */
    uint8_t *symbol;  /* SHARED: [left]; a weight is table[symbol] */
    float *table;     /* SHARED: [entries] */
    uint32_t entries; /* SHARED: 1 … 256 */
    float *bias;      /* [outputs], or NULL */
    float input_scale; /* x ≈ input_scale · (q − input_zero), q in 0 … 127, when its INPUT is run in
                          int8; 0: not calibrated */
    int32_t input_zero;  /* 0 … 127; 0 behind relu */
    float input_density; /* share of the inputs that are not 0 on calibration data, 0 … 1 */
} lopi_packed_layer;

struct lop_packed {
    uint32_t inputs, outputs;
    size_t layer_count;
    lopi_packed_layer *layers; /* [layer_count] */
    uint64_t checksum;         /* lopi_packed_checksum, set by lopi_packed_check */
};

/** Weights that are left in a layer. */
size_t lopi_packed_left(const lopi_packed_layer *layer);

/** Weight `index`, which is one of unit `unit`, as float32. */
float lopi_packed_weight(const lopi_packed_layer *layer, uint32_t unit, size_t index);

/** The weights of a layer as float32, whatever they are kept as: [left], written. */
void lopi_packed_weights(const lopi_packed_layer *layer, float *out);

/**
 * A network of `layer_count` zeroed layers; the caller fills them with memory of base/memory.h,
 * which lop_packed_free frees. One owner; *out untouched on failure. LOP_E_LIMIT; LOP_E_MEMORY.
 */
lop_status lopi_packed_new(lop_packed **out, size_t layer_count, lop_error *error);

/**
 * Whether all that is said above holds, all numbers are finite and within the limits of lop/run.h,
 * and the layers chain. Sets the network's inputs, outputs and checksum.
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_SHAPE, LOP_E_LIMIT, LOP_E_NAN, naming the layer
 */
lop_status lopi_packed_check(lop_packed *packed, lop_error *error);

/** Of all that decides a result or a plan: FNV-1a over the layers' numbers, 64 bits. */
uint64_t lopi_packed_checksum(const lop_packed *packed);

#endif
