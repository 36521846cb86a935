/*
 * oneDNN's dense products as kernels of the runtime, which knows nothing of oneDNN: candidates for
 * plans that the toolkit makes.
 *
 *     float32   inner product with bias; relu here, which leaves NaN
 *     bf16      inputs and weights rounded to 8 bits, sums in float32
 *     int8      sums of whole numbers, exact; scale, offset and rounding here, so that the bits are
 *               those of every other kernel
 *
 * A primitive computes one number of samples. There is one for each of `sizes`, with weights in the
 * layout that it likes best, shared where two like the same; other numbers are computed in pieces.
 * All of them work with one thread: a plan that has threads gives each of them samples of its own.
 * oneDNN's memory objects say where a run's data is, so a run takes a set of them and gives it
 * back.
 */
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <lop/machine.h>
#include <lop/network.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/wide.h"
#include "nn/bf16.h"
#include "run/kernels/prepared.h"

static const size_t sizes[] = {512, 128, 32, 8, 1};

enum { SIZES = sizeof sizes / sizeof *sizes, SETS = 16 };
enum { AT_X, AT_WEIGHTS, AT_BIAS, AT_Y, AT_SCRATCH, PLACES };

static const int place_names[PLACES] = {
    [AT_X] = DNNL_ARG_SRC, [AT_WEIGHTS] = DNNL_ARG_WEIGHTS,    [AT_BIAS] = DNNL_ARG_BIAS,
    [AT_Y] = DNNL_ARG_DST, [AT_SCRATCH] = DNNL_ARG_SCRATCHPAD,
};

/* A precision: types of what is read, of weights, of sums. */
typedef struct kind {
    dnnl_data_type_t x, weights, y;
    bool bias; /* added by oneDNN */
} kind;

static const kind float32 = {dnnl_f32, dnnl_f32, dnnl_f32, true};
static const kind bf16 = {dnnl_bf16, dnnl_bf16, dnnl_f32, true};
static const kind int8 = {dnnl_u8, dnnl_s8, dnnl_s32, false};

/* The product for one number of samples. */
typedef struct product {
    dnnl_primitive_t primitive;
    dnnl_memory_t weights; /* owned by the first product that has the layout */
    bool owns_weights;
    dnnl_memory_t memory[SETS][PLACES]; /* weights NULL; data set for each run */
} product;

typedef struct products {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    product product[SIZES];
    size_t scratch_bytes; /* of oneDNN, the most of all */
    atomic_flag taken[SETS];
} products;

typedef struct prepared {
    lopi_prepared common;
    const kind *kind;
    products *made;
} prepared;

/* Rows one behind the other: with room between them oneDNN has its plainest loops alone, which take
 * a thousand times as long. */
static dnnl_memory_desc_t describe(size_t rows, size_t columns, dnnl_data_type_t type)
{
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    memset(&desc, 0, sizeof desc);
    dnnl_memory_desc_init_by_tag(&desc, 2, dims, type, dnnl_ab);
    return desc;
}

static size_t type_size(dnnl_data_type_t type)
{
    return type == dnnl_u8 || type == dnnl_s8 ? 1 : type == dnnl_bf16 ? 2 : sizeof(float);
}

static lop_status failure(lop_error *error, dnnl_status_t status)
{
    if (status == dnnl_success)
        return LOP_OK;
    if (status == dnnl_out_of_memory)
        return lopi_fail(error, LOP_E_MEMORY, "oneDNN is out of memory");
    return lopi_fail(error, LOP_E_UNSUPPORTED, "oneDNN cannot make a product (status %d)",
                     (int)status);
}

/* Making. ------------------------------------------------------------------------------------- */

