/* Schedules and regrowth against reference_schedule.py, which states the text format read here. */
#include "networks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <lop/machine.h>
#include <lop/pruner.h>

#include "base/random.h"
#include "prune/regrow.h"
#include "prune/schedule.h"
#include "prune/select.h"

#ifdef LOP_REFERENCE

enum { MAX_LINE = 1 << 14, MAX_STEPS = 200, MAX_WEIGHTS = 128 };

static char line[MAX_LINE];

/* The next line, which must begin with `word`; returns what follows. */
static char *expect(FILE *stream, const char *word)
{
    size_t length = strlen(word);
    if (!fgets(line, sizeof line, stream) || strncmp(line, word, length) != 0)
        fail_msg("expected a line '%s', found '%.40s'", word, line);
    line[strcspn(line, "\n")] = 0;
    return line + length + 1;
}

static void read_doubles(char *text, double *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t word = strtoull(text, &text, 16);
        memcpy(&out[i], &word, sizeof word);
    }
}

static void read_floats(char *text, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word = (uint32_t)strtoul(text, &text, 16);
        memcpy(&out[i], &word, sizeof word);
    }
}

/* Both sides compute in double, in another order of terms: a few units in the last place. */
static bool near(double a, double b) { return fabs(a - b) <= 1e-14; }

static void check_schedule(FILE *stream, const char *text)
{
    char name[16];
    lop_pruner_options o = {0};
    lop_error error = {0};
    assert_int_equal(sscanf(text, "%15s %zu %zu %lf %lf %zu %lf %lf %zu %lf", name, &o.epochs,
                            &o.steps_per_epoch, &o.begin_epoch, &o.end_epoch, &o.every_steps,
                            &o.initial_sparsity, &o.target.sparsity, &o.rounds, &o.drop_fraction),
                     10);
    assert_int_equal(lop_schedule_find(name, &o.schedule, NULL), LOP_OK);
    if (lop_pruner_options_check(&o, &error) != LOP_OK)
        fail_msg("%s: %s", text, error.text);
    size_t steps = o.epochs * o.steps_per_epoch;
    double values[MAX_STEPS];
    const char *due = expect(stream, "due");
    assert_int_equal(strlen(due), steps + 1);
    for (size_t s = 0; s <= steps; s++)
        if (lopi_schedule_due(&o, s) != (due[s] == '1'))
            fail_msg("%s: step %zu is due here or there only", name, s);
    read_doubles(expect(stream, "sparsity"), values, steps + 1);
    for (size_t s = 0; s <= steps; s++)
        if (!near(lop_pruner_sparsity(&o, s), values[s]))
            fail_msg("%s: sparsity %.17g at step %zu, the reference %.17g", name,
                     lop_pruner_sparsity(&o, s), s, values[s]);
    if (strcmp(name, "set") != 0 && strcmp(name, "rigl") != 0)
        return;
    read_doubles(expect(stream, "share"), values, steps + 1);
    for (size_t s = 0; s <= steps; s++)
        assert_true(near(lopi_schedule_drop_share(&o, s), values[s]));
}

static void check_regrowth(FILE *stream, const char *text)
{
    size_t outputs, inputs;
    int by_gradient;
    float gradient[MAX_WEIGHTS], after[MAX_WEIGHTS];
    lopi_regrow how = {0};
    assert_int_equal(sscanf(text, "%zu %zu %lf %" SCNu64 " %" SCNu64 " %d", &outputs, &inputs,
                            &how.share, &how.seed, &how.number, &by_gradient),
                     6);
    const size_t widths[] = {inputs, outputs};
    size_t count = outputs * inputs;
    lop_network *network = test_mlp(widths, 2, false, 0);
    assert_int_equal(lop_network_mask_new(network, 0, NULL), LOP_OK);
    const lop_layer *layer = lop_network_layer(network, 0);
    read_floats(expect(stream, "weight"), layer->weight, count);
    const char *mask = expect(stream, "mask");
    for (size_t i = 0; i < count; i++)
        layer->mask[i] = mask[i] == '1';
    if (by_gradient) {
        read_floats(expect(stream, "gradient"), gradient, count);
        how.gradient = gradient;
    }
    assert_int_equal(lopi_regrow_layer(layer, &how, NULL), LOP_OK);
    mask = expect(stream, "after");
    for (size_t i = 0; i < count; i++)
        if (layer->mask[i] != (mask[i] == '1'))
            fail_msg("%s: mask %zu differs from the reference", text, i);
    read_floats(expect(stream, "value"), after, count);
    assert_memory_equal(layer->weight, after, count * sizeof *after);
    lop_network_free(network);
}

