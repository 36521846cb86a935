#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "report/fake.h"

enum { POINTS = 10, LAYERS = 5, EPOCHS = 20 };

static const double targets[POINTS] = {0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99};
static const size_t widths[LAYERS + 1] = {784, 1000, 1000, 500, 200, 10};

/* Shaped like what one-shot pruning does to a well-trained network. */
static const struct {
    const char *name;
    double accuracy[2][POINTS], loss[2][POINTS];
} sets[] = {
    {"mnist",
     {{0.9845, 0.9845, 0.9846, 0.9844, 0.9841, 0.9812, 0.9655, 0.865, 0.62, 0.19},
      {0.9845, 0.9839, 0.9805, 0.9768, 0.966, 0.871, 0.43, 0.19, 0.12, 0.098}},
     {{0.061, 0.061, 0.0605, 0.0612, 0.064, 0.082, 0.21, 0.83, 1.62, 2.24},
      {0.061, 0.0625, 0.071, 0.085, 0.13, 0.46, 1.71, 2.19, 2.28, 2.302}}},
    {"fashion-mnist",
     {{0.9012, 0.9013, 0.9008, 0.8995, 0.8941, 0.884, 0.823, 0.58, 0.41, 0.17},
      {0.9012, 0.8991, 0.888, 0.871, 0.848, 0.671, 0.41, 0.19, 0.11, 0.1}},
     {{0.412, 0.411, 0.405, 0.402, 0.41, 0.44, 0.66, 1.42, 1.86, 2.27},
      {0.412, 0.414, 0.433, 0.478, 0.55, 1.02, 1.83, 2.24, 2.29, 2.303}}},
};
static const char *const methods[] = {"weight", "unit"};
static const char *const criteria[] = {"magnitude", "l2"};

void fake_text(char **field, const char *value)
{
    assert_int_equal(lop_result_set_text(field, value, NULL), LOP_OK);
}

static void fill_counts(lop_result *result, bool units, double k)
{
    size_t left[LAYERS + 1];
    memcpy(left, widths, sizeof left);
    result->weights_total = result->weights_left = 0;
    result->units_left = lopi_alloc(LAYERS - 1, sizeof *result->units_left);
    assert_non_null(result->units_left);
    result->units_left_count = LAYERS - 1;
    for (size_t i = 1; i < LAYERS; i++) {
        if (units)
            left[i] -= (size_t)lround(k * (double)left[i]);
        result->units_left[i - 1] = left[i];
    }
    for (size_t i = 1; i <= LAYERS; i++) {
        size_t all = widths[i] * widths[i - 1];
        result->weights_total += all;
        if (units)
            result->weights_left += left[i] * left[i - 1];
        else
            result->weights_left += all - (i < LAYERS ? (size_t)lround(k * (double)all) : 0);
    }
    result->effective_weights_left =
        result->weights_left - (units ? 0 : result->weights_left / 400);
    result->sparsity = 1 - (double)result->weights_left / (double)result->weights_total;
}

static void fill_sizes(lop_result *result, bool units, lopi_random *random)
{
    double left = (double)result->weights_left, total = (double)result->weights_total;
    result->bytes_dense = result->weights_total * 4;
    result->bytes_sparse = left > 0.66 * total ? result->bytes_dense : result->weights_left * 6;
    result->bytes_zstd = (uint64_t)(left * 3.9 + (total - left) * 0.05);
    result->dense_latency_us_batch1 = 410 + 10 * lopi_random_double(random);
    result->dense_throughput_batch256 = 61000 + 900 * lopi_random_double(random);
    double share = units ? left / total : 0.2 + 0.8 * left / total;
    result->compacted_latency_us_batch1 = result->dense_latency_us_batch1 * share + 2;
    result->compacted_throughput_batch256 = result->dense_throughput_batch256 / (share + 0.01);
    result->prune_seconds = 0.02 + 0.01 * lopi_random_double(random);
    result->train_seconds = 24 + lopi_random_double(random);
    result->peak_memory_bytes = 412000000;
}

