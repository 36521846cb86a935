#include "test.h"

#include "train/fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lop/fit.h>
#include <lop/machine.h>
#include <lop/prune.h>

/* 12-24-17-3: 696 weights that may be pruned, and 51 of the output layer that stay. */
enum { ITEMS = 12 * 24 + 24 * 17, OUTPUT = 17 * 3 };

struct bench {
    struct fixture fixture;
    lop_recipe recipe;
    lop_network *parent;
    lop_fit_options options;
    lop_fitted fitted;
    lop_error error;
};

static int open_bench(void **state)
{
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    fixture_open(&bench.fixture);
    lop_history history;
    lop_train_options options = fixture_options();
    options.seed = 1;
    assert_int_equal(lop_recipe_default(&bench.recipe, NULL), LOP_OK);
    bench.recipe.train = options;
    bench.recipe.validation_count = FIXTURE_VALIDATION;
    bench.recipe.recovery.epochs = 1;
    bench.recipe.stages[0] = bench.recipe.prune;
    bench.recipe.stage_count = 1;
    bench.parent = fixture_network(false, false);
    assert_int_equal(lop_train(bench.parent, bench.fixture.dataset, &bench.fixture.split, &options,
                               NULL, &history, NULL),
                     LOP_OK);
    lop_history_free(&history);
    bench.options = lop_fit_options_default();
    *state = &bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    lop_fitted_free(&bench->fitted);
    lop_recipe_free(&bench->recipe);
    lop_network_free(bench->parent);
    fixture_close(&bench->fixture);
    return 0;
}

static void fit(struct bench *bench, lop_status expected)
{
    lop_status status = lop_fit(&bench->recipe, bench->parent, bench->fixture.dataset,
                                &bench->options, &bench->fitted, &bench->error);
    if (status != expected)
        fail_msg("%s: %s", lop_status_name(status), bench->error.text);
}

static const lop_fit_step *best(const struct bench *bench)
{
    return &bench->fitted.steps[bench->fitted.best];
}

/* What the options that were given say of it, by hand. */
static bool within(const struct bench *bench, const lop_fit_step *step)
{
    const lop_fit_options *o = &bench->options;
    return !(100 * (bench->fitted.parent.valid_accuracy - step->valid_accuracy) >
             o->max_loss + 1e-9) &&
           (!o->max_weights || step->weights_left <= o->max_weights) &&
           (!o->max_bytes || step->bytes <= o->max_bytes) &&
           !(o->max_latency_us > 0 && step->latency_us > o->max_latency_us);
}

static lop_network *run_at(const struct bench *bench, double sparsity, lop_result *result)
{
    lop_network *network = NULL;
    lop_recipe recipe = bench->recipe; /* a shallow copy, for reading */
    const lop_run_options options = {.seed = recipe.seed, .parent = bench->parent};
    recipe.stages[recipe.stage_count - 1].sparsity = sparsity;
    assert_int_equal(
        lop_run(&recipe, bench->fixture.dataset, &options, &network, result, NULL, NULL), LOP_OK);
    return network;
}

/* The winner is a run like any other, its numbers are those of that run, and steps are told right.
 */
static void check_steps(const struct bench *bench)
{
    const lop_fitted *fitted = &bench->fitted;
    lop_result result = lop_result_empty();
    lop_network *again = run_at(bench, best(bench)->target, &result);
    lop_count count;
    assert_true(fixture_same(again, fitted->network));
    assert_int_equal(lop_count_network(fitted->network, &count, NULL), LOP_OK);
    assert_int_equal(best(bench)->weights_left, count.weights_left);
    assert_true(best(bench)->valid_accuracy == result.valid_accuracy);
    assert_true(fitted->result.valid_accuracy == result.valid_accuracy);
    assert_true(fitted->result.target_sparsity == best(bench)->target);
    assert_true(fabs(fitted->result.sparsity - best(bench)->sparsity) < 1e-12);
    assert_int_equal(fitted->result.bytes_sparse, best(bench)->bytes);
    for (size_t i = 0; i < fitted->step_count; i++) {
        assert_int_equal(fitted->steps[i].beyond == 0, within(bench, &fitted->steps[i]));
        for (size_t j = 0; j < i; j++)
            assert_true(fitted->steps[i].target != fitted->steps[j].target);
    }
    lop_network_free(again);
    lop_result_free(&result);
}

