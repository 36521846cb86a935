#include "kernel_case.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lop/export.h>

#include "layers.h"

enum { FILLING = 0xa5, ROOM = 1 << 22 };

bool case_memory_new(case_memory *memory)
{
    *memory = (case_memory){0};
    return guarded_new(&memory->prepared, 4 * ROOM) && guarded_new(&memory->x, ROOM) &&
           guarded_new(&memory->y, ROOM) && guarded_new(&memory->scratch, ROOM);
}

void case_memory_free(case_memory *memory)
{
    guarded_free(&memory->prepared);
    guarded_free(&memory->x);
    guarded_free(&memory->y);
    guarded_free(&memory->scratch);
}

/* A case at work. */
typedef struct work {
    const case_spec *spec;
    const lopi_layer *layer;
    lopi_layout layout;
    size_t x_size, y_size; /* of elements */
    size_t x_stride, y_stride;
    size_t x_bytes, y_bytes;
    uint8_t *x, *y;
    case_result result;
} work;

static void complain(work *w, const char *format, ...) LOP_PRINTF(2, 3);

static void complain(work *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!w->result.wrong[0])
        vsnprintf(w->result.wrong, sizeof w->result.wrong, format, arguments);
    va_end(arguments);
}

static void *element(const work *w, bool of_y, size_t feature, size_t sample)
{
    uint8_t *data = of_y ? w->y : w->x;
    size_t stride = of_y ? w->y_stride : w->x_stride, size = of_y ? w->y_size : w->x_size;
    size_t tile = w->layout.tile;
    if (tile == 0)
        return data + sample * stride + feature * size;
    return data + sample / tile * stride + (feature * tile + sample % tile) * size;
}

/* Numbers. ------------------------------------------------------------------------------------ */

static float special_float(lopi_random *random)
{
    static const float values[] = {0,      -0.0f,       FLT_MIN, -FLT_MIN, FLT_TRUE_MIN, 1,
                                   -1,     0.5f,        1.5f,    2.5f,     0x1p-24f,     16777216,
                                   1e-20f, -1.0000001f, 3e4f,    -3e4f};
    return values[lopi_random_below(random, sizeof values / sizeof *values)];
}

/* Products of two of these and sums of many stay finite. */
static float extreme_float(lopi_random *random)
{
    static const float values[] = {1e15f, -1e15f, 1e-15f, 3.4e16f, -3.4e16f, 1e-30f};
    return values[lopi_random_below(random, sizeof values / sizeof *values)];
}

static float draw_float(lopi_random *random, value_style style)
{
    if (style == STYLE_EXTREME)
        return extreme_float(random);
    return style == STYLE_SPECIAL ? special_float(random) : (float)lopi_random_normal(random);
}

static void style_weights(test_layer *layer, lopi_random *random, value_style style)
{
    static const int8_t special[] = {0, 1, -1, 127, -127, 64, -64, 2};
    uint32_t left = layer->row_start[layer->view.outputs];
    int8_t sign = lopi_random_below(random, 2) ? 127 : -127;
    for (uint32_t i = 0; i < left && style != STYLE_RANDOM; i++) {
        layer->value[i] = draw_float(random, style);
        layer->q[i] = style == STYLE_EXTREME ? sign : special[lopi_random_below(random, 8)];
    }
    /* Halves: sums times 1/2 lie between two whole numbers half of the time. */
    for (uint32_t r = 0; r < layer->view.outputs && style == STYLE_SPECIAL; r++) {
        layer->mult[r] = 0.5f;
        layer->offset[r] = (float)((int)lopi_random_below(random, 100) - 50);
    }
}

static void fill_x(const work *w, lopi_random *random)
{
    for (size_t s = 0; s < w->spec->samples; s++)
        for (uint32_t c = 0; c < w->layer->inputs; c++) {
            bool zero = lopi_random_float(random) >= w->spec->input_density;
            void *at = element(w, false, c, s);
            if (w->x_size == 1)
                *(uint8_t *)at =
                    (uint8_t)(zero                              ? 0
                              : w->spec->style == STYLE_EXTREME ? 127
                                                                : lopi_random_below(random, 128));
            else
                *(float *)at = zero ? 0 : draw_float(random, w->spec->style);
        }
}

