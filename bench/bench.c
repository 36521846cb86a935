/*
 * bench: one measurement of lop, as one JSON line.
 *
 *     bench data                the directory with MNIST's files, fetched where it is missing
 *     bench train [OPTIONS]     optimizer steps of the challenge network
 *     bench evaluate [OPTIONS]  the 10,000 test images through it
 *     bench prune [OPTIONS]     pruning, counting and compacting it
 *
 * Each does its work once to warm up and then `--passes` times. bench.py calls it, beside others,
 * and makes the table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/lop.h>

#include "place.h"

enum { MAX_PASSES = 100, HIDDEN = 4 };

typedef struct settings {
    size_t threads, batch, steps, passes;
    lop_precision precision;
} settings;

typedef struct option {
    const char *name;
    size_t offset; /* of a size_t in settings */
    size_t largest;
} option;

static const option options[] = {
    {"--threads", offsetof(settings, threads), 1024},
    {"--batch", offsetof(settings, batch), 65536},
    {"--steps", offsetof(settings, steps), 1000000},
    {"--passes", offsetof(settings, passes), MAX_PASSES},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static bool read_precision(settings *s, const char *text)
{
    for (lop_precision p = LOP_AUTO; p <= LOP_BF16; p++) {
        if (strcmp(text, lop_precision_name(p)) == 0) {
            s->precision = p;
            return true;
        }
    }
    return false;
}

static bool read_option(settings *s, const char *name, const char *text)
{
    if (strcmp(name, "--precision") == 0)
        return read_precision(s, text);
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(name, options[i].name) != 0)
            continue;
        char *end;
        errno = 0;
        unsigned long value = strtoul(text, &end, 10);
        if (errno || *end || end == text || value == 0 || value > options[i].largest)
            return false;
        memcpy((char *)s + options[i].offset, &(size_t){value}, sizeof(size_t));
        return true;
    }
    return false;
}

static lop_status open_mnist(lop_dataset **out, lop_error *error)
{
    const lop_data_options place = {.cache_dir = place_of_data()};
    return lop_dataset_open(out, "mnist", &place, error);
}

static lop_status new_challenge(lop_network **out, lop_error *error)
{
    static const size_t hidden[HIDDEN] = {1000, 1000, 500, 200};
    lop_mlp_spec spec = {
        .inputs = 784, .hidden = hidden, .hidden_count = HIDDEN, .outputs = 10, .seed = 1};
    return lop_network_new_mlp(out, &spec, error);
}

