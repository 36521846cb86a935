/* WebAssembly, few samples, int8, very few weights: each input that is not zero walks its column's
 * weights (formats.h, column). No instruction adds to rows in different places, so this is scalar
 * code, and saves the inputs that are zero; vectors make the outputs of the sums. */
#include "run/kernels/formats.h"
#include "run/kernels/wasm.h"

#ifdef __wasm_simd128__

#include <string.h>

enum { PADDED = 64 };

static size_t padded_rows(const lopi_prepared *p)
{
    return ((size_t)p->outputs + PADDED - 1) / PADDED * PADDED;
}

static size_t scratch(const void *prepared, size_t samples)
{
    (void)samples;
    return padded_rows(prepared) * sizeof(int32_t);
}

static void add_columns(const lopi_format *f, const uint8_t *x, int32_t *sum)
{
    const int8_t *w = f->weight;
    for (uint32_t c = 0; c < f->common.inputs; c++) {
        int32_t value = x[c];
        if (value == 0)
            continue;
        uint32_t i = f->start[c], end = f->start[c + 1];
        for (; i + 1 < end; i += 2) {
            sum[f->index[i]] += w[i] * value;
            sum[f->index[i + 1]] += w[i + 1] * value;
        }
        if (i < end)
            sum[f->index[i]] += w[i] * value;
    }
}

static void run(const lopi_call *call)
{
    const lopi_format *f = call->prepared;
    int32_t *sum = call->scratch;
    for (size_t s = call->first; s < call->last; s++) {
        memset(sum, 0, padded_rows(&f->common) * sizeof *sum);
        add_columns(f, (const uint8_t *)call->x + s * call->x_stride, sum);
        for (uint32_t row = 0; row < f->common.outputs; row += 4)
            lopi_wasm_finish_rows(&f->common, row, wasm_v128_load(sum + row),
                                  (uint8_t *)call->y + s * call->y_stride);
    }
}

/* Nanoseconds at some 3 GHz. */
static double cost(const lopi_layer *layer, size_t samples)
{
    double read = layer->row_start[layer->outputs] * (double)layer->density;
    return (double)samples * (0.8 * layer->outputs + 0.8 * layer->inputs + 1.0 * read);
}

static const lopi_kernel kernels[] = {
    {
        .name = "column-lists-i8-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_I8,
        .operation = LOPI_COLUMN,
        .cost_ns = cost,
        .prepare_bytes = lopi_column_bytes,
        .prepare = lopi_column_prepare,
        .scratch_bytes = scratch,
        .parts = lopi_parts_by_samples,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_wasm_lists_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_wasm_lists_i8 = {NULL, 0};

#endif
