/*
 * The peer: SuiteSparse:GraphBLAS, in the setting that was fastest here. The weights are one value
 * (an iso-valued matrix, so the product reads none: PLUS_FIRST, scaled behind), the matrices are
 * stored by row, GraphBLAS chooses their formats and the way of the product, rows without entries
 * cost nothing, and images come in batches that stay in the cache. Slower were: weights one by one,
 * formats prescribed (sparse; bitmap or full), storage by column, products by dot products.
 */
#include "graph.h"

#include <GraphBLAS.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/machine.h>

enum { BATCH = 4000 }; /* images */

static GrB_Info weights_new(GrB_Matrix *w, const graph_network *network, uint32_t layer,
                            GrB_Index *rows, GrB_Index *columns)
{
    size_t count = (size_t)network->neurons * GRAPH_FAN_IN;
    const uint16_t *input = graph_layer(network, layer);
    for (size_t i = 0; i < count; i++) {
        rows[i] = input[i];
        columns[i] = i / GRAPH_FAN_IN;
    }
    GrB_Scalar weight = NULL;
    GrB_Info info = GrB_Scalar_new(&weight, GrB_FP32);
    if (info == GrB_SUCCESS)
        info = GrB_Scalar_setElement_FP32(weight, GRAPH_WEIGHT);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_new(w, GrB_FP32, network->neurons, network->neurons);
    if (info == GrB_SUCCESS)
        info = GxB_Matrix_build_Scalar(*w, rows, columns, weight, count);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_wait(*w, GrB_MATERIALIZE);
    GrB_Scalar_free(&weight);
    return info;
}

static GrB_Info inputs_new(GrB_Matrix *y, const graph_inputs *inputs, size_t first, size_t images)
{
    size_t count = 0, at = 0;
    for (size_t i = first; i < first + images; i++)
        for (uint32_t n = 0; n < inputs->neurons; n++)
            count += graph_pixel(inputs, i, n);
    GrB_Index *start = malloc((images + 1) * sizeof *start);
    GrB_Index *column = malloc((count ? count : 1) * sizeof *column);
    float *value = malloc((count ? count : 1) * sizeof *value);
    GrB_Info info = start && column && value ? GrB_SUCCESS : GrB_OUT_OF_MEMORY;
    for (size_t i = 0; info == GrB_SUCCESS && i < images; i++) {
        start[i] = at;
        for (uint32_t n = 0; n < inputs->neurons; n++) {
            if (graph_pixel(inputs, first + i, n)) {
                column[at] = n;
                value[at++] = 1;
            }
        }
    }
    if (info == GrB_SUCCESS) {
        start[images] = at;
        info = GrB_Matrix_import_FP32(y, GrB_FP32, images, inputs->neurons, start, column, value,
                                      images + 1, count, count, GrB_CSR_FORMAT);
    }
    free(start);
    free(column);
    free(value);
    return info;
}

static GrB_Info step(GrB_Matrix y, GrB_Matrix w, float bias)
{
    GrB_Info info = GrB_mxm(y, NULL, NULL, GxB_PLUS_FIRST_FP32, y, w, NULL);
    if (info == GrB_SUCCESS)
        info =
            GrB_Matrix_apply_BinaryOp2nd_FP32(y, NULL, NULL, GrB_TIMES_FP32, y, GRAPH_WEIGHT, NULL);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_apply_BinaryOp2nd_FP32(y, NULL, NULL, GrB_PLUS_FP32, y, bias, NULL);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_select_FP32(y, NULL, NULL, GrB_VALUEGT_FP32, y, 0, NULL);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_apply_BinaryOp2nd_FP32(y, NULL, NULL, GrB_MIN_FP32, y, GRAPH_CLAMP, NULL);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_wait(y, GrB_MATERIALIZE);
    return info;
}

