/*
 * Not a test: times a training step of the challenge network, and beside it the dense products that
 * it cannot do without. time_nn_step [PRECISION [DROPOUT [BATCH]]]
 *
 * Both are measured in turns and the best of each counts, so that a busy machine disturbs them
 * alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lop/machine.h>
#include <lop/network.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/dense.h"
#include "nn/trainer.h"

enum { LAYERS = 5, ROUNDS = 60 };

static const size_t widths[LAYERS + 1] = {784, 1000, 1000, 500, 200, 10};

static lop_status ignore(void *context, const lopi_gradient *gradient, lop_error *error)
{
    (void)context, (void)gradient, (void)error;
    return LOP_OK;
}

/* Operands of one layer's products; their values do not matter as long as they are tame. */
typedef struct operands {
    void *x, *w, *y, *gradient;
} operands;

static double time_products(lopi_dense *dense, const operands *o, size_t batch, bool half)
{
    double start = lop_clock_seconds();
    for (size_t l = 0; l < LAYERS; l++) {
        const lopi_product forward = {.rows = batch,
                                      .inner = widths[l],
                                      .columns = widths[l + 1],
                                      .b_transposed = true,
                                      .half = half,
                                      .half_result = half};
        const lopi_product input = {.rows = batch,
                                    .inner = widths[l + 1],
                                    .columns = widths[l],
                                    .half = half,
                                    .half_result = half};
        const lopi_product weight = {.rows = widths[l + 1],
                                     .inner = batch,
                                     .columns = widths[l],
                                     .a_transposed = true,
                                     .half = half};
        lopi_dense_multiply(dense, &forward, o[l].x, o[l].w, NULL, o[l].y, NULL);
        if (l > 0)
            lopi_dense_multiply(dense, &input, o[l].y, o[l].w, NULL, o[l].x, NULL);
        lopi_dense_multiply(dense, &weight, o[l].y, o[l].x, NULL, o[0].gradient, NULL);
    }
    return lop_clock_seconds() - start;
}

static double gflops(size_t batch)
{
    double weights = 0;
    for (size_t l = 0; l < LAYERS; l++)
        weights += (double)(widths[l] * widths[l + 1]) * (l > 0 ? 3 : 2);
    return 2e-9 * weights * (double)batch;
}

static void keep_best(lopi_profile *best, const lopi_profile *now, const lopi_profile *before)
{
    const double *n = &now->forward, *b = &before->forward;
    double *out = &best->forward;
    for (size_t i = 0; i < sizeof *best / sizeof *out; i++)
        if (n[i] - b[i] < out[i])
            out[i] = n[i] - b[i];
}

static double lower(double a, double b) { return a < b ? a : b; }

static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static lop_precision find_precision(const char *name)
{
    for (int p = LOP_AUTO; lop_precision_name((lop_precision)p); p++)
        if (strcmp(lop_precision_name((lop_precision)p), name) == 0)
            return (lop_precision)p;
    return LOP_AUTO;
}

int main(int count, char **arguments)
{
    lop_error error = {0};
    char text[1024];
    lop_network *network = NULL;
    lopi_trainer *trainer = NULL;
    lopi_dense *dense = NULL;
    size_t batch = count > 3 ? strtoul(arguments[3], NULL, 10) : 256;
    const lop_mlp_spec spec = {.inputs = widths[0],
                               .hidden = widths + 1,
                               .hidden_count = LAYERS - 1,
                               .outputs = widths[LAYERS],
                               .seed = 1};
    const lopi_trainer_options options = {.max_batch = batch,
                                          .precision =
                                              count > 1 ? find_precision(arguments[1]) : LOP_AUTO,
                                          .dropout = count > 2 ? strtod(arguments[2], NULL) : 0,
                                          .on_gradient = ignore};
    float *x = lopi_alloc_aligned(batch * widths[0], sizeof *x);
    uint16_t *labels = lopi_alloc(batch, sizeof *labels);
    operands o[LAYERS];
    for (size_t l = 0; l < LAYERS; l++)
        o[l] = (operands){lopi_alloc_aligned(batch * widths[l], sizeof(float)),
                          lopi_alloc_aligned(widths[l] * widths[l + 1], sizeof(float)),
                          lopi_alloc_aligned(batch * widths[l + 1], sizeof(float)),
                          lopi_alloc_aligned(1000 * 1000, sizeof(float))};
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < batch * widths[0]; i++)
        x[i] = lopi_random_float(&random);

    lop_status status = lop_network_new_mlp(&network, &spec, &error);
    if (status == LOP_OK)
        status = lopi_trainer_new(&trainer, network, &options, &error);
    if (status == LOP_OK)
        status = lopi_dense_new(&dense, &error);
    double step = 1e9, products = 1e9, step_cpu = 1e9, products_cpu = 1e9;
    lopi_profile best = {1e9, 1e9, 1e9, 1e9, 1e9, 1e9}, before = {0};
    for (size_t i = 0; i < ROUNDS && status == LOP_OK; i++) {
        const lopi_batch data = {.x = x, .labels = labels, .size = batch, .step = i};
        double start = lop_clock_seconds(), cpu = cpu_seconds();
        status = lopi_trainer_step(trainer, &data, NULL, NULL, &error);
        double seconds = lop_clock_seconds() - start;
        step = lower(step, seconds);
        step_cpu = lower(step_cpu, cpu_seconds() - cpu);
        keep_best(&best, lopi_trainer_profile(trainer), &before);
        before = *lopi_trainer_profile(trainer);
        cpu = cpu_seconds();
        seconds = time_products(dense, o, batch, lopi_trainer_precision(trainer) == LOP_BF16);
        products = lower(products, seconds);
        products_cpu = lower(products_cpu, cpu_seconds() - cpu);
    }
    if (status == LOP_OK) {
        printf("%s, batch %zu, %zu threads\n", lop_precision_name(lopi_trainer_precision(trainer)),
               batch, lop_threads_get());
        printf("products alone %.2f ms, %.0f GFLOP/s\n", 1e3 * products, gflops(batch) / products);
        printf("step           %.2f ms, %.0f GFLOP/s, %+.1f %%\n", 1e3 * step, gflops(batch) / step,
               100 * (step / products - 1));
        printf("processor time %.2f ms products, %.2f ms step\n", 1e3 * products_cpu,
               1e3 * step_cpu);
        printf("of it forward %.2f, loss %.3f, backward %.2f, dropout %.2f, conversion %.2f ms\n",
               1e3 * best.forward, 1e3 * best.loss, 1e3 * best.backward, 1e3 * best.dropout,
               1e3 * best.conversion);
    } else {
        fprintf(stderr, "time_nn_step: %s\n", lop_error_format(&error, text, sizeof text));
    }
    return status == LOP_OK ? 0 : 1;
}
