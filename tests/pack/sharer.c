/* Sharer: few different weights, by hand on a small layer, and in trainings that are interrupted.
 */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/pack.h>
#include <lop/pruner.h>
#include <lop/sharer.h>

#include "base/file.h"
#include "base/memory.h"
#include "exchange/safetensors.h"
#include "train/fixture.h"

/* By hand -------------------------------------------------------------------------------------- */

static lop_network *one_layer(const float weights[6])
{
    lop_network *network = NULL;
    const lop_mlp_spec spec = {.inputs = 6, .outputs = 1, .seed = 1};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    memcpy(lop_network_layer(network, 0)->weight, weights, 6 * sizeof *weights);
    return network;
}

static lop_sharer *sharer_of(const lop_network *network, size_t entries, double hold, double rate)
{
    lop_sharer *sharer = NULL;
    const lop_sharer_options options = {.entries = &entries,
                                        .entry_count = 1,
                                        .epochs = 10,
                                        .steps_per_epoch = 1,
                                        .begin_epoch = 1,
                                        .hold_epoch = hold,
                                        .rate = rate};
    assert_int_equal(lop_sharer_new(&sharer, &options, network, NULL), LOP_OK);
    return sharer;
}

/* Entries are multiples of max / 127 that is a bfloat16: to half of a step, and its last digit. */
static void assert_weights(const lop_network *network, const float expected[6])
{
    const float *found = lop_network_layer(network, 0)->weight;
    for (size_t i = 0; i < 6; i++) {
        assert_true(fabsf(found[i] - expected[i]) <= 1.5f / 127 * 0.75f);
        for (size_t j = 0; j < i; j++)
            assert_true((found[i] == found[j]) == (expected[i] == expected[j]));
    }
}

static void moves_each_weight_and_then_each_entry(void **state)
{
    (void)state;
    lop_network *network = one_layer((float[6]){-1, -0.5f, 0, 1, 1.5f, 2});
    float *weight = lop_network_layer(network, 0)->weight;
    lop_sharer *sharer = sharer_of(network, 2, 2, 0);
    assert_false(lop_sharer_due(sharer, 0));
    assert_int_equal(lop_sharer_step(sharer, network, 1, NULL), LOP_OK);
    assert_weights(network, (float[6]){-0.5f, -0.5f, -0.5f, 1.5f, 1.5f, 1.5f});
    /* The third weight goes from 0 to 1 for itself: among -1, -0.5, 1, 1, 1.5, 2 it is now nearer
     * to 1.5, whose entry becomes the mean of four. */
    weight[2] += 1;
    assert_int_equal(lop_sharer_step(sharer, network, 2, NULL), LOP_OK);
    assert_weights(network, (float[6]){-0.75f, -0.75f, 1.375f, 1.375f, 1.375f, 1.375f});
    /* Held: each entry moves by the mean step of its weights, and no weight goes over. */
    weight[0] += 2;
    weight[3] -= 0.5f;
    assert_int_equal(lop_sharer_step(sharer, network, 3, NULL), LOP_OK);
    assert_weights(network, (float[6]){0.25f, 0.25f, 1.25f, 1.25f, 1.25f, 1.25f});
    lop_sharer_free(sharer);
    lop_network_free(network);
}

/* With bits counted, a value that stands alone goes where many are. */
static void prefers_what_many_have(void **state)
{
    (void)state;
    const float weights[6] = {1, 1, 1, 1, 1, 1.25f};
    for (int frugal = 0; frugal < 2; frugal++) {
        lop_network *network = one_layer(weights);
        lop_sharer *sharer = sharer_of(network, 2, 5, frugal ? 0.5 : 0);
        for (size_t step = 1; step <= 3; step++)
            assert_int_equal(lop_sharer_step(sharer, network, step, NULL), LOP_OK);
        const float *weight = lop_network_layer(network, 0)->weight;
        assert_true((weight[5] == weight[0]) == (frugal == 1));
        lop_sharer_free(sharer);
        lop_network_free(network);
    }
}

