/*
 * The number of threads changes no result: of pruning layers so large that threads share them, of a
 * small training (large dense products are oneDNN's, which promises it for one number of threads),
 * of running networks in int8, and in float32 by any one kernel.
 */
#include "test.h"

#include <string.h>

#include <lop/machine.h>
#include <lop/pack.h>
#include <lop/prune.h>

#include "base/memory.h"
#include "train/fixture.h"

static const size_t threads[] = {1, 2, 3, 4, 7, 8};
#define COUNTS (sizeof threads / sizeof *threads)

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes packed_bytes(const lop_network *network)
{
    static const lop_pack_values exact = {LOP_VALUES_FLOAT32, 0};
    const lop_pack_options options = {.values = &exact, .value_count = 1};
    lop_packed *packed = NULL;
    bytes b = {NULL, 0};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    assert_int_equal(lop_packed_encode(packed, &b.data, &b.size, NULL), LOP_OK);
    lop_packed_free(packed);
    return b;
}

/* Of each number of threads the same as of one. */
static void compare(bytes (*make)(size_t which), size_t which, const char *what)
{
    bytes first = {NULL, 0};
    for (size_t t = 0; t < COUNTS; t++) {
        assert_int_equal(lop_threads_set(threads[t], NULL), LOP_OK);
        bytes now = make(which);
        if (t > 0 && (now.size != first.size || memcmp(now.data, first.data, now.size) != 0))
            fail_msg("%s: %zu threads yield something else than one", what, threads[t]);
        if (t == 0)
            first = now;
        else
            lopi_free(now.data);
    }
    lopi_free(first.data);
}

static const struct {
    const char *granularity, *criterion;
} prunings[] = {{"weight", "magnitude"}, {"weight", "random"}, {"weight", "lamp"}, {"unit", "l2"},
                {"unit", "l1"},          {"block", NULL},      {"nm", NULL}};

static bytes prune(size_t which)
{
    const size_t hidden[] = {500, 300};
    const lop_mlp_spec spec = {
        .inputs = 400, .hidden = hidden, .hidden_count = 2, .outputs = 10, .seed = 3};
    lop_network *network = NULL;
    lop_prune_options options = {.sparsity = 0.5, .seed = 5, .scope = LOP_SCOPE_GLOBAL};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    assert_int_equal(lop_granularity_find(prunings[which].granularity, &options.granularity, NULL),
                     LOP_OK);
    if (options.granularity == LOP_GRANULARITY_NM)
        options.scope = LOP_SCOPE_LAYER;
    assert_int_equal(lop_criterion_find(prunings[which].criterion, options.granularity,
                                        &options.criterion, NULL),
                     LOP_OK);
    lop_error error = {0};
    if (lop_prune(network, &options, &error) != LOP_OK)
        fail_msg("%s", error.text);
    bytes b = packed_bytes(network);
    lop_network_free(network);
    return b;
}

static void test_pruning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof prunings / sizeof *prunings; i++)
        compare(prune, i, prunings[i].criterion ? prunings[i].criterion : prunings[i].granularity);
}

static lop_network *trained(void)
{
    lop_network *network = fixture_network(true, true);
    lop_train_options options = fixture_options();
    lop_history history;
    options.epochs = 2;
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options, NULL,
                               &history, NULL),
                     LOP_OK);
    lop_history_free(&history);
    return network;
}

static bytes train(size_t which)
{
    (void)which;
    lop_network *network = trained();
    bytes b = packed_bytes(network);
    lop_network_free(network);
    return b;
}

static void test_training(void **state)
{
    (void)state;
    compare(train, 0, "training");
}

enum { BATCH = 300 };
static const size_t batches[] = {1, 5, 40, BATCH};
static const lop_packed *to_run;
static const char *kernel; /* that computes; NULL: whichever the plan finds best */

/* All batches one after the other, by a plan with so many threads as are set. */
static bytes run(size_t precision)
{
    static float x[BATCH * FIXTURE_FEATURES];
    bytes b = {lopi_alloc(BATCH * FIXTURE_CLASSES * 4, sizeof(float)), 0};
    const lop_plan_options options = {.precision = (lop_run_precision)precision,
                                      .kernel = kernel,
                                      .threads = lop_threads_get(),
                                      .max_batch = 32};
    lop_plan *plan = NULL;
    lop_error error = {0};
    if (lop_plan_new(&plan, to_run, &options, &error) != LOP_OK)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < BATCH * FIXTURE_FEATURES; i++)
        x[i] = (float)(i % 23) * 0.07f - 0.4f;
    size_t size = lop_plan_workspace(plan);
    void *workspace = lopi_alloc_aligned(size, 1);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        float *y = (float *)(void *)(b.data + b.size);
        assert_int_equal(lop_plan_run(plan, x, batches[i], y, workspace, size, NULL), LOP_OK);
        b.size += batches[i] * FIXTURE_CLASSES * sizeof *y;
    }
    lopi_free(workspace);
    lop_plan_free(plan);
    return b;
}

/* Some kernels are not for every layer, and others help out then. */
static bool computes_alone(const char *name)
{
    const lop_plan_options options = {
        .precision = LOP_RUN_FLOAT32, .max_batch = 32, .kernel = name};
    lop_plan *plan = NULL;
    lop_plan_choice choice;
    bool alone = true;
    assert_int_equal(lop_plan_new(&plan, to_run, &options, NULL), LOP_OK);
    for (size_t c = 0; lop_plan_choice_get(plan, c, 0, &choice, NULL) == LOP_OK; c++)
        for (size_t l = 0; lop_plan_choice_get(plan, c, l, &choice, NULL) == LOP_OK; l++)
            alone = alone && strcmp(choice.chosen.kernel, name) == 0;
    lop_plan_free(plan);
    return alone;
}

static void test_running(void **state)
{
    (void)state;
    lop_network *network = trained();
    const lop_pack_options calibrated = {.samples = lop_dataset_train(fixture_task.dataset),
                                         .sample_count = 100};
    lop_packed *packed = NULL;
    assert_int_equal(lop_pack(&packed, network, &calibrated, NULL), LOP_OK);
    to_run = packed;
    kernel = NULL;
    compare(run, LOP_RUN_INT8, "int8");
    /* In float32 kernels round in orders of their own, and a plan for other threads may cut a batch
     * into pieces that others compute: so one kernel at a time, each that there is. */
    const lop_plan_options options = {.precision = LOP_RUN_FLOAT32, .max_batch = 32};
    lop_plan *plan = NULL;
    lop_plan_choice choice;
    assert_int_equal(lop_plan_new(&plan, packed, &options, NULL), LOP_OK);
    size_t compared = 0;
    for (size_t c = 0; lop_plan_choice_get(plan, c, 0, &choice, NULL) == LOP_OK; c++)
        for (size_t i = 0; i < choice.candidate_count; i++) {
            kernel = choice.candidates[i].kernel;
            if (!computes_alone(kernel))
                continue;
            compare(run, LOP_RUN_FLOAT32, kernel);
            compared++;
        }
    assert_true(compared >= 3);
    lop_plan_free(plan);
    lop_packed_free(packed);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_running),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
