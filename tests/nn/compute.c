/* Forward passes and training steps as their callers see them. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/bf16.h"
#include "nn/trainer.h"

enum { INPUTS = 50, OUTPUTS = 7, MAX_BATCH = 40, MAX_WIDTH = 80 };

static const size_t hidden[] = {80, 33};

static lop_network *make_network(bool bias)
{
    lop_network *network = NULL;
    const lop_mlp_spec spec = {.inputs = INPUTS,
                               .hidden = hidden,
                               .hidden_count = 2,
                               .outputs = OUTPUTS,
                               .bias = bias,
                               .seed = 2};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    lopi_random random = lopi_random_stream(3, LOPI_STREAM_TEST, 1);
    for (size_t l = 0; bias && l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs; i++)
            layer->bias[i] = (float)lopi_random_normal(&random);
    }
    return network;
}

static void fill(float *x, size_t count)
{
    lopi_random random = lopi_random_stream(4, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)lopi_random_normal(&random);
}

static void reference_forward(const lop_network *network, const float *x, double *y)
{
    double value[MAX_WIDTH];
    for (size_t i = 0; i < INPUTS; i++)
        value[i] = x[i];
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        double next[MAX_WIDTH];
        for (size_t o = 0; o < layer->outputs; o++) {
            next[o] = layer->bias ? layer->bias[o] : 0;
            for (size_t i = 0; i < layer->inputs; i++)
                next[o] += (double)layer->weight[o * layer->inputs + i] * value[i];
            if (l < 2 && next[o] < 0)
                next[o] = 0;
        }
        memcpy(value, next, sizeof value);
    }
    memcpy(y, value, OUTPUTS * sizeof *y);
}

/* Largest difference to the reference; logits are about as large as 10. */
static double difference(const lop_network *network, const float *x, size_t batch,
                         const float *logits)
{
    double largest = 0;
    for (size_t s = 0; s < batch; s++) {
        double expected[OUTPUTS];
        reference_forward(network, x + s * INPUTS, expected);
        for (size_t o = 0; o < OUTPUTS; o++)
            largest = fmax(largest, fabs(expected[o] - logits[s * OUTPUTS + o]));
    }
    return largest;
}

/* Sums of 80 products in float32: about 80 · 6e-8 · 10 in the worst case. */
static const double float32_error = 5e-5;

static void forward_is_right_for_any_batch(void **state)
{
    (void)state;
    static const size_t batches[] = {MAX_BATCH, 1, 7, MAX_BATCH, 16};
    float x[MAX_BATCH * INPUTS], logits[MAX_BATCH * OUTPUTS + 1];
    lop_error error = {0};
    fill(x, MAX_BATCH * INPUTS);
    for (int bias = 0; bias < 2; bias++) {
        lop_network *network = make_network(bias);
        lop_compute *compute = NULL;
        assert_int_equal(lop_compute_new(&compute, network, MAX_BATCH, LOP_FLOAT32, NULL), LOP_OK);
        for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
            logits[batches[i] * OUTPUTS] = 42;
            assert_int_equal(lop_compute_forward(compute, x, batches[i], logits, NULL), LOP_OK);
            assert_true(difference(network, x, batches[i], logits) < float32_error);
            assert_true(logits[batches[i] * OUTPUTS] == 42);
        }
        assert_int_equal(lop_compute_forward(compute, x, 0, logits, &error), LOP_E_ARG);
        assert_int_equal(lop_compute_forward(compute, x, MAX_BATCH + 1, logits, &error), LOP_E_ARG);
        lop_compute_free(compute);
        lop_network_free(network);
    }
}

static void changed_weights_are_seen(void **state)
{
    (void)state;
    float x[INPUTS], logits[OUTPUTS];
    lop_network *network = make_network(false);
    lop_compute *compute = NULL;
    fill(x, INPUTS);
    assert_int_equal(lop_compute_new(&compute, network, 1, LOP_AUTO, NULL), LOP_OK);
    assert_int_equal(lop_compute_forward(compute, x, 1, logits, NULL), LOP_OK);
    memset(lop_network_layer(network, 2)->weight, 0, 33 * OUTPUTS * sizeof(float));
    assert_int_equal(lop_compute_forward(compute, x, 1, logits, NULL), LOP_OK);
    for (size_t i = 0; i < OUTPUTS; i++)
        assert_true(logits[i] == 0);
    lop_compute_free(compute);
    lop_network_free(network);
}

