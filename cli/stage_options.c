#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

#define IN_LISTS(member)    offsetof(recipe_values, lists.member)
#define IN_PRUNE(member)    offsetof(recipe_values, recipe.prune.member)
#define IN_SHARE(member)    offsetof(recipe_values, recipe.share.member)
#define IN_RECOVERY(member) offsetof(recipe_values, recipe.recovery.member)

const char *name_allocation_at(const void *context, size_t index)
{
    (void)context;
    return lop_allocation_name(index);
}

const char *name_schedule_at(const void *context, size_t index)
{
    (void)context;
    return lop_recipe_schedule_name(index);
}

const option stage_list_options[] = {
    {.name = "method",
     .letter = 'm',
     .kind = OPTION_NAMES,
     .offset = IN_LISTS(methods),
     .count_offset = IN_LISTS(method_count),
     .limit = LOP_MAX_STAGES,
     .name_at = name_method_at,
     .argument = "NAME",
     .help = "what is removed as one: weight, unit, block or nm; several, as unit,weight, are done "
             "one after the other, each on what the one before left"},
    {.name = "criterion",
     .kind = OPTION_WORDS,
     .offset = IN_LISTS(criteria),
     .count_offset = IN_LISTS(criterion_count),
     .limit = LOP_MAX_STAGES,
     .argument = "NAME",
     .preset = "the method's first: magnitude, l2",
     .help = "what is scored"},
    {.name = "schedule",
     .kind = OPTION_NAMES,
     .offset = IN_LISTS(schedules),
     .count_offset = IN_LISTS(schedule_count),
     .limit = LOP_MAX_STAGES,
     .name_at = name_schedule_at,
     .argument = "NAME",
     .preset = "oneshot",
     .help = "when: oneshot, gradual, linear, iterative, constant, set, rigl or lottery"},
    {0},
};

const option stage_sparsity_options[] = {
    {.name = "sparsity",
     .letter = 'k',
     .kind = OPTION_PERCENTS,
     .offset = IN_LISTS(sparsities),
     .count_offset = IN_LISTS(sparsity_count),
     .limit = LOP_MAX_STAGES,
     .most = 100,
     .below = true,
     .argument = "K",
     .help = "per cent to remove, 0 to below 100; one for each method"},
    {0},
};

const option pruning_options[] = {
    {.name = "scope",
     .kind = OPTION_NAME,
     .staged = true,
     .offset = IN_PRUNE(scope),
     .name_at = name_scope_at,
     .argument = "NAME",
     .help = "ranked where: within each layer, or over all layers together"},
    {.name = "allocation",
     .kind = OPTION_NAME,
     .staged = true,
     .offset = IN_PRUNE(allocation),
     .name_at = name_allocation_at,
     .argument = "NAME",
     .help = "how much from each layer: uniform, erk, lamp or list"},
    {.name = "list",
     .kind = OPTION_PERCENTS,
     .staged = true,
     .offset = IN_PRUNE(list),
     .count_offset = IN_PRUNE(list_count),
     .limit = LOP_MAX_HIDDEN + 1,
     .most = 100,
     .below = true,
     .argument = "K,K,...",
     .help =
         "allocation list: per cent to remove from each layer, as 'lop sensitivity' finds them"},
    {.name = "include-output",
     .negatable = true,
     .kind = OPTION_FLAG,
     .staged = true,
     .offset = IN_PRUNE(include_output),
     .help = "prune the weights of the output layer too"},
    {.name = "block",
     .kind = OPTION_PAIR,
     .staged = true,
     .offset = IN_PRUNE(block_rows),
     .count_offset = IN_PRUNE(block_columns),
     .least = 1,
     .most = LOP_MAX_WIDTH,
     .argument = "RxC",
     .preset = "4x4",
     .help = "of method block: outputs and inputs of a block"},
    {.name = "nm",
     .kind = OPTION_PAIR,
     .staged = true,
     .offset = IN_PRUNE(n),
     .count_offset = IN_PRUNE(m),
     .least = 1,
     .most = LOP_MAX_WIDTH,
     .argument = "N:M",
     .preset = "2:4",
     .help = "of method nm: N weights are kept of M consecutive ones"},
    {.name = "min-keep",
     .kind = OPTION_COUNT,
     .staged = true,
     .offset = IN_PRUNE(min_keep),
     .most = LOP_MAX_WIDTH,
     .argument = "N",
     .help = "keep at least N weights of each output, so that no layer collapses"},
    {.name = "calibration",
     .kind = OPTION_COUNT,
     .staged = true,
     .offset = IN_PRUNE(calibration),
     .least = 1,
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .help = "training samples for criteria that look at data"},
    {0},
};

