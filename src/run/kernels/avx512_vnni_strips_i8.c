/* AVX-512 with VBMI and VNNI, few samples, int8: sparse layers by table look-up (strips.h).
 *
 * A step is 64 weights of 16 rows: vpermi2b picks 64 of the window's 128 activations, which two
 * registers hold, and vpdpbusd adds four products to each row's sum.
 *
 *     byte 4·row + slot of index and weight:   row 0: i i i i | row 1: i i i i | … | row 15: i i i
 * i
 *
 * Four samples share what is loaded of a step. Sums of a unit's four steps are kept apart, so that
 * they do not wait for each other.
 *
 * One sample is bound by what the second cache gives: 125 GB/s of indices and weights, of 140 that
 * the same loads reach without any arithmetic, on a Xeon of the fourth generation. vpermi2b is
 * three operations there, so a step from the first cache would take two cycles. Tried: windows at
 * multiples of 64 (2 to 7 % slower, more is padding) and of 16 (no faster, loads cross lines);
 * windows of 256 by two look-ups (20 % fewer bytes, 25 % slower, or no faster); two vpermb for one
 * vpermi2b, indices and weights side by side, fetching ahead, groups in the order of their lengths:
 * all the same or slower.
 */
#include "run/kernels/avx512.h"
#include "run/kernels/strips.h"

#if defined(__AVX512VBMI__) && defined(__AVX512VNNI__)

enum { ROWS = 16, SLOTS = 4, STEP = ROWS * SLOTS, UNIT = LOPI_STRIP_UNIT, AT_ONCE = 4 };

static size_t place(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * STEP + row * SLOTS + slot;
}

static const lopi_strip_shape shape = {
    .rows = ROWS,
    .slots = SLOTS,
    .window = 128,
    .align = 32,
    .window_cost = 1.1,
    .step_cost = 2,
    .index_at = place,
    .weight_at = place,
};

static bool fits(const lopi_layer *layer) { return lopi_strips_fit(&shape, layer); }
static size_t bytes(const lopi_layer *layer) { return lopi_strips_bytes(&shape, layer); }
static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&shape, layer, memory);
}

typedef struct sample_block {
    const uint8_t *x;
    size_t x_stride;
    uint8_t *y;
    size_t y_stride;
} sample_block;

/* `count` samples of a group. `count` and `steps` (of a window) are constants where it is called.
 */
static inline __attribute__((always_inline)) void group(const lopi_strips *s, uint32_t g,
                                                        const sample_block *at,
                                                        const uint32_t count, const uint32_t steps)
{
    __m512i acc[AT_ONCE][UNIT];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < UNIT; n++)
            acc[i][n] = _mm512_setzero_si512();
    for (size_t unit = s->start[g]; unit < s->start[g + 1]; unit++) {
        const uint32_t *base = s->base + unit * (UNIT / steps);
        const uint8_t *index = s->index + unit * UNIT * STEP;
        const uint8_t *weight = (const uint8_t *)s->weight + unit * UNIT * STEP;
        for (uint32_t n = 0; n < UNIT; n++) {
            __m512i pick = _mm512_loadu_si512(index + n * STEP);
            __m512i w = _mm512_loadu_si512(weight + n * STEP);
            for (uint32_t i = 0; i < count; i++) {
                const uint8_t *window = at->x + i * at->x_stride + base[n / steps];
                __m512i low = _mm512_loadu_si512(window), high = _mm512_loadu_si512(window + 64);
                __m512i x = _mm512_permutex2var_epi8(low, pick, high);
                acc[i][n] = _mm512_dpbusd_epi32(acc[i][n], x, w);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        __m512i sum = _mm512_add_epi32(_mm512_add_epi32(acc[i][0], acc[i][1]),
                                       _mm512_add_epi32(acc[i][2], acc[i][3]));
        lopi_avx512_finish_i8(&s->common, g * ROWS, sum, at->y + i * at->y_stride);
    }
}

static inline __attribute__((always_inline)) void groups(const lopi_strips *s, lopi_row_range rows,
                                                         const sample_block *at,
                                                         const uint32_t count, const uint32_t steps)
{
    for (uint32_t g = rows.first / ROWS; g * ROWS < rows.last; g++)
        group(s, g, at, count, steps);
}

static void one_sample(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    if (s->steps == 4)
        groups(s, rows, at, 1, 4);
    else if (s->steps == 2)
        groups(s, rows, at, 1, 2);
    else
        groups(s, rows, at, 1, 1);
}

static void some_samples(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    if (s->steps == 4)
        groups(s, rows, at, AT_ONCE, 4);
    else if (s->steps == 2)
        groups(s, rows, at, AT_ONCE, 2);
    else
        groups(s, rows, at, AT_ONCE, 1);
}

static void run(const lopi_call *call)
{
    const lopi_strips *s = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    for (size_t i = 0; i < call->samples;) {
        bool single = call->samples - i < AT_ONCE;
        sample_block at = {(const uint8_t *)call->x + i * call->x_stride, call->x_stride,
                           (uint8_t *)call->y + i * call->y_stride, call->y_stride};
        if (single)
            one_sample(s, rows, &at);
        else
            some_samples(s, rows, &at);
        i += single ? 1 : AT_ONCE;
    }
}

/* At some 3 GHz; four samples at once take three times as long as one. */
static double cost(const lopi_layer *layer, size_t samples)
{
    size_t together = samples / AT_ONCE, single = samples % AT_ONCE;
    double rounds = (double)together * 3 + (double)single;
    return rounds * lopi_strips_cycles(&shape, layer) / 3;
}

static const lopi_kernel kernels[] = {{
    .name = "sparse-strips-i8-avx512-vnni",
    .isa = LOPI_ISA_AVX512_VNNI,
    .arithmetic = LOPI_I8,
    .operation = LOPI_SPARSE,
    .fits = fits,
    .cost_ns = cost,
    .prepare_bytes = bytes,
    .prepare = prepare,
    .parts = lopi_parts_by_rows,
    .run = run,
}};

const lopi_kernel_list lopi_kernels_avx512_vnni_strips_i8 = {kernels,
                                                             sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_vnni_strips_i8 = {NULL, 0};

#endif
