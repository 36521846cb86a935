/*
 * SuiteSparse:GraphBLAS: Y = X Wᵀ over plus-times in float32, then relu. Settings: non-blocking
 * mode; all its own heuristics; matrices of samples are made ahead. What is tried is whether
 * activations are sparse (relu selects what is above 0) or full (relu is a maximum), and whether
 * weights lie by rows or by columns.
 */
#include <GraphBLAS.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"

typedef struct graphblas_state {
    const peer_job *job;
    bool sparse;                    /* activations */
    GrB_Matrix weights[MAX_LAYERS]; /* inputs × outputs */
    GrB_Matrix x[SETS_OF_ONE];      /* batch × inputs */
    GrB_Matrix h[MAX_LAYERS];       /* batch × outputs */
    GrB_Index *rows, *columns;
    float *values;
    GrB_Index places; /* that the last three have */
} graphblas_state;

static lop_status check(GrB_Info info, lop_error *error)
{
    if (info == GrB_SUCCESS)
        return LOP_OK;
    return fail(error, info == GrB_OUT_OF_MEMORY ? LOP_E_MEMORY : LOP_E_INTERNAL,
                "GraphBLAS: status %d", (int)info);
}

static void graphblas_close(void *state)
{
    graphblas_state *s = state;
    for (size_t l = 0; l < MAX_LAYERS; l++) {
        GrB_Matrix_free(&s->weights[l]);
        GrB_Matrix_free(&s->h[l]);
    }
    for (size_t i = 0; i < SETS_OF_ONE; i++)
        GrB_Matrix_free(&s->x[i]);
    free(s->rows);
    free(s->columns);
    free(s->values);
    free(s);
}

/* rows × columns of values that are not 0, or all of them where `full`; `turned` values are stored
 * with the rows next to each other. */
static GrB_Info fill(graphblas_state *s, GrB_Matrix *out, GrB_Index rows, GrB_Index columns,
                     const float *values, bool turned, bool full)
{
    GrB_Index count = 0;
    if (!s->rows || !s->columns || !s->values)
        return GrB_OUT_OF_MEMORY;
    for (GrB_Index r = 0; r < rows; r++)
        for (GrB_Index c = 0; c < columns; c++) {
            float value = values[turned ? c * rows + r : r * columns + c];
            if (value == 0 && !full)
                continue;
            s->rows[count] = r;
            s->columns[count] = c;
            s->values[count++] = value;
        }
    GrB_Info info = GrB_Matrix_new(out, GrB_FP32, rows, columns);
    if (info == GrB_SUCCESS)
        info = GrB_Matrix_build_FP32(*out, s->rows, s->columns, s->values, count, GrB_PLUS_FP32);
    return info;
}

static lop_status make_room(graphblas_state *s, lop_error *error)
{
    const peer_net *net = s->job->contest;
    for (size_t l = 0; l < net->layer_count; l++) {
        GrB_Index most =
            net->layers[l].inputs > s->job->batch ? net->layers[l].inputs : s->job->batch;
        GrB_Index places =
            most * (net->layers[l].inputs > net->layers[l].outputs ? net->layers[l].inputs
                                                                   : net->layers[l].outputs);
        s->places = places > s->places ? places : s->places;
    }
    if (s->places == 0)
        return fail(error, LOP_E_SHAPE, "a network without layers");
    s->rows = malloc(s->places * sizeof *s->rows);
    s->columns = malloc(s->places * sizeof *s->columns);
    s->values = malloc(s->places * sizeof *s->values);
    return LOP_OK;
}

static GrB_Info make_matrices(graphblas_state *s, bool by_column)
{
    const peer_net *net = s->job->contest;
    GrB_Info info = GrB_SUCCESS;
    for (size_t l = 0; l < net->layer_count && info == GrB_SUCCESS; l++) {
        const peer_layer *layer = &net->layers[l];
        GxB_Global_Option_set(GxB_FORMAT, by_column ? GxB_BY_COL : GxB_BY_ROW);
        info = fill(s, &s->weights[l], layer->inputs, layer->outputs, layer->weight, true, false);
        GxB_Global_Option_set(GxB_FORMAT, GxB_BY_ROW);
        if (info == GrB_SUCCESS)
            info = GrB_Matrix_new(&s->h[l], GrB_FP32, s->job->batch, layer->outputs);
        if (info == GrB_SUCCESS)
            info = GrB_Matrix_wait(s->weights[l], GrB_MATERIALIZE);
    }
    for (size_t i = 0; i < s->job->sets && info == GrB_SUCCESS; i++) {
        info = fill(s, &s->x[i], s->job->batch, net->layers[0].inputs, job_floats(s->job, i), false,
                    !s->sparse);
        if (info == GrB_SUCCESS)
            info = GrB_Matrix_wait(s->x[i], GrB_MATERIALIZE);
    }
    return info;
}

static lop_status graphblas_open(void **state, const peer_job *job, lop_error *error)
{
    static bool begun;
    lop_status status = LOP_OK;
    if (!begun)
        status = check(GrB_init(GrB_NONBLOCKING), error);
    begun = status == LOP_OK;
    graphblas_state *s = begun ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return status ? status : fail(error, LOP_E_MEMORY, "out of memory");
    s->job = job;
    s->sparse = job->variant < 2;
    status = check(GxB_Global_Option_set(GxB_NTHREADS, (int)job->threads), error);
    if (status == LOP_OK)
        status = make_room(s, error);
    if (status == LOP_OK)
        status = check(make_matrices(s, job->variant % 2), error);
    if (status == LOP_OK)
        *state = s;
    else
        graphblas_close(s);
    return status;
}

static GrB_Info relu(const graphblas_state *s, GrB_Matrix h)
{
    if (s->sparse)
        return GrB_Matrix_select_FP32(h, NULL, NULL, GrB_VALUEGT_FP32, h, 0, GrB_DESC_R);
    return GrB_Matrix_apply_BinaryOp2nd_FP32(h, NULL, NULL, GrB_MAX_FP32, h, 0, NULL);
}

static lop_status graphblas_run(void *state, size_t set, float *y, lop_error *error)
{
    graphblas_state *s = state;
    size_t layers = s->job->contest->layer_count;
    GrB_Info info = GrB_SUCCESS;
    for (size_t l = 0; l < layers && info == GrB_SUCCESS; l++) {
        info = GrB_mxm(s->h[l], NULL, NULL, GrB_PLUS_TIMES_SEMIRING_FP32,
                       l ? s->h[l - 1] : s->x[set], s->weights[l], NULL);
        if (info == GrB_SUCCESS && l + 1 < layers)
            info = relu(s, s->h[l]);
    }
    size_t outputs = s->job->contest->layers[layers - 1].outputs;
    GrB_Index count = s->places;
    if (info == GrB_SUCCESS)
        info =
            GrB_Matrix_extractTuples_FP32(s->rows, s->columns, s->values, &count, s->h[layers - 1]);
    if (info != GrB_SUCCESS)
        return check(info, error);
    memset(y, 0, s->job->batch * outputs * sizeof *y);
    for (GrB_Index i = 0; i < count; i++)
        y[s->rows[i] * outputs + s->columns[i]] = s->values[i];
    return LOP_OK;
}

const peer_engine engine_graphblas = {
    "graphblas-float32",
    {"sparse activations, weights by rows", "sparse activations, weights by columns",
     "full activations, weights by rows", "full activations, weights by columns"},
    graphblas_open,
    graphblas_run,
    graphblas_close,
    NULL};
