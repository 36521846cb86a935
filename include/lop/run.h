/**
 * Run: packed networks, as fast as this machine can compute them.
 *
 * This header stands alone, and so does its library: liblop-run needs the C library and nothing
 * else. A packed network holds the weights that pruning left. It belongs to one owner, does not
 * change, and may be read by many threads.
 */
#ifndef LOP_RUN_H
#define LOP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits, checked on everything that comes from outside. */
#define LOP_RUN_MAX_LAYERS  1024
#define LOP_RUN_MAX_WIDTH   (1u << 20) /* values a sample that a layer reads or yields */
#define LOP_RUN_MAX_WEIGHTS (1u << 31) /* left in one layer */
#define LOP_RUN_MAX_NAME    64         /* bytes of a layer's name, terminator included */

typedef struct lop_packed lop_packed; /* opaque; immutable; one owner */

/**
 * Open a packed file (.lop, docs/format.md) that is in memory.
 *
 * Hostile input: every byte is checked, nothing is believed.
 *
 * @param out         receives the network; one owner, lop_packed_free; untouched on failure
 * @param data        [size], borrowed for the call
 * @param max_memory  bytes that may be taken; 0: 64 MiB and 64 for each byte of the file. Beside
 *                    the network itself, decoding takes 20 bytes for each input of its widest layer
 *                    and less than 56 kB
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_CHECKSUM, LOP_E_NAN where the file is
 *         damaged; LOP_E_VERSION, LOP_E_UNSUPPORTED where it is newer than this library;
 *         LOP_E_LIMIT; LOP_E_MEMORY. The error names the byte.
 */
LOP_API lop_status lop_packed_open(lop_packed **out, const void *data, size_t size,
                                   size_t max_memory, lop_error *error);
/** The same for a file; "-" is standard input. LOP_E_NOT_FOUND, LOP_E_IO too. */
LOP_API lop_status lop_packed_open_file(lop_packed **out, const char *path, size_t max_memory,
                                        lop_error *error);

/** How a layer's weights are kept. */
typedef enum lop_values {
    LOP_VALUES_FLOAT32,
    LOP_VALUES_FLOAT16,
    LOP_VALUES_INT8,   /* whole numbers −127 … 127 with a scale for each unit */
    LOP_VALUES_SHARED, /* places in a table of at most 256 values */
} lop_values;

/** A layer of a packed network, as it is shown. `name` belongs to the network. */
typedef struct lop_packed_layer {
    const char *name;
    size_t outputs, inputs, weights_left;
    lop_values values;
    size_t entries; /* of SHARED */
    bool relu, bias;
    float input_density; /* share of its inputs that are not 0 on the data it was calibrated with */
    bool calibrated;     /* may be run in int8 */
} lop_packed_layer;

/** End a network; the plans made from it must have ended before. */
LOP_API void lop_packed_free(lop_packed *packed);

/** Values that a sample has, values that a sample yields, and layers. */
LOP_API size_t lop_packed_inputs(const lop_packed *packed);
LOP_API size_t lop_packed_outputs(const lop_packed *packed);
LOP_API size_t lop_packed_layer_count(const lop_packed *packed);
/** Layer `index`. LOP_E_RANGE beyond the last; *out untouched then. */
LOP_API lop_status lop_packed_layer_get(const lop_packed *packed, size_t index,
                                        lop_packed_layer *out, lop_error *error);

/* Plans -------------------------------------------------------------------------------------- */

/**
 * How products are computed. AUTO is int8 where the network was calibrated, else float32. BF16 is
 * float32 but that kernels which round weights, or inputs and weights, to bf16 may serve too: each
 * product is then within 2^-8 + 2^-18 of its own size. AVX-512 has one for few samples; for batches
 * the toolkit has dense ones (network.h, lop_dense_kernels_register). Without them BF16 is float32.
 *
 * FP16 is float32 but that kernels which compute in floats of 16 bits may serve too: inputs,
 * weights and sums are rounded to u = 2^-11, scaled by powers of two so that none overflows. A unit
 * of k weights is off by at most (k + 3) u / (1 - (k + 3) u) times the sum of its products' sizes,
 * and k 2^-21 times its largest weight times the sample's largest input, neither taken for less
 * than 2^-126, layer by layer. AVX-512 with FP16 has one for few samples; without it FP16 is
 * float32.
 */
