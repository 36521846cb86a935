#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

#define IN_RECIPE(member)  offsetof(recipe_values, recipe.member)
#define IN_KEEPING(member) offsetof(recipe_values, keep.member)

const char *name_precision_at(const void *context, size_t index)
{
    (void)context;
    return index <= LOP_BF16 ? lop_precision_name((lop_precision)index) : NULL;
}

const char *name_optimizer_at(const void *context, size_t index)
{
    (void)context;
    return lop_optimizer_name(index);
}

const char *name_rate_schedule_at(const void *context, size_t index)
{
    (void)context;
    return lop_rate_schedule_name(index);
}

const char *name_method_at(const void *context, size_t index)
{
    (void)context;
    return lop_granularity_name(index);
}

const char *name_scope_at(const void *context, size_t index)
{
    (void)context;
    return lop_scope_name(index);
}

const option recipe_data_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_OWNED_TEXT,
     .offer = OFFER_DATA,
     .offset = IN_RECIPE(data),
     .argument = "NAME",
     .help = "data set by name, a directory with IDX files or train.csv and test.csv, or a CSV "
             "file"},
    {.name = "label-column",
     .kind = OPTION_OWNED_TEXT,
     .offset = IN_RECIPE(label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "validation",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(validation_count),
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .preset = "a twelfth",
     .help = "keep N training samples back for validation"},
    {.name = "recipe",
     .letter = 'r',
     .kind = OPTION_RECIPE,
     .offer = OFFER_FILES,
     .offset = IN_RECIPE(data),
     .argument = "FILE",
     .help = "read a recipe (YAML or JSON), or that of a result (FILE:LINE of a results.jsonl); "
             "options "
             "given here weigh more"},
    {0},
};

const option recipe_network_options[] = {
    {.name = "layers",
     .letter = 'l',
     .kind = OPTION_COUNTS,
     .offset = IN_RECIPE(hidden),
     .count_offset = IN_RECIPE(hidden_count),
     .limit = LOP_MAX_HIDDEN,
     .least = 1,
     .most = LOP_MAX_WIDTH,
     .argument = "N,N,...",
     .help = "units of the hidden layers"},
    {.name = "bias",
     .negatable = true,
     .kind = OPTION_FLAG,
     .offset = IN_RECIPE(bias),
     .help = "give each unit a bias"},
    {0},
};

const option recipe_training_options[] = {
    {.name = "epochs",
     .letter = 'e',
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(train.epochs),
     .least = 1,
     .most = 100000,
     .argument = "N",
     .help = "passes over the training samples"},
    {.name = "batch-size",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(train.batch_size),
     .least = 1,
     .most = 65536,
     .argument = "N",
     .help = "samples of one optimizer step"},
    {.name = "precision",
     .kind = OPTION_NAME,
     .offset = IN_RECIPE(train.precision),
     .name_at = name_precision_at,
     .argument = "NAME",
     .help = "of products: auto, float32 or bf16 (master weights stay float32)"},
    {.name = "optimizer",
     .kind = OPTION_NAME,
     .offset = IN_RECIPE(train.optimizer),
     .name_at = name_optimizer_at,
     .argument = "NAME",
     .help = "adamw, adam or sgd"},
    {.name = "learning-rate",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.learning_rate),
     .argument = "X",
     .help = "at its peak"},
    {.name = "momentum",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.momentum),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "of SGD; the first beta of Adam and AdamW"},
    {.name = "beta2",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.beta2),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "the second beta of Adam and AdamW"},
    {.name = "epsilon",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.epsilon),
     .argument = "X",
     .help = "of Adam and AdamW"},
    {.name = "nesterov",
     .negatable = true,
     .kind = OPTION_FLAG,
     .offset = IN_RECIPE(train.nesterov),
     .help = "Nesterov's momentum for SGD"},
    {.name = "weight-decay",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.weight_decay),
     .argument = "X",
     .help = "added to the gradient; with AdamW apart from it"},
    {.name = "l1",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.l1),
     .argument = "X",
     .help = "strength of the L1 penalty"},
    {.name = "rate-schedule",
     .kind = OPTION_NAME,
     .offset = IN_RECIPE(train.rate_schedule),
     .name_at = name_rate_schedule_at,
     .argument = "NAME",
     .help = "cosine, constant or step"},
    {.name = "warmup-epochs",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.warmup_epochs),
     .most = 100000,
     .argument = "X",
     .help = "the rate rises from 0 over these"},
    {.name = "final-rate",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.final_rate),
     .most = 1,
     .argument = "X",
     .help = "cosine ends at this share of the learning rate"},
    {.name = "step-epochs",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(train.step_epochs),
     .most = 100000,
     .argument = "N",
     .help = "step: every N epochs the rate is multiplied ..."},
    {.name = "step-factor",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.step_factor),
     .argument = "X",
     .help = "... by this"},
    {.name = "dropout",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.dropout),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "share of hidden activations dropped"},
    {.name = "input-dropout",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.input_dropout),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "share of inputs dropped"},
    {.name = "shift",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.shift),
     .most = 64,
     .argument = "N",
     .help = "images move by up to N pixels each way, anew in every epoch"},
    {.name = "label-smoothing",
     .kind = OPTION_REAL,
     .offset = IN_RECIPE(train.label_smoothing),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "share of each label spread over all classes"},
    {.name = "patience",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(train.patience),
     .most = 100000,
     .argument = "N",
     .preset = "0: never",
     .help = "stop after N epochs without a better validation loss, and keep the best"},
    {.name = "checkpoint-epochs",
     .kind = OPTION_COUNT,
     .offset = IN_RECIPE(train.checkpoint_epochs),
     .most = 100000,
     .argument = "N",
     .help = "write a checkpoint every N epochs; 0: only when interrupted"},
    {.name = "evaluate-test",
     .negatable = true,
     .kind = OPTION_FLAG,
     .offset = IN_RECIPE(train.evaluate_test),
     .help = "also look at the test part after each epoch; where something is pruned, and in "
             "sweeps, that is done anyway"},
    {.name = "evaluate-train",
     .negatable = true,
     .kind = OPTION_FLAG,
     .offset = IN_RECIPE(train.evaluate_train),
     .help = "also look at the whole training part after each epoch"},
    {0},
};

const option keeping_options[] = {
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = IN_KEEPING(overwrite),
     .help = "overwrite FILE, and start anew where a checkpoint is left"},
    {.name = "checkpoint",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = IN_KEEPING(checkpoint),
     .argument = "FILE",
     .preset = "OUTPUT.checkpoint",
     .help = "keep the state of training here"},
    {.name = "resume",
     .kind = OPTION_FLAG,
     .offset = IN_KEEPING(resume),
     .help = "continue from the checkpoint where there is one"},
    {0},
};

lop_status recipe_values_data(recipe_values *v, const char *data, lop_error *error)
{
    char *copy = strdup(data);
    if (!copy)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    free(v->recipe.data);
    v->recipe.data = copy;
    return LOP_OK;
}

lop_status recipe_values_prepare(void *values, lop_error *error)
{
    recipe_values *v = values;
    lop_status status = lop_recipe_default(&v->recipe, error);
    if (status == LOP_OK)
        v->common.seed = v->recipe.seed;
    return status;
}

void recipe_values_release(void *values) { lop_recipe_free(&((recipe_values *)values)->recipe); }
