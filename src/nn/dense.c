#include "nn/dense.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"

enum {
    MAX_PRIMITIVES =
        4096, /* then all are dropped: only callers with ever new batch sizes get there */
};

/* What a primitive was made for. */
typedef struct product_key {
    lopi_product product;
    bool bias;
    size_t threads; /* oneDNN divides the work when a primitive is made */
} product_key;

enum { ARGUMENT_A, ARGUMENT_B, ARGUMENT_Y, ARGUMENT_BIAS, ARGUMENTS };

static const int argument_names[ARGUMENTS] = {
    [ARGUMENT_A] = DNNL_ARG_SRC,
    [ARGUMENT_B] = DNNL_ARG_WEIGHTS,
    [ARGUMENT_Y] = DNNL_ARG_DST,
    [ARGUMENT_BIAS] = DNNL_ARG_BIAS,
};

typedef struct made_product {
    product_key key;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[ARGUMENTS]; /* bias: NULL where there is none */
} made_product;

struct lopi_dense {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    made_product *made; /* [count] of [capacity] */
    size_t count, capacity;
};

static lop_status failure(lop_error *error, dnnl_status_t status, const char *what)
{
    if (status == dnnl_out_of_memory)
        return lopi_fail(error, LOP_E_MEMORY, "oneDNN is out of memory (%s)", what);
    if (status == dnnl_unimplemented)
        return lopi_fail(error, LOP_E_UNSUPPORTED,
                         "oneDNN cannot compute this product on this machine (%s)", what);
    return lopi_fail(error, LOP_E_INTERNAL, "oneDNN failed with status %d (%s)", (int)status, what);
}

/* oneDNN 2 and 3 differ from here … ---------------------------------------------------------- */

/* A matrix rows × columns, stored transposed or not. */
static dnnl_status_t describe(dnnl_memory_desc_t *out, size_t rows, size_t columns, bool transposed,
                              bool half)
{
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    const dnnl_dims_t strides = {transposed ? 1 : (dnnl_dim_t)columns,
                                 transposed ? (dnnl_dim_t)rows : 1};
    return dnnl_memory_desc_init_by_strides(out, 2, dims, half ? dnnl_bf16 : dnnl_f32, strides);
}

static dnnl_status_t make_descriptor(dnnl_primitive_desc_t *out, const product_key *key,
                                     dnnl_memory_desc_t desc[ARGUMENTS], dnnl_engine_t engine)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t status =
        dnnl_matmul_desc_init(&matmul, &desc[ARGUMENT_A], &desc[ARGUMENT_B],
                              key->bias ? &desc[ARGUMENT_BIAS] : NULL, &desc[ARGUMENT_Y]);
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(out, &matmul, NULL, engine, NULL);
}

static dnnl_status_t make_memory(dnnl_memory_t *out, const dnnl_memory_desc_t *desc,
                                 dnnl_engine_t engine)
{
    return dnnl_memory_create(out, desc, engine, DNNL_MEMORY_NONE);
}

/* … to here ---------------------------------------------------------------------------------- */

static dnnl_status_t describe_all(const product_key *key, dnnl_memory_desc_t desc[ARGUMENTS])
{
    const lopi_product *p = &key->product;
    dnnl_status_t status = describe(&desc[ARGUMENT_A], p->rows, p->inner, p->a_transposed, p->half);
    if (status == dnnl_success)
        status = describe(&desc[ARGUMENT_B], p->inner, p->columns, p->b_transposed, p->half);
    if (status == dnnl_success)
        status = describe(&desc[ARGUMENT_Y], p->rows, p->columns, false, p->half_result);
    if (status == dnnl_success)
        status = describe(&desc[ARGUMENT_BIAS], 1, p->columns, false, false);
    return status;
}

static void unmake(made_product *made)
{
    for (size_t i = 0; i < ARGUMENTS; i++)
        dnnl_memory_destroy(made->memory[i]);
    dnnl_primitive_destroy(made->primitive);
    *made = (made_product){0};
}

static dnnl_status_t make(made_product *out, const product_key *key, dnnl_engine_t engine)
{
    dnnl_memory_desc_t desc[ARGUMENTS];
    dnnl_primitive_desc_t descriptor = NULL;
    made_product made = {.key = *key};

    dnnl_status_t status = describe_all(key, desc);
    if (status == dnnl_success)
        status = make_descriptor(&descriptor, key, desc, engine);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&made.primitive, descriptor);
    for (size_t i = 0; status == dnnl_success && i < ARGUMENTS; i++)
        if (i != ARGUMENT_BIAS || key->bias)
            status = make_memory(&made.memory[i], &desc[i], engine);

    dnnl_primitive_desc_destroy(descriptor);
    if (status == dnnl_success)
        *out = made;
    else
        unmake(&made);
    return status;
}