typedef enum lop_run_precision {
    LOP_RUN_AUTO,
    LOP_RUN_FLOAT32,
    LOP_RUN_INT8,
    LOP_RUN_BF16,
    LOP_RUN_FP16
} lop_run_precision;

/**
 * Samples to measure with: how long a kernel takes that skips zeros depends on how many there are
 * and where they lie. Those with which a network was trained are good ones, and some hundred
 * suffice.
 */
typedef struct lop_plan_samples {
    const uint8_t *bytes; /* [count][inputs], as for lop_plan_run_bytes; NULL: floats */
    const float *floats;  /* [count][inputs], as for lop_plan_run; NULL: bytes */
    size_t count;         /* 0: none, and both pointers are NULL */
} lop_plan_samples;

/** Zero is a good default for every member. */
typedef struct lop_plan_options {
    lop_run_precision precision;
    size_t max_batch; /* largest batch to plan for, 1 … 4096; larger ones are computed in pieces, so
                         it bounds the workspace; 0 means 512 */
    size_t min_batch; /* smallest batch to plan for, up to max_batch; 0 means 1. Smaller ones are
                         computed all the same; planning for fewer sizes takes less time */
    size_t threads; /* that one run uses, 1 … 256; 0 means 1. Above 1 the plan has threads of its
                       own, which sleep between runs */
    bool measure; /* time the candidates on this machine, which takes some seconds for all sizes of
                     batch, rather than guess by their stated costs, which takes some ms */
    lop_plan_samples samples; /* to measure with: as many as are needed, from all over them;
                                 borrowed for the call. None: inputs are made up, with as many zeros
                                 as those that the network was calibrated with. Not looked at where
                                 nothing is measured */
    bool dense;               /* only candidates that skip no zeros: the network's own dense form */
    const char *kernel;       /* this way of computing for every layer that it can compute, as
                                 lop_plan_candidate names it, to compare with; NULL: what is best. With
                                 `saved` LOP_E_ARG: a saved plan has its ways */
    const char *isa; /* use no wider instruction set: "scalar", "avx2", …; NULL: all there are */
    const char *saved; /* a text of lop_plan_text: take its choices and measure nothing; NULL: none.
                          Borrowed for the call. The text must be of a plan with the same
                          precision, `dense`, `isa` and classes of batches */
} lop_plan_options;

/**
 * A planned network: for each layer and each class of batch sizes a way to compute it, and the
 * layer laid out for it. Immutable; one owner; many threads may run it at once, each with its own
 * workspace.
 */
typedef struct lop_plan lop_plan;

/**
 * Plan a network.
 *
 * @param out     receives the plan; untouched on failure
 * @param packed  keeps: it must outlive the plan
 * @return LOP_OK; LOP_E_ARG without network or place, where `kernel` and `saved` are both there,
 *         or where `samples` has not one array with a count; LOP_E_NAN where a sample that int8 is
 *         measured with has a NaN; LOP_E_RANGE where an option is outside its range; LOP_E_NAME
 *         (unknown `isa` or `kernel`); LOP_E_UNSUPPORTED where `isa` is not of this machine, where
 *         int8 is asked for and the network is not calibrated or a unit has more than 131,072
 *         weights, or where the saved plan is for another CPU, instruction set, precision, batch or
 *         version of this library; LOP_E_FORMAT where the saved plan is damaged; LOP_E_SHAPE where
 *         it is for another network; LOP_E_LIMIT; LOP_E_MEMORY
 */
