#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "data_sets.h"
#include "running.h"
#include "session.h"

typedef struct values {
    recipe_values base; /* first */
    const char *output;
} values;

static const option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "write the network here, as safetensors"},
    {0},
};

static const option_group groups[] = {
    {"Data", recipe_data_options},
    {"Data", data_limit_options},
    {"Network", recipe_network_options},
    {"Training", recipe_training_options},
    {"Pruning", stage_list_options},
    {"Pruning", stage_sparsity_options},
    {"How to prune", pruning_options},
    {"When to prune", schedule_options},
    {"Retraining", after_training_options},
    {"Distillation", distillation_options},
    {"Sharing", sharing_options},
    {"Output", output_options},
    {"Output", keeping_options},
    {0},
};

static const example examples[] = {
    {"lop train --data mnist -o net.safetensors", "the challenge network on MNIST"},
    {"lop train --data fashion-mnist --layers 300,100 --bias --epochs 40 -o f.safetensors",
     "another network, other data"},
    {"lop train --data mnist -o net.safetensors --resume", "continue what was interrupted"},
    {"lop train --data mnist -m weight -k 95 --schedule gradual -o p.safetensors",
     "prune while training: the network is at 95 % after three quarters of the epochs"},
    {"lop train --recipe result.json -o again.safetensors",
     "the network of a result, from the recipe that it carries"},
    {0},
};

static void tell_next(session *s, const values *v, bool pruned)
{
    char name[512], data[512];
    if (strcmp(v->output, "-") == 0)
        return;
    if (pruned)
        say_next(s, "lop pack %s --data %s -o pruned.lop", quoted(v->output, name, sizeof name),
                 quoted(v->base.recipe.data, data, sizeof data));
    else
        say_next(s, "lop prune %s --method weight --sparsity 90 -o pruned.safetensors",
                 quoted(v->output, name, sizeof name));
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    lop_network *network = NULL;
    lop_result result = lop_result_empty();
    char *line = NULL;
    const running r = {
        .base = &v->base,
        .line = s->common.json ? &line : NULL,
        .seed = v->base.common.seed,
        .output = v->output,
    };
    lop_status status = stages_settle(&v->base, s->command, error);
    if (status == LOP_OK)
        status = run_recipe(s, &r, &network, &result, error);
    if (status == LOP_OK)
        show_run(s, v->output, &result, line);
    if (status == LOP_OK)
        tell_next(s, v, result.target_sparsity > 0);
    lop_network_free(network);
    lop_result_free(&result);
    free(line);
    return status;
}

/* Who names a method here wants it in this training. */
static lop_status prepare(void *given, lop_error *error)
{
    lop_status status = recipe_values_prepare(given, error);
    if (status == LOP_OK)
        ((recipe_values *)given)->recipe.prune_while_training = true;
    return status;
}

const command command_train = {
    .name = "train",
    .summary = "train a network, or continue a training",
    .synopsis = "--data NAME -o FILE [OPTIONS]",
    .description =
        "Train a fully connected ReLU network and write it as safetensors, with its specification, "
        "recipe and history in the file's metadata.\n\n"
        "With a method and a sparsity it is pruned while it trains, by a schedule; with "
        "--no-while-training it is trained, then pruned, then retrained.\n\n"
        "Ctrl-C ends training with a checkpoint written, and --resume continues from there to the "
        "same bytes that an uninterrupted training gives. A second Ctrl-C ends at once.\n",
    .groups = groups,
    .examples = examples,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = prepare,
    .release = recipe_values_release,
    .run = run,
};