static dnnl_status_t make_descriptor(dnnl_primitive_desc_t *out, const products *made,
                                     const prepared *p, size_t samples)
{
    const kind *k = p->kind;
    uint32_t inputs = p->common.inputs, outputs = p->common.outputs;
    dnnl_memory_desc_t x = describe(samples, inputs, k->x);
    dnnl_memory_desc_t y = describe(samples, outputs, k->y), w, b;
    const dnnl_dims_t shape = {outputs, inputs}, bias = {outputs};
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_inner_product_desc_t inner;
    dnnl_memory_desc_init_by_tag(&w, 2, shape, k->weights, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&b, 1, bias, dnnl_f32, dnnl_a);
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_inner_product_forward_desc_init(&inner, dnnl_forward_inference, &x, &w,
                                                      k->bias ? &b : NULL, &y);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(out, &inner, attributes, made->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

/* The weights, [outputs][inputs] of floats or of bytes, into a layout of oneDNN's. */
static dnnl_status_t reorder(const products *made, const prepared *p, const void *plain,
                             dnnl_memory_t to, const dnnl_memory_desc_t *desc)
{
    dnnl_data_type_t type = p->kind->weights == dnnl_s8 ? dnnl_s8 : dnnl_f32;
    dnnl_memory_desc_t given = describe(p->common.outputs, p->common.inputs, type);
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_primitive_t move = NULL;
    dnnl_status_t status =
        dnnl_memory_create(&from, &given, made->engine, (void *)(uintptr_t)plain);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&descriptor, &given, made->engine, desc,
                                                    made->engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&move, descriptor);
    if (status == dnnl_success) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        status = dnnl_primitive_execute(move, made->stream, 2, arguments);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(made->stream);
    dnnl_primitive_destroy(move);
    dnnl_primitive_desc_destroy(descriptor);
    dnnl_memory_destroy(from);
    return status;
}

/* Weights in the layout that product `index` wants: those of an earlier one, or its own. */
static dnnl_status_t make_weights(products *made, size_t index, const prepared *p,
                                  const void *plain, const dnnl_memory_desc_t *wanted, size_t *more)
{
    product *of = &made->product[index];
    for (size_t i = 0; i < index; i++) {
        const dnnl_memory_desc_t *have = NULL;
        dnnl_memory_get_memory_desc(made->product[i].weights, &have);
        if (have && dnnl_memory_desc_equal(have, wanted)) {
            of->weights = made->product[i].weights;
            return dnnl_success;
        }
    }
    dnnl_status_t status =
        dnnl_memory_create(&of->weights, wanted, made->engine, DNNL_MEMORY_ALLOCATE);
    if (status != dnnl_success)
        return status;
    of->owns_weights = true;
    *more += dnnl_memory_desc_get_size(wanted);
    return reorder(made, p, plain, of->weights, wanted);
}

static dnnl_status_t make_sets(product *of, dnnl_primitive_desc_t descriptor, dnnl_engine_t engine)
{
    static const dnnl_query_t queries[PLACES] = {[AT_X] = dnnl_query_src_md,
                                                 [AT_BIAS] = dnnl_query_weights_md,
                                                 [AT_Y] = dnnl_query_dst_md,
                                                 [AT_SCRATCH] = dnnl_query_scratchpad_md};
    for (size_t set = 0; set < SETS; set++)
        for (size_t place = 0; place < PLACES; place++) {
            const dnnl_memory_desc_t *desc =
                place == AT_WEIGHTS
                    ? NULL
                    : dnnl_primitive_desc_query_md(descriptor, queries[place], place == AT_BIAS);
            if (!desc || dnnl_memory_desc_get_size(desc) == 0)
                continue;
            dnnl_status_t status =
                dnnl_memory_create(&of->memory[set][place], desc, engine, DNNL_MEMORY_NONE);
            if (status != dnnl_success)
                return status;
        }
    return dnnl_success;
}

static dnnl_status_t make_product(products *made, size_t index, const prepared *p,
                                  const void *plain, size_t *more)
{
    product *of = &made->product[index];
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_status_t status = make_descriptor(&descriptor, made, p, sizes[index]);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&of->primitive, descriptor);
    if (status == dnnl_success)
        status =
            make_weights(made, index, p, plain,
                         dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 0), more);
    if (status == dnnl_success)
        status = make_sets(of, descriptor, made->engine);
    if (status == dnnl_success) {
        size_t scratch = dnnl_memory_desc_get_size(
            dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0));
        made->scratch_bytes = scratch > made->scratch_bytes ? scratch : made->scratch_bytes;
    }
    dnnl_primitive_desc_destroy(descriptor);
    return status;
}