/* A NaN goes through relu, and through weights of zero, and into no other sample. */
static void nan_comes_out_where_it_went_in(void **state)
{
    (void)state;
    float x[3 * INPUTS], logits[3 * OUTPUTS];
    lop_network *network = make_network(true);
    lop_compute *compute = NULL;
    fill(x, 3 * INPUTS);
    x[INPUTS + 5] = NAN;
    memset(lop_network_layer(network, 0)->weight, 0, 80 * INPUTS * sizeof(float));
    assert_int_equal(lop_compute_new(&compute, network, 3, LOP_AUTO, NULL), LOP_OK);
    assert_int_equal(lop_compute_forward(compute, x, 3, logits, NULL), LOP_OK);
    for (size_t i = 0; i < 3 * OUTPUTS; i++)
        assert_true((isnan(logits[i]) != 0) == (i / OUTPUTS == 1));
    lop_compute_free(compute);
    lop_network_free(network);
}

static void precision_is_resolved(void **state)
{
    (void)state;
    lop_precision found = LOP_AUTO;
    lop_error error = {0};
    assert_int_equal(lop_precision_resolve(LOP_FLOAT32, &found, NULL), LOP_OK);
    assert_int_equal(found, LOP_FLOAT32);
    assert_int_equal(lop_precision_resolve(LOP_AUTO, &found, NULL), LOP_OK);
    assert_true(found == LOP_FLOAT32 || found == LOP_BF16);
    lop_status status = lop_precision_resolve(LOP_BF16, &found, &error);
    if (status == LOP_OK) {
        assert_int_equal(found, LOP_BF16);
    } else {
        assert_int_equal(status, LOP_E_UNSUPPORTED);
        assert_non_null(strstr(error.text, "bf16"));
        assert_non_null(strstr(error.text, "float32"));
        lop_network *network = make_network(false);
        lop_compute *compute = NULL;
        assert_int_equal(lop_compute_new(&compute, network, 1, LOP_BF16, NULL), LOP_E_UNSUPPORTED);
        assert_null(compute);
        lop_network_free(network);
    }
    assert_int_equal(lop_precision_resolve((lop_precision)7, &found, NULL), LOP_E_ARG);
    assert_string_equal(lop_precision_name(LOP_BF16), "bf16");
    assert_null(lop_precision_name((lop_precision)7));
}

/* The plainest optimizer; keeps the bf16 copies as it is asked to. */
typedef struct descent {
    lop_network *network;
    double gradient[3][MAX_WIDTH * MAX_WIDTH]; /* of the last step */
    size_t fail_at, calls;
} descent;

static lop_status descend(void *context, const lopi_gradient *gradient, lop_error *error)
{
    (void)error;
    descent *d = context;
    const lop_layer *layer = lop_network_layer(d->network, gradient->layer);
    if (d->calls++ == d->fail_at)
        return LOP_E_CANCELLED;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
        d->gradient[gradient->layer][i] = gradient->weight[i];
        layer->weight[i] -= 0.1f * gradient->weight[i];
        if (gradient->weight_half)
            gradient->weight_half[i] = lopi_bf16_from_float(layer->weight[i]);
    }
    for (size_t i = 0; layer->bias && i < layer->outputs; i++)
        layer->bias[i] -= 0.1f * gradient->bias[i];
    return LOP_OK;
}

static const uint16_t labels[MAX_BATCH] = {1, 6, 0, 3, 2, 5, 4, 4, 1, 0, 2, 3, 6};

