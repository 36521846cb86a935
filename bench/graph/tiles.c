/*
 * lop's way. Samples lie side by side in tiles, [neuron][sample], so that a connection is an
 * addition of whole registers and its index is read once a tile; a tile passes all layers before
 * the next begins, and stays in the cache. The sums are scalar.c's, in its order, so are the bits.
 * A tile in which nothing is left but zeros is done: what follows is zeros, as a bias is never
 * above 0. (GraphBLAS, which keeps no zeros, has nothing to compute for such samples either.)
 *
 * Two things that these networks allow are measured by themselves:
 *
 * - Classes. Neurons of a layer with the same inputs have the same value. They are found by
 *   comparing lists of connections, and computed once; the next layer's lists name classes.
 * - Finished tiles. A sample all of whose neurons are at the clamp stays so, if one layer from
 * there leads there again, which is tried on the network itself. A tile of such samples and of
 * samples that are 0 is done.
 */
#include "graph.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>

enum { LANES = 16, MOST = 64, TILES_BYTES = 1 << 20 };
#define NONE UINT32_MAX

/* A register, or as many as the machine needs. Elements are floats in memory. */
typedef float lanes __attribute__((vector_size(64), may_alias));
typedef int32_t lane_bits __attribute__((vector_size(64), may_alias));

typedef struct prepared_layer {
    uint32_t count;  /* neurons or classes */
    uint16_t *input; /* [count][GRAPH_FAN_IN]: those of the layer before */
} prepared_layer;

typedef struct prepared {
    prepared_layer *layer;
    uint16_t *memory;     /* of all lists */
    uint16_t *last_class; /* [neurons] of the last layer; NULL: each neuron is its own */
    uint32_t layers, neurons, samples; /* samples a tile */
    float bias;
    bool leave_finished;
} prepared;

/* What a sample's neurons reach in a layer. */
typedef struct extremes {
    lanes most[MOST / LANES], least[MOST / LANES];
} extremes;

static inline __attribute__((always_inline)) void at_least(lanes *a, const lanes *b)
{
    lane_bits below = *a < *b;
    *a = (lanes)(((lane_bits)*b & below) | ((lane_bits)*a & ~below));
}

static inline __attribute__((always_inline)) void at_most(lanes *a, const lanes *b)
{
    lane_bits above = *a > *b;
    *a = (lanes)(((lane_bits)*b & above) | ((lane_bits)*a & ~above));
}

static inline __attribute__((always_inline)) void compute(const prepared_layer *layer, float bias,
                                                          const float *x, float *y, extremes *e,
                                                          const uint32_t samples)
{
    const uint32_t registers = samples / LANES;
    const lanes zero = {0}, clamp = zero + GRAPH_CLAMP;
    for (uint32_t v = 0; v < registers; v++) {
        e->most[v] = zero;
        e->least[v] = clamp;
    }
    for (uint32_t n = 0; n < layer->count; n++) {
        const uint16_t *input = layer->input + (size_t)n * GRAPH_FAN_IN;
        lanes sum[MOST / LANES] = {{0}};
        for (uint32_t i = 0; i < GRAPH_FAN_IN; i++) {
            const lanes *from = (const lanes *)(x + (size_t)input[i] * samples);
            for (uint32_t v = 0; v < registers; v++)
                sum[v] += from[v];
        }
        lanes *to = (lanes *)(y + (size_t)n * samples);
        for (uint32_t v = 0; v < registers; v++) {
            lanes z = sum[v] * GRAPH_WEIGHT + bias; /* 0 + bias ends at 0, as 0 does */
            at_least(&z, &zero);
            at_most(&z, &clamp);
            at_least(&e->most[v], &z);
            at_most(&e->least[v], &z);
            to[v] = z;
        }
    }
}

/* The compiler makes one of these for each of the machine's widths, and picks when it runs. */
#ifdef GRAPH_HAVE_CLONES
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

CLONES static void compute_16(const prepared_layer *layer, float bias, const float *x, float *y,
                              extremes *e)
{
    compute(layer, bias, x, y, e, 16);
}

CLONES static void compute_32(const prepared_layer *layer, float bias, const float *x, float *y,
                              extremes *e)
{
    compute(layer, bias, x, y, e, 32);
}

