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
#include <lop/exchange.h>
#include <lop/export.h>
#include <lop/network.h>
#include <lop/prune.h>
#include <lop/pruner.h>
#include <lop/result.h>
#include <lop/sensitivity.h>
#include <lop/sharer.h>
#include <lop/status.h>
#include <lop/train.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_MAX_HIDDEN     63
#define LOP_MAX_METHODS    16
#define LOP_MAX_CRITERIA   32
#define LOP_MAX_SCHEDULES  16
#define LOP_MAX_SPARSITIES 128
#define LOP_MAX_STAGES     8
#define LOP_MAX_CRITERION  24 /* characters of a criterion's name, the last zero counted */

#define LOP_MAX_SEEDS   10000
#define LOP_SEED_OF_RUN UINT64_MAX /* as recovery.seed: the run's own */

/**
 * When a stage prunes: the rows of lop_schedule_at, and behind them "lottery": `rounds` times the
 * whole training, each time from the start, an equal share of what is left pruned after each, and
 * the mask laid on the weights of step `rewind_step` of the next (Frankle and Carbin 2019; Frankle
 * et al. 2020). Then the last training. NULL beyond the last.
 */
LOP_API const char *lop_recipe_schedule_name(size_t index);
LOP_API lop_status lop_recipe_schedule_find(const char *name, unsigned *out, lop_error *error);

/**
 * One pruning. Where a recipe has several, each is of what the one before left, with the units that
 * it removed taken out. Epochs are those of the training in which the stage prunes.
 */
typedef struct lop_stage {
    lop_granularity method;
    double sparsity;                   /* NM: as n and m say; 0 or that */
    char criterion[LOP_MAX_CRITERION]; /* "": the method's first */
    lop_scope scope;
    lop_allocation allocation;
    double list[LOP_MAX_HIDDEN + 1]; /* of the allocation LIST: each prunable layer's share */
    size_t list_count;
    bool include_output;
    size_t block_rows, block_columns; /* of BLOCK; 0: 4 */
    size_t n, m;                      /* of NM; 0: 2 of 4 */
    size_t min_keep;                  /* WEIGHT: least weights that an output keeps; 0: none */
    size_t calibration;               /* training samples for criteria that look at data */

    unsigned schedule;             /* see lop_recipe_schedule_name */
    double begin_epoch, end_epoch; /* NaN: a fifth of the training, or the start of a retraining
                                      (but not with movement or obd);
                                      and three quarters */
    size_t every_steps;            /* 0: lop_pruner_every_steps */
    size_t rounds;                 /* of iterative and lottery */
    double initial_sparsity;       /* of gradual, linear and iterative */
    double drop_fraction;          /* of set and rigl */
    size_t rewind_step;            /* of lottery */
} lop_stage;

/** Training after pruning. NaN: as the training itself. */
typedef struct lop_recovery {
    size_t epochs; /* shared evenly by the stages; 0: none */
    double learning_rate, warmup_epochs, final_rate;
    double weight_decay, l1, dropout, input_dropout, label_smoothing, shift;
    double distill_temperature, distill_weight; /* from the dense parent, see lop_train_options */
    uint64_t seed;                              /* of its order; LOP_SEED_OF_RUN */
} lop_recovery;

/**
 * Few different weights, see sharer.h: in the last training of a run. Epochs are those of that
 * training, in which pruning must have ended before weights are shared.
 */
typedef struct lop_sharing {
    size_t entries[LOP_MAX_HIDDEN + 1]; /* [entry_count]: of a layer's table, 1 … LOP_MAX_SHARED */
    size_t entry_count; /* 0: weights are not shared; 1: the same for all layers; or one for each */
    double begin_epoch, hold_epoch; /* NaN: three quarters, or where pruning ends if that is later;
                                       and midway from there to the end */
    double rate;                    /* NaN: 0 */
} lop_sharing;

/**
 * All that decides a result. Start from lop_recipe_default. Texts that are pointers are owned by
 * the recipe and come from malloc: replace one by freeing it and putting a copy in its place.
 */