/* Comparing. ---------------------------------------------------------------------------------- */

static void compare_int(work *w, uint32_t row, size_t sample)
{
    const lopi_layer *l = w->layer;
    int64_t acc = 0;
    for (uint32_t i = l->row_start[row]; i < l->row_start[row + 1]; i++)
        acc += l->q[i] * *(uint8_t *)element(w, false, l->column[i], sample);
    volatile float product = (float)acc * l->mult[row]; /* rounded by itself */
    float t = product + l->offset[row];
    void *at = element(w, true, row, sample);
    if (l->last) {
        float wanted = l->relu && t < 0 ? 0 : t;
        if (*(float *)at != wanted)
            complain(w, "row %u of sample %zu: expected %a, found %a", row, sample, (double)wanted,
                     (double)*(float *)at);
        return;
    }
    int wanted = (int)rint(fmin(fmax((double)t, 0), 127));
    if (*(uint8_t *)at != wanted)
        complain(w, "row %u of sample %zu: expected %d, found %d (sum %lld)", row, sample, wanted,
                 *(uint8_t *)at, (long long)acc);
}

/* The largest weight of a row times the largest input of a sample. */
static double largest(work *w, uint32_t row, size_t sample)
{
    const lopi_layer *l = w->layer;
    double weight = (double)FLT_MIN, input = (double)FLT_MIN; /* what is below them may be lost */
    for (uint32_t i = l->row_start[row]; i < l->row_start[row + 1]; i++)
        weight = fmax(weight, fabs((double)l->value[i]));
    for (uint32_t c = 0; c < l->inputs; c++)
        input = fmax(input, fabs((double)*(float *)element(w, false, c, sample)));
    return weight * input;
}

static void compare_float(work *w, uint32_t row, size_t sample)
{
    const lopi_layer *l = w->layer;
    double sum = (double)l->offset[row], size = fabs(sum);
    for (uint32_t i = l->row_start[row]; i < l->row_start[row + 1]; i++) {
        double product =
            (double)l->value[i] * (double)*(float *)element(w, false, l->column[i], sample);
        sum += product;
        size += fabs(product);
    }
    double wanted = l->relu && sum < 0 ? 0 : sum,
           found = (double)*(float *)element(w, true, row, sample);
    /* kernel.h's bound; where products fall below the normal numbers, each may lose the smallest.
     */
    double products = l->row_start[row + 1] - l->row_start[row];
    double bound = (products + 2) * (0x1p-24 * size + (double)FLT_TRUE_MIN);
    /* Both factors rounded to 8 bits; below the normal numbers they may be taken for zero. */
    if (w->spec->kernel->rounding == LOPI_BF16)
        bound += (0x1p-8 + 0x1p-18) * size + (products + 1) * (double)FLT_MIN * 3e4;
    if (w->spec->kernel->rounding == LOPI_FP16)
        bound += (products + 3) * 0x1p-11 / (1 - (products + 3) * 0x1p-11) * size +
                 products * 0x1p-21 * largest(w, row, sample);
    if (!(fabs(found - wanted) <= bound))
        complain(w, "row %u of sample %zu: expected %.9g within %.3g, found %.9g", row, sample,
                 wanted, bound, found);
}

/* Behind the outputs of each sample or tile there are zeros. */
static void check_padding(work *w)
{
    size_t tile = w->layout.tile ? w->layout.tile : 1;
    size_t used = w->layer->outputs * tile * w->y_size;
    for (size_t first = 0; first < w->y_bytes; first += w->y_stride)
        for (size_t i = used; i < w->y_stride; i++)
            if (w->y[first + i] != 0)
                complain(w, "byte %zu behind the outputs is not 0", i - used);
}

/* Running. ------------------------------------------------------------------------------------ */

static void measure(work *w)
{
    const lopi_layer *l = w->layer;
    w->layout = w->spec->kernel->layout;
    w->x_size = l->q ? 1 : sizeof(float);
    w->y_size = l->q && !l->last ? 1 : sizeof(float);
    w->x_stride = lopi_layout_stride(w->layout, l->inputs, w->x_size);
    w->y_stride = lopi_layout_stride(w->layout, l->outputs, w->y_size);
    w->x_bytes = lopi_layout_bytes(w->layout, l->inputs, w->x_size, w->spec->samples);
    w->y_bytes = lopi_layout_bytes(w->layout, l->outputs, w->y_size, w->spec->samples);
}