/* Dense training reaches what it knows; pruned, it ends where the point does. */
static void fill_epochs(lop_result *result, double accuracy, double loss, lopi_random *random)
{
    result->epochs = lopi_alloc(EPOCHS, sizeof *result->epochs);
    assert_non_null(result->epochs);
    result->epoch_count = EPOCHS;
    for (size_t i = 0; i < EPOCHS; i++) {
        double rest = exp(-0.22 * (double)i), noise = 0.001 * lopi_random_normal(random) * rest;
        double done = fmin(1, (double)(i + 1) / 15);
        result->epochs[i] =
            (lop_epoch){.epoch = i + 1,
                        .learning_rate = 0.0005 * (1 + cos(3.14159 * (double)i / EPOCHS)),
                        .sparsity = result->sparsity * (1 - pow(1 - done, 3)),
                        .train_loss = 0.004 + 0.22 * rest,
                        .train_accuracy = 0.9995 - 0.06 * rest,
                        .validation_loss = loss * 1.05 + 0.08 * rest * rest + noise,
                        .validation_accuracy = accuracy - 0.001 - 0.03 * rest + noise,
                        .test_loss = loss + 0.07 * rest * rest + noise,
                        .test_accuracy = accuracy - 0.028 * rest + noise,
                        .seconds = 1.2};
    }
}

static void fill(lop_result *result, size_t set, size_t method, size_t point, uint64_t seed)
{
    lopi_random random =
        lopi_random_stream(seed, LOPI_STREAM_TEST, (set * 2 + method) * POINTS + point);
    *result = lop_result_empty();
    fake_text(&result->dataset, sets[set].name);
    fake_text(&result->network, "784-1000-1000-500-200-10");
    fake_text(&result->method, methods[method]);
    fake_text(&result->criterion, criteria[method]);
    fake_text(&result->scope, "layer");
    fake_text(&result->schedule, "oneshot");
    fake_text(&result->version, "0.1.0");
    fake_text(&result->recipe, "{\"data\": \"mnist\", \"layers\": [1000, 1000, 500, 200], "
                               "\"train\": {\"epochs\": 20, \"learning_rate\": 0.001}}");
    result->seed = seed;
    result->target_sparsity = targets[point];
    fill_counts(result, method == 1, targets[point]);
    /* Networks far below what they knew differ more from seed to seed. */
    double mean = sets[set].accuracy[method][point], loss = sets[set].loss[method][point];
    double apart = 0.0006 + 0.05 * (1 - mean) * mean * (mean < 0.95);
    if (point == 0)
        random = lopi_random_stream(seed, LOPI_STREAM_TEST, 1000 + set);
    double noise = lopi_random_normal(&random);
    result->test_accuracy = round(1e4 * (mean + apart * noise)) / 1e4;
    result->test_loss = loss * (1 + 2 * apart * lopi_random_normal(&random));
    result->valid_accuracy = round(5e3 * (mean - 0.001 + apart * noise)) / 5e3;
    result->valid_loss = result->test_loss * 1.04;
    result->train_accuracy = fmin(1, result->test_accuracy + 0.0145);
    result->train_loss = result->test_loss * 0.3;
    fill_sizes(result, method == 1, &random);
    random = lopi_random_stream(seed, LOPI_STREAM_TEST, 2000 + set);
    fill_epochs(result, mean, loss, &random);
    result->has_machine = true;
    result->machine = (lop_machine){.cpu = "Example CPU at 3.00 GHz",
                                    .isa = "avx2",
                                    .host = "Linux x86_64",
                                    .cores = 2,
                                    .threads = 2,
                                    .memory_bytes = 8ull << 30};
}

void fake_results(lop_results *out, size_t datasets, size_t seeds)
{
    lop_results results = {.items = lopi_alloc(datasets * POINTS * 2 * seeds, sizeof *out->items)};
    assert_non_null(results.items);
    for (size_t set = 0; set < datasets; set++)
        for (size_t seed = 1; seed <= seeds; seed++)
            for (size_t point = 0; point < POINTS; point++)
                for (size_t method = 0; method < 2; method++)
                    fill(results.items + results.count++, set, method, point, seed);
    *out = results;
}

char *fake_read_back(FILE *stream)
{
    long size = ftell(stream);
    assert_true(size >= 0);
    char *text = lopi_alloc((size_t)size + 1, 1);
    assert_non_null(text);
    rewind(stream);
    assert_int_equal(fread(text, 1, (size_t)size, stream), size);
    fclose(stream);
    return text;
}
