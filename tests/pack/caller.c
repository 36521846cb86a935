/*
 * A caller may flush subnormal numbers to zero, or round in another direction: training, pruning,
 * packing and running yield the same bytes all the same, and leave the caller's way as it was.
 */
#include "test.h"

#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>
#include <lop/pack.h>
#include <lop/prune.h>

#include "base/memory.h"
#include "train/fixture.h"

#ifdef __SSE__
#include <xmmintrin.h>
enum { USUAL = 0x1f80, FLAGS = 0x3f };
static const unsigned modes[] = {0x1f80 | 0x8000, 0x1f80 | 0x40, 0x1f80 | 0x8040, 0x1f80 | 0x6000};
static void set_mode(unsigned mode) { _mm_setcsr(mode); }
static unsigned get_mode(void) { return _mm_getcsr() & ~(unsigned)FLAGS; }
#else
enum { USUAL = FE_TONEAREST };
static const unsigned modes[] = {FE_TOWARDZERO};
static void set_mode(unsigned mode) { fesetround((int)mode); }
static unsigned get_mode(void) { return (unsigned)fegetround(); }
#endif

enum { THREADS = 2, OUTPUTS = FIXTURE_CLASSES, BATCH = 40 };

typedef struct outcome {
    uint8_t *bytes[5];
    size_t size[5], count;
} outcome;

static void keep(outcome *o, const void *bytes, size_t size)
{
    o->bytes[o->count] = lopi_alloc(size, 1);
    memcpy(o->bytes[o->count], bytes, size);
    o->size[o->count++] = size;
}

static void keep_packed(outcome *o, const lop_network *network, lop_values kind)
{
    const lop_pack_values values = {kind, kind == LOP_VALUES_SHARED ? 16 : 0};
    const lop_pack_options options = {.values = &values, .value_count = 1};
    lop_packed *packed = NULL;
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    assert_int_equal(lop_packed_encode(packed, &o->bytes[o->count], &o->size[o->count], NULL),
                     LOP_OK);
    o->count++;
    lop_packed_free(packed);
}

/* Weights so small that products, and some of themselves, are subnormal; units differ by little. */
static lop_network *tiny_network(void)
{
    lop_network *network = fixture_network(true, false);
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
            layer->weight[i] *= l == 0 ? 0x1p-130f : 1;
    }
    return network;
}

static void keep_run(outcome *o, const lop_network *network, const float *x)
{
    static float y[BATCH * OUTPUTS];
    lop_packed *packed = NULL;
    lop_plan *plan = NULL;
    const lop_plan_options options = {
        .precision = LOP_RUN_FLOAT32, .threads = THREADS, .max_batch = 8};
    assert_int_equal(lop_pack(&packed, network, NULL, NULL), LOP_OK);
    assert_int_equal(lop_plan_new(&plan, packed, &options, NULL), LOP_OK);
    size_t size = lop_plan_workspace(plan);
    void *workspace = lopi_alloc_aligned(size, 1);
    assert_int_equal(lop_plan_run(plan, x, BATCH, y, workspace, size, NULL), LOP_OK);
    keep(o, y, sizeof y);
    lopi_free(workspace);
    lop_plan_free(plan);
    lop_packed_free(packed);
}

static outcome work(const struct fixture *task, unsigned mode)
{
    outcome o = {.count = 0};
    lop_history history;
    lop_train_options options = fixture_options();
    options.epochs = 2;
    set_mode(mode);
    lop_network *network = fixture_network(true, false);
    assert_int_equal(
        lop_train(network, task->dataset, &task->split, &options, NULL, &history, NULL), LOP_OK);
    lop_history_free(&history);
    keep_packed(&o, network, LOP_VALUES_FLOAT32);
    keep_packed(&o, network, LOP_VALUES_SHARED);
    keep_packed(&o, network, LOP_VALUES_INT8);
    lop_network_free(network);

    static float x[BATCH * FIXTURE_FEATURES];
    set_mode(USUAL); /* what is made here by hand is made alike */
    network = tiny_network();
    for (size_t i = 0; i < BATCH * FIXTURE_FEATURES; i++)
        x[i] = (float)(i % 17) * 0.1f;
    set_mode(mode);
    keep_run(&o, network, x);
    lop_prune_options prune = {.sparsity = 0.5};
    assert_int_equal(lop_granularity_find("unit", &prune.granularity, NULL), LOP_OK);
    assert_int_equal(lop_criterion_find("l2", prune.granularity, &prune.criterion, NULL), LOP_OK);
    assert_int_equal(lop_prune(network, &prune, NULL), LOP_OK);
    keep_packed(&o, network, LOP_VALUES_FLOAT32);
    lop_network_free(network);
    assert_int_equal(get_mode(), mode);
    set_mode(USUAL);
    return o;
}

static void outcome_free(outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        lopi_free(o->bytes[i]);
}

static void test_results_do_not_depend_on_the_caller(void **state)
{
    (void)state;
    struct fixture task;
    fixture_open(&task);
    assert_int_equal(lop_threads_set(THREADS, NULL), LOP_OK);
    outcome usual = work(&task, USUAL);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        outcome other = work(&task, modes[m]);
        assert_int_equal(usual.count, other.count);
        for (size_t i = 0; i < usual.count; i++) {
            if (usual.size[i] != other.size[i] ||
                memcmp(usual.bytes[i], other.bytes[i], usual.size[i]) != 0)
                fail_msg("mode %#x: result %zu differs", modes[m], i);
        }
        outcome_free(&other);
    }
    outcome_free(&usual);
    fixture_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_do_not_depend_on_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