static void products_free(products *made)
{
    if (!made)
        return;
    for (size_t i = 0; i < SIZES; i++) {
        product *of = &made->product[i];
        dnnl_primitive_destroy(of->primitive);
        if (of->owns_weights)
            dnnl_memory_destroy(of->weights);
        for (size_t set = 0; set < SETS; set++)
            for (size_t place = 0; place < PLACES; place++)
                dnnl_memory_destroy(of->memory[set][place]);
    }
    dnnl_stream_destroy(made->stream);
    dnnl_engine_destroy(made->engine);
    lopi_free(made);
}

/* All weights, zeros too, in floats or bytes. */
static void *plain_weights(const lopi_layer *layer)
{
    size_t size = layer->q ? 1 : sizeof(float), inputs = layer->inputs;
    void *plain = lopi_alloc(layer->outputs * inputs, size);
    for (uint32_t r = 0; plain && r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            size_t at = r * inputs + layer->column[i];
            if (layer->q)
                ((int8_t *)plain)[at] = layer->q[i];
            else
                ((float *)plain)[at] = layer->value[i];
        }
    return plain;
}

static lop_status begin(const lopi_layer *layer, void *memory, const kind *of, size_t *more,
                        lop_error *error)
{
    prepared *p = memory;
    lopi_shelf shelf = {(uint8_t *)memory, 0};
    lopi_shelf_take(&shelf, 1, sizeof *p);
    lopi_prepared_fill(&p->common, layer, &shelf);
    p->kind = of;
    products *made = lopi_alloc(1, sizeof *made);
    void *plain = plain_weights(layer);
    size_t threads = lop_threads_get();
    dnnl_status_t status = made && plain ? dnnl_success : dnnl_out_of_memory;
    *more = sizeof *made;
    /* oneDNN divides the work among threads when a primitive is made. */
    lop_threads_set(1, NULL);
    if (status == dnnl_success)
        status = dnnl_engine_create(&made->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&made->stream, made->engine, dnnl_stream_default_flags);
    for (size_t i = 0; i < SIZES && status == dnnl_success; i++)
        status = make_product(made, i, p, plain, more);
    lop_threads_set(threads, NULL);
    lopi_free(plain);
    if (status != dnnl_success)
        products_free(made);
    else
        p->made = made;
    return failure(error, status);
}

static lop_status begin_f32(const lopi_layer *layer, void *memory, size_t *more, lop_error *error)
{
    return begin(layer, memory, &float32, more, error);
}

static lop_status begin_bf16(const lopi_layer *layer, void *memory, size_t *more, lop_error *error)
{
    return begin(layer, memory, &bf16, more, error);
}

static lop_status begin_i8(const lopi_layer *layer, void *memory, size_t *more, lop_error *error)
{
    return begin(layer, memory, &int8, more, error);
}

static void end(void *memory) { products_free(((prepared *)memory)->made); }

static size_t prepare_bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    lopi_prepared common;
    lopi_shelf_take(&shelf, 1, sizeof(prepared));
    lopi_prepared_fill(&common, layer, &shelf);
    return shelf.used;
}

/* Running. ------------------------------------------------------------------------------------ */

static size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t largest(size_t samples) { return samples < sizes[0] ? samples : sizes[0]; }

static size_t rows_bytes(size_t samples, size_t columns, dnnl_data_type_t type)
{
    return rounded_up(largest(samples) * columns * type_size(type));
}

/* What oneDNN wants, then inputs without room between them, then sums. */
static size_t scratch_bytes(const void *memory, size_t samples)
{
    const prepared *p = memory;
    return rounded_up(p->made->scratch_bytes) + rows_bytes(samples, p->common.inputs, p->kind->x) +
           rows_bytes(samples, p->common.outputs, p->kind->y);
}