static bool same_key(const product_key *a, const product_key *b)
{
    const lopi_product *p = &a->product, *q = &b->product;
    return p->rows == q->rows && p->inner == q->inner && p->columns == q->columns &&
           p->a_transposed == q->a_transposed && p->b_transposed == q->b_transposed &&
           p->half == q->half && p->half_result == q->half_result && a->bias == b->bias &&
           a->threads == b->threads;
}

static lop_status find_or_make(lopi_dense *dense, const product_key *key, made_product **out,
                               lop_error *error)
{
    for (size_t i = 0; i < dense->count; i++)
        if (same_key(&dense->made[i].key, key)) {
            *out = &dense->made[i];
            return LOP_OK;
        }
    if (dense->count == MAX_PRIMITIVES)
        while (dense->count > 0)
            unmake(&dense->made[--dense->count]);
    if (dense->count == dense->capacity) {
        size_t capacity = dense->capacity ? 2 * dense->capacity : 16;
        made_product *grown = lopi_realloc(dense->made, capacity, sizeof *grown);
        if (!grown)
            return lopi_fail_memory(error, capacity * sizeof *grown);
        dense->made = grown;
        dense->capacity = capacity;
    }
    dnnl_status_t status = make(&dense->made[dense->count], key, dense->engine);
    if (status != dnnl_success)
        return failure(error, status, "making a product");
    *out = &dense->made[dense->count++];
    return LOP_OK;
}

lop_status lopi_dense_multiply(lopi_dense *dense, const lopi_product *product, const void *a,
                               const void *b, const float *bias, void *y, lop_error *error)
{
    const product_key key = {
        .product = *product, .bias = bias != NULL, .threads = lop_threads_get()};
    made_product *made = NULL;
    lop_status status = find_or_make(dense, &key, &made, error);
    if (status != LOP_OK)
        return status;
    /* oneDNN takes pointers to what it only reads without const. */
    const void *data[ARGUMENTS] = {
        [ARGUMENT_A] = a, [ARGUMENT_B] = b, [ARGUMENT_Y] = y, [ARGUMENT_BIAS] = bias};
    dnnl_exec_arg_t arguments[ARGUMENTS];
    int count = 0;
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if (!data[i])
            continue;
        dnnl_memory_set_data_handle(made->memory[i], (void *)(uintptr_t)data[i]);
        arguments[count++] = (dnnl_exec_arg_t){argument_names[i], made->memory[i]};
    }
    dnnl_status_t done = dnnl_primitive_execute(made->primitive, dense->stream, count, arguments);
    if (done == dnnl_success)
        done = dnnl_stream_wait(dense->stream);
    return done == dnnl_success ? LOP_OK : failure(error, done, "computing a product");
}

lop_status lopi_dense_new(lopi_dense **out, lop_error *error)
{
    lopi_dense *dense = lopi_alloc(1, sizeof *dense);
    if (!dense)
        return lopi_fail_memory(error, sizeof *dense);
    dnnl_status_t status = dnnl_engine_create(&dense->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&dense->stream, dense->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        lopi_dense_free(dense);
        return failure(error, status, "starting");
    }
    *out = dense;
    return LOP_OK;
}

void lopi_dense_free(lopi_dense *dense)
{
    if (!dense)
        return;
    while (dense->count > 0)
        unmake(&dense->made[--dense->count]);
    lopi_free(dense->made);
    dnnl_stream_destroy(dense->stream);
    dnnl_engine_destroy(dense->engine);
    lopi_free(dense);
}

lop_status lopi_dense_bf16(bool *possible, bool *fast, lop_error *error)
{
    lopi_dense *dense = NULL;
    const product_key key = {.product = {.rows = 16, .inner = 16, .columns = 16, .half = true},
                             .threads = lop_threads_get()};
    made_product *made = NULL;
    lop_error why = {0};
    lop_status status = lopi_dense_new(&dense, &why);
    if (status == LOP_OK)
        status = find_or_make(dense, &key, &made, &why);
    lopi_dense_free(dense);
    if (status == LOP_E_MEMORY) { /* says nothing about the processor */
        if (error)
            *error = why;
        return status;
    }
    /* Instruction sets are sets of bits: AMX contains these, and so will what comes after it. */
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    unsigned wanted = dnnl_cpu_isa_avx512_core_bf16;
    *possible = status == LOP_OK;
    *fast = *possible && (isa & wanted) == wanted;
    return LOP_OK;
}