LOP_API lop_status lop_plan_new(lop_plan **out, const lop_packed *packed,
                                const lop_plan_options *options, lop_error *error);
LOP_API void lop_plan_free(lop_plan *plan);

/** Bytes of the workspace that a run needs; a multiple of 64. */
LOP_API size_t lop_plan_workspace(const lop_plan *plan);

/**
 * Compute a batch. Allocates nothing and waits for nobody: where another run has the plan's
 * threads, it computes alone. In int8 a sample's result depends neither on the number of threads
 * nor on the batch. In float32 kernels differ in the order of their sums, and so in the last bits:
 * which of them compute depends on both, unless the plan was told to use one alone (`kernel`).
 *
 * In float32 values that are not finite come out as a dense product has them: 0 · NaN and 0 · inf
 * are NaN, and relu leaves NaN. In int8 infinity is the largest value there is, and NaN is refused.
 *
 * @param x          [batch][inputs], borrowed
 * @param batch      1 …
 * @param y          [batch][outputs], written: logits; may not overlap x or the workspace
 * @param workspace  [size] bytes at a multiple of 64, size at least lop_plan_workspace
 * @return LOP_OK; LOP_E_ARG where a pointer is NULL, the batch is 0, or the workspace is too small
 *         or not aligned; LOP_E_NAN (int8) naming sample and value. y is untouched on failure
 */
LOP_API lop_status lop_plan_run(const lop_plan *plan, const float *x, size_t batch, float *y,
                                void *workspace, size_t size, lop_error *error);

/** The same for values in bytes: a byte b stands for b / 255. */
LOP_API lop_status lop_plan_run_bytes(const lop_plan *plan, const uint8_t *x, size_t batch,
                                      float *y, void *workspace, size_t size, lop_error *error);

/** What a plan is like as a whole. */
typedef struct lop_plan_facts {
    lop_run_precision precision; /* not AUTO */
    const char *isa;             /* the widest instruction set that it may use */
    size_t threads, layers;
    size_t inputs, outputs; /* values that a sample has, and yields */
    size_t classes;         /* of batch sizes */
    size_t prepared_bytes;  /* of the layers as they are laid out */
    size_t workspace_bytes; /* of one run */
    bool measured;          /* times were measured, now or when the plan was saved */
    bool sampled;           /* on samples that were given, not on made-up inputs */
} lop_plan_facts;
LOP_API void lop_plan_facts_get(const lop_plan *plan, lop_plan_facts *out);

/** A way to compute a layer that was looked at. */
typedef struct lop_plan_candidate {
    const char *kernel; /* its name; static */
    double ns;          /* for one batch of the class, on one thread: measured, or guessed */
    size_t bytes;       /* of the layer laid out for it; 0: it was not, its time is a guess */
} lop_plan_candidate;

/** What was chosen for a layer. */
typedef struct lop_plan_choice {
    size_t batch;    /* of the class */
    double total_ns; /* of the whole network for such a batch, on one thread */
    size_t products; /* with weights, a sample: all of a kernel that skips none, else those left */
    lop_plan_candidate chosen;
    const lop_plan_candidate *candidates; /* [candidate_count], the fastest first; the plan's */
    size_t candidate_count;
} lop_plan_choice;

/** LOP_E_RANGE beyond the last class or layer; *out untouched then. */
LOP_API lop_status lop_plan_choice_get(const lop_plan *plan, size_t class_index, size_t layer,
                                       lop_plan_choice *out, lop_error *error);

/**
 * The plan as text, for lop_plan_options.saved on the same machine: some lines that name CPU,
 * network and choices, and a checksum.
 * @param text  [size], written and terminated where the size suffices
 * @return bytes needed, the terminator included
 */
LOP_API size_t lop_plan_text(const lop_plan *plan, char *text, size_t size);

/** Instruction sets that this machine has, from the narrowest; NULL beyond the last. Static. */
LOP_API const char *lop_run_isa(size_t index);

#ifdef __cplusplus
}
#endif

#endif
