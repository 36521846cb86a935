#include "networks.h"

#include <math.h>

#include "prune/select.h"

static const size_t small[] = {6, 8, 8, 4};

static void shares_round_as_people_do(void **state)
{
    (void)state;
    static const struct {
        double share;
        size_t count, expected;
    } cases[] = {
        {0.29, 100, 29},
        {0.25, 10, 3},
        {0.35, 10, 4},
        {0.45, 10, 5},
        {0.07, 50, 4},
        {0.57, 50, 29},
        {0.285, 100, 29},
        {0.333, 1000, 333},
        {0.999, 784000, 783216},
        {0.3335, 1000, 334},
        {1 - 0.9, 25, 3},
        {0.1 + 0.2, 5, 2},
        {0, 100, 0},
        {0.004, 100, 0},
        {0.005, 100, 1},
        {0.999, 10, 10},
        {0.24999, 10, 2},
        {0.5, 0, 0},
        {0.5, 1, 1},
        {0.97, 2386000, 2314420},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(lopi_round_share(cases[i].share, cases[i].count), cases[i].expected);
    /* Every tenth of a percent of every small count, against integers. */
    for (size_t permille = 0; permille < 1000; permille++) {
        for (size_t count = 0; count < 1200; count += 7)
            assert_int_equal(lopi_round_share((double)permille / 10 / 100, count),
                             (permille * count + 500) / 1000);
    }
}

static void keys_keep_the_order(void **state)
{
    (void)state;
    static const double rising[] = {-1.7e308, -2,     -1,  -1e-300, -5e-324, 0,
                                    5e-324,   1e-300, 0.5, 1,       2,       1.7e308};
    uint64_t last = LOPI_KEY_FIRST;
    for (size_t i = 0; i < sizeof rising / sizeof rising[0]; i++) {
        assert_true(lopi_key(rising[i]) > last);
        last = lopi_key(rising[i]);
    }
    assert_true(last < LOPI_KEY_LAST);
    assert_true(lopi_key(-0.0) == lopi_key(0.0));
}

static void prune_copy(const lop_network *dense, lop_granularity granularity, double percent,
                       lop_count *count)
{
    lop_network *network = NULL;
    assert_int_equal(lop_network_copy(&network, dense, NULL), LOP_OK);
    lop_prune_options options = {.granularity = granularity, .sparsity = percent / 100};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(lop_count_network(network, count, NULL), LOP_OK);
    lop_network_free(network);
}

/* Exact arithmetic for 784-1000-1000-500-200-10 with its output layer left alone. */
static void challenge_counts(void **state)
{
    (void)state;
    static const struct {
        double percent;
        size_t by_weight, by_unit;
    } cases[] = {
        {0, 2386000, 2386000}, {25, 1790000, 1489500}, {50, 1194000, 793000},
        {70, 717200, 379800},  {80, 478800, 221200},   {90, 240400, 94600},
        {95, 121200, 43300},   {97, 73520, 25020},     {99, 25840, 8020},
    };
    lop_network *dense = test_challenge();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lop_count count;
        prune_copy(dense, LOP_GRANULARITY_WEIGHT, cases[i].percent, &count);
        assert_int_equal(count.weights, 2386000);
        assert_int_equal(count.weights_left, cases[i].by_weight);
        assert_true(count.effective_weights_left <= count.weights_left);
        assert_true(fabs(count.sparsity - (1 - (double)cases[i].by_weight / 2386000)) < 1e-12);
        prune_copy(dense, LOP_GRANULARITY_UNIT, cases[i].percent, &count);
        assert_int_equal(count.effective_weights_left, cases[i].by_unit);
        for (size_t l = 0; l + 1 < count.layers; l++)
            assert_int_equal(count.layer[l].units_left,
                             count.layer[l].units -
                                 lopi_round_share(cases[i].percent / 100, count.layer[l].units));
        assert_int_equal(count.layer[4].units_left, 10);
    }
    lop_network_free(dense);
}