static void print_seconds(const char *name, const double *seconds, size_t count)
{
    printf(", \"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        printf("%s%.6f", i ? ", " : "", seconds[i]);
    printf("]");
}

static void print_head(const char *what, const settings *s)
{
    lop_precision precision = s->precision;
    lop_precision_resolve(s->precision, &precision, NULL);
    printf("{\"what\": \"%s\", \"program\": \"lop %s\", \"precision\": \"%s\", \"threads\": %zu",
           what, lop_version(), lop_precision_name(precision), lop_threads_get());
}

static void print_tail(void) { printf(", \"peak_memory_bytes\": %zu}\n", lop_memory_peak_bytes()); }

static void print_profile(const lop_train_profile *profile)
{
    printf(", \"profile\": {\"forward\": %.4f, \"backward\": %.4f, \"loss\": %.4f, "
           "\"optimizer\": %.4f, \"conversion\": %.4f, \"gather\": %.4f, \"total\": %.4f}",
           profile->forward, profile->backward, profile->loss, profile->optimizer,
           profile->conversion, profile->gather, profile->total);
}

/* Steps times batch samples to train on, the same in every epoch: an epoch is a pass. */
static lop_status split_for(lop_split *split, const lop_samples *samples, const settings *s,
                            lop_error *error)
{
    lop_status status = lop_split_new(split, samples, s->batch, 1, error);
    if (status)
        return status;
    if (s->steps * s->batch > split->train_count) {
        fprintf(stderr, "bench: %zu steps of %zu are more than the %zu training samples\n",
                s->steps, s->batch, split->train_count);
        lop_split_free(split);
        return LOP_E_ARG;
    }
    split->train_count = s->steps * s->batch;
    return LOP_OK;
}

static lop_status bench_train(const settings *s, lop_error *error)
{
    lop_dataset *dataset = NULL;
    lop_network *network = NULL;
    lop_split split = {0};
    lop_history history = {0};
    lop_train_options train = lop_train_options_default();
    train.optimizer = LOP_OPTIMIZER_ADAM;
    train.epochs = 1 + s->passes;
    train.batch_size = s->batch;
    train.precision = s->precision;
    train.learning_rate = 1e-3;
    train.rate_schedule = LOP_RATE_CONSTANT;
    train.weight_decay = train.l1 = train.dropout = train.input_dropout = 0;
    train.label_smoothing = train.warmup_epochs = 0;
    train.patience = 0;
    lop_status status = open_mnist(&dataset, error);
    if (status)
        goto out;
    status = new_challenge(&network, error);
    if (status)
        goto out;
    status = split_for(&split, lop_dataset_train(dataset), s, error);
    if (status)
        goto out;
    status = lop_train(network, dataset, &split, &train, NULL, &history, error);
    if (status)
        goto out;
    double seconds[MAX_PASSES];
    for (size_t i = 0; i < s->passes; i++)
        seconds[i] = history.epochs[i + 1].seconds;
    print_head("train", s);
    printf(", \"batch\": %zu, \"steps\": %zu, \"loss\": %.6f", s->batch, s->steps,
           history.epochs[s->passes].train_loss);
    print_seconds("seconds", seconds, s->passes);
    print_profile(&history.profile);
    print_tail();
out:
    lop_history_free(&history);
    lop_split_free(&split);
    lop_network_free(network);
    lop_dataset_free(dataset);
    return status;
}

static lop_status bench_evaluate(const settings *s, lop_error *error)
{
    lop_dataset *dataset = NULL;
    lop_network *network = NULL;
    lop_evaluation evaluation = {0};
    const lop_evaluate_options look = {.precision = s->precision};
    double seconds[MAX_PASSES + 1];
    lop_status status = open_mnist(&dataset, error);
    if (status)
        goto out;
    status = new_challenge(&network, error);
    for (size_t i = 0; i <= s->passes && status == LOP_OK; i++) {
        double start = lop_clock_seconds();
        status = lop_evaluate(network, lop_dataset_test(dataset), &look, &evaluation, error);
        seconds[i] = lop_clock_seconds() - start;
    }
    if (status)
        goto out;
    print_head("evaluate", s);
    printf(", \"images\": %zu", evaluation.count);
    print_seconds("first_seconds", seconds, 1);
    print_seconds("seconds", seconds + 1, s->passes);
    print_tail();
out:
    lop_network_free(network);
    lop_dataset_free(dataset);
    return status;
}

/* One pruning of a copy to 90 %; seconds[0] prunes, [1] counts, [2] compacts. */
static lop_status prune_once(const lop_network *dense, lop_granularity granularity,
                             double seconds[3], lop_error *error)
{
    lop_network *network = NULL, *compacted = NULL;
    lop_count count;
    lop_prune_options how = {.granularity = granularity, .sparsity = 0.9};
    if (granularity == LOP_GRANULARITY_NM)
        how.sparsity = 0; /* N:M decides it */
    lop_status status = lop_network_copy(&network, dense, error);
    if (status)
        goto out;
    double t0 = lop_clock_seconds();
    status = lop_prune(network, &how, error);
    if (status)
        goto out;
    double t1 = lop_clock_seconds();
    status = lop_count_network(network, &count, error);
    if (status)
        goto out;
    double t2 = lop_clock_seconds();
    status = lop_compact(&compacted, network, error);
    seconds[0] = t1 - t0;
    seconds[1] = t2 - t1;
    seconds[2] = lop_clock_seconds() - t2;
out:
    lop_network_free(network);
    lop_network_free(compacted);
    return status;
}

static lop_status bench_prune(const settings *s, lop_error *error)
{
    static const char *const steps[] = {"prune", "count", "compact"};
    lop_network *network = NULL;
    lop_status status = new_challenge(&network, error);
    if (status)
        goto out;
    print_head("prune", s);
    for (size_t g = 0; lop_granularity_name(g) && status == LOP_OK; g++) {
        double seconds[3][MAX_PASSES + 1] = {{0}}, once[3] = {0};
        for (size_t i = 0; i <= s->passes && status == LOP_OK; i++) {
            status = prune_once(network, (lop_granularity)g, once, error);
            for (size_t j = 0; j < 3; j++)
                seconds[j][i] = once[j];
        }
        for (size_t j = 0; j < 3; j++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s_seconds", lop_granularity_name(g), steps[j]);
            print_seconds(name, seconds[j] + 1, s->passes);
        }
    }
    print_tail();
out:
    lop_network_free(network);
    return status;
}

static lop_status bench_data(const settings *s, lop_error *error)
{
    (void)s;
    const lop_data_options place = {.cache_dir = place_of_data()};
    char *dir = NULL;
    lop_status status = lop_data_get("mnist", &place, error);
    if (status == LOP_OK)
        status = lop_data_directory("mnist", &place, &dir, error);
    if (status == LOP_OK)
        puts(dir);
    free(dir);
    return status;
}

static const struct {
    const char *name;
    lop_status (*run)(const settings *, lop_error *);
} commands[] = {
    {"data", bench_data},
    {"train", bench_train},
    {"evaluate", bench_evaluate},
    {"prune", bench_prune},
};

int main(int argc, char **argv)
{
    settings s = {.threads = 1, .batch = 256, .steps = 60, .passes = 2, .precision = LOP_FLOAT32};
    lop_error error = {.text = ""};
    char text[1024];
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc || !read_option(&s, argv[i], argv[i + 1])) {
            fprintf(stderr, "bench: cannot take '%s'\n", argv[i]);
            return lop_status_exit(LOP_E_ARG);
        }
    }
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        lop_status status = lop_threads_set(s.threads, &error);
        if (status == LOP_OK)
            status = commands[i].run(&s, &error);
        if (status)
            fprintf(stderr, "bench: %s\n", lop_error_format(&error, text, sizeof text));
        return lop_status_exit(status);
    }
    fprintf(stderr, "bench: expected data, train, evaluate or prune\n");
    return lop_status_exit(LOP_E_ARG);
}