static void the_winner_is_the_sparsest_within_the_loss(void **state)
{
    struct bench *bench = *state;
    const size_t per_halving = 3;
    size_t looked = 0;
    bench->options.max_loss = 10;
    bench->options.per_halving = per_halving;
    bench->options.deepest = 0.985;
    bench->options.neighbours = 100; /* then all sparser ones are seen */
    fit(bench, LOP_OK);
    check_steps(bench);
    assert_int_equal(best(bench)->beyond, 0);
    /* The grid begins with a single weight: half of a 288th is rounded up to one. */
    double begin = ceil(1e5 * 0.5 / 408) / 1e5, expected = 0;
    for (size_t i = 0; i < 100; i++) {
        double density = (1 - begin) * exp2(-(double)i / (double)per_halving);
        double target = fmin(round(1e5 * (1 - density)) / 1000 / 100, 0.985);
        lop_result result = lop_result_empty();
        lop_network *network = run_at(bench, target, &result);
        double lost = 100 * (bench->fitted.parent.valid_accuracy - result.valid_accuracy);
        if (lost <= 10 + 1e-9)
            expected = target;
        looked++;
        lop_network_free(network);
        lop_result_free(&result);
        if (target >= 0.985)
            break;
    }
    assert_true(best(bench)->target == expected);
    /* The limit is one that some points keep and some do not, or the test would show nothing. */
    assert_true(expected > begin && expected < 0.985);
    assert_true(bench->fitted.step_count < looked);
}

static void neighbours_of_the_winner_were_seen(void **state)
{
    struct bench *bench = *state;
    bench->options.max_loss = 7;
    fit(bench, LOP_OK);
    check_steps(bench);
    size_t sparser = 0;
    for (size_t i = 0; i < bench->fitted.step_count; i++) {
        const lop_fit_step *step = &bench->fitted.steps[i];
        assert_true(step->weights_left < (uint64_t)ITEMS + OUTPUT);
        sparser += step->target > best(bench)->target;
        if (step->target > best(bench)->target)
            assert_int_equal(step->beyond, 1u << LOP_FIT_LOSS);
    }
    assert_true(sparser >= 2);
}

static void sizes_alone_take_as_much_as_there_is(void **state)
{
    struct bench *bench = *state;
    bench->options.max_weights = 200;
    fit(bench, LOP_OK);
    check_steps(bench);
    /* Shares of two layers are rounded apart: one weight of each may be left over. */
    assert_in_range(best(bench)->weights_left, 199, 200);
    assert_int_equal(bench->fitted.step_count, 1);
    assert_true(isnan(best(bench)->latency_us));

    lop_fitted_free(&bench->fitted);
    bench->options.max_weights = 0;
    bench->options.max_bytes = 1000;
    fit(bench, LOP_OK);
    check_steps(bench);
    /* A weight takes 6 bytes; some may have died with their units while it was retrained. */
    assert_in_range(best(bench)->bytes, 900, 1000);
}

static void loss_and_size_hold_together(void **state)
{
    struct bench *bench = *state;
    bench->options.max_loss = 20;
    bench->options.max_weights = 500;
    fit(bench, LOP_OK);
    check_steps(bench);
    assert_int_equal(best(bench)->beyond, 0);
    for (size_t i = 0; i < bench->fitted.step_count; i++)
        assert_true(bench->fitted.steps[i].weights_left <= 500);
}