/* A unit that pruning removed is as good as never there. */
static void pruned_units_do_not_matter(void **state)
{
    (void)state;
    lop_network *network = test_mlp(small, 4, true, 3), *cut = NULL;
    double x[6] = {1, -2, 3, 0.5, -0.25, 4}, with[4], without[4];
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lop_network_layer(network, l)->outputs; i++)
            lop_network_layer(network, l)->bias[i] = 0.1f * (float)(i + 1);
    }
    lop_prune_options options = {.granularity = LOP_GRANULARITY_UNIT, .sparsity = 0.5};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(lop_network_copy(&cut, network, NULL), LOP_OK);
    /* Whatever a removed unit's row and bias say, no other unit hears it. */
    for (size_t l = 0; l < 2; l++) {
        const lop_layer *layer = lop_network_layer(cut, l);
        for (size_t unit = 0; unit < layer->outputs; unit++) {
            if (memchr(layer->mask + unit * layer->inputs, 1, layer->inputs))
                continue;
            assert_true(layer->bias[unit] == 0);
            layer->bias[unit] = 1000;
        }
    }
    test_forward(network, x, with);
    test_forward(cut, x, without);
    assert_memory_equal(with, without, sizeof with);
    lop_network_free(network);
    lop_network_free(cut);
}

static void random_depends_on_the_seed_alone(void **state)
{
    (void)state;
    for (int g = LOP_GRANULARITY_WEIGHT; g <= LOP_GRANULARITY_UNIT; g++) {
        lop_network *network[3] = {NULL};
        lop_prune_options options = {.granularity = (lop_granularity)g, .sparsity = 0.5};
        assert_int_equal(
            lop_criterion_find("random", options.granularity, &options.criterion, NULL), LOP_OK);
        for (int i = 0; i < 3; i++) {
            network[i] = test_mlp(small, 4, false, 3);
            options.seed = i < 2 ? 7 : 8;
            assert_int_equal(lop_prune(network[i], &options, NULL), LOP_OK);
        }
        assert_true(test_same(network[0], network[1]));
        assert_false(test_same(network[0], network[2]));
        for (int i = 0; i < 3; i++)
            lop_network_free(network[i]);
    }
}

static void tables_find_by_name(void **state)
{
    (void)state;
    const lop_criterion *found = NULL;
    lop_granularity granularity = LOP_GRANULARITY_WEIGHT;
    lop_error error = {0};
    for (size_t i = 0; lop_criterion_at(i); i++) {
        const lop_criterion *row = lop_criterion_at(i);
        assert_int_equal(lop_criterion_find(row->name, row->granularity, &found, NULL), LOP_OK);
        assert_ptr_equal(found, row);
    }
    assert_int_equal(lop_criterion_find(NULL, LOP_GRANULARITY_WEIGHT, &found, NULL), LOP_OK);
    assert_string_equal(found->name, "magnitude");
    assert_int_equal(lop_criterion_find(NULL, LOP_GRANULARITY_UNIT, &found, NULL), LOP_OK);
    assert_string_equal(found->name, "l2");
    assert_int_equal(lop_criterion_find("l2", LOP_GRANULARITY_WEIGHT, &found, &error), LOP_E_NAME);
    assert_non_null(strstr(error.text, "magnitude, random, lamp"));
    assert_int_equal(lop_granularity_find("unit", &granularity, NULL), LOP_OK);
    assert_int_equal(granularity, LOP_GRANULARITY_UNIT);
    assert_int_equal(lop_granularity_find("row", &granularity, &error), LOP_E_NAME);
    assert_non_null(strstr(error.text, "weight, unit"));
    assert_int_equal(granularity, LOP_GRANULARITY_UNIT);
    assert_int_equal(lop_criterion_find("lamp", LOP_GRANULARITY_NM, &found, NULL), LOP_OK);
    assert_int_equal(found->granularity, LOP_GRANULARITY_WEIGHT);
    assert_null(lop_granularity_name(4));
    assert_null(lop_allocation_name(4));
    assert_null(lop_scope_name(2));
}

