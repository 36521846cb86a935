/* AVX-512 with VNNI, few samples, int8: dense columns by fours, of which only those are read in
 * which an input is not zero.
 *
 *     block of 64 rows:  quad 0: row 0: w₀ w₁ w₂ w₃ | row 1: w₀ w₁ w₂ w₃ | … | quad 1: … | …
 *
 * A quad of x is broadcast; vpdpbusd adds its four products to the sums of 16 rows.
 */
#include <string.h>

#include "run/kernels/avx512.h"
#include "run/kernels/quads.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

enum { BLOCK = LOPI_ROWS_A_PART, REGISTERS = BLOCK / 16, SPARE = 16 };

typedef struct columns {
    lopi_prepared common;
    int8_t *weight; /* [blocks][quads][64][4] */
} columns;

static columns *take(const lopi_layer *layer, lopi_shelf *shelf)
{
    size_t blocks = ((size_t)layer->outputs + BLOCK - 1) / BLOCK;
    columns *c = lopi_shelf_take(shelf, 1, sizeof *c);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    int8_t *weight =
        lopi_shelf_take(shelf, blocks * lopi_quads_of(layer->inputs), BLOCK * LOPI_QUAD);
    if (c)
        *c = (columns){common, weight};
    return c;
}

static size_t bytes(const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(layer, &shelf);
    return shelf.used;
}

static void prepare(const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    columns *d = take(layer, &shelf);
    size_t quads = lopi_quads_of(layer->inputs);
    for (uint32_t r = 0; r < layer->outputs; r++)
        for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
            uint32_t c = layer->column[i];
            size_t cell = (r / BLOCK * quads + c / LOPI_QUAD) * BLOCK + r % BLOCK;
            d->weight[cell * LOPI_QUAD + c % LOPI_QUAD] = layer->q[i];
        }
}

/* Bounded, so that a layer too large to be dense is not. */
static bool fits(const lopi_layer *layer)
{
    return (uint64_t)layer->outputs * layer->inputs <= (uint64_t)1 << 30;
}

static size_t scratch_bytes(const void *prepared, size_t samples)
{
    (void)samples;
    size_t quads = lopi_quads_of(((const lopi_prepared *)prepared)->inputs);
    return (quads + SPARE) * sizeof(uint32_t);
}

/* List the quads that are not zero; what pads x to 64 bytes is. Returns how many. */
static size_t list_quads(const uint8_t *x, uint32_t inputs, uint32_t *list)
{
    size_t found = 0, quads = lopi_quads_of(inputs);
    __m512i place = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (size_t k = 0; k < quads; k += 16) {
        __m512i four = _mm512_loadu_si512(x + k * LOPI_QUAD);
        __mmask16 other = _mm512_test_epi32_mask(four, four);
        _mm512_storeu_si512(list + found, _mm512_maskz_compress_epi32(other, place));
        found += (size_t)__builtin_popcount(other);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(16));
    }
    return found;
}

static void run(const lopi_call *call)
{
    const columns *c = call->prepared;
    uint32_t *list = call->scratch, inputs = c->common.inputs;
    for (size_t s = 0; s < call->samples; s++) {
        const uint8_t *x = (const uint8_t *)call->x + s * call->x_stride;
        uint8_t *y = (uint8_t *)call->y + s * call->y_stride;
        size_t count = list_quads(x, inputs, list);
        for (size_t b = call->first; b < call->last; b++) {
            const int8_t *block = c->weight + b * lopi_quads_of(inputs) * BLOCK * LOPI_QUAD;
            __m512i acc[REGISTERS];
            for (uint32_t j = 0; j < REGISTERS; j++)
                acc[j] = _mm512_setzero_si512();
            for (size_t i = 0; i < count; i++) {
                const int8_t *w = block + (size_t)list[i] * BLOCK * LOPI_QUAD;
                int32_t four;
                memcpy(&four, x + (size_t)list[i] * LOPI_QUAD, sizeof four);
                for (uint32_t j = 0; j < REGISTERS; j++)
                    acc[j] = _mm512_dpbusd_epi32(acc[j], _mm512_set1_epi32(four),
                                                 _mm512_loadu_si512(w + j * 64));
            }
            for (uint32_t j = 0; j < REGISTERS; j++) {
                uint32_t row = (uint32_t)b * BLOCK + 16 * j;
                if (row < c->common.outputs)
                    lopi_avx512_finish_i8(&c->common, row, acc[j], y);
            }
        }
    }
}

/* At some 3 GHz; the bytes that are read decide. */
static double cost(const lopi_layer *layer, size_t samples)
{
    size_t blocks = ((size_t)layer->outputs + BLOCK - 1) / BLOCK;
    double rows = (double)(blocks * BLOCK);
    double one = layer->density > 0 ? 1 - (double)layer->density : 0.5,
           read = 1 - one * one * one * one;
    double sample = 30 + 0.1 * layer->inputs + rows * (0.1 + 0.008 * read * layer->inputs);
    return sample * (double)samples;
}

static const lopi_kernel kernels[] = {{
    .name = "dense-columns-i8-avx512-vnni",
    .isa = LOPI_ISA_AVX512_VNNI,
    .arithmetic = LOPI_I8,
    .operation = LOPI_DENSE,
    .fits = fits,
    .cost_ns = cost,
    .prepare_bytes = bytes,
    .prepare = prepare,
    .scratch_bytes = scratch_bytes,
    .parts = lopi_parts_by_rows,
    .run = run,
}};

const lopi_kernel_list lopi_kernels_avx512_vnni_columns_i8 = {kernels,
                                                              sizeof kernels / sizeof *kernels};

#else

const lopi_kernel_list lopi_kernels_avx512_vnni_columns_i8 = {NULL, 0};

#endif