static void drops_and_takes_in_weights(void **state)
{
    (void)state;
    lop_network *network = one_layer((float[6]){-1, -1, 0, 1, 1, 3});
    assert_int_equal(lop_network_mask_new(network, 0, NULL), LOP_OK);
    const lop_layer *layer = lop_network_layer(network, 0);
    layer->mask[2] = 0;
    lop_sharer *sharer = sharer_of(network, 2, 5, 0);
    assert_int_equal(lop_sharer_step(sharer, network, 1, NULL), LOP_OK);
    assert_true(layer->weight[2] == 0);
    layer->mask[5] = 0;
    layer->weight[5] = 0;
    layer->mask[2] = 1;
    layer->weight[2] = 0.75f;
    assert_int_equal(lop_sharer_step(sharer, network, 2, NULL), LOP_OK);
    assert_true(layer->weight[5] == 0);
    assert_true(layer->weight[2] == layer->weight[3]);
    assert_true(layer->weight[3] == layer->weight[4]);
    lop_sharer_free(sharer);
    lop_network_free(network);
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const size_t none = 0, many = 257, some = 8;
    const lop_sharer_options good = {.entries = &some,
                                     .entry_count = 1,
                                     .epochs = 4,
                                     .steps_per_epoch = 3,
                                     .begin_epoch = 1,
                                     .hold_epoch = 2};
    lop_sharer_options bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].entries = &none;
    bad[1].entries = &many;
    bad[2].entry_count = 0;
    bad[3].begin_epoch = 4;
    bad[4].hold_epoch = 0.5;
    bad[5].rate = NAN;
    bad[6].steps_per_epoch = 0;
    assert_int_equal(lop_sharer_options_check(&good, NULL), LOP_OK);
    for (size_t i = 0; i < 7; i++)
        assert_true(lop_sharer_options_check(&bad[i], NULL) != LOP_OK);
}

/* In trainings --------------------------------------------------------------------------------- */

enum { STEPS_PER_EPOCH = 10, EPOCHS = 4, ENTRIES = 5, MOST = 12 * 24 };

/* Units are pruned at the first epoch, and taken out; weights are shared behind the second. */
struct guest {
    lop_pruner *pruner;
    lop_sharer *sharer;
    lop_state states[8];
    float held[3][MOST * 2]; /* the weights when the assignment was held */
    bool holds, damaged;     /* damaged: what becomes of the weights nobody knows */
};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static size_t different(const lop_layer *layer)
{
    float values[MOST * 2];
    size_t count = 0, left = 0;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        if (!layer->mask || layer->mask[i])
            values[left++] = layer->weight[i];
    qsort(values, left, sizeof *values, by_value);
    for (size_t i = 0; i < left; i++)
        count += i == 0 || values[i] != values[i - 1];
    return count;
}

/* Weights that were equal when they were held stay equal. */
static void check_held(struct guest *guest, const lop_network *network)
{
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t count = layer->outputs * layer->inputs;
        if (!guest->holds)
            memcpy(guest->held[l], layer->weight, count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if ((!layer->mask || (layer->mask[i] && layer->mask[j])) &&
                    guest->held[l][i] == guest->held[l][j])
                    assert_true(layer->weight[i] == layer->weight[j]);
    }
    guest->holds = true;
}

static lop_status guest_step(void *context, lop_network *network, size_t step, size_t steps,
                             lop_error *error)
{
    struct guest *guest = context;
    lop_status status = LOP_OK;
    if (lop_pruner_due(guest->pruner, step))
        status = lop_pruner_step(guest->pruner, network, step, steps, error);
    if (status == LOP_OK)
        status = lop_sharer_step(guest->sharer, network, step, error);
    if (guest->damaged)
        return status;
    for (size_t l = 0; l < 3 && step >= 2 * STEPS_PER_EPOCH; l++)
        assert_in_range(different(lop_network_layer(network, l)), 2, ENTRIES);
    if (step >= 3 * STEPS_PER_EPOCH)
        check_held(guest, network);
    return status;
}

static lop_status guest_restored(void *context, const lop_network *network, lop_error *error)
{
    (void)network;
    return lop_sharer_restored(((struct guest *)context)->sharer, error);
}