static void what_cannot_be_is_said_with_the_nearest(void **state)
{
    struct bench *bench = *state;
    /* The output layer alone has more. */
    bench->options.max_weights = 40;
    fit(bench, LOP_E_TARGET);
    assert_null(bench->fitted.network);
    assert_int_equal(bench->fitted.step_count, 1);
    assert_int_equal(best(bench)->weights_left, OUTPUT);
    assert_int_equal(best(bench)->beyond, 1u << LOP_FIT_WEIGHTS);
    assert_true(isnan(best(bench)->valid_accuracy));
    assert_non_null(strstr(bench->error.text, "51 weights (limit 40)"));

    /* So small, none is as good: the nearest keeps the size, and loses least. */
    lop_fitted_free(&bench->fitted);
    bench->options.max_weights = 60;
    bench->options.max_loss = 0;
    fit(bench, LOP_E_TARGET);
    check_steps(bench);
    assert_int_equal(best(bench)->beyond, 1u << LOP_FIT_LOSS);
    for (size_t i = 0; i < bench->fitted.step_count; i++)
        assert_true(bench->fitted.steps[i].valid_accuracy <= best(bench)->valid_accuracy);
    assert_non_null(strstr(bench->error.text, "points lost (limit 0)"));

    lop_fitted_free(&bench->fitted);
    bench->options = lop_fit_options_default();
    bench->options.max_latency_us = 1e-6;
    fit(bench, LOP_E_TARGET);
    assert_int_equal(best(bench)->beyond, 1u << LOP_FIT_LATENCY);
}

static void latency_is_measured_where_it_is_asked_for(void **state)
{
    struct bench *bench = *state;
    bench->options.max_latency_us = 1e7;
    bench->options.max_weights = 300;
    fit(bench, LOP_OK);
    assert_true(best(bench)->latency_us > 0);
    assert_true(bench->fitted.result.compacted_latency_us_batch1 == best(bench)->latency_us);
}

static void sequences_vary_their_last_stage(void **state)
{
    struct bench *bench = *state;
    bench->recipe.stages[0].method = LOP_GRANULARITY_UNIT;
    bench->recipe.stages[0].sparsity = 0.5;
    bench->recipe.stages[1] = bench->recipe.prune;
    bench->recipe.stage_count = 2;
    bench->recipe.recovery.epochs = 2;
    bench->options.max_weights = 100;
    fit(bench, LOP_OK);
    check_steps(bench);
    assert_int_equal(lop_network_layer(bench->fitted.network, 0)->outputs, 12);
    assert_in_range(best(bench)->weights_left, 98, 100);
}

static void masks_of_the_parent_count(void **state)
{
    struct bench *bench = *state;
    lop_network_free(bench->parent);
    bench->parent = fixture_network(false, true);
    bench->options.max_loss = 100;
    bench->options.deepest = 0.9;
    fit(bench, LOP_OK);
    check_steps(bench);
    assert_int_equal(bench->fitted.parent.weights_left, ITEMS - ITEMS / 3 + OUTPUT);
    assert_true(best(bench)->target == 0.9);
    for (size_t i = 0; i < bench->fitted.step_count; i++)
        assert_true(bench->fitted.steps[i].target > 1.0 / 3);
    /* Less than is gone already leaves nothing to find. */
    lop_fitted_free(&bench->fitted);
    bench->options.deepest = 0.3;
    fit(bench, LOP_E_TARGET);
    assert_non_null(strstr(bench->error.text, "no network with fewer weights"));
}

static void the_same_search_has_the_same_steps(void **state)
{
    struct bench *bench = *state;
    lop_fitted first;
    bench->options.max_loss = 10;
    fit(bench, LOP_OK);
    first = bench->fitted;
    fit(bench, LOP_OK);
    assert_int_equal(first.step_count, bench->fitted.step_count);
    for (size_t i = 0; i < first.step_count; i++) {
        assert_true(first.steps[i].target == bench->fitted.steps[i].target);
        assert_true(first.steps[i].valid_accuracy == bench->fitted.steps[i].valid_accuracy);
    }
    assert_true(fixture_same(first.network, bench->fitted.network));
    lop_fitted_free(&first);
}

