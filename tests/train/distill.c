/* Learning from a teacher. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/fixture.h"

/* A teacher whose classes are shifted by one: who agrees with it is always wrong. */
static lop_network *shifted_teacher(void)
{
    struct fixture_outcome out = fixture_train(&fixture_task, fixture_options(), NULL, 0);
    const lop_layer *last = lop_network_layer(out.network, 2);
    for (size_t i = 0; i < last->inputs; i++) {
        float first = last->weight[i];
        for (size_t c = 0; c + 1 < last->outputs; c++)
            last->weight[c * last->inputs + i] = last->weight[(c + 1) * last->inputs + i];
        last->weight[(last->outputs - 1) * last->inputs + i] = first;
    }
    float first = last->bias[0];
    memmove(last->bias, last->bias + 1, (last->outputs - 1) * sizeof *last->bias);
    last->bias[last->outputs - 1] = first;
    lop_history_free(&out.history);
    return out.network;
}

static void test_the_weight_decides_whom_to_believe(void **state)
{
    (void)state;
    lop_network *teacher = shifted_teacher();
    lop_train_options options = fixture_options();
    options.teacher = teacher;
    options.epochs = 8;
    options.distill_temperature = 2;
    options.distill_weight = 1;
    struct fixture_outcome disciple = fixture_train(&fixture_task, options, NULL, 0);
    options.distill_weight = 0.01;
    struct fixture_outcome own = fixture_train(&fixture_task, options, NULL, 0);
    assert_true(disciple.history.epochs[7].validation_accuracy == 0.0);
    assert_true(own.history.epochs[7].validation_accuracy == 1.0);
    fixture_outcome_free(&disciple);
    fixture_outcome_free(&own);
    lop_network_free(teacher);
}

static void test_resume(void **state)
{
    (void)state;
    static const size_t pieces[] = {3, 10, 27};
    lop_network *teacher = shifted_teacher();
    lop_train_options options = fixture_options();
    options.teacher = teacher;
    options.distill_weight = 0.5;
    struct fixture_outcome whole = fixture_train(&fixture_task, options, NULL, 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct fixture_outcome parts = fixture_train(&fixture_task, options, NULL, pieces[i]);
        fixture_assert_same(&whole, &parts);
        fixture_outcome_free(&parts);
    }
    fixture_outcome_free(&whole);
    lop_network_free(teacher);
}

static void refused(lop_train_options options, lop_status expected, const char *text)
{
    lop_error error = {0};
    lop_history history;
    lop_network *network = fixture_network(true, false);
    lop_status status = lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                                  NULL, &history, &error);
    if (status != expected || !strstr(error.text, text))
        fail_msg("expected %s and '%s', found %s: %s", lop_status_name(expected), text,
                 lop_status_name(status), error.text);
    lop_network_free(network);
}

static bool at_once(void *context)
{
    size_t *asked = context;
    return (*asked)++ >= 5;
}

static void test_refused(void **state)
{
    (void)state;
    const size_t hidden[] = {5};
    const lop_mlp_spec spec = {.inputs = 11, .hidden = hidden, .hidden_count = 1, .outputs = 3};
    lop_network *other = NULL, *teacher = fixture_network(true, true);
    assert_int_equal(lop_network_new_mlp(&other, &spec, NULL), LOP_OK);
    lop_train_options good = fixture_options(), bad;
    good.teacher = teacher;
    good.distill_weight = 0.5;
    bad = good;
    bad.teacher = NULL;
    refused(bad, LOP_E_ARG, "teacher");
    bad = good;
    bad.distill_weight = 0;
    refused(bad, LOP_E_ARG, "distill_weight");
    bad.distill_weight = 1.5;
    refused(bad, LOP_E_RANGE, "distill_weight");
    bad = good;
    bad.distill_temperature = 0;
    refused(bad, LOP_E_RANGE, "distill_temperature");
    bad = good;
    bad.teacher = other;
    refused(bad, LOP_E_SHAPE, "11");

    /* A checkpoint knows its teacher. */
    size_t asked = 0;
    const lop_hooks hooks = {.context = &asked, .cancelled = at_once};
    good.checkpoint = fixture_task.checkpoint;
    good.hooks = &hooks;
    refused(good, LOP_E_CANCELLED, "step");
    good.hooks = NULL;
    good.resume = true;
    lop_network_layer(teacher, 1)->weight[7] += 1e-6f;
    refused(good, LOP_E_ARG, "another teacher");
    lop_network_layer(teacher, 1)->weight[7] = NAN;
    refused(good, LOP_E_NAN, "finite");
    remove(fixture_task.checkpoint);
    lop_network_free(other);
    lop_network_free(teacher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weight_decides_whom_to_believe),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