static lop_train_callback guest_open(void *context, const lop_network *network)
{
    struct guest *guest = context;
    const size_t entries = ENTRIES;
    lop_error error = {0};
    lop_pruner_options pruning = lop_pruner_options_default(EPOCHS, STEPS_PER_EPOCH);
    pruning.schedule = NULL;
    pruning.begin_epoch = 1;
    pruning.target.granularity = LOP_GRANULARITY_UNIT;
    pruning.target.sparsity = 0.4;
    const lop_sharer_options sharing = {.entries = &entries,
                                        .entry_count = 1,
                                        .epochs = EPOCHS,
                                        .steps_per_epoch = STEPS_PER_EPOCH,
                                        .begin_epoch = 1,
                                        .hold_epoch = 3,
                                        .rate = 0.01};
    guest->holds = false;
    if (lop_pruner_new(&guest->pruner, &pruning, network, &error) != LOP_OK ||
        lop_sharer_new(&guest->sharer, &sharing, network, &error) != LOP_OK)
        fail_msg("%s", error.text);
    size_t count = 0, more = 0;
    const lop_state *states = lop_pruner_state(guest->pruner, &count);
    for (size_t i = 0; i < count; i++)
        guest->states[i] = states[i];
    states = lop_sharer_state(guest->sharer, &more);
    for (size_t i = 0; i < more; i++)
        guest->states[count + i] = states[i];
    return (lop_train_callback){.context = guest,
                                .restored = guest_restored,
                                .after_step = guest_step,
                                .states = guest->states,
                                .state_count = count + more,
                                .remove_units = true};
}

static void guest_close(void *context)
{
    struct guest *guest = context;
    lop_pruner_free(guest->pruner);
    lop_sharer_free(guest->sharer);
    guest->pruner = NULL;
    guest->sharer = NULL;
}

/* Packed with room for all values, a network comes back to the bit, biases too. */
static void assert_packs_exactly(const lop_network *network)
{
    const lop_pack_values values = {LOP_VALUES_SHARED, LOP_MAX_SHARED};
    const lop_pack_options options = {
        .values = &values, .value_count = 1, .keep_units = true, .keep_order = true};
    lop_packed *packed = NULL;
    lop_network *back = NULL;
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    assert_int_equal(lop_unpack(&back, packed, NULL), LOP_OK);
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *a = lop_network_layer(network, l), *b = lop_network_layer(back, l);
        assert_memory_equal(a->weight, b->weight, a->outputs * a->inputs * sizeof(float));
        assert_memory_equal(a->bias, b->bias, a->outputs * sizeof(float));
    }
    lop_packed_free(packed);
    lop_network_free(back);
}

static void interruptions_leave_no_trace(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 13};
    struct guest guest = {0};
    const struct fixture_guest as = {&guest, guest_open, guest_close};
    lop_train_options options = fixture_options();
    struct fixture_outcome whole = fixture_train(&fixture_task, options, &as, 0);
    assert_int_equal(lop_network_layer(whole.network, 0)->outputs, 14);
    for (size_t l = 0; l < 3; l++)
        assert_in_range(different(lop_network_layer(whole.network, l)), 2, ENTRIES);
    assert_packs_exactly(whole.network);
    for (size_t i = 0; i < 3; i++) {
        struct fixture_outcome parts = fixture_train(&fixture_task, options, &as, pieces[i]);
        fixture_assert_same(&whole, &parts);
        fixture_outcome_free(&parts);
    }
    fixture_outcome_free(&whole);
}

/* Damage ----------------------------------------------------------------------------------------
 */

