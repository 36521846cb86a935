/* AVX-512 with FP16, few samples: sparse layers by table look-up (strips.h) in floats of 16 bits,
 * for plans that allow it.
 *
 * A step is one weight of each of 32 rows: vpermi2w picks 32 of the window's 64 activations, which
 * two registers hold. It looks at the low six bits of each index alone, so those of two steps share
 * a register, the second one in the upper bytes. vfmadd231ph then does 32 products where float32
 * does 16, and a place takes 3 bytes instead of 5.
 *
 *     index, byte 2·row + step:    row 0: i₀ i₁ | row 1: i₀ i₁ | …     a register for two steps
 *     weight, half 32·step + row:  step 0: row 0, row 1, … | step 1: row 0, row 1, … | …
 *
 * Inputs are turned to halves once for a sample. Theirs and each row's weights are scaled by powers
 * of two to below 1, so that sums of MOST_LEFT products cannot overflow.
 */
#include "run/half.h"
#include "run/kernels/avx512.h"
#include "run/kernels/strips.h"

#ifdef __AVX512FP16__

enum { ROWS = 32, UNIT = LOPI_STRIP_UNIT, AT_ONCE = 2, MOST_LEFT = 1024 };

static size_t index_at(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)(step / 2) * 2 * ROWS + 2 * row + step % 2 + slot;
}

static size_t weight_at(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * ROWS + row + slot;
}

static const lopi_strip_shape shape = {
    .rows = ROWS,
    .slots = 1,
    .window = 64,
    .align = 16,
    .window_cost = 1.5,
    .step_cost = 1.5,
    .index_at = index_at,
    .weight_at = weight_at,
    .narrow = lopi_float_to_half,
    .scaled = true,
};

static bool fits(const lopi_layer *layer)
{
    for (uint32_t r = 0; r < layer->outputs; r++)
        if (layer->row_start[r + 1] - layer->row_start[r] > MOST_LEFT)
            return false;
    return lopi_strips_fit(&shape, layer);
}

static size_t bytes(const lopi_layer *layer) { return lopi_strips_bytes(&shape, layer); }
static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_strips_prepare(&shape, layer, memory);
}

/* Inputs of a sample, as floats and as halves: padded alike. */
static size_t padded(uint32_t inputs) { return ((size_t)inputs + 15) / 16 * 16; }

static size_t scratch_bytes(const void *prepared, size_t samples)
{
    (void)samples;
    return AT_ONCE * padded(((const lopi_prepared *)prepared)->inputs) * sizeof(uint16_t);
}