CLONES static void compute_64(const prepared_layer *layer, float bias, const float *x, float *y,
                              extremes *e)
{
    compute(layer, bias, x, y, e, 64);
}

static void compute_layer(const prepared *p, uint32_t l, const float *x, float *y, extremes *e)
{
    (p->samples == 16   ? compute_16
     : p->samples == 32 ? compute_32
                        : compute_64)(&p->layer[l], p->bias, x, y, e);
}

/* Tiles. ------------------------------------------------------------------------------------- */

static void fill(const graph_inputs *inputs, size_t first, uint32_t samples, float *x)
{
    memset(x, 0, (size_t)inputs->neurons * samples * sizeof *x);
    for (uint32_t s = 0; s < samples && first + s < inputs->count; s++)
        for (uint32_t n = 0; n < inputs->neurons; n++)
            if (graph_pixel(inputs, first + s, n))
                x[(size_t)n * samples + s] = 1;
}

static bool is_over(const prepared *p, const extremes *e)
{
    const float *most = (const float *)e->most, *least = (const float *)e->least;
    for (uint32_t s = 0; s < p->samples; s++)
        if (most[s] > 0 && !(p->leave_finished && least[s] >= GRAPH_CLAMP))
            return false;
    return true;
}

static void hand_over(const prepared *p, const float *y, size_t first, size_t count,
                      const extremes *e, graph_answer *answer)
{
    const float *most = (const float *)e->most;
    for (size_t s = 0; s < count; s++) {
        answer->category[first + s] = most[s] > 0;
        for (uint32_t n = 0; answer->values && n < p->neurons; n++) {
            size_t from = p->last_class ? p->last_class[n] : n;
            /* a tile that is left early has one value, 0 or the clamp */
            answer->values[(first + s) * p->neurons + n] = y             ? y[from * p->samples + s]
                                                           : most[s] > 0 ? GRAPH_CLAMP
                                                                         : 0;
        }
    }
}

static void run_tile(const prepared *p, const graph_inputs *inputs, size_t first, float *memory,
                     graph_answer *answer)
{
    size_t left = inputs->count - first, count = left < p->samples ? left : p->samples;
    float *x = memory, *y = memory + (size_t)p->neurons * p->samples;
    extremes e = {0};
    bool over = false;
    fill(inputs, first, p->samples, x);
    for (uint32_t l = 0; l < p->layers && !over; l++) {
        compute_layer(p, l, x, y, &e);
        float *held = x;
        x = y;
        y = held;
        over = l + 1 < p->layers && is_over(p, &e);
    }
    hand_over(p, over ? NULL : x, first, count, &e, answer);
}

/* Classes. ----------------------------------------------------------------------------------- */

