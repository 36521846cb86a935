/*
 * oneDNN's dense products, ReLU within them: float32, bf16 and int8. Weights are reordered ahead
 * into the layout that the primitive likes best; a primitive for each layer and batch size; threads
 * by OpenMP. What is tried is the inner product and the matrix product. In bf16 the images are
 * rounded as part of the run. Version 2 of the interface.
 */
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"

/* A precision: types of what is read, of weights, of what hidden layers yield. */
typedef struct kind {
    dnnl_data_type_t input, source, weights, hidden;
} kind;

static const kind float32 = {dnnl_f32, dnnl_f32, dnnl_f32, dnnl_f32};
static const kind bf16 = {dnnl_f32, dnnl_bf16, dnnl_bf16, dnnl_bf16};
static const kind int8 = {dnnl_u8, dnnl_u8, dnnl_s8, dnnl_u8};

enum { INNER_PRODUCT, MATRIX_PRODUCT };

/* A layer made ready, or (first) the rounding of the images. */
typedef struct step {
    dnnl_primitive_t primitive;
    dnnl_memory_t source, weights, result; /* source: of another step, or the input */
    dnnl_exec_arg_t arguments[3];
    int argument_count;
} step;

typedef struct onednn_state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    step steps[MAX_LAYERS + 1];
    size_t step_count;
    dnnl_memory_t input;
    const peer_job *job;
    kind kind;
} onednn_state;

static void onednn_close(void *state)
{
    onednn_state *s = state;
    for (size_t i = 0; i < s->step_count; i++) {
        dnnl_memory_destroy(s->steps[i].weights);
        dnnl_memory_destroy(s->steps[i].result);
        dnnl_primitive_destroy(s->steps[i].primitive);
    }
    dnnl_memory_destroy(s->input);
    dnnl_stream_destroy(s->stream);
    dnnl_engine_destroy(s->engine);
    free(s);
}

static lop_status check(dnnl_status_t status, lop_error *error)
{
    if (status == dnnl_success)
        return LOP_OK;
    return fail(error, status == dnnl_unimplemented ? LOP_E_UNSUPPORTED : LOP_E_INTERNAL,
                "oneDNN: status %d", (int)status);
}

/* rows × columns; `turned`: stored with the rows next to each other; any: oneDNN decides. */
static dnnl_memory_desc_t describe(size_t rows, size_t columns, dnnl_data_type_t type, bool turned,
                                   bool any)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    const dnnl_format_tag_t plain = turned ? dnnl_ba : dnnl_ab;
    memset(&desc, 0, sizeof desc);
    dnnl_memory_desc_init_by_tag(&desc, 2, dims, type, any ? dnnl_format_tag_any : plain);
    return desc;
}

/* ReLU behind hidden layers; in int8 also the scales that bring a sum into steps of the result. */
static dnnl_status_t make_attributes(dnnl_primitive_attr_t *out, const onednn_state *s, size_t l)
{
    const peer_layer *layer = &s->job->contest->layers[l];
    bool last = l + 1 == s->job->contest->layer_count;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status == dnnl_success && !last) {
        status = dnnl_post_ops_create(&after);
        if (status == dnnl_success)
            status = dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0);
        if (status == dnnl_success)
            status = dnnl_primitive_attr_set_post_ops(*out, after);
        dnnl_post_ops_destroy(after);
    }
    if (status != dnnl_success || s->kind.weights != dnnl_s8)
        return status;
    float *scale = malloc(layer->outputs * sizeof *scale);
    if (!scale)
        return dnnl_out_of_memory;
    float read = l == 0 ? 1.0f / 255 : step_of(layer - 1), yielded = last ? 1 : step_of(layer);
    for (size_t o = 0; o < layer->outputs; o++)
        scale[o] = layer->scale[o] * read / yielded;
    status = dnnl_primitive_attr_set_output_scales(*out, (dnnl_dim_t)layer->outputs, 1 << 1, scale);
    free(scale);
    return status;
}

