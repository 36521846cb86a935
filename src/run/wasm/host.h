/**
 * The runtime as a WebAssembly module: what it exports to JavaScript, and the one thing that it
 * imports. web/runtime/lop-run.js is its other side. The files of this folder are compiled for
 * WebAssembly alone; they stand in for what base/ and run/ have of files, threads and clocks.
 *
 * Addresses are numbers to JavaScript. A module has one thread, so the last error is kept in it.
 */
#ifndef LOPI_RUN_WASM_HOST_H
#define LOPI_RUN_WASM_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <lop/run.h>

/** Imported (env.lop_host_now): milliseconds of a clock that does not go back. */
double lop_host_now(void);

/** Zeroed bytes, at a multiple of 64; NULL where there are none. End with lop_wasm_free. */
void *lop_wasm_alloc(size_t size);
void lop_wasm_free(void *block);

/** The last failure in one line, and its status' name; valid until the next call. */
const char *lop_wasm_error(void);
const char *lop_wasm_error_name(void);

/** lop_packed_open; NULL where it fails. End with lop_packed_free. */
lop_packed *lop_wasm_open(const void *data, size_t size);

/** What there is to know of a layer, in whole numbers. */
typedef enum lop_wasm_fact {
    LOP_WASM_OUTPUTS,
    LOP_WASM_INPUTS,
    LOP_WASM_WEIGHTS_LEFT,
    LOP_WASM_VALUES, /* lop_values */
    LOP_WASM_ENTRIES,
    LOP_WASM_RELU,
    LOP_WASM_BIAS,
    LOP_WASM_CALIBRATED,
    LOP_WASM_FACTS
} lop_wasm_fact;

/** [LOP_WASM_FACTS] of layer `index`, valid until the next call; NULL beyond the last. */
const uint32_t *lop_wasm_layer(const lop_packed *packed, size_t index);
/** Its name, the network's; NULL beyond the last. */
const char *lop_wasm_layer_name(const lop_packed *packed, size_t index);

/** A plan with its workspace. */
typedef struct lop_wasm_plan lop_wasm_plan;

enum { LOP_WASM_DENSE = 1, LOP_WASM_MEASURE = 2, LOP_WASM_SCALAR = 4 };

/**
 * lop_plan_new; NULL where it fails.
 * @param flags  LOP_WASM_… or'ed: options of the same names, and isa "scalar"
 */
lop_wasm_plan *lop_wasm_plan_new(const lop_packed *packed, int precision, size_t max_batch,
                                 unsigned flags);
void lop_wasm_plan_free(lop_wasm_plan *plan);

/** Whether it computes in int8. */
int lop_wasm_plan_int8(const lop_wasm_plan *plan);
/** The widest instruction set that it may use. Static. */
const char *lop_wasm_plan_isa(const lop_wasm_plan *plan);
/** Name of the kernel chosen for a layer, in batches of class `class_index`. Static; NULL beyond.
 */
const char *lop_wasm_plan_kernel(const lop_wasm_plan *plan, size_t class_index, size_t layer);

/** lop_plan_run and lop_plan_run_bytes. */
lop_status lop_wasm_run(const lop_wasm_plan *plan, const float *x, size_t batch, float *y);
lop_status lop_wasm_run_bytes(const lop_wasm_plan *plan, const uint8_t *x, size_t batch, float *y);

#endif
