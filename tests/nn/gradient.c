/*
 * Gradients of a training step against central differences of a forward pass written here, plainly
 * and in double.
 */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/elementwise.h"
#include "nn/graph.h"
#include "nn/trainer.h"

enum { MAX_WIDTH = 32, MAX_GRADIENT = MAX_WIDTH * MAX_WIDTH, BATCH = 6, MAX_NODES = 8 };

typedef struct gathered {
    const lop_network *network;
    double weight[4][MAX_GRADIENT], bias[4][MAX_WIDTH];
    size_t calls, order[4];
} gathered;

static lop_status gather(void *context, const lopi_gradient *gradient, lop_error *error)
{
    (void)error;
    gathered *all = context;
    const lop_layer *layer = lop_network_layer(all->network, gradient->layer);
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        all->weight[gradient->layer][i] = gradient->weight[i];
    assert_true((layer->bias != NULL) == (gradient->bias != NULL));
    for (size_t i = 0; layer->bias && i < layer->outputs; i++)
        all->bias[gradient->layer][i] = gradient->bias[i];
    all->order[all->calls++] = gradient->layer;
    return LOP_OK;
}

/* Parameters in double, so that a small step in one of them is not rounded away. */
typedef struct reference {
    const lop_network *network;
    double weight[4][MAX_GRADIENT], bias[4][MAX_WIDTH];
    double smoothing;
    float mask[MAX_NODES][BATCH * MAX_WIDTH]; /* what dropout multiplies a node's values by */
} reference;

/* The definition of dropout, once more: which node draws from which stream. */
static void draw_masks(reference *r, const lopi_trainer_options *options, uint64_t step)
{
    size_t count = lop_network_node_count(r->network);
    for (size_t n = 0; n < count; n++) {
        const lop_node *node = lop_network_node(r->network, n);
        double rate = n == 0 ? options->input_dropout : 0;
        if (node->op == LOP_OP_RELU && n + 1 < count)
            rate = options->dropout;
        for (size_t i = 0; i < BATCH * node->width; i++)
            r->mask[n][i] = 1;
        const lopi_dropout dropout = lopi_dropout_from_rate(rate);
        const lopi_random random =
            lopi_random_stream(options->seed, LOPI_STREAM_DROPOUT, step << 10 | n);
        lopi_dropout_apply(&dropout, &random, (lopi_floats){r->mask[n], false},
                           BATCH * node->width);
    }
}

static double reference_loss(const reference *r, const float *x, const uint16_t *labels)
{
    double total = 0;
    for (size_t s = 0; s < BATCH; s++) {
        double value[MAX_WIDTH], next[MAX_WIDTH];
        size_t width = lop_network_inputs(r->network);
        for (size_t i = 0; i < width; i++)
            value[i] = (double)x[s * width + i] * r->mask[0][s * width + i];
        for (size_t n = 1; n < lop_network_node_count(r->network); n++) {
            const lop_node *node = lop_network_node(r->network, n);
            size_t l = node->layer;
            for (size_t o = 0; o < node->width; o++) {
                if (node->op == LOP_OP_RELU) {
                    next[o] = value[o] > 0 ? value[o] * r->mask[n][s * width + o] : 0;
                    continue;
                }
                next[o] = lop_network_layer(r->network, l)->bias ? r->bias[l][o] : 0;
                for (size_t i = 0; i < width; i++)
                    next[o] += r->weight[l][o * width + i] * value[i];
            }
            width = node->width;
            memcpy(value, next, sizeof value);
        }
        double sum = 0;
        for (size_t c = 0; c < width; c++)
            sum += exp(value[c]);
        for (size_t c = 0; c < width; c++) {
            double target = r->smoothing / (double)width + (c == labels[s] ? 1 - r->smoothing : 0);
            total -= target * (value[c] - log(sum));
        }
    }
    return total / BATCH;
}

/*
 * A central difference with step h is off by h²/6 times the third derivative (about 1e-9 here) and
 * by the rounding of the loss over h (1e-11); float32 products of at most 32 terms are off by about
 * 32 · 6e-8 of their size. 2e-5 of the layer's largest gradient leaves a factor of ten.
 */
static void check(double *parameters, const double *gradient, size_t count, reference *r,
                  const float *x, const uint16_t *labels)
{
    const double h = 1e-5;
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(gradient[i]));
    assert_true(largest > 1e-4);
    for (size_t i = 0; i < count; i++) {
        double kept = parameters[i];
        parameters[i] = kept + h;
        double above = reference_loss(r, x, labels);
        parameters[i] = kept - h;
        double below = reference_loss(r, x, labels);
        parameters[i] = kept;
        assert_true(fabs((above - below) / (2 * h) - gradient[i]) < 2e-5 * largest + 1e-8);
    }
}

