/* AVX-512 with VBMI and VNNI, few samples, int8: sparse layers by table look-up (strips.h).
 *
 * A step is 64 weights of 16 rows: vpermi2b picks 64 of the window's 128 activations, which two
 * registers hold, and vpdpbusd adds four products to each row's sum.
 *
 *     byte 4·row + slot of index and weight:   row 0: i i i i | row 1: i i i i | … | row 15: i i i
 * i
 *
 *     a unit:   group 0: a window, 1, 2 or 4 steps | group 1: … | group 2: … | group 3: …
 *
 * Four groups go together: their sums do not wait for each other, and there is one loop, with an
 * end to be guessed wrongly, for 64 rows. Four samples share what is loaded of a step.
 *
 * One sample is bound by what the second cache gives: 120 to 130 GB/s of indices and weights, of
 * 140 that the same loads reach without arithmetic, on a Xeon of the fourth generation. vpermi2b is
 * three operations there, so a step from the first cache would take two cycles. Tried: each group
 * by itself, in units of four steps (5 % slower at 95 % sparsity, 10 % at 99 %); windows at
 * multiples of 64 (2 to 7 % slower, more is padding) and of 16 (no faster, loads cross lines);
 * windows of 256 by two look-ups (20 % fewer bytes, and no faster); two vpermb for one vpermi2b,
 * indices and weights side by side, fetching ahead: all the same.
 */
#include "run/kernels/avx512.h"
#include "run/kernels/strips.h"

#if defined(__AVX512VBMI__) && defined(__AVX512VNNI__)

enum { ROWS = 16, SLOTS = 4, STEP = ROWS * SLOTS, TOGETHER = LOPI_STRIP_TOGETHER, AT_ONCE = 4 };

_Static_assert(TOGETHER *ROWS == LOPI_ROWS_A_PART, "a part is a set of groups");

static size_t place(uint32_t step, uint32_t row, uint32_t slot)
{
    return (size_t)step * STEP + row * SLOTS + slot;
}

static const lopi_strip_shape shape = {
    .rows = ROWS,
    .slots = SLOTS,
    .window = 128,
    .align = 32,
    .together = true,
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

/* Rows row … row + 63 of a hidden layer; behind the last there are zeros. */
static inline void finish(const lopi_prepared *p, uint32_t row, const __m512i acc[TOGETHER],
                          uint8_t *y)
{
    __m512i whole[TOGETHER];
    for (uint32_t j = 0; j < TOGETHER; j++) {
        __m512 mult = _mm512_loadu_ps(p->mult + row + j * ROWS);
        __m512 offset = _mm512_loadu_ps(p->offset + row + j * ROWS);
        whole[j] = lopi_avx512_whole(lopi_avx512_scale(acc[j], mult, offset));
    }
    for (uint32_t j = 0; j < TOGETHER; j += 2)
        _mm256_storeu_si256((__m256i *)(y + row + j * ROWS),
                            lopi_avx512_bytes(whole[j], whole[j + 1]));
}

/* `count` samples of four groups; `count` is a constant where it is called, and for one sample so
 * are the steps of a window. */
static inline __attribute__((always_inline)) void set(const lopi_strips *s, uint32_t part,
                                                      const sample_block *at, const uint32_t count,
                                                      const uint32_t steps)
{
    __m512i acc[AT_ONCE][TOGETHER];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < TOGETHER; j++)
            acc[i][j] = _mm512_setzero_si512();
    for (size_t unit = s->start[part]; unit < s->start[part + 1]; unit++) {
        const uint32_t *base = s->base + unit * TOGETHER;
        const uint8_t *index = s->index + unit * TOGETHER * steps * STEP;
        const uint8_t *weight = (const uint8_t *)s->weight + unit * TOGETHER * steps * STEP;
#pragma GCC unroll 4
        for (uint32_t j = 0; j < TOGETHER; j++)
            for (uint32_t n = j * steps; n < (j + 1) * steps; n++) {
                __m512i pick = _mm512_loadu_si512(index + n * STEP);
                __m512i w = _mm512_loadu_si512(weight + n * STEP);
                for (uint32_t i = 0; i < count; i++) {
                    const uint8_t *window = at->x + i * at->x_stride + base[j];
                    __m512i low = _mm512_loadu_si512(window);
                    __m512i high = _mm512_loadu_si512(window + 64);
                    __m512i x = _mm512_permutex2var_epi8(low, pick, high);
                    acc[i][j] = _mm512_dpbusd_epi32(acc[i][j], x, w);
                }
            }
    }
    const lopi_prepared *p = &s->common;
    uint32_t row = part * LOPI_ROWS_A_PART;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *y = at->y + i * at->y_stride;
        if (!p->last)
            finish(p, row, acc[i], y);
        for (uint32_t j = 0; p->last && j < TOGETHER; j++)
            if (row + j * ROWS < p->outputs)
                lopi_avx512_finish_i8(p, row + j * ROWS, acc[i][j], y);
    }
}

static void one_sample(const lopi_call *call, const sample_block *at)
{
    const lopi_strips *s = call->prepared;
    for (uint32_t part = (uint32_t)call->first; part < call->last; part++) {
        if (s->steps == 4)
            set(s, part, at, 1, 4);
        else if (s->steps == 2)
            set(s, part, at, 1, 2);
        else
            set(s, part, at, 1, 1);
    }
}

/* Here a loop over the steps costs little: each is four times as long. */
static void some_samples(const lopi_call *call, const sample_block *at)
{
    const lopi_strips *s = call->prepared;
    for (uint32_t part = (uint32_t)call->first; part < call->last; part++)
        set(s, part, at, AT_ONCE, s->steps);
}

static void run(const lopi_call *call)
{
    for (size_t i = 0; i < call->samples;) {
        bool single = call->samples - i < AT_ONCE;
        sample_block at = {(const uint8_t *)call->x + i * call->x_stride, call->x_stride,
                           (uint8_t *)call->y + i * call->y_stride, call->y_stride};
        if (single)
            one_sample(call, &at);
        else
            some_samples(call, &at);
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
