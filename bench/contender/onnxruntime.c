/*
 * ONNX Runtime by its C library, which the npm package onnxruntime-node contains. There is no
 * header in it: the interface is a table of functions whose places never change, and the ones used
 * here are listed below. Inputs and outputs are tensors over memory that is there before the run,
 * so that nothing is copied or allocated around it.
 *
 * Settings: all graph optimizations, threads that spin between operations (the default), one
 * session for a batch size. What is tried is how the product is written and whether weights are
 * packed ahead.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"
#include "onnx.h"

/* Places in the table of functions (OrtApi), in the order of its header, from 0. */
enum {
    ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION_FROM_ARRAY = 8,
    RUN = 9,
    CREATE_OPTIONS = 10,
    SET_OPTIMIZATION = 23,
    SET_INTRA_THREADS = 24,
    SET_INTER_THREADS = 25,
    CREATE_TENSOR = 49,
    CREATE_CPU_MEMORY = 69,
    RELEASE_ENV = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_OPTIONS = 100,
    ADD_CONFIG = 130,
    API_VERSION = 14, /* the oldest that has all of these */
};

enum {
    ALL_OPTIMIZATIONS = 99,
    WARNINGS_ONLY = 2,
    ARENA = 1,
    DEFAULT_MEMORY = 0,
    FLOAT = 1,
    UINT8 = 2
};

typedef struct ort_base {
    void *const *(*get_api)(uint32_t version);
    const char *(*version)(void);
} ort_base;

typedef struct ort_state {
    void *library;
    void *const *api;
    void *env, *options, *session, *memory;
    void *inputs[SETS_OF_ONE], *output;
    float *y;
    size_t y_size;
    const char *input_name;
} ort_state;

/* A function of the table as a pointer of its type; ISO C has no cast for it. */
static void take(void *function, const ort_state *s, size_t place)
{
    memcpy(function, &s->api[place], sizeof s->api[place]);
}

static void release(const ort_state *s, size_t place, void *object)
{
    void (*end)(void *);
    if (!object)
        return;
    take(&end, s, place);
    end(object);
}

static lop_status check(const ort_state *s, void *status, lop_error *error)
{
    if (!status)
        return LOP_OK;
    const char *(*message)(const void *);
    take(&message, s, ERROR_MESSAGE);
    fail(error, LOP_E_INTERNAL, "ONNX Runtime: %s", message(status));
    release(s, RELEASE_STATUS, status);
    return LOP_E_INTERNAL;
}

static void ort_close(void *state)
{
    ort_state *s = state;
    if (s->api) {
        for (size_t i = 0; i < SETS_OF_ONE; i++)
            release(s, RELEASE_VALUE, s->inputs[i]);
        release(s, RELEASE_VALUE, s->output);
        release(s, RELEASE_SESSION, s->session);
        release(s, RELEASE_OPTIONS, s->options);
        release(s, RELEASE_MEMORY, s->memory);
        release(s, RELEASE_ENV, s->env);
    }
    free(s->y);
    free(s);
}

/* The library stays for ever: it does not bear being unloaded. */
static lop_status load(ort_state *s, lop_error *error)
{
    const char *path = getenv("ONNXRUNTIME");
    s->library = dlopen(path ? path : "libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!s->library) {
        fail(error, LOP_E_UNSUPPORTED, "%s", dlerror());
        return LOP_E_UNSUPPORTED;
    }
    const ort_base *(*base)(void);
    void *symbol = dlsym(s->library, "OrtGetApiBase");
    if (symbol) {
        memcpy(&base, &symbol, sizeof symbol);
        s->api = base()->get_api(API_VERSION);
    }
    if (s->api)
        return LOP_OK;
    fail(error, LOP_E_UNSUPPORTED, "this ONNX Runtime is too old");
    return LOP_E_UNSUPPORTED;
}

static lop_status configure(ort_state *s, size_t threads, bool packed, lop_error *error)
{
    void *(*create_env)(int, const char *, void **);
    void *(*create_options)(void **);
    void *(*set)(void *, int);
    void *(*add)(void *, const char *, const char *);
    void *(*create_memory)(int, int, void **);
    take(&create_env, s, CREATE_ENV);
    take(&create_options, s, CREATE_OPTIONS);
    take(&add, s, ADD_CONFIG);
    take(&create_memory, s, CREATE_CPU_MEMORY);
    lop_status status = check(s, create_env(WARNINGS_ONLY, "contender", &s->env), error);
    if (status == LOP_OK)
        status = check(s, create_options(&s->options), error);
    const struct {
        size_t place;
        int value;
    } numbers[] = {{SET_OPTIMIZATION, ALL_OPTIMIZATIONS},
                   {SET_INTRA_THREADS, (int)threads},
                   {SET_INTER_THREADS, 1}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == LOP_OK; i++) {
        take(&set, s, numbers[i].place);
        status = check(s, set(s->options, numbers[i].value), error);
    }
    if (status == LOP_OK)
        status = check(s, add(s->options, "session.intra_op.allow_spinning", "1"), error);
    if (status == LOP_OK)
        status = check(s, add(s->options, "session.disable_prepacking", packed ? "0" : "1"), error);
    if (status == LOP_OK)
        status = check(s, create_memory(ARENA, DEFAULT_MEMORY, &s->memory), error);
    return status;
}

