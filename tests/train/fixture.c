#include "test.h"

#include "train/fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"

static void write_csv(const char *directory, const char *name, size_t count, uint64_t number)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    lopi_random centres = lopi_random_stream(7, LOPI_STREAM_TEST, 0);
    lopi_random noise = lopi_random_stream(7, LOPI_STREAM_TEST, number);
    double centre[FIXTURE_CLASSES][FIXTURE_FEATURES];
    for (size_t c = 0; c < FIXTURE_CLASSES; c++)
        for (size_t f = 0; f < FIXTURE_FEATURES; f++)
            centre[c][f] = lopi_random_normal(&centres);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%zu", i % FIXTURE_CLASSES);
        for (size_t f = 0; f < FIXTURE_FEATURES; f++)
            fprintf(file, ",%.4f",
                    centre[i % FIXTURE_CLASSES][f] + 0.3 * lopi_random_normal(&noise));
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
}

void fixture_open(struct fixture *fixture)
{
    lop_error error = {0};
    *fixture = (struct fixture){.directory = "/tmp/lop-train-XXXXXX"};
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->checkpoint, sizeof fixture->checkpoint, "%s/c.checkpoint",
             fixture->directory);
    write_csv(fixture->directory, "train.csv", FIXTURE_TRAIN, 1);
    write_csv(fixture->directory, "test.csv", 90, 2);
    lop_data_options options = {.offline = true};
    if (lop_dataset_open(&fixture->dataset, fixture->directory, &options, &error) != LOP_OK)
        fail_msg("%s", error.text);
    assert_int_equal(lop_split_new(&fixture->split, lop_dataset_train(fixture->dataset),
                                   FIXTURE_VALIDATION, 1, NULL),
                     LOP_OK);
}

void fixture_close(struct fixture *fixture)
{
    static const char *const names[] = {"train.csv", "test.csv", "c.checkpoint"};
    lop_split_free(&fixture->split);
    lop_dataset_free(fixture->dataset);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", fixture->directory, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
}

struct fixture fixture_task;

int fixture_set_up(void **state)
{
    (void)state;
    fixture_open(&fixture_task);
    return 0;
}

int fixture_tear_down(void **state)
{
    (void)state;
    fixture_close(&fixture_task);
    return 0;
}

lop_network *fixture_network(bool bias, bool masked)
{
    lop_network *network = NULL;
    const size_t hidden[] = {24, 17};
    const lop_mlp_spec spec = {
        .inputs = FIXTURE_FEATURES,
        .hidden = hidden,
        .hidden_count = 2,
        .outputs = FIXTURE_CLASSES,
        .bias = bias,
        .seed = 5,
    };
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    for (size_t i = 0; masked && i + 1 < lop_network_layer_count(network); i++) {
        assert_int_equal(lop_network_mask_new(network, i, NULL), LOP_OK);
        const lop_layer *layer = lop_network_layer(network, i);
        for (size_t j = 0; j < layer->outputs * layer->inputs; j++)
            layer->mask[j] = j % 3 != 1;
    }
    lop_network_apply_masks(network);
    return network;
}

lop_train_options fixture_options(void)
{
    lop_train_options options = lop_train_options_default();
    options.epochs = 4;
    options.batch_size = 32;
    options.precision = LOP_FLOAT32;
    options.learning_rate = 0.01;
    options.dropout = 0.2;
    options.input_dropout = 0.1;
    options.weight_decay = 0.01;
    return options;
}

/* Cancels when it has been asked so often: before each step once. */
struct stopper {
    size_t asked, limit;
};

static bool enough(void *context)
{
    struct stopper *stopper = context;
    return stopper->asked++ >= stopper->limit;
}

struct fixture_outcome fixture_train(const struct fixture *fixture, lop_train_options options,
                                     const struct fixture_guest *guest, size_t piece)
{
    struct fixture_outcome outcome;
    unlink(fixture->checkpoint);
    options.resume = piece > 0;
    options.checkpoint = piece > 0 ? fixture->checkpoint : NULL;
    for (size_t pieces = 0;; pieces++) {
        struct stopper stopper = {.limit = piece ? piece : SIZE_MAX};
        const lop_hooks hooks = {.context = &stopper, .cancelled = enough};
        lop_error error = {0};
        options.hooks = &hooks;
        outcome = (struct fixture_outcome){.network = fixture_network(true, false)};
        lop_train_callback callback = {0};
        if (guest)
            callback = guest->open(guest->context, outcome.network);
        lop_status status = lop_train(outcome.network, fixture->dataset, &fixture->split, &options,
                                      &callback, &outcome.history, &error);
        if (guest && guest->close)
            guest->close(guest->context);
        if (status == LOP_OK)
            break;
        if (status != LOP_E_CANCELLED || pieces > 200)
            fail_msg("%s: %s", lop_status_name(status), error.text);
        fixture_outcome_free(&outcome);
    }
    unlink(fixture->checkpoint);
    return outcome;
}

void fixture_outcome_free(struct fixture_outcome *outcome)
{
    lop_network_free(outcome->network);
    lop_history_free(&outcome->history);
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

void fixture_assert_same(const struct fixture_outcome *a, const struct fixture_outcome *b)
{
    char first[128], second[128];
    assert_string_equal(lop_network_describe(a->network, first, sizeof first),
                        lop_network_describe(b->network, second, sizeof second));
    assert_true(fixture_same(a->network, b->network));
    assert_int_equal(a->history.count, b->history.count);
    assert_int_equal(a->history.best_epoch, b->history.best_epoch);
    assert_int_equal(a->history.weights, b->history.weights);
    for (size_t i = 0; i < a->history.count; i++) {
        const lop_epoch *x = &a->history.epochs[i], *y = &b->history.epochs[i];
        assert_true(same_number(x->sparsity, y->sparsity));
        assert_true(same_number(x->train_loss, y->train_loss));
        assert_true(same_number(x->train_accuracy, y->train_accuracy));
        assert_true(same_number(x->validation_loss, y->validation_loss));
        assert_true(same_number(x->validation_accuracy, y->validation_accuracy));
    }
}

bool fixture_same(const lop_network *a, const lop_network *b)
{
    for (size_t i = 0; i < lop_network_layer_count(a); i++) {
        const lop_layer *x = lop_network_layer(a, i), *y = lop_network_layer(b, i);
        size_t count = x->outputs * x->inputs;
        if (memcmp(x->weight, y->weight, count * sizeof(float)) != 0 || !x->bias != !y->bias ||
            !x->mask != !y->mask || (x->mask && memcmp(x->mask, y->mask, count) != 0) ||
            (x->bias && memcmp(x->bias, y->bias, x->outputs * sizeof(float)) != 0))
            return false;
    }
    return true;
}
