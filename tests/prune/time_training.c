/*
 * Not a test: prints what pruning costs while training, and what removing units saves.
 *
 *     time_prune_training [DATA] [SAMPLES] [EPOCHS]
 *
 * Processor seconds of this process, so that others at work on the machine weigh less. Run it with
 * OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive: threads that wait would count as work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lop/data.h>
#include <lop/network.h>
#include <lop/pruner.h>
#include <lop/train.h>

#include "place.h"

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One training: its pruner, and when its epochs began and what its events took. */
struct job {
    lop_pruner *pruner; /* NULL: dense */
    double begun;
    double events, longest;
    size_t event_count;
};

static lop_status step(void *context, lop_network *network, size_t at, size_t steps,
                       lop_error *error)
{
    struct job *job = context;
    double start = processor_seconds();
    lop_status status = lop_pruner_step(job->pruner, network, at, steps, error);
    double took = processor_seconds() - start;
    job->events += took;
    job->longest = took > job->longest ? took : job->longest;
    job->event_count++;
    return status;
}

static bool due(void *context, size_t at)
{
    return lop_pruner_due(((struct job *)context)->pruner, at);
}

static lop_status gradient(void *context, const lop_network *network, size_t layer,
                           const float *values, size_t at, lop_error *error)
{
    return lop_pruner_gradient(((struct job *)context)->pruner, network, layer, values, at, error);
}

static lop_status after_epoch(void *context, lop_network *network, size_t epoch, size_t epochs,
                              lop_error *error)
{
    (void)epochs, (void)error;
    struct job *job = context;
    char shape[64];
    double now = processor_seconds();
    printf("    epoch %2zu  %6.3f s, of it %2zu events %.4f s (longest %.4f s)  %s\n", epoch,
           now - job->begun, job->event_count, job->events, job->longest,
           lop_network_describe(network, shape, sizeof shape));
    *job = (struct job){.pruner = job->pruner, .begun = processor_seconds()};
    return LOP_OK;
}

static void run(const char *schedule, lop_granularity granularity, const char *criterion,
                const lop_dataset *data, const lop_split *split, size_t epochs)
{
    static const size_t hidden[] = {1000, 1000, 500, 200};
    const lop_mlp_spec spec = {.inputs = lop_dataset_train(data)->features,
                               .hidden = hidden,
                               .hidden_count = 4,
                               .outputs = lop_dataset_train(data)->classes,
                               .seed = 1};
    lop_train_options options = lop_train_options_default();
    size_t per_epoch = (split->train_count + options.batch_size - 1) / options.batch_size;
    struct job job = {.begun = processor_seconds()};
    lop_train_callback callback = {.context = &job, .after_epoch = after_epoch};
    lop_network *network = NULL;
    lop_history history = {0};
    lop_error error = {0};
    options.epochs = epochs;
    printf("%s %s %s\n", schedule ? schedule : "dense",
           schedule ? lop_granularity_name(granularity) : "", criterion ? criterion : "");
    if (lop_network_new_mlp(&network, &spec, &error) != LOP_OK)
        goto out;
    if (schedule) {
        lop_pruner_options plan = lop_pruner_options_default(epochs, per_epoch);
        plan.target.granularity = granularity;
        plan.target.sparsity = 0.9;
        plan.begin_epoch = 1;
        if (lop_schedule_find(schedule, &plan.schedule, &error) != LOP_OK ||
            lop_criterion_find(criterion, granularity, &plan.target.criterion, &error) != LOP_OK ||
            lop_pruner_new(&job.pruner, &plan, network, &error) != LOP_OK)
            goto out;
        callback.before_first = callback.after_step = step;
        callback.due = due;
        if (lop_pruner_wants_gradients(job.pruner))
            callback.on_gradient = gradient;
        callback.states = lop_pruner_state(job.pruner, &callback.state_count);
        callback.remove_units = granularity == LOP_GRANULARITY_UNIT;
    }
    job.begun = processor_seconds();
    (void)lop_train(network, data, split, &options, &callback, &history, &error);
out:
    if (error.text[0])
        printf("    %s\n", error.text);
    lop_history_free(&history);
    lop_pruner_free(job.pruner);
    lop_network_free(network);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *schedule, *criterion;
        lop_granularity granularity;
    } jobs[] = {
        {NULL, NULL, LOP_GRANULARITY_WEIGHT},      {"constant", NULL, LOP_GRANULARITY_WEIGHT},
        {"gradual", NULL, LOP_GRANULARITY_WEIGHT}, {"gradual", "movement", LOP_GRANULARITY_WEIGHT},
        {"set", "random", LOP_GRANULARITY_WEIGHT}, {"rigl", "random", LOP_GRANULARITY_WEIGHT},
        {"gradual", NULL, LOP_GRANULARITY_UNIT},
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *name = count > 1 ? arguments[1] : "mnist";
    size_t samples = count > 2 ? strtoul(arguments[2], NULL, 10) : 55000;
    size_t epochs = count > 3 ? strtoul(arguments[3], NULL, 10) : 4;
    lop_dataset *data = NULL;
    lop_split split = {0};
    lop_error error = {0};
    if (lop_dataset_open(&data, name, &(lop_data_options){.cache_dir = place_of_data()}, &error) !=
            LOP_OK ||
        lop_split_new(&split, lop_dataset_train(data), 1000, 1, &error) != LOP_OK) {
        fprintf(stderr, "%s\n", error.text);
        lop_dataset_free(data);
        return 1;
    }
    if (samples < split.train_count)
        split.train_count = samples;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        run(jobs[i].schedule, jobs[i].granularity, jobs[i].criterion, data, &split, epochs);
    lop_split_free(&split);
    lop_dataset_free(data);
    return 0;
}
