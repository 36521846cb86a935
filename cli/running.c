#include "running.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_sets.h"

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

void show_run(session *s, const char *output, const lop_result *result, const char *line)
{
    char time[32], count[32], left[32];
    if (line) {
        puts(line);
        return;
    }
    FILE *stream = strcmp(output, "-") == 0 ? stderr : stdout;
    fprintf(stream, "%s  %s  %s weights\n", result->dataset, result->network,
            grouped(result->weights_total, count, sizeof count));
    if (result->method)
        fprintf(stream, "%s  %s  %s  %s weights left (%.2f %%)\n", result->method,
                result->criterion, result->schedule,
                grouped(result->weights_left, left, sizeof left),
                100 * (double)result->weights_left / (double)result->weights_total);
    fprintf(stream, "validation  accuracy %6.2f %%  loss %.4f\n", 100 * result->valid_accuracy,
            result->valid_loss);
    fprintf(stream, "test        accuracy %6.2f %%  loss %.4f\n", 100 * result->test_accuracy,
            result->test_loss);
    if (result->epoch_count > 0)
        say(s, "%zu epochs in %s", result->epoch_count,
            lasted(result->train_seconds, time, sizeof time));
}

/* An unfinished training is hours of work: it is not written over without being told to. */
static lop_status check_checkpoint(session *s, const running *r, const char *checkpoint,
                                   lop_error *error)
{
    bool there = access(checkpoint, F_OK) == 0;
    if (there && !r->base->keep.resume && !r->base->keep.overwrite) {
        usage_error(error, LOP_E_EXISTS,
                    "holds an unfinished training; --resume continues it, -f starts anew");
        return blame(error, checkpoint);
    }
    if (there && !r->base->keep.resume)
        unlink(checkpoint);
    if (!there && r->base->keep.resume)
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

static lop_status work(session *s, const running *r, const char *checkpoint, lop_network **network,
                       lop_result *result, lop_error *error)
{
    const lop_recipe *recipe = &r->base->recipe;
    lop_dataset *dataset = NULL;
    lop_history history = {0};
    lop_hooks hooks = session_hooks(s);
    lop_run_options options = {
        .seed = r->seed,
        .parent = r->parent,
        .output = r->output,
        .metadata = r->metadata,
        .overwrite = r->base->keep.overwrite,
        .compact = r->compact,
        .checkpoint = checkpoint,
        .resume = r->base->keep.resume,
        .line = r->line,
        .hooks = &hooks,
    };
    lop_status status =
        data_open(&dataset, s, &(data_named){recipe->data, recipe->label_column, false}, error);
    signals_watch();
    if (status == LOP_OK)
        status = lop_run(recipe, dataset, &options, network, result, &history, error);
    progress_end(s);
    if (status == LOP_E_CANCELLED && checkpoint)
        tell_how_to_continue(s, checkpoint);
    if (status == LOP_OK)
        show_profile(s, &history.profile);
    /* The network is written now. A checkpoint that was asked for by name is left to its owner. */
    if (status == LOP_OK && checkpoint && !r->base->keep.checkpoint)
        unlink(checkpoint);
    lop_dataset_free(dataset);
    lop_history_free(&history);
    return status;
}

/* Beside standard output, a pipe or a device no checkpoint is kept: nobody would look for it there.
 */
static bool is_for_files(const char *output)
{
    struct stat there;
    return strcmp(output, "-") != 0 && (stat(output, &there) != 0 || S_ISREG(there.st_mode));
}

lop_status run_recipe(session *s, const running *r, lop_network **network, lop_result *result,
                      lop_error *error)
{
    char *named = NULL;
    const char *checkpoint = r->base->keep.checkpoint;
    if (!checkpoint && is_for_files(r->output)) {
        size_t size = strlen(r->output) + sizeof ".checkpoint";
        if (!(named = malloc(size)))
            return usage_error(error, LOP_E_MEMORY, "out of memory");
        snprintf(named, size, "%s.checkpoint", r->output);
        checkpoint = named;
    }
    lop_status status = lop_recipe_check(&r->base->recipe, error);
    if (status == LOP_OK && checkpoint)
        status = check_checkpoint(s, r, checkpoint, error);
    if (status == LOP_OK)
        status = work(s, r, checkpoint, network, result, error);
    free(named);
    return status;
}