static const double wrong[] = {-0.01, 1, 1.5, NAN, INFINITY, -INFINITY};

static void contradictions_are_refused(void **state)
{
    (void)state;
    lop_network *network = test_mlp(small, 4, true, 3);
    const lop_prune_options good = {.sparsity = 0.5};
    lop_prune_options options = good;
    options.allocation = (lop_allocation)7;
    test_refuses(network, &options, LOP_E_ARG);
    for (int a = LOP_ALLOCATION_ERK; a <= LOP_ALLOCATION_LIST; a++) {
        options = good;
        options.allocation = (lop_allocation)a;
        options.scope = LOP_SCOPE_GLOBAL;
        test_refuses(network, &options, LOP_E_ARG);
    }
    options = good;
    options.granularity = LOP_GRANULARITY_UNIT;
    options.allocation = LOP_ALLOCATION_LAMP;
    test_refuses(network, &options, LOP_E_ARG);
    options.allocation = LOP_ALLOCATION_UNIFORM;
    options.min_keep = 1;
    test_refuses(network, &options, LOP_E_ARG);

    double list[3] = {0.4, 0.6, 0.1};
    options = (lop_prune_options){.allocation = LOP_ALLOCATION_LIST};
    test_refuses(network, &options, LOP_E_ARG);
    options.list = list;
    for (options.list_count = 0; options.list_count <= 3; options.list_count++) {
        if (options.list_count != 2)
            test_refuses(network, &options, LOP_E_ARG);
    }
    options.list_count = 2;
    options.sparsity = 0.6; /* the list comes to (0.4 · 48 + 0.6 · 64) / 112 = 0.514 */
    test_refuses(network, &options, LOP_E_ARG);
    options.sparsity = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        list[1] = wrong[i];
        test_refuses(network, &options, LOP_E_RANGE);
    }
    options.allocation = LOP_ALLOCATION_UNIFORM;
    test_refuses(network, &options, LOP_E_ARG);

    const size_t nm[][2] = {{0, 2}, {2, 0}, {3, 2}, {1, 4}, {1, SIZE_MAX}, {SIZE_MAX, SIZE_MAX}};
    for (size_t i = 0; i < sizeof nm / sizeof nm[0]; i++) { /* 4 does not divide 6 inputs */
        options =
            (lop_prune_options){.granularity = LOP_GRANULARITY_NM, .n = nm[i][0], .m = nm[i][1]};
        test_refuses(network, &options, LOP_E_ARG);
    }
    options =
        (lop_prune_options){.granularity = LOP_GRANULARITY_NM, .n = 1, .m = 2, .sparsity = 0.9};
    test_refuses(network, &options, LOP_E_ARG);
    options.sparsity = 0.5;
    options.scope = LOP_SCOPE_GLOBAL;
    test_refuses(network, &options, LOP_E_ARG);
    options.scope = LOP_SCOPE_LAYER;
    options.allocation = LOP_ALLOCATION_ERK;
    test_refuses(network, &options, LOP_E_ARG);
    options = good;
    options.granularity = LOP_GRANULARITY_BLOCK;
    options.block_rows = SIZE_MAX;
    test_refuses(network, &options, LOP_E_RANGE);
    lop_network_free(network);
}

