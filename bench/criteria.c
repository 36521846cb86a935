/*
 * criteria NETWORK [DATA [SAMPLES]]: what each criterion costs and keeps, pruning a trained network
 * at once, without retraining. One line a criterion: seconds and test accuracy at each sparsity.
 * DATA is a name or path (mnist); SAMPLES of its training split calibrate (1024).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/lop.h>

#include "place.h"

enum { MOST_SAMPLES = 1 << 20 };

static const double sparsities[] = {0.8, 0.9, 0.95, 0.97};

enum { SPARSITIES = sizeof sparsities / sizeof sparsities[0] };

typedef struct trial {
    lop_network *dense;
    lop_dataset *data;
    lop_split split;
    size_t samples;
} trial;

static lop_status prune_once(const trial *t, lop_prune_options *options, lop_error *error)
{
    lop_network *network = NULL;
    lop_evaluation found;
    lop_status status = lop_network_copy(&network, t->dense, error);
    double start = lop_clock_seconds(), seconds = 0;
    if (status == LOP_OK)
        status = lop_prune(network, options, error);
    seconds = lop_clock_seconds() - start;
    if (status == LOP_OK)
        status = lop_evaluate(network, lop_dataset_test(t->data), NULL, &found, error);
    if (status == LOP_OK)
        printf(" %8.3f %6.2f", seconds, 100 * found.accuracy);
    fflush(stdout);
    lop_network_free(network);
    return status;
}

static lop_status try_criterion(const trial *t, lop_granularity granularity,
                                const lop_criterion *criterion, lop_error *error)
{
    lop_status status = LOP_OK;
    printf("%-7s %-10s", lop_granularity_name((size_t)granularity), criterion->name);
    for (size_t k = 0; k < SPARSITIES && status == LOP_OK; k++) {
        lop_prune_options options = {.granularity = granularity,
                                     .criterion = criterion,
                                     .sparsity = sparsities[k],
                                     .seed = 1,
                                     .samples = lop_dataset_train(t->data),
                                     .indices = t->split.train,
                                     .sample_count = t->samples};
        status = prune_once(t, &options, error);
    }
    puts("");
    return status;
}

static lop_status begin(trial *t, int argc, char **argv, lop_error *error)
{
    const char *name = argc > 2 ? argv[2] : "mnist";
    char *end = NULL;
    unsigned long samples = argc > 3 ? strtoul(argv[3], &end, 10) : 1024;
    if (argc > 3 && (*end || samples < 1 || samples > MOST_SAMPLES))
        return *error = (lop_error){.code = LOP_E_ARG, .text = "SAMPLES is no such number"},
               LOP_E_ARG;
    lop_status status = lop_network_load(&t->dense, argv[1], NULL, error);
    if (status == LOP_OK)
        status = lop_dataset_open(&t->data, name, &(lop_data_options){.cache_dir = place_of_data()},
                                  error);
    if (status)
        return status;
    const lop_samples *train = lop_dataset_train(t->data);
    status = lop_split_new(&t->split, train, lop_split_default_count(train), 1, error);
    t->samples = samples < t->split.train_count ? samples : t->split.train_count;
    return status;
}

int main(int argc, char **argv)
{
    trial t = {0};
    lop_error error = {0};
    char text[512];
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: criteria NETWORK [DATA [SAMPLES]]\n");
        return 64;
    }
    lop_status status = begin(&t, argc, argv, &error);
    if (status == LOP_OK) {
        printf("%-18s", "seconds, accuracy");
        for (size_t k = 0; k < SPARSITIES; k++)
            printf(" %13.0f %%", 100 * sparsities[k]);
        puts("");
    }
    for (size_t i = 0; lop_criterion_at(i) && status == LOP_OK; i++) {
        const lop_criterion *criterion = lop_criterion_at(i);
        if (criterion->needs != LOP_NEEDS_MOVEMENT)
            status = try_criterion(&t, criterion->granularity, criterion, &error);
    }
    if (status)
        fprintf(stderr, "criteria: %s\n", lop_error_format(&error, text, sizeof text));
    lop_split_free(&t.split);
    lop_dataset_free(t.data);
    lop_network_free(t.dense);
    return lop_status_exit(status);
}