/* Which rows have an entry. */
static GrB_Info categories(GrB_Matrix y, size_t count, uint8_t *category)
{
    GrB_Vector any = NULL;
    GrB_Index *row = malloc((count ? count : 1) * sizeof *row), found = count;
    bool *yes = malloc(count ? count : 1);
    GrB_Info info = row && yes ? GrB_Vector_new(&any, GrB_BOOL, count) : GrB_OUT_OF_MEMORY;
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_reduce_Monoid(any, NULL, NULL, GxB_ANY_BOOL_MONOID, y, NULL);
    if (info == GrB_SUCCESS)
        info = GrB_Vector_extractTuples_BOOL(row, yes, &found, any);
    for (size_t i = 0; info == GrB_SUCCESS && i < found; i++)
        category[row[i]] = 1;
    GrB_Vector_free(&any);
    free(row);
    free(yes);
    return info;
}

/* Matrices of one run: the weights, and the inputs in batches. */
typedef struct matrices {
    GrB_Matrix *w, *y; /* [layers], [batches] */
    size_t layers, batches;
} matrices;

static GrB_Info prepare(matrices *m, const graph_network *network, const graph_inputs *inputs)
{
    size_t count = (size_t)network->neurons * GRAPH_FAN_IN;
    GrB_Index *rows = malloc(2 * count * sizeof *rows);
    m->layers = network->layers;
    m->batches = (inputs->count + BATCH - 1) / BATCH;
    m->w = calloc(m->layers, sizeof(GrB_Matrix));
    m->y = calloc(m->batches, sizeof(GrB_Matrix));
    GrB_Info info = rows && m->w && m->y ? GrB_SUCCESS : GrB_OUT_OF_MEMORY;
    for (size_t b = 0; b < m->batches && info == GrB_SUCCESS; b++) {
        size_t first = b * BATCH, left = inputs->count - first;
        info = inputs_new(&m->y[b], inputs, first, left < BATCH ? left : BATCH);
    }
    for (uint32_t l = 0; l < network->layers && info == GrB_SUCCESS; l++)
        info = weights_new(&m->w[l], network, l, rows, rows + count);
    free(rows);
    return info;
}

static GrB_Info run_batch(matrices *m, size_t batch, const graph_network *network,
                          const graph_inputs *inputs, uint8_t *category)
{
    size_t first = batch * BATCH, left = inputs->count - first;
    GrB_Info info = GrB_SUCCESS;
    for (uint32_t l = 0; l < network->layers && info == GrB_SUCCESS; l++)
        info = step(m->y[batch], m->w[l], network->bias);
    if (info == GrB_SUCCESS)
        info = categories(m->y[batch], left < BATCH ? left : BATCH, category + first);
    GrB_Matrix_free(&m->y[batch]);
    return info;
}

static void matrices_free(matrices *m)
{
    for (size_t l = 0; m->w && l < m->layers; l++)
        GrB_Matrix_free(&m->w[l]);
    for (size_t b = 0; m->y && b < m->batches; b++)
        GrB_Matrix_free(&m->y[b]);
    free(m->w);
    free(m->y);
}

void graph_run_graphblas(const graph_network *network, const graph_inputs *inputs, size_t threads,
                         graph_answer *answer)
{
    matrices m = {0};
    GrB_Info info = GrB_init(GrB_NONBLOCKING);
    if (info == GrB_SUCCESS)
        info = GxB_Global_Option_set(GxB_GLOBAL_NTHREADS, (int)threads);
    double start = lop_clock_seconds();
    if (info == GrB_SUCCESS)
        info = prepare(&m, network, inputs);
    answer->prepare_seconds = lop_clock_seconds() - start;
    start = lop_clock_seconds();
    for (size_t b = 0; b < m.batches && info == GrB_SUCCESS; b++)
        info = run_batch(&m, b, network, inputs, answer->category);
    answer->run_seconds = lop_clock_seconds() - start;
    if (info != GrB_SUCCESS)
        snprintf(answer->failure, sizeof answer->failure, "GraphBLAS says %d", (int)info);
    matrices_free(&m);
    GrB_finalize();
}