/* Returns the power of two that the halves are to be multiplied with. */
static float take_inputs(const float *x, size_t count, uint16_t *half)
{
    __m512 most = _mm512_setzero_ps();
    for (size_t i = 0; i < count; i += 16)
        most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
    float scale = lopi_power_above(_mm512_reduce_max_ps(most));
    const __m512 inverse = _mm512_set1_ps(1 / scale);
    for (size_t i = 0; i < count; i += 16)
        _mm256_storeu_si256((__m256i *)(void *)(half + i),
                            _mm512_cvtps_ph(_mm512_mul_ps(_mm512_loadu_ps(x + i), inverse),
                                            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    return scale;
}

typedef struct sample_block {
    const uint16_t *half[AT_ONCE];
    float scale[AT_ONCE];
    float *y[AT_ONCE];
} sample_block;

/* Sixteen sums of one sample, whose four chains are halves of registers. */
static inline void finish(const lopi_strips *s, uint32_t row, __m256i chains[UNIT], float scale,
                          float *y)
{
    __m512 sum = _mm512_cvtph_ps(chains[0]);
    for (uint32_t n = 1; n < UNIT; n++)
        sum = _mm512_add_ps(sum, _mm512_cvtph_ps(chains[n]));
    sum = _mm512_mul_ps(_mm512_mul_ps(sum, _mm512_loadu_ps(s->scale + row)), _mm512_set1_ps(scale));
    if (row < s->common.outputs)
        lopi_avx512_finish_f32(&s->common, row, sum, y);
}

/* `count` samples of a group. `count` and `steps` (of a window) are constants where it is called.
 */
static inline __attribute__((always_inline)) void group(const lopi_strips *s, uint32_t g,
                                                        const sample_block *at,
                                                        const uint32_t count, const uint32_t steps)
{
    __m512h acc[AT_ONCE][UNIT];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < UNIT; n++)
            acc[i][n] = _mm512_setzero_ph();
    for (size_t unit = s->start[g]; unit < s->start[g + 1]; unit++) {
        const uint32_t *base = s->base + unit * (UNIT / steps);
        __m512i pick = _mm512_setzero_si512();
        for (uint32_t n = 0; n < UNIT; n++) {
            pick = n % 2 ? _mm512_srli_epi16(pick, 8)
                         : _mm512_loadu_si512(s->index + (unit * UNIT + n) * ROWS);
            __m512h w = _mm512_loadu_ph((const uint16_t *)s->weight + (unit * UNIT + n) * ROWS);
            for (uint32_t i = 0; i < count; i++) {
                const uint16_t *window = at->half[i] + base[n / steps];
                __m512i x = _mm512_permutex2var_epi16(_mm512_loadu_si512(window), pick,
                                                      _mm512_loadu_si512(window + 32));
                acc[i][n] = _mm512_fmadd_ph(_mm512_castsi512_ph(x), w, acc[i][n]);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        __m256i low[UNIT], high[UNIT];
        for (uint32_t n = 0; n < UNIT; n++) {
            __m512i chain = _mm512_castph_si512(acc[i][n]);
            low[n] = _mm512_castsi512_si256(chain);
            high[n] = _mm512_extracti64x4_epi64(chain, 1);
        }
        finish(s, g * ROWS, low, at->scale[i], at->y[i]);
        finish(s, g * ROWS + 16, high, at->scale[i], at->y[i]);
    }
}

static inline __attribute__((always_inline)) void groups(const lopi_strips *s, lopi_row_range rows,
                                                         const sample_block *at,
                                                         const uint32_t count, const uint32_t steps)
{
    for (uint32_t g = rows.first / ROWS; g * ROWS < rows.last; g++)
        group(s, g, at, count, steps);
}

static inline __attribute__((always_inline)) void samples_by_steps(const lopi_strips *s,
                                                                   lopi_row_range rows,
                                                                   const sample_block *at,
                                                                   const uint32_t count)
{
    if (s->steps == 4)
        groups(s, rows, at, count, 4);
    else if (s->steps == 2)
        groups(s, rows, at, count, 2);
    else
        groups(s, rows, at, count, 1);
}

static void run(const lopi_call *call)
{
    const lopi_strips *s = call->prepared;
    lopi_row_range rows = lopi_call_rows(call);
    size_t count = padded(s->common.inputs);
    for (size_t i = 0; i < call->samples; i += AT_ONCE) {
        sample_block at = {.scale = {0}};
        size_t here = call->samples - i < AT_ONCE ? 1 : AT_ONCE;
        for (size_t k = 0; k < here; k++) {
            uint16_t *half = (uint16_t *)call->scratch + k * count;
            const uint8_t *x = (const uint8_t *)call->x + (i + k) * call->x_stride;
            at.scale[k] = take_inputs((const float *)(const void *)x, count, half);
            at.half[k] = half;
            at.y[k] = (float *)(void *)((uint8_t *)call->y + (i + k) * call->y_stride);
        }
        if (here == 1)
            samples_by_steps(s, rows, &at, 1);
        else
            samples_by_steps(s, rows, &at, AT_ONCE);
    }
}

/* At some 3 GHz; two samples at once take 1.7 times as long as one. */
static double cost(const lopi_layer *layer, size_t samples)
{
    size_t together = samples / AT_ONCE, single = samples % AT_ONCE;
    double rounds = (double)together * 1.7 + (double)single;
    return rounds * (lopi_strips_cycles(&shape, layer) + 0.2 * layer->inputs) / 3;
}

static const lopi_kernel kernels[] = {{
    .name = "sparse-strips-fp16-avx512",
    .isa = LOPI_ISA_AVX512_FP16,
    .arithmetic = LOPI_F32,
    .operation = LOPI_SPARSE,
    .rounding = LOPI_FP16,
    .fits = fits,
    .cost_ns = cost,
    .prepare_bytes = bytes,
    .prepare = prepare,
    .scratch_bytes = scratch_bytes,
    .parts = lopi_parts_by_rows,
    .run = run,
}};

const lopi_kernel_list lopi_kernels_avx512_fp16_strips = {kernels,
                                                          sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_fp16_strips = {NULL, 0};

#endif
