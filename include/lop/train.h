/**
 * Training and evaluation.
 *
 * `lop_train` runs epochs of optimizer steps over the training samples, looks at the validation
 * samples after each, and leaves the network at its last, or best, epoch. Masks of the network hold
 * after every step: a pruned weight stays exactly zero and its moments are cleared.
 */
#ifndef LOP_TRAIN_H
#define LOP_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/hooks.h>
#include <lop/network.h>
#include <lop/run.h>
#include <lop/state.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lop_evaluation {
    size_t count;    /* samples looked at */
    double loss;     /* mean categorical cross-entropy, natural logarithm */
    double accuracy; /* fraction in [0, 1]; ties between logits go to the lower class */
    double seconds;
} lop_evaluation;

/** What to look at, and how. Zero is a good default. */
typedef struct lop_evaluate_options {
    const uint32_t *indices; /* [count] into the samples, borrowed; NULL: all of them */
    size_t count;            /* not looked at without indices */
    lop_precision precision;
    uint64_t *confusion; /* [classes][classes], written; row = label, column = prediction; or NULL;
                            unspecified on failure */
} lop_evaluate_options;

/**
 * Loss and accuracy of a network. Sums have a fixed order.
 *
 * @param options  NULL: all samples, automatic precision
 * @return LOP_OK; LOP_E_SHAPE where the network does not fit the samples; LOP_E_RANGE where an
 *         index is beyond them; LOP_E_MEMORY
 */
LOP_API lop_status lop_evaluate(const lop_network *network, const lop_samples *samples,
                                const lop_evaluate_options *options, lop_evaluation *out,
                                lop_error *error);
/** The same of a planned packed network, with the plan's precision and threads. LOP_E_NAN too. */
LOP_API lop_status lop_evaluate_plan(const lop_plan *plan, const lop_samples *samples,
                                     const lop_evaluate_options *options, lop_evaluation *out,
                                     lop_error *error);

/* Names come from tables: lop_optimizer_name(i) and so on, NULL beyond the last. */
typedef enum lop_optimizer {
    LOP_OPTIMIZER_ADAMW,
    LOP_OPTIMIZER_ADAM,
    LOP_OPTIMIZER_SGD
} lop_optimizer;
typedef enum lop_rate_schedule {
    LOP_RATE_COSINE,
    LOP_RATE_CONSTANT,
    LOP_RATE_STEP
} lop_rate_schedule;
LOP_API const char *lop_optimizer_name(size_t index);
LOP_API const char *lop_rate_schedule_name(size_t index);

/**
 * How to train. Start from lop_train_options_default and change what matters.
 */
typedef struct lop_train_options {
    size_t epochs;     /* 1 … 100000 */
    size_t batch_size; /* 1 … 65536; the last batch of an epoch may be smaller */
    uint64_t seed;     /* of order and dropout (initial weights and split have their own) */
    lop_precision precision;

    lop_optimizer optimizer;
    double learning_rate; /* peak */
    double momentum;      /* SGD; also beta1 of Adam and AdamW */
    double beta2, epsilon;
    bool nesterov;       /* SGD */
    double weight_decay; /* SGD, Adam: added to the gradient; AdamW: decoupled; biases excluded */
    double l1;           /* added to the gradient: l1 · sign(w); biases excluded */

    lop_rate_schedule rate_schedule;
    double warmup_epochs; /* rate rises linearly from 0 over these */
    double final_rate;    /* cosine: falls to this fraction of learning_rate */
    size_t step_epochs;   /* step: every so many epochs … */
    double step_factor;   /* … the rate is multiplied by this */

    double dropout;         /* share of hidden activations dropped, [0, 1) */
    double input_dropout;   /* share of inputs dropped, [0, 1) */
    double label_smoothing; /* [0, 1) */
    double shift; /* images move by up to so many whole pixels each way, anew in every epoch; 0:
                     not. Of 0 … 64, and for images of one channel only */

    /* Distillation (Hinton, Vinyals and Dean 2015): the loss is (1 − w) · cross-entropy
     * + w · T² · KL(teacher ‖ network), both at temperature T in the second term. The teacher is
     * asked once about each sample, as it lies. */
    const lop_network *teacher; /* of the same inputs and classes; not changed; NULL: none */
    double distill_temperature; /* T, (0, 1000] */
    double distill_weight;      /* w, [0, 1]; above 0 exactly where there is a teacher */

    size_t patience; /* stop after so many epochs without a better validation loss, and keep the
                        best epoch's weights; 0: never stop, keep the last. Where a callback
                        changes a mask the search begins anew: sparsities do not compete */

    const char *checkpoint;   /* file written as training goes; NULL: none */
    size_t checkpoint_epochs; /* … after every so many epochs (and when cancelled); 0: only then */
    bool resume;              /* continue from `checkpoint` where it exists */
    const char *metadata;     /* kept in the checkpoint and compared on resume: a text that says
                                 what is trained; NULL: "" */
    bool evaluate_test;       /* also look at the test part after each epoch, for curves */
    bool evaluate_train;      /* also measure the whole training part after each epoch; otherwise
                                 train_loss is the mean over the epoch's batches */
    const lop_hooks *hooks;
} lop_train_options;