LOPI_WIDE static void round_row(const float *restrict from, uint16_t *restrict to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = lopi_bf16_from_float(from[i]);
}

LOPI_WIDE static void relu_row(float *restrict y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = y[i] < 0 ? 0 : y[i];
}

/* kernel.h's bytes. Adding 2^23 and taking it away rounds what lies in 0 … 127 to nearest even. */
LOPI_WIDE static void sums_to_bytes(const int32_t *restrict acc, const float *restrict mult,
                                    const float *restrict offset, uint8_t *restrict y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float t = (float)acc[i] * mult[i] + offset[i];
        t = t > 0 ? t : 0;
        t = t < 127 ? t : 127;
        y[i] = (uint8_t)(int32_t)(t + 8388608.0f - 8388608.0f);
    }
}

LOPI_WIDE static void sums_to_floats(const int32_t *restrict acc, const float *restrict mult,
                                     const float *restrict offset, float *restrict y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = (float)acc[i] * mult[i] + offset[i];
}

static size_t take_set(products *made)
{
    for (;;) {
        for (size_t set = 0; set < SETS; set++)
            if (!atomic_flag_test_and_set_explicit(&made->taken[set], memory_order_acquire))
                return set;
        sched_yield(); /* more threads than sets are at it: whoever is done gives one back */
    }
}

/* One product for sizes[index] samples. The primitive was tried when it was made ready. */
static void multiply(const prepared *p, size_t index, size_t set, void *const data[PLACES])
{
    product *of = &p->made->product[index];
    dnnl_exec_arg_t arguments[PLACES];
    int count = 0;
    for (size_t place = 0; place < PLACES; place++) {
        dnnl_memory_t memory = place == AT_WEIGHTS ? of->weights : of->memory[set][place];
        if (!memory)
            continue;
        if (place != AT_WEIGHTS)
            dnnl_memory_set_data_handle(memory, data[place]);
        arguments[count++] = (dnnl_exec_arg_t){place_names[place], memory};
    }
    dnnl_primitive_execute(of->primitive, p->made->stream, count, arguments);
    dnnl_stream_wait(p->made->stream);
}

static void take_inputs(const prepared *p, const uint8_t *x, size_t x_stride, void *rows,
                        size_t samples)
{
    size_t inputs = p->common.inputs, bytes = inputs * type_size(p->kind->x);
    for (size_t s = 0; s < samples; s++, x += x_stride) {
        uint8_t *row = (uint8_t *)rows + s * bytes;
        if (p->kind == &bf16)
            round_row((const float *)(const void *)x, (uint16_t *)(void *)row, inputs);
        else
            memcpy(row, x, bytes);
    }
}

static void give_outputs(const prepared *p, const void *sums, uint8_t *y, size_t y_stride,
                         size_t samples)
{
    const lopi_prepared *c = &p->common;
    for (size_t s = 0; s < samples; s++, y += y_stride) {
        const int32_t *whole = (const int32_t *)sums + s * c->outputs;
        float *floats = (float *)(void *)y;
        if (p->kind != &int8)
            memcpy(y, (const float *)sums + s * c->outputs, c->outputs * sizeof(float));
        else if (c->last)
            sums_to_floats(whole, c->mult, c->offset, floats, c->outputs);
        else
            sums_to_bytes(whole, c->mult, c->offset, y, c->outputs);
        if (c->relu && (p->kind != &int8 || c->last))
            relu_row(floats, c->outputs);
    }
}

