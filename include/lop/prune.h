/**
 * Pruning: what is scored, what is removed, what is left.
 *
 * Definitions, which tests hold to the letter:
 *  - weight pruning at k: in each layer the round(k · n) weights of lowest score become zero;
 *  - unit pruning at k: in each layer the round(k · units) units of lowest score are removed;
 *  - round is to nearest, halves away from zero; ties go to the lower index;
 *  - the output layer is left alone unless asked for; sparsity is a fraction of the total.
 */
#ifndef LOP_PRUNE_H
#define LOP_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/network.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What is removed as one. Rows of a table; names by lop_granularity_name.
 *
 *  - BLOCK: a rectangle of block_rows × block_columns weights; smaller at the right and lower edge;
 *  - NM: a weight, and of each M consecutive inputs of an output N are kept. N and M then decide
 *    how much is removed, and M must divide the inputs of each layer.
 */
typedef enum lop_granularity {
    LOP_GRANULARITY_WEIGHT,
    LOP_GRANULARITY_UNIT,
    LOP_GRANULARITY_BLOCK,
    LOP_GRANULARITY_NM
} lop_granularity;

/** What a criterion looks at beside the weights; lop_prune_options brings it. */
typedef enum lop_criterion_needs {
    LOP_NEEDS_NOTHING,
    LOP_NEEDS_SAMPLES,   /* calibration samples */
    LOP_NEEDS_LABELS,    /* calibration samples and their labels */
    LOP_NEEDS_MOVEMENT,  /* −Σ w · gradient, gathered while training */
    LOP_NEEDS_CURVATURE, /* the mean of squared gradients, gathered while training */
} lop_criterion_needs;

/** What is scored: a row of the table of criteria. */
typedef struct lop_criterion {
    const char *name; /* "magnitude", "l2", "random" */
    lop_granularity granularity;
    const char *description; /* one line */
    lop_criterion_needs needs;
} lop_criterion;

/** Name of a granularity: "weight", "unit"; NULL beyond the last. */
LOP_API const char *lop_granularity_name(size_t index);
LOP_API lop_status lop_granularity_find(const char *name, lop_granularity *out, lop_error *error);

/** Criterion `index` of the table; NULL beyond the last. Static. */
LOP_API const lop_criterion *lop_criterion_at(size_t index);
/** The criterion of that name for that granularity; name NULL means its first. LOP_E_NAME lists. */
LOP_API lop_status lop_criterion_find(const char *name, lop_granularity granularity,
                                      const lop_criterion **out, lop_error *error);
/** Whether it goes by what is gathered while training: movement, curvature. NULL: no. */
LOP_API bool lop_criterion_needs_training(const lop_criterion *criterion);

/** Ranked where: within each layer, or over all layers together. */
typedef enum lop_scope { LOP_SCOPE_LAYER, LOP_SCOPE_GLOBAL } lop_scope;
LOP_API const char *lop_scope_name(size_t index);

/**
 * How much from each layer, where the scope is the layer; ranking over all layers decides that by
 * itself and goes with UNIFORM alone.
 *
 *  - UNIFORM: k of each layer;
 *  - ERK: a density proportional to (inputs + outputs) / (inputs · outputs), layers that come out
 *    above 1 dense and the rest solved again (Mocanu et al. 2018, Evci et al. 2020);
 *  - LAMP: what a ranking over all layers by the LAMP score takes from each (Lee et al. 2021);
 *  - LIST: as `list` says.
 */
typedef enum lop_allocation {
    LOP_ALLOCATION_UNIFORM,
    LOP_ALLOCATION_ERK,
    LOP_ALLOCATION_LAMP,
    LOP_ALLOCATION_LIST
} lop_allocation;
/** "uniform", "erk", "lamp", "list"; NULL beyond the last. */
LOP_API const char *lop_allocation_name(size_t index);

#define LOP_MAX_WARNINGS 64

/** A layer that keeps fewer than one weight for an output that is still read, or none at all. */
typedef struct lop_prune_warning {
    size_t layer;
    size_t weights_left;
    size_t outputs; /* that something still reads */
} lop_prune_warning;

/** What a pruning came to. */
typedef struct lop_prune_outcome {
    size_t items, removed; /* of all layers that may be pruned; removed before counts as removed */
    size_t warnings;       /* rows of `warning`; layers beyond LOP_MAX_WARNINGS are left out */
    lop_prune_warning warning[LOP_MAX_WARNINGS];
} lop_prune_outcome;

/** Zero is a good default for every member; all pointers are borrowed for the call. */
typedef struct lop_prune_options {
    lop_granularity granularity;
    const lop_criterion *criterion; /* NULL: the granularity's first */
    lop_scope scope;
    double sparsity;     /* k as a fraction, [0, 1) */
    bool include_output; /* prune the output layer's weights too; its units never */
    uint64_t seed;       /* of the random criterion */

    lop_allocation allocation;
    const double *list; /* [list_count] of LIST: k of each layer that may be pruned, in order */
    size_t list_count;

    size_t block_rows, block_columns; /* of BLOCK; 0 means 4 */
    size_t n, m;                      /* of NM: N kept of M; both 0 means 2 of 4 */

    size_t min_keep; /* by weight: at least so many weights stay for each output that has them */

    /* Calibration, for criteria that look at data: samples indices[0 … sample_count − 1], or the
     * first sample_count of them where `indices` is NULL. */
    const lop_samples *samples;
    const uint32_t *indices;
    size_t sample_count;

    /* [layers][outputs · inputs], for criteria that need training: what was gathered there. */
    const float *const *gathered;

    lop_prune_outcome *outcome; /* written on success; may be NULL */
} lop_prune_options;