static dnnl_status_t make_product(dnnl_primitive_desc_t *out, const onednn_state *s, size_t l)
{
    const peer_layer *layer = &s->job->contest->layers[l];
    bool last = l + 1 == s->job->contest->layer_count;
    bool matrix = s->job->variant == MATRIX_PRODUCT;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_memory_desc_t x = describe(s->job->batch, layer->inputs, s->kind.source, false, false);
    dnnl_memory_desc_t w =
        matrix ? describe(layer->inputs, layer->outputs, s->kind.weights, false, true)
               : describe(layer->outputs, layer->inputs, s->kind.weights, false, true);
    dnnl_memory_desc_t y =
        describe(s->job->batch, layer->outputs, last ? dnnl_f32 : s->kind.hidden, false, false);
    dnnl_inner_product_desc_t inner;
    dnnl_matmul_desc_t product;
    dnnl_status_t status = make_attributes(&attributes, s, l);
    if (status == dnnl_success)
        status = matrix ? dnnl_matmul_desc_init(&product, &x, &w, NULL, &y)
                        : dnnl_inner_product_forward_desc_init(&inner, dnnl_forward_inference, &x,
                                                               &w, NULL, &y);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(out, matrix ? (const void *)&product : &inner,
                                            attributes, s->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

/* One memory into another, once. */
static dnnl_status_t reorder(const onednn_state *s, const dnnl_memory_desc_t *from, void *data,
                             dnnl_memory_t to, const dnnl_memory_desc_t *desc)
{
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t plan = NULL;
    dnnl_primitive_t move = NULL;
    dnnl_status_t status = dnnl_memory_create(&source, from, s->engine, data);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&plan, from, s->engine, desc, s->engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&move, plan);
    if (status == dnnl_success) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, to}};
        status = dnnl_primitive_execute(move, s->stream, 2, arguments);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(s->stream);
    dnnl_primitive_destroy(move);
    dnnl_primitive_desc_destroy(plan);
    dnnl_memory_destroy(source);
    return status;
}

static dnnl_status_t make_weights(const onednn_state *s, size_t l, dnnl_memory_t *out,
                                  const dnnl_memory_desc_t *wanted)
{
    const peer_layer *layer = &s->job->contest->layers[l];
    bool rounded = s->kind.weights == dnnl_s8, matrix = s->job->variant == MATRIX_PRODUCT;
    dnnl_data_type_t type = rounded ? dnnl_s8 : dnnl_f32;
    dnnl_memory_desc_t plain = matrix ? describe(layer->inputs, layer->outputs, type, true, false)
                                      : describe(layer->outputs, layer->inputs, type, false, false);
    /* oneDNN does not write to what it reads, but says so nowhere in its types. */
    union {
        const void *borrowed;
        void *data;
    } values = {rounded ? (const void *)layer->rounded : (const void *)layer->weight};
    dnnl_status_t status = dnnl_memory_create(out, wanted, s->engine, DNNL_MEMORY_ALLOCATE);
    return status == dnnl_success ? reorder(s, &plain, values.data, *out, wanted) : status;
}

static dnnl_memory_t last_result(const onednn_state *s)
{
    return s->step_count ? s->steps[s->step_count - 1].result : s->input;
}

static void set_arguments(step *made)
{
    made->arguments[made->argument_count++] = (dnnl_exec_arg_t){DNNL_ARG_SRC, made->source};
    if (made->weights)
        made->arguments[made->argument_count++] =
            (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, made->weights};
    made->arguments[made->argument_count++] = (dnnl_exec_arg_t){DNNL_ARG_DST, made->result};
}