static void agrees(void **state)
{
    (void)state;
    FILE *stream = popen(LOP_REFERENCE, "r");
    assert_non_null(stream);
    size_t schedules = 0, regrowths = 0;
    char text[256];
    while (fgets(line, sizeof line, stream) && strcmp(line, "end\n") != 0) {
        line[strcspn(line, "\n")] = 0;
        bool schedule = strncmp(line, "schedule ", 9) == 0;
        snprintf(text, sizeof text, "%.255s", line + (schedule ? 9 : 7));
        if (schedule) {
            check_schedule(stream, text);
            schedules++;
        } else {
            assert_true(strncmp(line, "regrow ", 7) == 0);
            check_regrowth(stream, text);
            regrowths++;
        }
    }
    assert_string_equal(line, "end\n");
    assert_int_equal(pclose(stream), 0);
    assert_true(schedules == 280 && regrowths == 200);
}

#else

static void agrees(void **state)
{
    (void)state;
    print_message("skipped: no python3 with numpy when this was configured\n");
    skip();
}

#endif

/* Selection ------------------------------------------------------------------------------------ */

/* The two selections agree, whatever the number of threads; keys are few, so that ties are many. */
static void selections_agree(void **state)
{
    (void)state;
    enum { COUNT = 100003 };
    static const uint32_t kinds[] = {7, 5000, UINT32_MAX};
    static const size_t wanted[] = {0, 1, 2, 777, 50000, 99999, 100002, 100003};
    uint32_t *key = calloc(COUNT, sizeof *key);
    uint64_t *wide = calloc(COUNT, sizeof *wide);
    uint8_t *a = calloc(COUNT, 1), *b = calloc(COUNT, 1);
    size_t threads = lop_threads_get();
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        lopi_random random = lopi_random_stream(k, LOPI_STREAM_TEST, 0);
        for (size_t i = 0; i < COUNT; i++)
            wide[i] = key[i] = lopi_random_below(&random, kinds[k]);
        for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++)
            for (size_t t = 1; t <= 3; t++) {
                assert_int_equal(lop_threads_set(t, NULL), LOP_OK);
                lopi_select_lowest(wide, COUNT, wanted[w], a);
                lopi_select_lowest32(key, COUNT, wanted[w], b);
                assert_memory_equal(a, b, COUNT);
            }
    }
    assert_int_equal(lop_threads_set(threads, NULL), LOP_OK);
    free(key);
    free(wide);
    free(a);
    free(b);
}

/* Names ---------------------------------------------------------------------------------------- */

static void names(void **state)
{
    (void)state;
    static const char *const expected[] = {"oneshot",  "gradual", "linear", "iterative",
                                           "constant", "set",     "rigl"};
    const lop_schedule *found;
    lop_error error = {0};
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(lop_schedule_at(i)->name, expected[i]);
        assert_int_equal(lop_schedule_find(expected[i], &found, NULL), LOP_OK);
        assert_ptr_equal(found, lop_schedule_at(i));
    }
    assert_null(lop_schedule_at(7));
    assert_int_equal(lop_schedule_find(NULL, &found, NULL), LOP_OK);
    assert_ptr_equal(found, lop_schedule_at(0));
    assert_int_equal(lop_schedule_find("Gradual", &found, &error), LOP_E_NAME);
    assert_non_null(strstr(error.text, "oneshot, gradual, linear"));
}