static void run(const char *spec, double smoothing, double dropout)
{
    lop_network *network = NULL;
    lopi_trainer *trainer = NULL;
    gathered *all = lopi_alloc(1, sizeof *all);
    reference *r = lopi_alloc(1, sizeof *r);
    assert_int_equal(lop_network_new_spec(&network, spec, strlen(spec), NULL), LOP_OK);
    lop_network_initialize(network, 4);
    all->network = r->network = network;
    r->smoothing = smoothing;

    lopi_random random = lopi_random_stream(5, LOPI_STREAM_TEST, 0);
    size_t classes = lop_network_outputs(network), layers = lop_network_layer_count(network);
    float x[BATCH * MAX_WIDTH];
    uint16_t labels[BATCH];
    for (size_t i = 0; i < BATCH * lop_network_inputs(network); i++)
        x[i] = (float)lopi_random_normal(&random);
    for (size_t i = 0; i < BATCH; i++)
        labels[i] = (uint16_t)lopi_random_below(&random, (uint32_t)classes);
    for (size_t l = 0; l < layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
            r->weight[l][i] = layer->weight[i];
        for (size_t i = 0; layer->bias && i < layer->outputs; i++)
            r->bias[l][i] = layer->bias[i] = (float)lopi_random_normal(&random);
    }

    const lopi_trainer_options options = {.max_batch = BATCH + 1,
                                          .precision = LOP_FLOAT32,
                                          .label_smoothing = smoothing,
                                          .dropout = dropout,
                                          .input_dropout = dropout / 2,
                                          .seed = 11,
                                          .context = all,
                                          .on_gradient = gather};
    const lopi_batch batch = {.x = x, .labels = labels, .size = BATCH, .step = 3};
    double loss = 0;
    draw_masks(r, &options, batch.step);
    assert_int_equal(lopi_trainer_new(&trainer, network, &options, NULL), LOP_OK);
    assert_int_equal(lopi_trainer_step(trainer, &batch, &loss, NULL, NULL), LOP_OK);
    /* Logits of a few units, off by some 1e-6. */
    assert_true(fabs(loss - reference_loss(r, x, labels)) < 1e-5);
    assert_int_equal(all->calls, layers);
    for (size_t l = 0; l < layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        assert_int_equal(all->order[l], layers - 1 - l);
        check(r->weight[l], all->weight[l], layer->outputs * layer->inputs, r, x, labels);
        if (layer->bias)
            check(r->bias[l], all->bias[l], layer->outputs, r, x, labels);
    }
    lopi_trainer_free(trainer);
    lop_network_free(network);
    lopi_free(all);
    lopi_free(r);
}

#define INPUT "{\"op\":\"input\",\"name\":\"x\",\"width\":9}"
#define LINEAR(n, i, w, b)                                                                         \
    ",{\"op\":\"linear\",\"name\":\"" n "\",\"input\":\"" i "\",\"width\":" w ",\"bias\":" b "}"
#define RELU(n, i) ",{\"op\":\"relu\",\"name\":\"" n "\",\"input\":\"" i "\"}"
#define SPEC(...)  "{\"nodes\":[" INPUT __VA_ARGS__ "]}"

static void two_layers(void **state)
{
    (void)state;
    run(SPEC(LINEAR("a", "x", "17", "false") RELU("b", "a") LINEAR("c", "b", "5", "false")), 0, 0);
}

static void three_layers_with_bias_and_smoothing(void **state)
{
    (void)state;
    run(SPEC(LINEAR("a", "x", "17", "true") RELU("b", "a") LINEAR("c", "b", "31", "true")
                 RELU("d", "c") LINEAR("e", "d", "4", "true")),
        0.15, 0);
}

static void one_layer(void **state)
{
    (void)state;
    run(SPEC(LINEAR("a", "x", "6", "true")), 0, 0);
}

static void relu_in_odd_places(void **state)
{
    (void)state;
    run(SPEC(RELU("r", "x") LINEAR("a", "r", "12", "true") LINEAR("b", "a", "13", "false")
                 RELU("c", "b") RELU("d", "c") LINEAR("e", "d", "7", "true") RELU("f", "e")),
        0.1, 0);
}

static void dropout(void **state)
{
    (void)state;
    run(SPEC(LINEAR("a", "x", "17", "true") RELU("b", "a") LINEAR("c", "b", "31", "true")
                 RELU("d", "c") RELU("e", "d") LINEAR("f", "e", "4", "true")),
        0.1, 0.4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_layers), cmocka_unit_test(three_layers_with_bias_and_smoothing),
        cmocka_unit_test(one_layer),  cmocka_unit_test(relu_in_odd_places),
        cmocka_unit_test(dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
