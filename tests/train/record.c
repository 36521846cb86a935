/* The record of a checkpoint: what is written is read back, and what contradicts itself is refused.
 */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/record.h"

enum { SAMPLES = 100, BATCH = 10, STEPS = 23, EPOCHS = 2 };

static lop_epoch finished[EPOCHS] = {
    {.epoch = 1, .learning_rate = 0.1, .train_loss = 1, .validation_loss = 1, .test_loss = NAN},
    {.epoch = 2, .learning_rate = 0.1, .train_loss = 0.5, .validation_loss = NAN, .test_loss = NAN},
};

static lopi_state made_state(void)
{
    return (lopi_state){
        .step = STEPS,
        .running = {.loss = 3, .correct = 20, .samples = 30},
        .best_loss = 0.5,
        .epochs = finished,
        .epoch_count = EPOCHS,
        .seconds = 1.5,
    };
}

typedef struct listener {
    size_t warnings;
} listener;

static void hear(void *context, lop_level level, const char *text)
{
    listener *l = context;
    assert_int_equal(level, LOP_WARNING);
    assert_non_null(text);
    l->warnings++;
}

static lop_train_options options;

static lopi_identity made_identity(void)
{
    options = lop_train_options_default();
    options.batch_size = BATCH;
    options.epochs = 4;
    return (lopi_identity){
        .options = &options,
        .network = "a network",
        .samples = SAMPLES,
        .data_hash = 7,
        .teacher_hash = 8,
        .threads = 1,
        .precision = LOP_FLOAT32,
    };
}

static char *written(const lopi_identity *identity)
{
    lopi_state state = made_state();
    char *text = NULL;
    assert_int_equal(lopi_record_write(&state, identity, &text, NULL), LOP_OK);
    return text;
}

static lop_status read_back(const lopi_identity *identity, const char *text, lopi_state *state,
                            lop_error *error)
{
    *state = (lopi_state){.step = 99};
    lop_status status = lopi_record_read(state, identity, text, error);
    if (status != LOP_OK)
        assert_int_equal(state->step, 99); /* unchanged */
    return status;
}

static void test_comes_back(void **state)
{
    (void)state;
    lopi_identity identity = made_identity();
    char *text = written(&identity);
    lopi_state found;
    assert_int_equal(read_back(&identity, text, &found, NULL), LOP_OK);
    assert_int_equal(found.step, STEPS);
    assert_int_equal(found.epoch_count, EPOCHS);
    assert_true(isnan(found.epochs[1].validation_loss) && found.epochs[1].train_loss == 0.5);
    assert_int_equal(found.running.samples, 30);
    lopi_free(found.epochs);
    free(text);
}