/* Contradictions ------------------------------------------------------------------------------- */

static lop_pruner_options plan(const char *schedule)
{
    lop_pruner_options options = lop_pruner_options_default(10, 20);
    options.target.sparsity = 0.9;
    assert_int_equal(lop_schedule_find(schedule, &options.schedule, NULL), LOP_OK);
    return options;
}

static void refuses(lop_pruner_options options, lop_status expected, const char *text)
{
    lop_error error = {0};
    lop_status status = lop_pruner_options_check(&options, &error);
    if (status != expected || !strstr(error.text, text) || strchr(error.text, '\n'))
        fail_msg("expected %s and '%s', found %s: %s", lop_status_name(expected), text,
                 lop_status_name(status), error.text);
}

static void contradictions(void **state)
{
    (void)state;
    lop_pruner_options o;
    for (size_t i = 0; lop_schedule_at(i); i++) {
        o = plan(lop_schedule_at(i)->name);
        assert_int_equal(lop_pruner_options_check(&o, NULL), LOP_OK);
    }
    o = plan("gradual"), o.begin_epoch = 8;
    refuses(o, LOP_E_ARG, "before it begins");
    o = plan("gradual"), o.end_epoch = 10.1;
    refuses(o, LOP_E_ARG, "after training ends");
    o = plan("set"), o.end_epoch = 11;
    refuses(o, LOP_E_ARG, "after training ends");
    o = plan("oneshot"), o.begin_epoch = 11;
    refuses(o, LOP_E_RANGE, "begins at epoch 11");
    o = plan("linear"), o.begin_epoch = -1;
    refuses(o, LOP_E_RANGE, "begins at epoch -1");
    o = plan("linear"), o.begin_epoch = NAN;
    refuses(o, LOP_E_RANGE, "begins at epoch");
    o = plan("linear"), o.end_epoch = NAN;
    refuses(o, LOP_E_ARG, "ends");
    o = plan("gradual"), o.target.sparsity = 1;
    refuses(o, LOP_E_RANGE, "sparsity");
    o = plan("gradual"), o.initial_sparsity = 0.95;
    refuses(o, LOP_E_ARG, "below the initial");
    o = plan("constant"), o.initial_sparsity = 0.5;
    refuses(o, LOP_E_ARG, "no initial sparsity");
    o = plan("iterative"), o.rounds = 0;
    refuses(o, LOP_E_RANGE, "round");
    o = plan("iterative"), o.rounds = 112;
    refuses(o, LOP_E_ARG, "do not fit");
    const double fractions[] = {0, 1, -0.5, 2, NAN};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        o = plan(i % 2 ? "set" : "rigl"), o.drop_fraction = fractions[i];
        refuses(o, LOP_E_RANGE, "drop fraction");
    }
    o = plan("set"), o.target.granularity = LOP_GRANULARITY_UNIT;
    refuses(o, LOP_E_ARG, "drops and grows weights");
    o = plan("rigl"), o.target.granularity = LOP_GRANULARITY_BLOCK;
    refuses(o, LOP_E_ARG, "drops and grows weights");
    o = plan("gradual"), o.target.granularity = LOP_GRANULARITY_NM;
    refuses(o, LOP_E_ARG, "oneshot or constant");
    o = plan("gradual"), o.epochs = 0;
    refuses(o, LOP_E_ARG, "at least one epoch");
    o = plan("gradual"), o.steps_per_epoch = SIZE_MAX;
    refuses(o, LOP_E_LIMIT, "too long");
    const lop_schedule stranger = {"gradual", ""};
    o = plan("gradual"), o.schedule = &stranger;
    refuses(o, LOP_E_ARG, "not of the table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees), cmocka_unit_test(selections_agree),
                                       cmocka_unit_test(names), cmocka_unit_test(contradictions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