/** Good defaults for the challenge network, chosen on validation data. */
LOP_API lop_train_options lop_train_options_default(void);

/** LOP_OK, or LOP_E_RANGE/LOP_E_ARG naming the option that is wrong. */
LOP_API lop_status lop_train_options_check(const lop_train_options *options, lop_error *error);

/** What one epoch did. Numbers not measured are NaN. */
typedef struct lop_epoch {
    size_t epoch;         /* from 1 */
    double learning_rate; /* at its end */
    double sparsity;      /* at its end: zeros, and what was removed, of all weights at the start */
    double train_loss, train_accuracy;
    double validation_loss, validation_accuracy;
    double test_loss, test_accuracy;
    double seconds; /* of training, evaluation not counted */
} lop_epoch;

/** Where the time of training went, in seconds. */
typedef struct lop_train_profile {
    double forward, backward, loss, optimizer, gather, dropout, evaluate, checkpoint, total;
    double conversion;
} lop_train_profile;

typedef struct lop_history {
    lop_epoch *epochs; /* [count] */
    size_t count;
    size_t weights;    /* of the network that training began with, which sparsity counts from */
    size_t best_epoch; /* the epoch whose weights the network has now */
    double seconds;    /* of training, evaluation and checkpoints not counted, all resumed parts */
    lop_train_profile profile; /* of this process alone */
} lop_history;

LOP_API void lop_history_free(lop_history *history);

/**
 * Called by lop_train between steps, so that pruning during training needs nothing from it. All
 * members may be NULL; zero is a good default.
 *
 * `step` counts optimizer steps from 0 over the whole training; the callback after step s sees
 * s + 1. It may change weights and masks of the network; a weight whose mask becomes 0 is zeroed
 * and its moments cleared before the next step. `after_epoch` comes behind the epoch's evaluation.
 * A failure ends training with that status; LOP_E_CANCELLED ends it as hooks do, with a checkpoint.
 */
typedef struct lop_train_callback {
    void *context;
    lop_status (*after_step)(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error);
    lop_status (*after_epoch)(void *context, lop_network *network, size_t epoch, size_t epochs,
                              lop_error *error);
    /** Before the first step: `step` is 0. Not where training is resumed. */
    lop_status (*before_first)(void *context, lop_network *network, size_t step, size_t steps,
                               lop_error *error);
    /**
     * Whether after_step is to be called at this step; NULL: at every one. Whoever has the network
     * in hands costs a look at all masks, and in bf16 a conversion of all weights.
     */
    bool (*due)(void *context, size_t step);
    /**
     * The gradients [outputs][inputs] of the loss by the weights of layer `index`, pruned ones too,
     * before the optimizer changes the layer; the last layer comes first. `step` is what after_step
     * will see after this step.
     */
    lop_status (*on_gradient)(void *context, const lop_network *network, size_t layer,
                              const float *gradient, size_t step, lop_error *error);

    const lop_state
        *states;        /* [state_count], borrowed: saved by checkpoints, and restored before */
    size_t state_count; /* anything is called */
    /**
     * Where training is resumed, after the checkpoint's numbers came into `states`, all of them
     * finite, and before anything else is called: whether they are what the callback can have had.
     * A file is hostile: LOP_E_FORMAT ends training before it begins.
     */
    lop_status (*restored)(void *context, const lop_network *network, lop_error *error);

    /**
     * Take removed units out of the network: hidden ones whose weights, and all weights that read
     * them, have mask 0, and whose bias is 0. Training goes on with the smaller network, and so
     * gets faster; the handle stays, its layers get new memory. A resumed training is given the
     * network that it began with all the same.
     */
    bool remove_units;
} lop_train_callback;

/**
 * Train `network` on the split's training samples.
 *
 * The same network, data, split, options, build, machine and thread count give the same bytes; a
 * cancelled or killed training that is resumed gives the bytes of one that was not.
 *
 * @param network   in/out; on failure other than LOP_E_CANCELLED its values are unspecified
 * @param callback  may be NULL
 * @param history   written also when cancelled; free with lop_history_free
 * @return LOP_OK; LOP_E_CANCELLED (a checkpoint was written if one is named); LOP_E_SHAPE,
 *         LOP_E_NAN (the loss is no longer finite: says epoch and step), LOP_E_MEMORY, LOP_E_IO,
 *         LOP_E_ARG (the checkpoint belongs to another training: says how it differs)
 */
LOP_API lop_status lop_train(lop_network *network, const lop_dataset *dataset,
                             const lop_split *split, const lop_train_options *options,
                             const lop_train_callback *callback, lop_history *history,
                             lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
