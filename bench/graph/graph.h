/**
 * The Sparse DNN Graph Challenge: a network of neurons with 32 connections each, and for each image
 * whether any neuron of the last layer is above zero (its category). A layer computes
 *
 *     z = Σ y / 16 over the neuron's 32 inputs;  y' = min(max(z + (z ≠ 0 ? bias : 0), 0), 32)
 *
 * Each way to compute it is a row of a table. All are measured in one run, each in a process of its
 * own, so that its memory is its own too.
 *
 * Arithmetic. Sums of float32, each rounded to nearest, in the rising order of a neuron's inputs:
 * scalar.c is the definition, and tiles.c gives its bits. Multiplying by 1/16 loses nothing, so it
 * may be done once, behind the sum. A bias is never above zero, so where z is 0 the result is 0
 * whether it is added or not.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

enum { GRAPH_FAN_IN = 32, GRAPH_CLAMP = 32, GRAPH_MAX_NEURONS = 65536 };
#define GRAPH_WEIGHT (1.0f / 16)

/** A network. Connections of one neuron stand in rising order. */
typedef struct graph_network {
    uint32_t neurons, layers;
    float bias;
    uint16_t *input; /* [layers][neurons][GRAPH_FAN_IN]: neurons of the layer before */
} graph_network;

/** Make a RadiX-Net, see radix.c. False where memory is short or there is none of this size. */
bool graph_network_new(graph_network *network, uint32_t neurons, uint32_t layers);
void graph_network_free(graph_network *network);
static inline const uint16_t *graph_layer(const graph_network *network, uint32_t layer)
{
    return network->input + (size_t)layer * network->neurons * GRAPH_FAN_IN;
}

/** Images of 0 and 1, as many pixels as a layer has neurons. */
typedef struct graph_inputs {
    size_t count;
    uint32_t neurons;
    uint8_t *bits; /* [count][neurons / 8], the first pixel lowest */
} graph_inputs;

/** MNIST's first `count` training images, see images.c. */
lop_status graph_inputs_mnist(graph_inputs *inputs, uint32_t neurons, size_t count,
                              lop_error *error);
/** Made-up images, rectangles of all sizes, for tests that have no data. */
bool graph_inputs_made(graph_inputs *inputs, uint32_t neurons, size_t count);
void graph_inputs_free(graph_inputs *inputs);
static inline bool graph_pixel(const graph_inputs *inputs, size_t image, uint32_t neuron)
{
    return inputs->bits[image * (inputs->neurons / 8) + neuron / 8] >> neuron % 8 & 1;
}

/** What one way finds and takes. Lies in memory that the processes share. */
typedef struct graph_answer {
    double prepare_seconds, run_seconds;
    char failure[160]; /* "" where all is well */
    uint8_t *category; /* [inputs] 0 or 1 */
    float *values;     /* [inputs][neurons] of the last layer, or NULL where nobody asks */
} graph_answer;

typedef struct graph_method {
    const char *name, *description;
    size_t most; /* images it is given at most; 0: all */
    void (*run)(const graph_network *network, const graph_inputs *inputs, size_t threads,
                graph_answer *answer);
} graph_method;

void graph_run_scalar(const graph_network *network, const graph_inputs *inputs, size_t threads,
                      graph_answer *answer);
void graph_run_double(const graph_network *network, const graph_inputs *inputs, size_t threads,
                      graph_answer *answer);
void graph_run_tiles(const graph_network *network, const graph_inputs *inputs, size_t threads,
                     graph_answer *answer);
void graph_run_classes(const graph_network *network, const graph_inputs *inputs, size_t threads,
                       graph_answer *answer);
void graph_run_finished(const graph_network *network, const graph_inputs *inputs, size_t threads,
                        graph_answer *answer);
#ifdef GRAPH_HAVE_GRAPHBLAS
void graph_run_graphblas(const graph_network *network, const graph_inputs *inputs, size_t threads,
                         graph_answer *answer);
#endif

#endif