typedef struct lop_recipe {
    char *data; /* name or path */
    char *label_column;
    size_t hidden[LOP_MAX_HIDDEN]; /* units of the hidden layers */
    size_t hidden_count;
    bool bias;
    char *network;           /* a spec as JSON, instead of hidden and bias; or NULL */
    size_t validation_count; /* 0: lop_split_default_count */
    lop_train_options train; /* its texts, teacher and hooks are not the recipe's */

    lop_stage prune; /* of a sweep's stages, and what `stages` of a file begin with */
    /* What one run prunes, in order; without stages it only trains. */
    lop_stage stages[LOP_MAX_STAGES];
    size_t stage_count;
    bool prune_while_training; /* the first stage prunes in the training itself, from its first step
                                  on; otherwise training is whole before anything is pruned */
    lop_recovery recovery;
    lop_sharing share;

    /* What a sweep prunes: each method by each criterion that it has of these, by each schedule, at
     * each sparsity, with all else as `prune` says. A sweep of a recipe with stages varies the
     * sparsity of the last one, and does not look at the other lists. */
    lop_granularity methods[LOP_MAX_METHODS];
    size_t method_count;
    char criteria[LOP_MAX_CRITERIA][LOP_MAX_CRITERION];
    size_t criterion_count; /* a method that has none of them: its first */
    unsigned schedules[LOP_MAX_SCHEDULES];
    size_t schedule_count;
    double sparsities[LOP_MAX_SPARSITIES]; /* fractions, rising */
    size_t sparsity_count;

    uint64_t seed;     /* the first */
    size_t seed_count; /* seeds seed, seed + 1, … */
} lop_recipe;

/** The challenge: MNIST, 784-1000-1000-500-200-10, weight and unit, ten sparsities, one seed. */
LOP_API lop_status lop_recipe_default(lop_recipe *out, lop_error *error);
LOP_API void lop_recipe_free(lop_recipe *recipe);
/** A deep copy; on failure `to` is empty. */
LOP_API lop_status lop_recipe_copy(lop_recipe *to, const lop_recipe *from, lop_error *error);
/**
 * Read a YAML recipe over `recipe`: what the file does not say stays. Of a file of results
 * (results.jsonl) it is the recipe of the only one; PATH:LINE names one of several.
 *
 * @return LOP_OK; LOP_E_FORMAT with the line (unknown key, wrong type, out of range,
 * contradictory, a result without recipe); LOP_E_ARG (several results and no line, or no such
 * line); LOP_E_NOT_FOUND, LOP_E_IO, LOP_E_LIMIT (above 1 MiB), LOP_E_MEMORY. On failure
 * `recipe` is unchanged.
 */
LOP_API lop_status lop_recipe_load(lop_recipe *recipe, const char *path, lop_error *error);
/** The same from a text in memory; `name` is what errors call it. */
LOP_API lop_status lop_recipe_parse(lop_recipe *recipe, const char *text, const char *name,
                                    lop_error *error);
/** LOP_OK, or LOP_E_RANGE, LOP_E_ARG, LOP_E_NAME naming the member that is wrong. */
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
    uint64_t seed;             /* of weights, split and order: the recipe's own are not looked at */
    const lop_network *parent; /* trained already: the run begins with its stages. NULL: trains */
    const char *output;        /* the network is written here; NULL: not written */
    const lop_metadata *metadata; /* more for the file, ends with a NULL key; may be NULL */
    bool overwrite;               /* an `output` that exists; looked at before training starts */
    bool compact; /* take out physically what has no part in the result, see lop_compact */
    const char *checkpoint; /* NULL: none; later stages add a number to its name */
    bool resume;            /* continue from `checkpoint` where it exists */
    bool evaluate_test; /* look at the test part after each epoch, whatever the recipe says; with
                           stages that is done anyway: the curve is what pruning is looked at for */
    char **line; /* receives what lop_result_write makes of the record, before `output` is in place
                    and behind which nothing fails; free(); NULL: not wanted */
    const lop_hooks *hooks; /* hears a warning for each layer that collapses */
} lop_run_options;

/**
 * One run: split, new network, train, prune and retrain by the recipe's stages, evaluate on
 * validation and test part, write.
 *
 * The file's metadata carry "lop.recipe" (the part of the recipe that bears on this run, from which
 * lop_run makes the same weights again) and "lop.history": the result record of this run, one line
 * of lop.result/1 with its epochs.
 *
 * @param network  receives the network, without the units that training took out; one owner
 * @param result   receives the record; lop_result_free
 * @param history  written also when cancelled; lop_history_free; may be NULL
 * @return as lop_recipe_check, lop_train, lop_pruner_new, lop_prune, lop_recipe_network and
 *         lop_network_save; LOP_E_SHAPE where the parent does not fit the data; LOP_E_ARG where it
 *         is given but a stage begins with an untrained network
 */
