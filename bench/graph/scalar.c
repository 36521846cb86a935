/* The plain program: the definition in float32, and the same in double to see what rounding does.
 */
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include <lop/machine.h>

static void layer_float(const uint16_t *input, uint32_t neurons, float bias, const float *x,
                        float *y)
{
    for (uint32_t n = 0; n < neurons; n++) {
        float z = 0;
        for (uint32_t i = 0; i < GRAPH_FAN_IN; i++)
            z += GRAPH_WEIGHT * x[input[(size_t)n * GRAPH_FAN_IN + i]];
        if (z != 0)
            z += bias;
        if (z < 0)
            z = 0;
        y[n] = z > GRAPH_CLAMP ? GRAPH_CLAMP : z;
    }
}

static void layer_double(const uint16_t *input, uint32_t neurons, double bias, const double *x,
                         double *y)
{
    for (uint32_t n = 0; n < neurons; n++) {
        double z = 0;
        for (uint32_t i = 0; i < GRAPH_FAN_IN; i++)
            z += (double)GRAPH_WEIGHT * x[input[(size_t)n * GRAPH_FAN_IN + i]];
        if (z != 0)
            z += bias;
        if (z < 0)
            z = 0;
        y[n] = z > GRAPH_CLAMP ? GRAPH_CLAMP : z;
    }
}

static void image_float(const graph_network *network, const graph_inputs *inputs, size_t image,
                        float *memory, graph_answer *answer)
{
    uint32_t neurons = network->neurons;
    float *x = memory, *y = memory + neurons;
    for (uint32_t n = 0; n < neurons; n++)
        x[n] = graph_pixel(inputs, image, n);
    for (uint32_t l = 0; l < network->layers; l++) {
        layer_float(graph_layer(network, l), neurons, network->bias, x, y);
        float *held = x;
        x = y;
        y = held;
    }
    bool any = false;
    for (uint32_t n = 0; n < neurons; n++)
        any |= x[n] > 0;
    answer->category[image] = any;
    if (answer->values)
        memcpy(answer->values + image * neurons, x, neurons * sizeof *x);
}

static void image_double(const graph_network *network, const graph_inputs *inputs, size_t image,
                         double *memory, graph_answer *answer)
{
    uint32_t neurons = network->neurons;
    double *x = memory, *y = memory + neurons;
    for (uint32_t n = 0; n < neurons; n++)
        x[n] = graph_pixel(inputs, image, n);
    for (uint32_t l = 0; l < network->layers; l++) {
        layer_double(graph_layer(network, l), neurons, (double)network->bias, x, y);
        double *held = x;
        x = y;
        y = held;
    }
    bool any = false;
    for (uint32_t n = 0; n < neurons; n++)
        any |= x[n] > 0;
    answer->category[image] = any;
}

static void run(const graph_network *network, const graph_inputs *inputs, size_t threads,
                graph_answer *answer, bool in_double)
{
    size_t piece = 2 * (size_t)network->neurons;
    double *memory = calloc(threads, piece * sizeof *memory);
    if (!memory) {
        snprintf(answer->failure, sizeof answer->failure, "out of memory");
        return;
    }
    double start = lop_clock_seconds();
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 4)
    for (size_t i = 0; i < inputs->count; i++) {
        double *own = memory + (size_t)omp_get_thread_num() * piece;
        if (in_double)
            image_double(network, inputs, i, own, answer);
        else
            image_float(network, inputs, i, (float *)(void *)own, answer);
    }
    answer->run_seconds = lop_clock_seconds() - start;
    free(memory);
}

void graph_run_scalar(const graph_network *network, const graph_inputs *inputs, size_t threads,
                      graph_answer *answer)
{
    run(network, inputs, threads, answer, false);
}

void graph_run_double(const graph_network *network, const graph_inputs *inputs, size_t threads,
                      graph_answer *answer)
{
    run(network, inputs, threads, answer, true);
}
