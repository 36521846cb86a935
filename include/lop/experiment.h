/**
 * Experiments: a recipe says what to do, a run does it once, a sweep does it many times.
 *
 * A sweep trains one dense network for each seed, prunes a copy of it at each point, measures, and
 * appends each result to DIR/results.jsonl as soon as it is known. Started again, it continues with
 * what is missing.
 */
#ifndef LOP_EXPERIMENT_H
#define LOP_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/network.h>
#include <lop/prune.h>
#include <lop/result.h>
#include <lop/status.h>
#include <lop/train.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_MAX_HIDDEN     63
#define LOP_MAX_METHODS    16
#define LOP_MAX_SPARSITIES 128

#define LOP_MAX_SEEDS 10000

/**
 * All that decides a result. Start from lop_recipe_default. Texts are owned by the recipe and come
 * from malloc: replace one by freeing it and putting a copy in its place.
 */
typedef struct lop_recipe {
    char *data; /* name or path */
    char *label_column;
    size_t hidden[LOP_MAX_HIDDEN]; /* units of the hidden layers */
    size_t hidden_count;
    bool bias;
    char *network;           /* a spec as JSON, instead of hidden and bias; or NULL */
    size_t validation_count; /* 0: lop_split_default_count */
    lop_train_options train; /* its texts and hooks are not the recipe's */

    lop_granularity methods[LOP_MAX_METHODS];
    size_t method_count;
    char *weight_criterion, *unit_criterion; /* NULL: the first of each */
    lop_scope scope;
    double sparsities[LOP_MAX_SPARSITIES]; /* fractions, rising */
    size_t sparsity_count;
    bool include_output;

    uint64_t seed;     /* the first */
    size_t seed_count; /* seeds seed, seed + 1, … */
} lop_recipe;

/** The challenge: MNIST, 784-1000-1000-500-200-10, weight and unit, ten sparsities, one seed. */
LOP_API lop_status lop_recipe_default(lop_recipe *out, lop_error *error);
LOP_API void lop_recipe_free(lop_recipe *recipe);
/**
 * Read a YAML recipe over `recipe`: what the file does not say stays.
 *
 * @return LOP_OK; LOP_E_FORMAT with the line (unknown key, wrong type, out of range,
 * contradictory); LOP_E_NOT_FOUND, LOP_E_IO, LOP_E_LIMIT (above 1 MiB), LOP_E_MEMORY. On failure
 * `recipe` is unchanged.
 */
LOP_API lop_status lop_recipe_load(lop_recipe *recipe, const char *path, lop_error *error);
/** LOP_OK, or LOP_E_RANGE/LOP_E_ARG naming the member that is wrong. */
LOP_API lop_status lop_recipe_check(const lop_recipe *recipe, lop_error *error);
/**
 * The recipe as a JSON object of one line; members that do not bear on the result are left out.
 * JSON is YAML: lop_recipe_load reads it back. Caller frees with free().
 */
LOP_API lop_status lop_recipe_json(const lop_recipe *recipe, char **json, lop_error *error);
/**
 * A new network as the recipe describes it, initialized from `seed`. LOP_E_SHAPE where a network
 * given as a spec does not fit the data.
 */
LOP_API lop_status lop_recipe_network(const lop_recipe *recipe, const lop_dataset *dataset,
                                      uint64_t seed, lop_network **out, lop_error *error);

typedef struct lop_run_options {
    uint64_t seed;          /* of weights, split and order: the recipe's own are not looked at */
    const char *output;     /* the trained network is written here; NULL: not written */
    bool overwrite;         /* an `output` that exists; looked at before training starts */
    const char *checkpoint; /* NULL: none */
    bool resume;            /* continue from `checkpoint` where it exists */
    const lop_hooks *hooks;
} lop_run_options;

/**
 * One training: split, new network, train, evaluate on validation and test part, write.
 *
 * The file's metadata carry "lop.recipe" (lop_recipe_json) and "lop.history": the result record of
 * this training, one line of lop.result/1 with its epochs and without a method.
 *
 * @param network  receives the trained network; one owner
 * @param result   receives the record; lop_result_free
 * @param history  written also when cancelled; lop_history_free; may be NULL
 * @return as lop_train, lop_recipe_network and lop_network_save
 */
LOP_API lop_status lop_run(const lop_recipe *recipe, const lop_dataset *dataset,
                           const lop_run_options *options, lop_network **network,
                           lop_result *result, lop_history *history, lop_error *error);

typedef struct lop_timing {
    double latency_us_batch1;   /* median over repetitions */
    double throughput_batch256; /* samples/s, best of repetitions */
} lop_timing;

/** Time a network's float32 forward pass on this machine, dense kernels. About `seconds` long. */
LOP_API lop_status lop_measure_timing(const lop_network *network, double seconds, lop_timing *out,
                                      lop_error *error);

typedef struct lop_sweep_options {
    const char *directory; /* made where missing */
    const lop_hooks *hooks;
    /** Called with each result as soon as it is on disk; `done` of `total`. May be NULL. */
    void (*on_result)(void *context, const lop_result *result, size_t done, size_t total);
    void *context;
    bool no_timing; /* leave prediction times absent */
} lop_sweep_options;

/**
 * Run what is missing of a sweep.
 *
 * DIR/recipe.json holds the recipe; a directory made by another recipe is refused (LOP_E_ARG, says
 * what differs), but seeds, methods and sparsities may be added. DIR/dense-seedN.safetensors are
 * the trained networks, DIR/dense-seedN.checkpoint the unfinished one, DIR/results.jsonl the
 * results. One process a directory: LOP_E_BUSY says who holds it.
 *
 * The results of sparsity 0 are the dense network, measured once for each method; they alone carry
 * the epochs of its training. Every result carries its parent's train_seconds. The training loss of
 * pruned networks is measured where recipe.train.evaluate_train asks for it.
 */
LOP_API lop_status lop_sweep(const lop_recipe *recipe, const lop_dataset *dataset,
                             const lop_sweep_options *options, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