static void run(const lopi_call *call)
{
    const prepared *p = call->prepared;
    const lopi_prepared *c = &p->common;
    size_t set = take_set(p->made), threads = lop_threads_get();
    uint8_t *scratch = call->scratch, *rows = scratch + rounded_up(p->made->scratch_bytes);
    uint8_t *sums = rows + rows_bytes(call->samples, c->inputs, p->kind->x);
    lop_threads_set(1, NULL);
    for (size_t s = call->first, index = 0; s < call->last; s += sizes[index]) {
        while (sizes[index] > call->last - s)
            index++;
        void *data[PLACES] = {
            [AT_X] = rows, [AT_BIAS] = c->offset, [AT_Y] = sums, [AT_SCRATCH] = scratch};
        take_inputs(p, (const uint8_t *)call->x + s * call->x_stride, call->x_stride, rows,
                    sizes[index]);
        multiply(p, index, set, data);
        give_outputs(p, sums, (uint8_t *)call->y + s * call->y_stride, call->y_stride,
                     sizes[index]);
    }
    lop_threads_set(threads, NULL);
    atomic_flag_clear_explicit(&p->made->taken[set], memory_order_release);
}

/* The table. ---------------------------------------------------------------------------------- */

/* Guesses: primitives are slow to make, so a plan that does not measure takes them for large layers
 * in batches alone, if at all. */
static double cost(const lopi_layer *layer, size_t samples, double products_a_ns, double bytes)
{
    double weights = (double)layer->outputs * layer->inputs;
    double read = weights * bytes / 20, computed = weights * (double)samples / products_a_ns;
    return 20e3 + (read > computed ? read : computed);
}

static double cost_f32(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 50, 4);
}
static double cost_bf16(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 300, 2);
}
static double cost_i8(const lopi_layer *layer, size_t samples)
{
    return cost(layer, samples, 900, 1);
}

static lopi_kernel kernels[] = {
    {.name = "dense-onednn-f32", .arithmetic = LOPI_F32, .cost_ns = cost_f32, .begin = begin_f32},
    {.name = "dense-onednn-bf16",
     .arithmetic = LOPI_F32,
     .rounding = LOPI_BF16,
     .cost_ns = cost_bf16,
     .begin = begin_bf16},
    {.name = "dense-onednn-i8", .arithmetic = LOPI_I8, .cost_ns = cost_i8, .begin = begin_i8},
};

enum { KERNELS = sizeof kernels / sizeof *kernels };

/* Whether oneDNN makes such products on this machine. */
static bool possible(const lopi_kernel *kernel)
{
    enum { SIDE = 16 };
    uint32_t start[SIDE + 1], column[SIDE];
    float value[SIDE], mult[SIDE], offset[SIDE];
    int8_t q[SIDE];
    for (uint32_t i = 0; i < SIDE; i++) {
        start[i] = column[i] = i;
        value[i] = mult[i] = offset[i] = 1;
        q[i] = 1;
    }
    start[SIDE] = SIDE;
    bool whole = kernel->arithmetic == LOPI_I8;
    const lopi_layer layer = {.outputs = SIDE,
                              .inputs = SIDE,
                              .row_start = start,
                              .column = column,
                              .value = whole ? NULL : value,
                              .q = whole ? q : NULL,
                              .mult = whole ? mult : NULL,
                              .offset = offset};
    size_t more;
    void *memory = lopi_alloc_aligned(prepare_bytes(&layer), 1);
    bool fine = memory && kernel->begin(&layer, memory, &more, NULL) == LOP_OK;
    if (fine)
        end(memory);
    lopi_free(memory);
    return fine;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void register_all(void)
{
    for (size_t i = 0; i < KERNELS; i++) {
        lopi_kernel *kernel = &kernels[i];
        kernel->isa = lopi_isa_detect(); /* a plan for less does not have them: oneDNN takes all */
        kernel->operation = LOPI_DENSE;
        kernel->prepare_bytes = prepare_bytes;
        kernel->end = end;
        kernel->scratch_bytes = scratch_bytes;
        kernel->parts = lopi_parts_by_samples;
        kernel->run = run;
        if (possible(kernel))
            lopi_kernel_register(kernel); /* there is room: nobody else registers any */
    }
}

void lop_dense_kernels_register(void) { pthread_once(&once, register_all); }