/* A step, from its descriptor; layer l, or none: rounding the input. */
static dnnl_status_t add_step(onednn_state *s, dnnl_primitive_desc_t made, const size_t *l)
{
    step next = {.source = last_result(s)};
    const dnnl_memory_desc_t *result = dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0);
    dnnl_status_t status = dnnl_primitive_create(&next.primitive, made);
    if (status == dnnl_success)
        status = dnnl_memory_create(&next.result, result, s->engine, DNNL_MEMORY_ALLOCATE);
    if (status == dnnl_success && l)
        status = make_weights(s, *l, &next.weights,
                              dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0));
    set_arguments(&next);
    s->steps[s->step_count++] = next;
    return status;
}

static dnnl_status_t make_steps(onednn_state *s)
{
    const peer_net *net = s->job->contest;
    dnnl_memory_desc_t input =
        describe(s->job->batch, net->layers[0].inputs, s->kind.input, false, false);
    dnnl_memory_desc_t rounded =
        describe(s->job->batch, net->layers[0].inputs, s->kind.source, false, false);
    dnnl_primitive_desc_t made = NULL;
    dnnl_status_t status = dnnl_memory_create(&s->input, &input, s->engine, DNNL_MEMORY_NONE);
    if (status == dnnl_success && s->kind.input != s->kind.source) {
        status =
            dnnl_reorder_primitive_desc_create(&made, &input, s->engine, &rounded, s->engine, NULL);
        if (status == dnnl_success)
            status = add_step(s, made, NULL);
        dnnl_primitive_desc_destroy(made);
    }
    for (size_t l = 0; l < net->layer_count && status == dnnl_success; l++) {
        made = NULL;
        status = make_product(&made, s, l);
        if (status == dnnl_success)
            status = add_step(s, made, &l);
        dnnl_primitive_desc_destroy(made);
    }
    return status;
}

static lop_status onednn_open(void **state, const peer_job *job, kind of, lop_error *error)
{
    onednn_state *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, LOP_E_MEMORY, "out of memory");
    s->job = job;
    s->kind = of;
    dnnl_status_t status = dnnl_engine_create(&s->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = make_steps(s);
    if (status == dnnl_success)
        *state = s;
    else
        onednn_close(s);
    return check(status, error);
}

static lop_status onednn_run(void *state, size_t set, float *y, lop_error *error)
{
    onednn_state *s = state;
    const peer_net *net = s->job->contest;
    union {
        const void *borrowed;
        void *data;
    } x = {s->kind.input == dnnl_u8 ? (const void *)job_bytes(s->job, set)
                                    : (const void *)job_floats(s->job, set)};
    void *result = NULL;
    dnnl_status_t status = dnnl_memory_set_data_handle(s->input, x.data);
    for (size_t i = 0; i < s->step_count && status == dnnl_success; i++)
        status = dnnl_primitive_execute(s->steps[i].primitive, s->stream,
                                        s->steps[i].argument_count, s->steps[i].arguments);
    if (status == dnnl_success)
        status = dnnl_stream_wait(s->stream);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(last_result(s), &result);
    if (status == dnnl_success)
        memcpy(y, result, s->job->batch * net->layers[net->layer_count - 1].outputs * sizeof *y);
    return check(status, error);
}

static lop_status open_float32(void **state, const peer_job *job, lop_error *error)
{
    return onednn_open(state, job, float32, error);
}

static lop_status open_bf16(void **state, const peer_job *job, lop_error *error)
{
    return onednn_open(state, job, bf16, error);
}

static lop_status open_int8(void **state, const peer_job *job, lop_error *error)
{
    return onednn_open(state, job, int8, error);
}

#define VARIANTS                                                                                   \
    {                                                                                              \
        "inner product", "matrix product"                                                          \
    }

const peer_engine engine_onednn_float32 = {"onednn-float32", VARIANTS,     open_float32,
                                           onednn_run,       onednn_close, NULL};
const peer_engine engine_onednn_bf16 = {"onednn-bf16", VARIANTS,     open_bf16,
                                        onednn_run,    onednn_close, NULL};
const peer_engine engine_onednn_int8 = {"onednn-int8", VARIANTS,     open_int8,
                                        onednn_run,    onednn_close, NULL};