/* All parts, in a random number of calls and from the last to the first, as threads may. */
static void run_parts(work *w, case_memory *memory, lopi_random *random)
{
    const lopi_kernel *kernel = w->spec->kernel;
    const void *prepared = memory->prepared.data;
    size_t samples = w->spec->samples, parts = kernel->parts(prepared, samples);
    size_t scratch = kernel->scratch_bytes ? kernel->scratch_bytes(prepared, samples) : 0;
    lopi_call call = {
        .prepared = prepared,
        .x = w->x,
        .x_stride = w->x_stride,
        .y = w->y,
        .y_stride = w->y_stride,
        .samples = samples,
    };
    if (parts == 0)
        complain(w, "no parts");
    for (size_t end = parts; end > 0; end = call.first) {
        size_t length = 1 + lopi_random_below(random, (uint32_t)end);
        call.first = end - length;
        call.last = end;
        call.scratch = guarded_take(&memory->scratch, scratch, w->spec->at_end, FILLING);
        memset(call.scratch, 0x7f, scratch);
        kernel->run(&call);
        if (!guarded_intact(&memory->scratch, FILLING))
            complain(w, "wrote beyond its scratch");
    }
}

static void run_case(work *w, case_memory *memory, lopi_random *random)
{
    const case_spec *spec = w->spec;
    const lopi_layer *layer = w->layer;
    size_t bytes = spec->kernel->prepare_bytes(layer);
    if (bytes > memory->prepared.room || w->x_bytes > memory->x.room ||
        w->y_bytes > memory->y.room) {
        complain(w, "wants %zu bytes for its layout, %zu and %zu for values: too much", bytes,
                 w->x_bytes, w->y_bytes);
        return;
    }
    memset(guarded_take(&memory->prepared, bytes, spec->at_end, FILLING), 0, bytes);
    size_t more = 0;
    if (spec->kernel->begin) {
        if (spec->kernel->begin(layer, memory->prepared.data, &more, NULL) != LOP_OK || more == 0) {
            complain(w, "cannot be made ready");
            return;
        }
    } else {
        spec->kernel->prepare(layer, memory->prepared.data);
    }
    if (!guarded_intact(&memory->prepared, FILLING))
        complain(w, "preparing wrote beyond prepare_bytes");
    guarded_lock(&memory->prepared);
    w->x = guarded_take(&memory->x, w->x_bytes, spec->at_end, FILLING);
    memset(w->x, 0, w->x_bytes);
    fill_x(w, random);
    guarded_lock(&memory->x);
    w->y = guarded_take(&memory->y, w->y_bytes, spec->at_end, FILLING);
    memset(w->y, 0, w->y_bytes);
    run_parts(w, memory, random);
    if (!guarded_intact(&memory->y, FILLING))
        complain(w, "wrote beyond its outputs");
    check_padding(w);
    for (size_t s = 0; s < spec->samples && !w->result.wrong[0]; s++)
        for (uint32_t r = 0; r < layer->outputs; r++)
            (layer->q ? compare_int : compare_float)(w, r, s);
    if (spec->kernel->end)
        spec->kernel->end(memory->prepared.data);
}

case_result case_check(case_memory *memory, const case_spec *spec)
{
    lopi_random random = lopi_random_stream(spec->seed, LOPI_STREAM_TEST, 1);
    test_layer layer = test_layer_new(&random, spec->kernel->arithmetic, spec->outputs,
                                      spec->inputs, spec->density);
    style_weights(&layer, &random, spec->style);
    layer.view.last = spec->last;
    layer.view.relu = spec->relu;
    layer.view.density = spec->input_density;
    work w = {.spec = spec, .layer = &layer.view};
    if (spec->kernel->fits && !spec->kernel->fits(&layer.view)) {
        w.result.skipped = true;
    } else {
        measure(&w);
        run_case(&w, memory, &random);
        double ns = spec->kernel->cost_ns(&layer.view, spec->samples);
        if (!(ns > 0) || !isfinite(ns))
            complain(&w, "its stated cost is %g ns", ns);
    }
    test_layer_free(&layer);
    return w.result;
}
