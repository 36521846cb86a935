#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "session.h"

typedef struct values {
    recipe_values base; /* first */
    const char *output, *checkpoint;
    bool overwrite, resume;
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
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite FILE, and start anew where a checkpoint is left"},
    {.name = "checkpoint",
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, checkpoint),
     .argument = "FILE",
     .preset = "OUTPUT.checkpoint",
     .help = "keep the state of training here"},
    {.name = "resume",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, resume),
     .help = "continue from the checkpoint where there is one"},
    {0},
};

static const option_group groups[] = {
    {"Data", recipe_data_options},
    {"Network", recipe_network_options},
    {"Training", recipe_training_options},
    {"Output", output_options},
    {0},
};

static const example examples[] = {
    {"lop train --data mnist -o net.safetensors", "the challenge network on MNIST"},
    {"lop train --data fashion-mnist --layers 300,100 --bias --epochs 40 -o f.safetensors",
     "another network, other data"},
    {"lop train --data mnist -o net.safetensors --resume", "continue what was interrupted"},
    {0},
};

static const struct {
    const char *name;
    size_t offset;
} phases[] = {
    {"forward", offsetof(lop_train_profile, forward)},
    {"backward", offsetof(lop_train_profile, backward)},
    {"loss", offsetof(lop_train_profile, loss)},
    {"optimizer", offsetof(lop_train_profile, optimizer)},
    {"conversion", offsetof(lop_train_profile, conversion)},
    {"gather", offsetof(lop_train_profile, gather)},
    {"dropout", offsetof(lop_train_profile, dropout)},
    {"evaluate", offsetof(lop_train_profile, evaluate)},
    {"checkpoint", offsetof(lop_train_profile, checkpoint)},
};

static void show_profile(session *s, const lop_train_profile *profile)
{
    double rest = profile->total;
    if (!(profile->total > 0))
        return;
    say_more(s, "where time went:");
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        double seconds = *(const double *)(const void *)((const char *)profile + phases[i].offset);
        say_more(s, "  %-12s %8.2f s  %5.1f %%", phases[i].name, seconds,
                 100 * seconds / profile->total);
        rest -= seconds;
    }
    say_more(s, "  %-12s %8.2f s  %5.1f %%", "other", rest, 100 * rest / profile->total);
    say_more(s, "  %-12s %8.2f s", "total", profile->total);
}

static lop_status show_result(session *s, const values *v, const lop_result *result,
                              lop_error *error)
{
    char time[32], count[32];
    if (s->common.json) {
        char *line = NULL;
        lop_status status = lop_result_write(result, &line, error);
        if (status == LOP_OK)
            puts(line);
        free(line);
        return status;
    }
    FILE *stream = strcmp(v->output, "-") == 0 ? stderr : stdout;
    fprintf(stream, "%s  %s  %s weights\n", result->dataset, result->network,
            grouped(result->weights_total, count, sizeof count));
    fprintf(stream, "validation  accuracy %6.2f %%  loss %.4f\n", 100 * result->valid_accuracy,
            result->valid_loss);
    fprintf(stream, "test        accuracy %6.2f %%  loss %.4f\n", 100 * result->test_accuracy,
            result->test_loss);
    say(s, "%zu epochs in %s", result->epoch_count,
        lasted(result->train_seconds, time, sizeof time));
    return LOP_OK;
}

/* An unfinished training is hours of work: it is not written over without being told to. */
static lop_status check_checkpoint(session *s, const values *v, const char *checkpoint,
                                   lop_error *error)
{
    bool there = access(checkpoint, F_OK) == 0;
    if (there && !v->resume && !v->overwrite) {
        usage_error(error, LOP_E_EXISTS,
                    "holds an unfinished training; --resume continues it, -f starts anew");
        return blame(error, checkpoint);
    }
    if (there && !v->resume)
        unlink(checkpoint);
    if (!there && v->resume)
        say(s, "%s is not there: training starts at the beginning", checkpoint);
    return LOP_OK;
}

static void tell_how_to_continue(session *s, const char *checkpoint)
{
    char line[2048];
    if (access(checkpoint, F_OK) != 0) {
        say(s, "stopped before there was anything to keep");
        return;
    }
    command_line(s, "--resume", line, sizeof line);
    say(s, "stopped; %s holds the state of training", checkpoint);
    say_next(s, "%s", line);
}

static void tell_next(session *s, const values *v)
{
    char name[512];
    if (strcmp(v->output, "-") != 0)
        say_next(s, "lop prune %s --method weight --sparsity 90 -o pruned.safetensors",
                 quoted(v->output, name, sizeof name));
}

static lop_status train(session *s, const values *v, const lop_dataset *dataset,
                        const char *checkpoint, lop_error *error)
{
    lop_network *network = NULL;
    lop_result result = lop_result_empty();
    lop_history history = {0};
    lop_hooks hooks = session_hooks(s);
    lop_run_options options = {
        .seed = v->base.common.seed,
        .output = v->output,
        .overwrite = v->overwrite,
        .checkpoint = checkpoint,
        .resume = v->resume,
        .hooks = &hooks,
    };
    signals_watch();
    lop_status status =
        lop_run(&v->base.recipe, dataset, &options, &network, &result, &history, error);
    progress_end(s);
    if (status == LOP_E_CANCELLED && checkpoint)
        tell_how_to_continue(s, checkpoint);
    if (status == LOP_OK) {
        show_profile(s, &history.profile);
        status = show_result(s, v, &result, error);
    }
    /* The network is written now. A checkpoint that was asked for by name is left to its owner. */
    if (status == LOP_OK && checkpoint && !v->checkpoint)
        unlink(checkpoint);
    if (status == LOP_OK)
        tell_next(s, v);
    lop_network_free(network);
    lop_result_free(&result);
    lop_history_free(&history);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    const lop_recipe *recipe = &v->base.recipe;
    lop_hooks hooks = session_hooks(s);
    lop_data_options data = {.label_column = recipe->label_column, .hooks = &hooks};
    lop_dataset *dataset = NULL;
    char *named = NULL;
    const char *checkpoint = v->checkpoint;
    if (!checkpoint && strcmp(v->output, "-") != 0) {
        size_t size = strlen(v->output) + sizeof ".checkpoint";
        if (!(named = malloc(size)))
            return usage_error(error, LOP_E_MEMORY, "out of memory");
        snprintf(named, size, "%s.checkpoint", v->output);
        checkpoint = named;
    }
    lop_status status = lop_recipe_check(recipe, error);
    if (status == LOP_OK && checkpoint)
        status = check_checkpoint(s, v, checkpoint, error);
    if (status == LOP_OK)
        status = lop_dataset_open(&dataset, recipe->data, &data, error);
    if (status == LOP_OK)
        status = train(s, v, dataset, checkpoint, error);
    lop_dataset_free(dataset);
    free(named);
    return status;
}

const command command_train = {
    .name = "train",
    .summary = "train a network, or continue a training",
    .synopsis = "--data NAME -o FILE [OPTIONS]",
    .description =
        "Train a fully connected ReLU network and write it as safetensors, with its specification, "
        "recipe and history in the file's metadata.\n\n"
        "Ctrl-C ends training with a checkpoint written, and --resume continues from there to the "
        "same bytes that an uninterrupted training gives. A second Ctrl-C ends at once.\n",
    .groups = groups,
    .examples = examples,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = recipe_values_prepare,
    .release = recipe_values_release,
    .run = run,
};