static void failures_change_nothing(void **state)
{
    (void)state;
    lop_network *network = test_mlp(small, 4, true, 3);
    const lop_prune_options good = {.sparsity = 0.5};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        lop_prune_options options = good;
        options.sparsity = wrong[i];
        test_refuses(network, &options, LOP_E_RANGE);
    }
    lop_prune_options options = good;
    assert_int_equal(lop_criterion_find("l2", LOP_GRANULARITY_UNIT, &options.criterion, NULL),
                     LOP_OK);
    test_refuses(network, &options, LOP_E_ARG);
    const lop_criterion stranger = {"magnitude", LOP_GRANULARITY_WEIGHT, "", LOP_NEEDS_NOTHING};
    options.criterion = &stranger;
    test_refuses(network, &options, LOP_E_ARG);
    options = good;
    options.granularity = (lop_granularity)7;
    test_refuses(network, &options, LOP_E_ARG);
    options = good;
    options.scope = (lop_scope)7;
    test_refuses(network, &options, LOP_E_ARG);

    const float bad[] = {NAN, INFINITY, -INFINITY}, x[2 * 6] = {1, 2}, moved[8 * 8] = {0};
    const float *const gathered[] = {moved, moved, moved};
    const uint16_t labels[2] = {0, 3};
    const lop_samples samples = {
        .count = 2, .features = 6, .classes = 4, .floats = x, .labels = labels};
    for (size_t i = 0; i < 3; i++) {
        for (size_t row = 0; lop_criterion_at(row); row++) {
            options = good;
            options.criterion = lop_criterion_at(row);
            options.granularity = options.criterion->granularity;
            options.allocation = options.granularity == LOP_GRANULARITY_WEIGHT ? LOP_ALLOCATION_LAMP
                                                                               : LOP_ALLOCATION_ERK;
            options.samples = &samples;
            options.sample_count = samples.count;
            options.gathered = gathered;
            float *weight = &lop_network_layer(network, 1)->weight[9], was = *weight;
            *weight = bad[i];
            test_refuses(network, &options, LOP_E_NAN);
            *weight = was;
            lop_network_layer(network, 2)->bias[1] = bad[i];
            test_refuses(network, &options, LOP_E_NAN);
            lop_network_layer(network, 2)->bias[1] = 0;
        }
    }
    lop_network_free(network);
}

/* What is left is told, and a layer that starves is named. */
static void outcomes_tell(void **state)
{
    (void)state;
    lop_network *network = test_mlp(small, 4, false, 3);
    lop_prune_outcome outcome;
    lop_prune_options options = {.sparsity = 0.5, .outcome = &outcome};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(outcome.items, 6 * 8 + 8 * 8);
    assert_int_equal(outcome.removed, 24 + 32);
    assert_int_equal(outcome.warnings, 0);

    /* 4 of 48 and 5 of 64 are fewer than 8 outputs. */
    options.sparsity = 0.92;
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(outcome.removed, 44 + 59);
    assert_int_equal(outcome.warnings, 2);
    assert_int_equal(outcome.warning[0].layer, 0);
    assert_int_equal(outcome.warning[0].weights_left, 4);
    assert_in_range(outcome.warning[0].outputs, 5, 8); /* those whose column is not gone too */
    assert_int_equal(outcome.warning[1].weights_left, 5);
    options.sparsity = 0;
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(outcome.removed, 44 + 59);
    lop_network_free(network);

    /* Units that nothing reads any more need no weights. */
    network = test_mlp(small, 4, false, 3);
    options = (lop_prune_options){
        .granularity = LOP_GRANULARITY_UNIT, .sparsity = 0.75, .outcome = &outcome};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(outcome.items, 16);
    assert_int_equal(outcome.removed, 12);
    assert_int_equal(outcome.warnings, 0);
    options.sparsity = 0.99;
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    assert_int_equal(outcome.removed, 16);
    assert_int_equal(outcome.warnings, 2);
    assert_int_equal(outcome.warning[1].layer, 1);
    assert_int_equal(outcome.warning[1].weights_left, 0);
    assert_int_equal(outcome.warning[1].outputs, 0);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_round_as_people_do),
        cmocka_unit_test(keys_keep_the_order),
        cmocka_unit_test(challenge_counts),
        cmocka_unit_test(pruned_units_do_not_matter),
        cmocka_unit_test(random_depends_on_the_seed_alone),
        cmocka_unit_test(tables_find_by_name),
        cmocka_unit_test(outcomes_tell),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(failures_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