const option schedule_options[] = {
    {.name = "begin-epoch",
     .kind = OPTION_REAL,
     .staged = true,
     .offset = IN_PRUNE(begin_epoch),
     .most = 100000,
     .argument = "X",
     .preset = "0; in a training, and with movement or obd, a fifth of it",
     .help = "pruning begins after so many epochs"},
    {.name = "end-epoch",
     .kind = OPTION_REAL,
     .staged = true,
     .offset = IN_PRUNE(end_epoch),
     .most = 100000,
     .argument = "X",
     .preset = "three quarters",
     .help = "... and ends after so many"},
    {.name = "every-steps",
     .kind = OPTION_COUNT,
     .staged = true,
     .offset = IN_PRUNE(every_steps),
     .argument = "N",
     .preset = "chosen by the schedule",
     .help = "optimizer steps from one pruning to the next"},
    {.name = "rounds",
     .kind = OPTION_COUNT,
     .staged = true,
     .offset = IN_PRUNE(rounds),
     .least = 1,
     .most = 1000,
     .argument = "N",
     .help = "of iterative and lottery"},
    {.name = "initial-sparsity",
     .kind = OPTION_PERCENT,
     .staged = true,
     .offset = IN_PRUNE(initial_sparsity),
     .most = 100,
     .below = true,
     .argument = "K",
     .help = "per cent that gradual, linear and iterative begin with"},
    {.name = "drop-fraction",
     .kind = OPTION_REAL,
     .staged = true,
     .offset = IN_PRUNE(drop_fraction),
     .most = 1,
     .below = true,
     .argument = "X",
     .help = "of set and rigl: the share of weights exchanged at first"},
    {.name = "rewind-step",
     .kind = OPTION_COUNT,
     .staged = true,
     .offset = IN_PRUNE(rewind_step),
     .argument = "N",
     .help = "of lottery: back to the weights of this optimizer step"},
    {0},
};

#define AS_TRAINED "as the training"

/* Of 'lop prune', whose only training is recovery. */
const option recovery_options[] = {
    {.name = "epochs",
     .letter = 'e',
     .kind = OPTION_COUNT,
     .offset = IN_RECOVERY(epochs),
     .most = 100000,
     .argument = "N",
     .help = "retrain for N epochs; several methods share them"},
    {.name = "learning-rate",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(learning_rate),
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "at its peak"},
    {.name = "warmup-epochs",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(warmup_epochs),
     .most = 100000,
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "the rate rises from 0 over these"},
    {.name = "final-rate",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(final_rate),
     .most = 1,
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "cosine ends at this share of the learning rate"},
    {.name = "weight-decay",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(weight_decay),
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "added to the gradient; with AdamW apart from it"},
    {.name = "l1",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(l1),
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "strength of the L1 penalty"},
    {.name = "dropout",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(dropout),
     .most = 1,
     .below = true,
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "share of hidden activations dropped"},
    {.name = "input-dropout",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(input_dropout),
     .most = 1,
     .below = true,
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "share of inputs dropped"},
    {.name = "shift",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(shift),
     .most = 64,
     .argument = "N",
     .preset = AS_TRAINED,
     .help = "images move by up to N pixels each way, anew in every epoch"},
    {.name = "label-smoothing",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(label_smoothing),
     .most = 1,
     .below = true,
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "share of each label spread over all classes"},
    {0},
};

/* Where there is a training too, whose options have the plain names. */
const option after_training_options[] = {
    {.name = "while-training",
     .negatable = true,
     .kind = OPTION_FLAG,
     .offset = offsetof(recipe_values, recipe.prune_while_training),
     .help = "prune in the training itself, from its first step on; otherwise what is trained is "
             "pruned and retrained"},
    {.name = "recovery-epochs",
     .kind = OPTION_COUNT,
     .offset = IN_RECOVERY(epochs),
     .most = 100000,
     .argument = "N",
     .help = "retrain for N epochs after the training"},
    {.name = "recovery-rate",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(learning_rate),
     .argument = "X",
     .preset = AS_TRAINED,
     .help = "learning rate of retraining; recipes can say more of it"},
    {0},
};

