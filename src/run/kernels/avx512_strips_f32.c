/* AVX-512, few samples, float32: sparse layers by table look-up (strips.h).
 *
 * A step is one weight of each of 16 rows: vpermi2ps picks 16 of the window's 32 activations, which
 * two registers hold. It looks at the low five bits of each index alone, so the indices of a unit's
 * four steps share one register, which is shifted by eight bits from step to step.
 *
 *     index, byte 4·row + step:     row 0: i₀ i₁ i₂ i₃ | row 1: i₀ i₁ i₂ i₃ | …
 *     weight, float 16·step + row:  step 0: row 0, row 1, … | step 1: row 0, row 1, … | …
 *
 * Two samples share what is loaded of a step.
 *
 * Where a plan allows it weights are kept as bf16, the upper half of a float: 3 bytes for a place
 * instead of 5, and one instruction more to widen them. Inputs stay as they are.
 */
#include "run/kernels/avx512.h"
#include "run/kernels/strips.h"

#include "run/half.h"

#ifdef __AVX512F__

enum { ROWS = 16, UNIT = LOPI_STRIP_UNIT, AT_ONCE = 2 };

static size_t index_at(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)row * UNIT + step + slot;
}

static size_t weight_at(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * ROWS + row + slot;
}

static const lopi_strip_shape shape = {
    .rows = ROWS,
    .slots = 1,
    .window = 32,
    .align = 16,
    .window_cost = 1.5,
    .step_cost = 1,
    .index_at = index_at,
    .weight_at = weight_at,
};

static const lopi_strip_shape shape_bf16 = {
    .rows = ROWS,
    .slots = 1,
    .window = 32,
    .align = 16,
    .window_cost = 1.5,
    .step_cost = 1,
    .index_at = index_at,
    .weight_at = weight_at,
    .narrow = lopi_float_to_bfloat,
};

static bool fits(const lopi_layer *layer) { return lopi_strips_fit(&shape, layer); }
static size_t bytes(const lopi_layer *layer) { return lopi_strips_bytes(&shape, layer); }
static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&shape, layer, memory);
}

static size_t bytes_bf16(const lopi_layer *layer) { return lopi_strips_bytes(&shape_bf16, layer); }
static void prepare_bf16(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&shape_bf16, layer, memory);
}

typedef struct sample_block {
    const float *x;
    size_t x_stride; /* in floats */
    float *y;
    size_t y_stride;
} sample_block;

static inline __m512 load_weights(const void *weight, size_t at, const bool half)
{
    if (!half)
        return _mm512_loadu_ps((const float *)weight + at);
    __m256i upper =
        _mm256_loadu_si256((const __m256i *)(const void *)((const uint16_t *)weight + at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16));
}

/* `count` samples of a group. `count`, `steps` (of a window) and `half` are constants where it is
 * called. */
static inline __attribute__((always_inline)) void group(const lopi_strips *s, uint32_t g,
                                                        const sample_block *at,
                                                        const uint32_t count, const uint32_t steps,
                                                        const bool half)
{
    __m512 acc[AT_ONCE][UNIT];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < UNIT; n++)
            acc[i][n] = _mm512_setzero_ps();
    for (size_t unit = s->start[g]; unit < s->start[g + 1]; unit++) {
        const uint32_t *base = s->base + unit * (UNIT / steps);
        __m512i pick = _mm512_loadu_si512(s->index + unit * UNIT * ROWS);
        for (uint32_t n = 0; n < UNIT; n++) {
            __m512 w = load_weights(s->weight, (unit * UNIT + n) * ROWS, half);
            for (uint32_t i = 0; i < count; i++) {
                const float *window = at->x + i * at->x_stride + base[n / steps];
                __m512 low = _mm512_loadu_ps(window), high = _mm512_loadu_ps(window + 16);
                acc[i][n] = _mm512_fmadd_ps(_mm512_permutex2var_ps(low, pick, high), w, acc[i][n]);
            }
            pick = _mm512_srli_epi32(pick, 8);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        __m512 sum =
            _mm512_add_ps(_mm512_add_ps(acc[i][0], acc[i][1]), _mm512_add_ps(acc[i][2], acc[i][3]));
        lopi_avx512_finish_f32(&s->common, g * ROWS, sum, at->y + i * at->y_stride);
    }
}

static inline __attribute__((always_inline)) void groups(const lopi_strips *s, lopi_row_range rows,
                                                         const sample_block *at,
                                                         const uint32_t count, const uint32_t steps,
                                                         const bool half)
{
    for (uint32_t g = rows.first / ROWS; g * ROWS < rows.last; g++)
        group(s, g, at, count, steps, half);
}

static inline __attribute__((always_inline)) void samples(const lopi_strips *s, lopi_row_range rows,
                                                          const sample_block *at,
                                                          const uint32_t count, const bool half)
{
    if (s->steps == 4)
        groups(s, rows, at, count, 4, half);
    else if (s->steps == 2)
        groups(s, rows, at, count, 2, half);
    else
        groups(s, rows, at, count, 1, half);
}

static void one_sample(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    samples(s, rows, at, 1, false);
}

static void some_samples(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    samples(s, rows, at, AT_ONCE, false);
}

static void one_sample_bf16(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    samples(s, rows, at, 1, true);
}

static void some_samples_bf16(const lopi_strips *s, lopi_row_range rows, const sample_block *at)
{
    samples(s, rows, at, AT_ONCE, true);
}

typedef void compute(const lopi_strips *s, lopi_row_range rows, const sample_block *at);

static void run_by(const lopi_call *call, compute *one, compute *some)
{
    const lopi_strips *s = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    size_t x_stride = call->x_stride / sizeof(float), y_stride = call->y_stride / sizeof(float);
    for (size_t i = 0; i < call->samples;) {
        bool single = call->samples - i < AT_ONCE;
        sample_block at = {(const float *)call->x + i * x_stride, x_stride,
                           (float *)call->y + i * y_stride, y_stride};
        if (single)
            one(s, rows, &at);
        else
            some(s, rows, &at);
        i += single ? 1 : AT_ONCE;
    }
}

static void run(const lopi_call *call) { run_by(call, one_sample, some_samples); }

static void run_bf16(const lopi_call *call) { run_by(call, one_sample_bf16, some_samples_bf16); }

/* At some 3 GHz; two samples at once take 1.6 times as long as one. */
static double cost(const lopi_layer *layer, size_t samples)
{
    size_t together = samples / AT_ONCE, single = samples % AT_ONCE;
    double rounds = (double)together * 1.6 + (double)single;
    return rounds * lopi_strips_cycles(&shape, layer) / 3;
}

static const lopi_kernel kernels[] = {
    {
        .name = "sparse-strips-f32-avx512",
        .isa = LOPI_ISA_AVX512,
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = bytes,
        .prepare = prepare,
        .parts = lopi_parts_by_rows,
        .run = run,
    },
    {
        .name = "sparse-strips-bf16-avx512",
        .isa = LOPI_ISA_AVX512,
        .arithmetic = LOPI_F32,
        .operation = LOPI_SPARSE,
        .rounding = LOPI_BF16,
        .fits = fits,
        .cost_ns = cost,
        .prepare_bytes = bytes_bf16,
        .prepare = prepare_bf16,
        .parts = lopi_parts_by_rows,
        .run = run_bf16,
    },
};

const lopi_kernel_list lopi_kernels_avx512_strips_f32 = {kernels, sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_strips_f32 = {NULL, 0};

#endif