LOP_API lop_status lop_run(const lop_recipe *recipe, const lop_dataset *dataset,
                           const lop_run_options *options, lop_network **network,
                           lop_result *result, lop_history *history, lop_error *error);

/** Whether the stages need data: to train, or for a criterion that looks at it. */
LOP_API bool lop_recipe_needs_data(const lop_recipe *recipe);
/**
 * Prune by the recipe's stages, one after the other, where they need no data. lop_run does the
 * rest.
 *
 * @param network  replaced by the pruned one; unchanged on failure
 * @return as lop_recipe_check and lop_prune; LOP_E_ARG where data is needed
 */
LOP_API lop_status lop_recipe_prune(const lop_recipe *recipe, lop_network **network,
                                    const lop_hooks *hooks, lop_error *error);

/**
 * Scan a network, see sensitivity.h: by the method, criterion and all else of recipe.prune, at the
 * recipe's sparsities above 0, measured on the validation samples of the recipe's seed.
 *
 * @return as lop_sensitivity_scan, lop_recipe_check and lop_evaluate
 */
LOP_API lop_status lop_recipe_scan(const lop_recipe *recipe, const lop_network *network,
                                   const lop_dataset *dataset, const lop_hooks *hooks,
                                   lop_sensitivity *out, lop_error *error);

typedef struct lop_timing {
    double latency_us_batch1;   /* median over repetitions */
    double throughput_batch256; /* samples/s, best of repetitions */
} lop_timing;

/** Time a network's float32 forward pass on this machine, dense kernels. About `seconds` long. */
LOP_API lop_status lop_measure_timing(const lop_network *network, double seconds, lop_timing *out,
                                      lop_error *error);

typedef struct lop_sweep_options {
    const char *directory; /* made where missing, with those above it */
    const lop_hooks *hooks;
    /** Called once, when the directory is this sweep's and before anything is measured; `done` of
     * `total` results are there. May be NULL. */
    void (*on_begin)(void *context, size_t done, size_t total);
    /** Called with each result as soon as it is on disk; `done` of `total`. May be NULL. */
    void (*on_result)(void *context, const lop_result *result, size_t done, size_t total);
    void *context;
    bool no_timing; /* leave prediction times absent */
    size_t jobs;    /* points side by side, each with one thread; 1: one after the other, with all
                       threads; 0: as the directory's sweep was begun, a new one by lop_sweep_jobs.
                       Prediction times are measured with all threads while the others pause.
                       `hooks`, `on_begin` and `on_result` are called by one at a time. */
} lop_sweep_options;

/**
 * How many points to work on at a time with so many threads: all of them where that takes fewer
 * epochs one after the other than a training at a time with all threads, else 1. `n` threads within
 * a training count as 0.75 n trainings: on two cores, two trainings with a thread each were done in
 * 0.58 to 0.94 of the time that they took one after the other with two threads each.
 */
LOP_API size_t lop_sweep_jobs(const lop_recipe *recipe, size_t threads);

/**
 * Run what is missing of a sweep.
 *
 * DIR/recipe.json holds the recipe; a directory made by another recipe is refused (LOP_E_ARG, says
 * what differs), but seeds, methods, criteria, schedules and sparsities may be added.
 * DIR/dense-seedN.safetensors are the trained networks, DIR/dense-seedN.checkpoint the unfinished
 * one, DIR/results.jsonl the results, DIR/packed the packed files of the networks, exactly those
 * that were measured. One process a directory: LOP_E_BUSY says who holds it.
 *
 * The results of sparsity 0 are the dense network, measured once for each way of pruning. Where
 * pruned networks are retrained, it is retrained as long. They carry the epochs of the dense
 * training, and of that retraining; other results those of their retraining, numbered on, or of the
 * training where pruning is part of it. Each epoch has validation and test part. train_seconds is
 * that of the parent and of the retraining. The training loss of pruned networks is measured where
 * recipe.train.evaluate_train asks for it.
 *
 * Results stand in the order in which they were done; at the end, seed by seed, method by method
 * and by rising sparsity, however many points were worked on at a time.
 *
 * Every result's recipe is that of its own point, with its stages: lop_run makes it again.
 */
LOP_API lop_status lop_sweep(const lop_recipe *recipe, const lop_dataset *dataset,
                             const lop_sweep_options *options, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