/* The first `from` in the text becomes `to`. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("the record has no %s: %s", from, text);
    size_t before = (size_t)(at - text), size = strlen(text) + strlen(to) + 1;
    char *made = lopi_alloc(size, 1);
    memcpy(made, text, before);
    memcpy(made + before, to, strlen(to));
    memcpy(made + before + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    return made;
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        lop_status status;
        const char *says;
    } rows[] = {
        {"{", "", LOP_E_FORMAT, "damaged"},
        {"\"version\":2", "\"version\":3", LOP_E_VERSION, "version 2, found 3"},
        {"\"version\":2", "\"version\":0", LOP_E_FORMAT, "found none"},
        {"\"version\":2", "\"version\":\"2\"", LOP_E_FORMAT, "found none"},
        {"\"version\":2", "\"version\":2,\"version\":2", LOP_E_FORMAT, "damaged"},
        {"\"step\":23", "\"step\":-1", LOP_E_FORMAT, "damaged"},
        {"\"step\":23", "\"step\":\"23\"", LOP_E_FORMAT, "damaged"},
        {"\"step\":23", "\"step\":33", LOP_E_FORMAT, "damaged"},
        {"\"step\":23", "\"step\":24", LOP_E_FORMAT, "damaged"},
        {"\"running_samples\":30", "\"running_samples\":31", LOP_E_FORMAT, "damaged"},
        {"\"running_correct\":20", "\"running_correct\":31", LOP_E_FORMAT, "damaged"},
        {"\"running_loss\":3.0", "\"running_loss\":[]", LOP_E_FORMAT, "damaged"},
        {"\"running_loss\":3.0,", "", LOP_E_FORMAT, "damaged"},
        {"\"best_epoch\":0", "\"best_epoch\":1", LOP_E_FORMAT, "damaged"},
        {"\"best_epoch\":0", "\"best_epoch\":3", LOP_E_FORMAT, "damaged"},
        {"\"stale\":0", "\"stale\":3", LOP_E_FORMAT, "damaged"},
        {"\"history\":[", "\"history\":{}, \"h\":[", LOP_E_FORMAT, "damaged"},
        {"\"history\":[", "\"history\":[{},", LOP_E_FORMAT, "damaged"},
        {"\"epoch\":2", "\"epoch\":3", LOP_E_FORMAT, "damaged at epoch 2"},
        {"\"epoch\":1", "\"epoch\":\"1\"", LOP_E_FORMAT, "damaged at epoch 1"},
        {"\"sparsity\":0.0", "\"sparsity\":true", LOP_E_FORMAT, "damaged at epoch 1"},
        {"\"network\":\"a", "\"network\":\"b", LOP_E_ARG, "another network"},
        {"\"network\":\"a network\"", "\"network\":1", LOP_E_ARG, "another network"},
        {"\"teacher_hash\":\"0", "\"teacher_hash\":\"1", LOP_E_ARG, "another teacher"},
        {"\"teacher_hash\":\"0000000000000008\"", "\"teacher_hash\":8", LOP_E_ARG,
         "another teacher"},
        {"\"data_hash\":\"0", "\"data_hash\":\"1", LOP_E_ARG, "another split"},
        {"\"data_hash\":\"0000000000000007\"", "\"data_hash\":7", LOP_E_ARG, "another split"},
        {"\"samples\":100", "\"samples\":101", LOP_E_ARG, "another split"},
        {"\"metadata\":\"\"", "\"metadata\":\"x\"", LOP_E_ARG, "is of \"x\""},
        {"\"metadata\":\"\"", "\"metadata\":1", LOP_E_ARG, "is of \"\""},
        {"\"batch_size\":\"10\"", "\"batch_size\":\"11\"", LOP_E_ARG, "batch_size"},
        {"\"options\":{", "\"options\":[], \"o\":{", LOP_E_ARG, ""},
    };
    lopi_identity identity = made_identity();
    char *text = written(&identity);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lop_error error = {0};
        lopi_state found;
        char *other = changed(text, rows[i].from, rows[i].to);
        lop_status status = read_back(&identity, other, &found, &error);
        if (status != rows[i].status || !strstr(error.text, rows[i].says))
            fail_msg("%s in place of %s: expected %s and \"%s\", found %s: %s", rows[i].to,
                     rows[i].from, lop_status_name(rows[i].status), rows[i].says,
                     lop_status_name(status), error.text);
        lopi_free(other);
    }
    free(text);
}

/* Other threads and another precision are no fault; whoever listens hears of them. */
static void test_differences_are_told(void **state)
{
    (void)state;
    lopi_identity identity = made_identity();
    char *text = written(&identity);
    listener l = {0};
    const lop_hooks hooks = {.context = &l, .message = hear};
    options.hooks = &hooks;
    identity.threads = 2;
    identity.precision = LOP_BF16;
    lopi_state found;
    assert_int_equal(read_back(&identity, text, &found, NULL), LOP_OK);
    assert_int_equal(l.warnings, 2);
    lopi_free(found.epochs);
    char *other = changed(text, "\"precision\":\"float32\"", "\"precision\":1");
    assert_int_equal(read_back(&identity, other, &found, NULL), LOP_OK);
    assert_int_equal(l.warnings, 4);
    lopi_free(found.epochs);
    lopi_free(other);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_differences_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