/* `steps` steps on the same batch; the last loss, and the descent that led there. */
static double descend_steps(descent *d, lop_precision precision, double dropout, size_t steps)
{
    float x[MAX_BATCH * INPUTS];
    lopi_trainer *trainer = NULL;
    const lopi_trainer_options options = {.max_batch = MAX_BATCH,
                                          .precision = precision,
                                          .dropout = dropout,
                                          .input_dropout = dropout,
                                          .label_smoothing = 0.05,
                                          .seed = 8,
                                          .context = d,
                                          .on_gradient = descend};
    double loss = 0;
    fill(x, MAX_BATCH * INPUTS);
    d->network = make_network(true);
    d->fail_at = SIZE_MAX;
    assert_int_equal(lopi_trainer_new(&trainer, d->network, &options, NULL), LOP_OK);
    for (size_t i = 0; i < steps; i++) {
        const lopi_batch batch = {
            .x = x, .labels = labels, .size = i % 3 == 2 ? 13 : MAX_BATCH, .step = i};
        assert_int_equal(lopi_trainer_step(trainer, &batch, &loss, NULL, NULL), LOP_OK);
    }
    lopi_trainer_free(trainer);
    return loss;
}

static void same_steps_same_bytes(void **state)
{
    (void)state;
    descent *a = lopi_alloc(1, sizeof *a), *b = lopi_alloc(1, sizeof *b);
    double first = descend_steps(a, LOP_AUTO, 0.3, 9), second = descend_steps(b, LOP_AUTO, 0.3, 9);
    assert_true(first == second);
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *p = lop_network_layer(a->network, l),
                        *q = lop_network_layer(b->network, l);
        assert_memory_equal(p->weight, q->weight, p->outputs * p->inputs * sizeof(float));
        assert_memory_equal(p->bias, q->bias, p->outputs * sizeof(float));
    }
    lop_network_free(a->network);
    lop_network_free(b->network);
    lopi_free(a);
    lopi_free(b);
}

static void steps_learn(void **state)
{
    (void)state;
    descent *d = lopi_alloc(1, sizeof *d);
    double before = descend_steps(d, LOP_AUTO, 0, 1);
    lop_network_free(d->network);
    double after = descend_steps(d, LOP_AUTO, 0, 60);
    lop_network_free(d->network);
    lopi_free(d);
    assert_true(after < before / 3);
}

static void a_failing_callback_ends_the_step(void **state)
{
    (void)state;
    float x[MAX_BATCH * INPUTS];
    lopi_trainer *trainer = NULL;
    descent *d = lopi_alloc(1, sizeof *d);
    d->network = make_network(true);
    d->fail_at = 1;
    fill(x, MAX_BATCH * INPUTS);
    const lopi_trainer_options options = {
        .max_batch = MAX_BATCH, .context = d, .on_gradient = descend};
    lopi_batch batch = {.x = x, .labels = labels, .size = MAX_BATCH};
    double loss = 42;
    size_t correct = 42;
    assert_int_equal(lopi_trainer_new(&trainer, d->network, &options, NULL), LOP_OK);
    assert_int_equal(lopi_trainer_step(trainer, &batch, &loss, &correct, NULL), LOP_E_CANCELLED);
    assert_int_equal(d->calls, 2);
    assert_true(loss == 42 && correct == 42);
    batch.size = MAX_BATCH + 1;
    assert_int_equal(lopi_trainer_step(trainer, &batch, &loss, NULL, NULL), LOP_E_ARG);
    batch.size = MAX_BATCH;
    x[0] = NAN;
    assert_int_equal(lopi_trainer_step(trainer, &batch, &loss, NULL, NULL), LOP_OK);
    assert_true(isnan(loss));
    assert_int_equal(d->calls, 2);
    lopi_trainer_free(trainer);
    lop_network_free(d->network);
    lopi_free(d);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    static const lopi_trainer_options bad[] = {
        {.max_batch = 0, .on_gradient = descend},
        {.max_batch = 1},
        {.max_batch = 1, .on_gradient = descend, .dropout = 1},
        {.max_batch = 1, .on_gradient = descend, .input_dropout = -0.1},
        {.max_batch = 1, .on_gradient = descend, .label_smoothing = NAN},
    };
    lop_network *network = make_network(false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lopi_trainer *trainer = NULL;
        assert_int_equal(lopi_trainer_new(&trainer, network, &bad[i], NULL), LOP_E_ARG);
        assert_null(trainer);
    }
    const lopi_trainer_options huge = {.max_batch = SIZE_MAX / 8, .on_gradient = descend};
    lopi_trainer *trainer = NULL;
    assert_int_equal(lopi_trainer_new(&trainer, network, &huge, NULL), LOP_E_MEMORY);
    lop_compute *compute = NULL;
    assert_int_equal(lop_compute_new(&compute, network, SIZE_MAX / 8, LOP_FLOAT32, NULL),
                     LOP_E_MEMORY);
    assert_int_equal(lop_compute_new(&compute, network, 0, LOP_FLOAT32, NULL), LOP_E_ARG);
    lop_network_free(network);
}

