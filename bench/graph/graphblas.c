/*
 * The peer: SuiteSparse:GraphBLAS, in the setting that was fastest here. The weights are one value
 * (an iso-valued matrix, so the product reads none: PLUS_FIRST, scaled behind), the matrices are
 * stored by row and GraphBLAS chooses their formats, rows without entries cost nothing.
 */
#include "graph.h"

#include <GraphBLAS.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/machine.h>

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

static GrB_Info inputs_new(GrB_Matrix *y, const graph_inputs *inputs)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < inputs->count; i++)
        for (uint32_t n = 0; n < inputs->neurons; n++)
            count += graph_pixel(inputs, i, n);
    GrB_Index *start = malloc((inputs->count + 1) * sizeof *start);
    GrB_Index *column = malloc((count ? count : 1) * sizeof *column);
    float *value = malloc((count ? count : 1) * sizeof *value);
    GrB_Info info = start && column && value ? GrB_SUCCESS : GrB_OUT_OF_MEMORY;
    for (size_t i = 0; info == GrB_SUCCESS && i < inputs->count; i++) {
        start[i] = at;
        for (uint32_t n = 0; n < inputs->neurons; n++) {
            if (graph_pixel(inputs, i, n)) {
                column[at] = n;
                value[at++] = 1;
            }
        }
    }
    if (info == GrB_SUCCESS) {
        start[inputs->count] = at;
        info = GrB_Matrix_import_FP32(y, GrB_FP32, inputs->count, inputs->neurons, start, column,
                                      value, inputs->count + 1, count, count, GrB_CSR_FORMAT);
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

static GrB_Info prepare(const graph_network *network, const graph_inputs *inputs, GrB_Matrix *w,
                        GrB_Matrix *y)
{
    size_t count = (size_t)network->neurons * GRAPH_FAN_IN;
    GrB_Index *rows = malloc(2 * count * sizeof *rows);
    GrB_Info info = rows ? inputs_new(y, inputs) : GrB_OUT_OF_MEMORY;
    for (uint32_t l = 0; l < network->layers && info == GrB_SUCCESS; l++)
        info = weights_new(&w[l], network, l, rows, rows + count);
    free(rows);
    return info;
}

void graph_run_graphblas(const graph_network *network, const graph_inputs *inputs, size_t threads,
                         graph_answer *answer)
{
    GrB_Matrix y = NULL, *w = calloc(network->layers, sizeof *w);
    GrB_Info info = w ? GrB_init(GrB_NONBLOCKING) : GrB_OUT_OF_MEMORY;
    if (info == GrB_SUCCESS)
        info = GxB_Global_Option_set(GxB_GLOBAL_NTHREADS, (int)threads);
    double start = lop_clock_seconds();
    if (info == GrB_SUCCESS)
        info = prepare(network, inputs, w, &y);
    answer->prepare_seconds = lop_clock_seconds() - start;
    start = lop_clock_seconds();
    for (uint32_t l = 0; l < network->layers && info == GrB_SUCCESS; l++)
        info = step(y, w[l], network->bias);
    if (info == GrB_SUCCESS)
        info = categories(y, inputs->count, answer->category);
    answer->run_seconds = lop_clock_seconds() - start;
    if (info != GrB_SUCCESS)
        snprintf(answer->failure, sizeof answer->failure, "GraphBLAS says %d", (int)info);
    for (uint32_t l = 0; w && l < network->layers; l++)
        GrB_Matrix_free(&w[l]);
    free(w);
    GrB_Matrix_free(&y);
    GrB_finalize();
}
