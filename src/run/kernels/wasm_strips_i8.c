/* WebAssembly, few samples, int8: sparse layers by table look-up (strips.h).
 *
 * i8x16.swizzle picks bytes from 16, and yields 0 for places beyond: a window of 32 is two of them,
 * the second with the places less 16. The products are of 16 bits, added by twos to 32, so a row's
 * four slots stand in two halves of a step:
 *
 *     index:   row 0: c c | row 1: c c | row 2: c c | row 3: c c | row 0: c c | … | row 3: c c
 *     weight:         w w          w w          w w          w w          w w            w w
 */
#include "run/kernels/strips.h"
#include "run/kernels/wasm.h"

#ifdef __wasm_simd128__

enum { ROWS = 4, SLOTS = 4, STEP = ROWS * SLOTS, UNIT = LOPI_STRIP_UNIT, HALF = 16 };

static size_t place(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * STEP + slot / 2 * (STEP / 2) + row * 2 + slot % 2;
}

static const lopi_strip_shape shape = {
    .rows = ROWS,
    .slots = SLOTS,
    .window = 2 * HALF,
    .align = 1,
    .window_cost = 1,
    .step_cost = 6,
    .index_at = place,
    .weight_at = place,
};

static bool fits(const lopi_layer *layer) { return lopi_strips_fit(&shape, layer); }
static size_t bytes(const lopi_layer *layer) { return lopi_strips_bytes(&shape, layer); }

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&shape, layer, memory);
}

static double cost(const lopi_layer *layer, size_t samples)
{
    return (double)samples * lopi_strips_cycles(&shape, layer) / 3;
}

/* `steps` of a window: a constant where it is called. */
static inline __attribute__((always_inline)) void groups(const lopi_strips *s, lopi_row_range rows,
                                                         const uint8_t *x, uint8_t *y,
                                                         const uint32_t steps)
{
    for (uint32_t g = rows.first / ROWS; g * ROWS < rows.last; g++) {
        v128_t sum = wasm_i32x4_const_splat(0);
        for (size_t n = (size_t)s->start[g] * UNIT; n < (size_t)s->start[g + 1] * UNIT; n++) {
            const uint8_t *window = x + s->base[n / steps];
            const int8_t *weight = (const int8_t *)s->weight + n * STEP;
            v128_t places = wasm_v128_load(s->index + n * STEP);
            v128_t low = wasm_i8x16_swizzle(wasm_v128_load(window), places);
            v128_t high = wasm_i8x16_swizzle(wasm_v128_load(window + HALF),
                                             wasm_i8x16_sub(places, wasm_i8x16_const_splat(HALF)));
            v128_t picked = wasm_v128_or(low, high);
            v128_t first = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(picked),
                                                wasm_i16x8_load8x8(weight));
            v128_t second = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(picked),
                                                 wasm_i16x8_load8x8(weight + STEP / 2));
            sum = wasm_i32x4_add(sum, wasm_i32x4_add(first, second));
        }
        lopi_wasm_finish_rows(&s->common, g * ROWS, sum, y);
    }
}

static void run(const lopi_call *call)
{
    const lopi_strips *s = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t i = 0; i < call->samples; i++) {
        const uint8_t *x = (const uint8_t *)call->x + i * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + i * call->y_stride;
        if (s->steps == 4)
            groups(s, rows, x, y, 4);
        else if (s->steps == 2)
            groups(s, rows, x, y, 2);
        else
            groups(s, rows, x, y, 1);
    }
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-strips-i8-wasm",
        .isa = LOPI_ISA_WASM,
        .arithmetic = LOPI_I8,
        .operation = LOPI_SPARSE,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = bytes,
        .prepare = prepare,
        .parts = lopi_parts_by_rows,
        .run = run,
    },
};

const lopi_kernel_list lopi_kernels_wasm_strips_i8 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_wasm_strips_i8 = {NULL, 0};

#endif