/* Resume a training whose checkpoint has another number at one place. */
static void resume_damaged(const lop_train_options *options, const lopi_bytes *good, size_t at,
                           float value, bool refused)
{
    struct guest guest = {.damaged = true};
    lop_error error = {0};
    lop_history history = {.count = 0};
    uint8_t before[4];
    memcpy(before, good->data + at, 4);
    memcpy(good->data + at, &value, 4);
    assert_int_equal(lopi_file_write(fixture_task.checkpoint, good->data, good->size, true, NULL),
                     LOP_OK);
    memcpy(good->data + at, before, 4);
    lop_network *network = fixture_network(true, false);
    const lop_train_callback callback = guest_open(&guest, network);
    lop_status status = lop_train(network, fixture_task.dataset, &fixture_task.split, options,
                                  &callback, &history, &error);
    lop_status expected = isfinite(value) ? LOP_E_FORMAT : LOP_E_NAN;
    if (refused ? status != expected : status != LOP_OK && status != LOP_E_NAN)
        fail_msg("%g at byte %zu: %s, %s", (double)value, at, lop_status_name(status), error.text);
    guest_close(&guest);
    lop_history_free(&history);
    lop_network_free(network);
}

/* Where a tensor's value stands in the file. */
static size_t place_of(const char *name, size_t index)
{
    lopi_safetensors *file = NULL;
    assert_int_equal(lopi_safetensors_open(&file, fixture_task.checkpoint, NULL), LOP_OK);
    const lopi_tensor *tensor = lopi_safetensors_find(file, name);
    assert_non_null(tensor);
    assert_true(index < lopi_tensor_count(tensor));
    size_t at = (size_t)lopi_safetensors_offset(file, tensor) + 4 * index;
    lopi_safetensors_close(file);
    return at;
}

static bool enough(void *context) { return (*(size_t *)context)-- == 0; }

static void damaged_checkpoints_are_refused(void **state)
{
    (void)state;
    enum { TABLE = 3 + LOP_MAX_SHARED };
    static const float values[] = {NAN, INFINITY, 1e30f, -1e30f, 257, -2, 0.5f, 300 * 300};
    static const struct {
        const char *tensor;
        size_t index;
        bool counts; /* whole numbers in a range; else all that is finite is one */
    } places[] = {
        {"sharer.table.state", 0, true},         {"sharer.table.state", 1, true},
        {"sharer.table.state", 2, true},         {"sharer.table.state", 3, false},
        {"sharer.table.state", TABLE, true},     {"sharer.table.state", TABLE + 1, true},
        {"sharer.table.state", TABLE + 2, true}, {"sharer.symbol.state", 0, true},
        {"sharer.symbol.state", 200, true},      {"sharer.latent.state", 0, false},
        {"sharer.latent.state", 300, false},
    };
    size_t steps = 25; /* weights are shared since the tenth */
    lopi_bytes good;
    struct guest guest = {0};
    lop_history history = {.count = 0};
    const lop_hooks hooks = {.context = &steps, .cancelled = enough};
    lop_train_options options = fixture_options();
    options.checkpoint = fixture_task.checkpoint;
    options.hooks = &hooks;
    lop_network *network = fixture_network(true, false);
    lop_train_callback callback = guest_open(&guest, network);
    assert_int_equal(lop_train(network, fixture_task.dataset, &fixture_task.split, &options,
                               &callback, &history, NULL),
                     LOP_E_CANCELLED);
    guest_close(&guest);
    lop_history_free(&history);
    lop_network_free(network);
    options.hooks = NULL;
    options.resume = true;
    assert_int_equal(lopi_file_read(&good, fixture_task.checkpoint, 1 << 24, NULL), LOP_OK);
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        size_t at = place_of(places[p].tensor, places[p].index);
        for (size_t v = 0; v < sizeof values / sizeof *values; v++)
            resume_damaged(&options, &good, at, values[v],
                           places[p].counts || !isfinite(values[v]));
        assert_int_equal(lopi_file_write(fixture_task.checkpoint, good.data, good.size, true, NULL),
                         LOP_OK);
    }
    resume_damaged(&options, &good, place_of("fc1.weight.moment2", 5), -1, true);
    lopi_free(good.data);
    assert_int_equal(remove(fixture_task.checkpoint), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_each_weight_and_then_each_entry),
        cmocka_unit_test(prefers_what_many_have),
        cmocka_unit_test(drops_and_takes_in_weights),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test_setup_teardown(interruptions_leave_no_trace, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(damaged_checkpoints_are_refused, fixture_set_up,
                                        fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