const option sharing_options[] = {
    {.name = "share",
     .kind = OPTION_COUNTS,
     .offset = IN_SHARE(entries),
     .count_offset = IN_SHARE(entry_count),
     .limit = LOP_MAX_HIDDEN + 1,
     .least = 1,
     .most = LOP_MAX_SHARED,
     .argument = "N,N,...",
     .preset = "not",
     .help = "at the end of the training hold the weights to so many different values in a layer; "
             "one number for all layers, or one for each"},
    {.name = "share-begin",
     .kind = OPTION_REAL,
     .offset = IN_SHARE(begin_epoch),
     .most = 100000,
     .argument = "N",
     .preset = "three quarters",
     .help = "epoch of the last training from which on they are"},
    {.name = "share-hold",
     .kind = OPTION_REAL,
     .offset = IN_SHARE(hold_epoch),
     .most = 100000,
     .argument = "N",
     .preset = "midway to the end",
     .help = "epoch from which on each weight stays with its value, and values alone are trained"},
    {.name = "share-rate",
     .kind = OPTION_REAL,
     .offset = IN_SHARE(rate),
     .argument = "X",
     .preset = "0",
     .help = "how much weights prefer values that many have: bits against squared error"},
    {0},
};

const option distillation_options[] = {
    {.name = "distill-weight",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(distill_weight),
     .most = 1,
     .argument = "X",
     .help = "retraining learns so much from the dense network's answers, the rest from labels"},
    {.name = "distill-temperature",
     .kind = OPTION_REAL,
     .offset = IN_RECOVERY(distill_temperature),
     .most = 1000,
     .argument = "X",
     .help = "softens the answers"},
    {0},
};

/* Settling ------------------------------------------------------------------------------------- */

/* Entry `stage` of a list that has one for each stage, or one for all. */
static size_t entry(size_t count, size_t stage) { return count > 1 ? stage : 0; }

static lop_status check_lists(const stage_lists *lists, size_t stages, lop_error *error)
{
    const struct {
        const char *name;
        size_t count;
        bool each;
    } rows[] = {
        {"sparsity", lists->sparsity_count, true},
        {"criterion", lists->criterion_count, stages == 1},
        {"schedule", lists->schedule_count, stages == 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].count > 0 && rows[i].count != stages && (rows[i].each || rows[i].count != 1))
            return usage_error(error, LOP_E_ARG,
                               "--%s: expected one for each of %zu methods, found %zu",
                               rows[i].name, stages, rows[i].count);
    return LOP_OK;
}

static bool says_sparsity(const lop_stage *stage)
{
    return stage->method == LOP_GRANULARITY_NM || stage->allocation == LOP_ALLOCATION_LIST;
}

lop_status stages_settle(recipe_values *v, const command *of, lop_error *error)
{
    const stage_lists *lists = &v->lists;
    lop_recipe *recipe = &v->recipe;
    bool more = lists->sparsity_count || lists->criterion_count || lists->schedule_count;
    if (lists->method_count == 0 && recipe->stage_count == 0 && more)
        return usage_error(error, LOP_E_ARG, "--method NAME is missing; expected 'lop %s %s'",
                           of->name, of->synopsis);
    if (lists->method_count > 0)
        recipe->stage_count = lists->method_count;
    for (size_t i = 0; i < lists->method_count; i++) {
        recipe->stages[i] = recipe->prune;
        recipe->stages[i].method = lists->methods[i];
        if (lists->sparsity_count == 0 && !says_sparsity(&recipe->stages[i]))
            return usage_error(error, LOP_E_ARG, "--sparsity K is missing; expected 'lop %s %s'",
                               of->name, of->synopsis);
    }
    lop_status status = check_lists(lists, recipe->stage_count, error);
    for (size_t i = 0; status == LOP_OK && i < recipe->stage_count; i++) {
        lop_stage *stage = &recipe->stages[i];
        if (lists->sparsity_count)
            stage->sparsity = lists->sparsities[i];
        if (lists->criterion_count)
            memcpy(stage->criterion, lists->criteria[entry(lists->criterion_count, i)],
                   sizeof stage->criterion);
        if (lists->schedule_count)
            stage->schedule = lists->schedules[entry(lists->schedule_count, i)];
    }
    return status;
}