/**
 * Prune a network, in place: sets masks and zeroes what they prune.
 *
 * What the network's masks prune already counts as removed first (its score is below all others),
 * so that pruning to the same k twice changes nothing. Unit pruning zeroes the unit's row, its bias
 * and its column in the layers that read it, so that the network computes what it computes without
 * the unit; a unit counts as removed already where all of these are. Ranked over all layers, units
 * leave each layer its best one; ranked within a layer, round(k · units) may be all of them.
 *
 * The share is rounded as it is meant in decimal: k = 0.35 of 10 is 3.5 and gives 4, although the
 * product of the doubles lies below. Selection is exact and does not depend on threads.
 *
 * Criteria that look at what layers read (wanda, obs, sparsegpt) prune layer by layer, each with
 * the samples as the layers before it yield them once they are pruned, and only with the scope of a
 * layer. obs and sparsegpt set the weights that stay anew: to the exact minimum of the layer's
 * squared error after each of four rounds of rising sparsity (by N:M one for each weight a group
 * loses), or in one sweep over the inputs. With them an input that is zero in all samples loses its
 * weights first. wanda compares within an output, so each loses its even share of what the layer
 * loses. min_keep goes before the sparsity: what it protects stays, and the outcome tells how many
 * were removed.
 *
 * @return LOP_OK; LOP_E_RANGE where a sparsity is outside [0, 1) or a sample does not exist;
 *         LOP_E_ARG where the criterion is of another granularity or not of the table, lacks its
 *         samples, labels or what training gathers, or options contradict each other, and where M
 * does not divide a layer's inputs; LOP_E_SHAPE where the samples do not fit the network; LOP_E_NAN
 * where a weight, bias or score is not finite, or a Hessian not positive definite; LOP_E_MEMORY. On
 *         failure the network is unchanged, but for masks of all ones.
 */
LOP_API lop_status lop_prune(lop_network *network, const lop_prune_options *options,
                             lop_error *error);

#define LOP_MAX_COUNTED_LAYERS 64

/** What is left of a network. A weight is left where it is not zero. */
typedef struct lop_layer_count {
    size_t weights, weights_left, effective_weights_left;
    size_t units, units_left; /* left: with a path from the input and a path to the output; the
                                 output layer's all are */
} lop_layer_count;

typedef struct lop_count {
    size_t layers; /* rows of `layer` */
    size_t weights, weights_left;
    size_t effective_weights_left; /* after dead units and inputs are removed, see lop_compact */
    double sparsity;               /* 1 − weights_left / weights */
    lop_layer_count layer[LOP_MAX_COUNTED_LAYERS];
} lop_count;

/** Count exactly; *out is untouched on failure. LOP_E_LIMIT above LOP_MAX_COUNTED_LAYERS layers;
 * LOP_E_MEMORY. */
LOP_API lop_status lop_count_network(const lop_network *network, lop_count *out, lop_error *error);

/**
 * Physically remove hidden units that no input reaches or that reach no output: the smaller network
 * computes the same outputs. Such a unit's constant value (relu of its bias) moves into the biases
 * of the layers that read it; a constant other than zero whose reader has no biases stays where it
 * is. The network's inputs and outputs stay. A layer never loses its last unit: where all are dead
 * one zero unit stays, so that the graph stays whole.
 *
 * Sums may be reordered, so outputs can differ in the last bits of float32.
 *
 * @param out  receives the compacted network, with masks of what is left; one owner; untouched on
 *             failure
 * @return LOP_OK; LOP_E_NAN where a weight or bias is not finite; LOP_E_MEMORY
 */
LOP_API lop_status lop_compact(lop_network **out, const lop_network *network, lop_error *error);

/**
 * Bytes of the network as a plain sparse file: for each layer whichever is smaller of dense float32
 * and CSR (float32 values, 16-bit column indices where the layer has at most 65,536 inputs and
 * 32-bit ones elsewhere, a 32-bit row start for each unit and one more), plus the biases, after
 * nothing else is removed.
 */
LOP_API size_t lop_sparse_bytes(const lop_network *network);

/** Bytes of the weights and biases stored dense as float32. */
LOP_API size_t lop_dense_bytes(const lop_network *network);

/**
 * Bytes of the dense float32 weights and biases through zstd at `level`, 1 … 19 (19 takes seconds
 * for millions of weights). LOP_E_RANGE; LOP_E_MEMORY. Untouched on failure.
 */
LOP_API lop_status lop_zstd_bytes(const lop_network *network, int level, size_t *bytes,
                                  lop_error *error);
/** The same as one gzip file of `level`, 1 … 9. */
LOP_API lop_status lop_gzip_bytes(const lop_network *network, int level, size_t *bytes,
                                  lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