static lop_status make_tensors(ort_state *s, const peer_job *job, bool int8, lop_error *error)
{
    void *(*create)(const void *, const void *, size_t, const int64_t *, size_t, int, void **);
    take(&create, s, CREATE_TENSOR);
    const peer_net *c = job->contest;
    const int64_t x_shape[] = {(int64_t)job->batch, (int64_t)c->layers[0].inputs};
    const int64_t y_shape[] = {(int64_t)job->batch, (int64_t)c->layers[c->layer_count - 1].outputs};
    size_t x_size = job->batch * c->layers[0].inputs * (int8 ? 1 : sizeof(float));
    lop_status status = LOP_OK;
    for (size_t i = 0; i < job->sets && status == LOP_OK; i++) {
        const void *x = int8 ? (const void *)job_bytes(job, i) : (const void *)job_floats(job, i);
        status =
            check(s, create(s->memory, x, x_size, x_shape, 2, int8 ? UINT8 : FLOAT, &s->inputs[i]),
                  error);
    }
    s->y_size = sizeof(float) * (size_t)(y_shape[0] * y_shape[1]);
    s->y = malloc(s->y_size);
    if (!s->y)
        return fail(error, LOP_E_MEMORY, "out of memory");
    if (status == LOP_OK)
        status = check(s, create(s->memory, s->y, s->y_size, y_shape, 2, FLOAT, &s->output), error);
    return status;
}

static lop_status ort_open(void **state, const peer_job *job, onnx_form form, bool packed,
                           lop_error *error)
{
    onnx_bytes model = {0};
    void *(*create)(const void *, const void *, size_t, const void *, void **);
    ort_state *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, LOP_E_MEMORY, "out of memory");
    s->input_name = form == ONNX_QLINEAR ? "h0" : "x";
    lop_status status = load(s, error);
    if (status == LOP_OK)
        status = configure(s, job->threads, packed, error);
    if (status == LOP_OK)
        status = onnx_model(&model, job->contest, form, job->batch, error);
    if (status == LOP_OK) {
        take(&create, s, CREATE_SESSION_FROM_ARRAY);
        status = check(s, create(s->env, model.data, model.size, s->options, &s->session), error);
    }
    if (status == LOP_OK)
        status = make_tensors(s, job, form == ONNX_QLINEAR, error);
    free(model.data);
    if (status == LOP_OK)
        *state = s;
    else
        ort_close(s);
    return status;
}

static lop_status ort_run(void *state, size_t set, float *y, lop_error *error)
{
    ort_state *s = state;
    void *(*run)(void *, const void *, const char *const *, void *const *, size_t,
                 const char *const *, size_t, void **);
    take(&run, s, RUN);
    const char *const inputs[] = {s->input_name}, *const outputs[] = {"y"};
    lop_status status =
        check(s, run(s->session, NULL, inputs, &s->inputs[set], 1, outputs, 1, &s->output), error);
    if (status == LOP_OK)
        memcpy(y, s->y, s->y_size);
    return status;
}

static lop_status open_float32(void **state, const peer_job *job, lop_error *error)
{
    return ort_open(state, job, job->variant == 1 ? ONNX_GEMM : ONNX_MATMUL, job->variant < 2,
                    error);
}

static lop_status open_int8(void **state, const peer_job *job, lop_error *error)
{
    return ort_open(state, job, ONNX_QLINEAR, job->variant == 0, error);
}

const peer_engine engine_onnxruntime_float32 = {"onnxruntime-float32",
                                                {"MatMul, weights packed ahead",
                                                 "Gemm and Relu fused, weights packed ahead",
                                                 "MatMul, weights as they are"},
                                                open_float32,
                                                ort_run,
                                                ort_close,
                                                NULL};
const peer_engine engine_onnxruntime_int8 = {
    "onnxruntime-int8",
    {"QLinearMatMul, weights packed ahead", "QLinearMatMul, weights as they are"},
    open_int8,
    ort_run,
    ort_close,
    NULL};
