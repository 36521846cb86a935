/* Forward, loss and gradients against numpy: see reference.py for what it says. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "nn/trainer.h"

#ifndef LOP_REFERENCE
#define LOP_REFERENCE ""
#endif

enum { MAX_LAYERS = 8 };

typedef struct fit {
    lop_network *network;
    float *weight[MAX_LAYERS], *bias[MAX_LAYERS]; /* gradients */
} fit;

static lop_status keep(void *context, const lopi_gradient *gradient, lop_error *error)
{
    (void)error;
    fit *f = context;
    const lop_layer *layer = lop_network_layer(f->network, gradient->layer);
    memcpy(f->weight[gradient->layer], gradient->weight,
           layer->outputs * layer->inputs * sizeof(float));
    if (layer->bias)
        memcpy(f->bias[gradient->layer], gradient->bias, layer->outputs * sizeof(float));
    return LOP_OK;
}

static double number(FILE *from)
{
    double value;
    assert_int_equal(fscanf(from, "%lf", &value), 1);
    return value;
}

static void word(FILE *from, const char *expected)
{
    char found[16];
    assert_int_equal(fscanf(from, "%15s", found), 1);
    assert_string_equal(found, expected);
}

static void read_floats(FILE *from, const char *name, float *out, size_t count)
{
    word(from, name);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)number(from);
}

/*
 * float32 sums of up to 100 products through five layers are off by less than 1e-5 of the largest
 * value among them; measured it is less than 1e-6.
 */
static void compare(FILE *from, const char *name, const float *found, size_t count)
{
    double *expected = lopi_alloc(count, sizeof *expected), largest = 0;
    word(from, name);
    for (size_t i = 0; i < count; i++) {
        expected[i] = number(from);
        largest = fmax(largest, fabs(expected[i]));
    }
    for (size_t i = 0; i < count; i++)
        if (!(fabs(found[i] - expected[i]) <= 1e-5 * largest))
            fail_msg("%s %zu: expected %.9g, found %.9g", name, i, expected[i], (double)found[i]);
    lopi_free(expected);
}

static lop_network *read_network(FILE *from, bool bias)
{
    size_t widths[MAX_LAYERS], count = (size_t)number(from);
    assert_in_range(count, 2, MAX_LAYERS);
    for (size_t i = 0; i < count; i++)
        widths[i] = (size_t)number(from);
    const lop_mlp_spec spec = {.inputs = widths[0],
                               .hidden = widths + 1,
                               .hidden_count = count - 2,
                               .outputs = widths[count - 1],
                               .bias = bias};
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    return network;
}

static void read_parameters(FILE *from, fit *f)
{
    for (size_t l = 0; l < lop_network_layer_count(f->network); l++) {
        const lop_layer *layer = lop_network_layer(f->network, l);
        size_t count = layer->outputs * layer->inputs;
        read_floats(from, "weights", layer->weight, count);
        if (layer->bias)
            read_floats(from, "biases", layer->bias, layer->outputs);
        f->weight[l] = lopi_alloc(count, sizeof(float));
        f->bias[l] = lopi_alloc(layer->outputs, sizeof(float));
    }
}

static void compare_gradients(FILE *from, fit *f)
{
    for (size_t l = 0; l < lop_network_layer_count(f->network); l++) {
        const lop_layer *layer = lop_network_layer(f->network, l);
        compare(from, "weights", f->weight[l], layer->outputs * layer->inputs);
        if (layer->bias)
            compare(from, "biases", f->bias[l], layer->outputs);
        lopi_free(f->weight[l]);
        lopi_free(f->bias[l]);
    }
}

static void check_case(FILE *from)
{
    fit f = {0};
    lopi_trainer *trainer = NULL;
    lop_compute *compute = NULL;
    double smoothing = number(from), loss = 0;
    bool bias = number(from) == 1;
    size_t batch = (size_t)number(from), correct = 0;
    f.network = read_network(from, bias);
    size_t inputs = lop_network_inputs(f.network), outputs = lop_network_outputs(f.network);
    float *x = lopi_alloc(batch * inputs, sizeof *x);
    float *logits = lopi_alloc(batch * outputs, sizeof *logits);
    uint16_t *labels = lopi_alloc(batch, sizeof *labels);
    read_floats(from, "x", x, batch * inputs);
    word(from, "labels");
    for (size_t i = 0; i < batch; i++)
        labels[i] = (uint16_t)number(from);
    read_parameters(from, &f);

    const lopi_trainer_options options = {.max_batch = batch,
                                          .precision = LOP_FLOAT32,
                                          .label_smoothing = smoothing,
                                          .context = &f,
                                          .on_gradient = keep};
    const lopi_batch step = {.x = x, .labels = labels, .size = batch};
    assert_int_equal(lopi_trainer_new(&trainer, f.network, &options, NULL), LOP_OK);
    assert_int_equal(lopi_trainer_step(trainer, &step, &loss, &correct, NULL), LOP_OK);
    assert_int_equal(lop_compute_new(&compute, f.network, batch, LOP_FLOAT32, NULL), LOP_OK);
    assert_int_equal(lop_compute_forward(compute, x, batch, logits, NULL), LOP_OK);

    word(from, "loss");
    double expected = number(from);
    assert_true(fabs(loss - expected) <= 1e-5 * expected);
    assert_int_equal(correct, (size_t)number(from));
    compare(from, "logits", logits, batch * outputs);
    compare_gradients(from, &f);

    lop_compute_free(compute);
    lopi_trainer_free(trainer);
    lop_network_free(f.network);
    lopi_free(x);
    lopi_free(logits);
    lopi_free(labels);
}

static void numpy_agrees(void **state)
{
    (void)state;
    if (!*LOP_REFERENCE) {
        print_message("skipped: no python3 when this was configured\n");
        skip();
    }
    FILE *from = popen(LOP_REFERENCE, "r");
    assert_non_null(from);
    char first[16];
    size_t cases = 0;
    bool skipped = false;
    while (fscanf(from, "%15s", first) == 1) {
        skipped = strcmp(first, "skip") == 0;
        if (skipped)
            break;
        assert_string_equal(first, "case");
        check_case(from);
        cases++;
    }
    assert_int_equal(pclose(from), 0);
    if (skipped) {
        print_message("skipped: python3 has no numpy\n");
        skip();
    }
    assert_int_equal(cases, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numpy_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