static void need_bf16(void)
{
    lop_precision found;
    if (lop_precision_resolve(LOP_BF16, &found, NULL) == LOP_OK)
        return;
    print_message("skipped: this machine does not compute bf16\n");
    skip();
}

/* Eight bits of mantissa at each of three layers: 2^-8 of logits of about 10, some times over. */
static void bf16_forward_is_close(void **state)
{
    (void)state;
    need_bf16();
    float x[MAX_BATCH * INPUTS], logits[MAX_BATCH * OUTPUTS];
    lop_network *network = make_network(true);
    lop_compute *compute = NULL;
    fill(x, MAX_BATCH * INPUTS);
    assert_int_equal(lop_compute_new(&compute, network, MAX_BATCH, LOP_BF16, NULL), LOP_OK);
    assert_int_equal(lop_compute_forward(compute, x, MAX_BATCH, logits, NULL), LOP_OK);
    double found = difference(network, x, MAX_BATCH, logits);
    assert_true(found < 0.15 && found > float32_error);
    lop_compute_free(compute);
    lop_network_free(network);
}

/* Gradients point the same way. bf16 keeps 8 bits: a rounding is off by 2^-9 at most, and what is
 * rounded, activations forward and gradients backward, adds up from layer to layer. The last
 * layer's gradient has gone through the fewest roundings, the first one's through all of them, and
 * relus whose sum lies near 0 switch. A noise of n has an angle whose cosine is 1 - n^2 / 2: bounds
 * of 6 % for the first layer and 4 % for the others, somewhat above what is found (5 %, 2 %, 0.2
 * %). */
static void bf16_gradients_are_close(void **state)
{
    (void)state;
    need_bf16();
    static const double least[] = {0.998, 0.999, 0.999};
    descent *a = lopi_alloc(1, sizeof *a), *b = lopi_alloc(1, sizeof *b);
    descend_steps(a, LOP_FLOAT32, 0.2, 1);
    descend_steps(b, LOP_BF16, 0.2, 1);
    for (size_t l = 0; l < 3; l++) {
        double dot = 0, p = 0, q = 0;
        for (size_t i = 0; i < MAX_WIDTH * MAX_WIDTH; i++) {
            dot += a->gradient[l][i] * b->gradient[l][i];
            p += a->gradient[l][i] * a->gradient[l][i];
            q += b->gradient[l][i] * b->gradient[l][i];
        }
        assert_true(dot / sqrt(p * q) > least[l]);
    }
    lop_network_free(a->network);
    lop_network_free(b->network);
    lopi_free(a);
    lopi_free(b);
}

static void bf16_steps_learn(void **state)
{
    (void)state;
    need_bf16();
    descent *d = lopi_alloc(1, sizeof *d);
    double before = descend_steps(d, LOP_BF16, 0, 1);
    lop_network_free(d->network);
    double after = descend_steps(d, LOP_BF16, 0, 60);
    lop_network_free(d->network);
    lopi_free(d);
    assert_true(after < before / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_right_for_any_batch),
        cmocka_unit_test(changed_weights_are_seen),
        cmocka_unit_test(nan_comes_out_where_it_went_in),
        cmocka_unit_test(precision_is_resolved),
        cmocka_unit_test(same_steps_same_bytes),
        cmocka_unit_test(steps_learn),
        cmocka_unit_test(a_failing_callback_ends_the_step),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(bf16_forward_is_close),
        cmocka_unit_test(bf16_gradients_are_close),
        cmocka_unit_test(bf16_steps_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