static void what_is_asked_wrongly_is_told(void **state)
{
    struct bench *bench = *state;
    const lop_fit_options good = lop_fit_options_default();
    const struct {
        lop_fit_options options;
        lop_status status;
    } rows[] = {
        {good, LOP_E_ARG},
        {{.max_loss = -1, .per_halving = 8, .neighbours = 2, .deepest = 0.9}, LOP_E_RANGE},
        {{.max_loss = 101, .per_halving = 8, .neighbours = 2, .deepest = 0.9}, LOP_E_RANGE},
        {{.max_loss = 1, .per_halving = 0, .neighbours = 2, .deepest = 0.9}, LOP_E_RANGE},
        {{.max_loss = 1, .per_halving = 65, .neighbours = 2, .deepest = 0.9}, LOP_E_RANGE},
        {{.max_loss = 1, .per_halving = 8, .neighbours = 0, .deepest = 0.9}, LOP_E_RANGE},
        {{.max_loss = 1, .per_halving = 8, .neighbours = 2, .deepest = 1}, LOP_E_RANGE},
        {{.max_loss = 1, .per_halving = 8, .neighbours = 2, .deepest = NAN}, LOP_E_RANGE},
        {{.max_loss = NAN,
          .max_latency_us = NAN,
          .per_halving = 8,
          .neighbours = 2,
          .deepest = 0.9},
         LOP_E_RANGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench->options = rows[i].options;
        fit(bench, rows[i].status);
    }
    bench->options = good;
    bench->options.max_weights = 100;
    bench->recipe.stages[0].method = LOP_GRANULARITY_NM;
    fit(bench, LOP_E_ARG);
    bench->recipe.stages[0] = bench->recipe.prune;
    bench->recipe.stages[0].allocation = LOP_ALLOCATION_LIST;
    fit(bench, LOP_E_ARG);
    bench->recipe.stages[0] = bench->recipe.prune;
    bench->recipe.prune_while_training = true;
    fit(bench, LOP_E_ARG);
    bench->recipe.prune_while_training = false;
    bench->recipe.stage_count = 0;
    fit(bench, LOP_E_ARG);
    assert_null(bench->fitted.steps);
}

static size_t asked, limit;

static bool enough(void *context)
{
    (void)context;
    return asked++ >= limit;
}

static void a_search_can_be_ended(void **state)
{
    struct bench *bench = *state;
    static const lop_hooks hooks = {.cancelled = enough};
    bench->options.max_loss = 10;
    bench->options.hooks = &hooks;
    for (limit = 0; limit <= 60; limit += 20) {
        asked = 0;
        fit(bench, LOP_E_CANCELLED);
        assert_null(bench->fitted.steps);
    }
}

#define IN_A_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_BENCH(the_winner_is_the_sparsest_within_the_loss),
        IN_A_BENCH(neighbours_of_the_winner_were_seen),
        IN_A_BENCH(sizes_alone_take_as_much_as_there_is),
        IN_A_BENCH(loss_and_size_hold_together),
        IN_A_BENCH(what_cannot_be_is_said_with_the_nearest),
        IN_A_BENCH(latency_is_measured_where_it_is_asked_for),
        IN_A_BENCH(sequences_vary_their_last_stage),
        IN_A_BENCH(masks_of_the_parent_count),
        IN_A_BENCH(the_same_search_has_the_same_steps),
        IN_A_BENCH(what_is_asked_wrongly_is_told),
        IN_A_BENCH(a_search_can_be_ended),
    };
    /* Steps so small are not shared out in time where processors are busy. */
    lop_threads_set(1, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