static uint64_t hash_list(const uint16_t *list)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < GRAPH_FAN_IN; i++)
        hash = (hash ^ list[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* Put a layer's lists into `layer`, each kind once, in terms of the classes `before` (NULL: none);
 * and the class of each neuron into `own`. table: twice as many as neurons, a power of two. */
static void classify(prepared_layer *layer, const uint16_t *input, uint32_t neurons,
                     const uint16_t *before, uint16_t *own, uint32_t *table)
{
    uint32_t size = 2 * neurons;
    memset(table, 0xff, size * sizeof *table);
    layer->count = 0;
    for (uint32_t n = 0; n < neurons; n++) {
        uint16_t *list = layer->input + (size_t)layer->count * GRAPH_FAN_IN;
        for (uint32_t i = 0; i < GRAPH_FAN_IN; i++) {
            uint16_t from = input[(size_t)n * GRAPH_FAN_IN + i];
            list[i] = before ? before[from] : from;
        }
        uint32_t at = (uint32_t)hash_list(list) & (size - 1);
        while (table[at] != NONE && memcmp(layer->input + (size_t)table[at] * GRAPH_FAN_IN, list,
                                           GRAPH_FAN_IN * sizeof *list) != 0)
            at = (at + 1) & (size - 1);
        if (table[at] == NONE)
            table[at] = layer->count++;
        own[n] = (uint16_t)table[at];
    }
}

static bool classify_all(prepared *p, const graph_network *network)
{
    uint32_t neurons = p->neurons;
    uint32_t *table = malloc(2 * (size_t)neurons * sizeof *table);
    uint16_t *classes = malloc(2 * (size_t)neurons * sizeof *classes);
    if (table && classes) {
        for (uint32_t l = 0; l < p->layers; l++) {
            uint16_t *own = classes + (l % 2) * neurons, *before = classes + (1 - l % 2) * neurons;
            classify(&p->layer[l], graph_layer(network, l), neurons, l ? before : NULL, own, table);
        }
        if ((p->last_class = malloc(neurons * sizeof *p->last_class)))
            memcpy(p->last_class, classes + ((p->layers - 1) % 2) * neurons,
                   neurons * sizeof *p->last_class);
    }
    free(table);
    free(classes);
    return p->last_class;
}

/* Prepared networks. ------------------------------------------------------------------------- */

static void prepared_free(prepared *p)
{
    free(p->layer);
    free(p->memory);
    free(p->last_class);
}

/* So many samples that both halves of a tile lie in the second-level cache. */
static uint32_t samples_a_tile(const prepared *p)
{
    size_t widest = 0, samples = MOST;
    for (uint32_t l = 0; l < p->layers; l++)
        widest = p->layer[l].count > widest ? p->layer[l].count : widest;
    while (samples > LANES && 2 * widest * samples * sizeof(float) > TILES_BYTES)
        samples /= 2;
    return (uint32_t)samples;
}

/* Whether a layer takes neurons at the clamp to neurons at the clamp. */
static bool clamp_stays(const prepared *p)
{
    float sum = 0;
    for (uint32_t i = 0; i < GRAPH_FAN_IN; i++)
        sum += GRAPH_CLAMP;
    return sum * GRAPH_WEIGHT + p->bias >= GRAPH_CLAMP;
}

static bool prepare(prepared *p, const graph_network *network, bool classes, bool leave_finished)
{
    size_t list = (size_t)network->neurons * GRAPH_FAN_IN;
    *p = (prepared){.layers = network->layers, .neurons = network->neurons, .bias = network->bias};
    p->layer = calloc(network->layers, sizeof *p->layer);
    p->memory = malloc(network->layers * list * sizeof *p->memory);
    if (!p->layer || !p->memory || network->bias > 0)
        return false;
    memcpy(p->memory, network->input, network->layers * list * sizeof *p->memory);
    for (uint32_t l = 0; l < network->layers; l++)
        p->layer[l] = (prepared_layer){network->neurons, p->memory + l * list};
    if (classes && !classify_all(p, network))
        return false;
    p->leave_finished = leave_finished && clamp_stays(p);
    p->samples = samples_a_tile(p);
    return true;
}

static void run(const graph_network *network, const graph_inputs *inputs, size_t threads,
                graph_answer *answer, bool classes, bool leave_finished)
{
    prepared p;
    double start = lop_clock_seconds();
    bool fine = prepare(&p, network, classes, leave_finished);
    answer->prepare_seconds = lop_clock_seconds() - start;
    size_t piece = 2 * (size_t)network->neurons * p.samples;
    float *memory = fine ? aligned_alloc(64, threads * piece * sizeof *memory) : NULL;
    if (memory) {
        start = lop_clock_seconds();
#pragma omp parallel for num_threads((int)threads) schedule(dynamic)
        for (size_t first = 0; first < inputs->count; first += p.samples)
            run_tile(&p, inputs, first, memory + (size_t)omp_get_thread_num() * piece, answer);
        answer->run_seconds = lop_clock_seconds() - start;
    } else {
        snprintf(answer->failure, sizeof answer->failure, "out of memory");
    }
    free(memory);
    prepared_free(&p);
}

void graph_run_tiles(const graph_network *network, const graph_inputs *inputs, size_t threads,
                     graph_answer *answer)
{
    run(network, inputs, threads, answer, false, false);
}

void graph_run_classes(const graph_network *network, const graph_inputs *inputs, size_t threads,
                       graph_answer *answer)
{
    run(network, inputs, threads, answer, true, false);
}

void graph_run_finished(const graph_network *network, const graph_inputs *inputs, size_t threads,
                        graph_answer *answer)
{
    run(network, inputs, threads, answer, true, true);
}
