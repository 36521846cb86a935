/* AVX-512 with VBMI: inputs into int8. A table of 256 bytes lies in four registers: vpermi2b looks
 * 64 bytes up in its lower half and in its upper, and their highest bits say which counts. */
#include "run/kernels/inputs.h"

#if defined(__AVX512VBMI__) && defined(__AVX512BW__)

#include <immintrin.h>

static void of_floats(const lopi_quantizer *quantizer, const float *x, size_t count, uint8_t *q)
{
    const __m512 inverse = _mm512_set1_ps(quantizer->inverse);
    const __m512 zero = _mm512_set1_ps(quantizer->zero);
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 here = (__mmask16)(count - i < 16 ? (1u << (count - i)) - 1 : 0xffffu);
        __m512 t = _mm512_mul_ps(_mm512_maskz_loadu_ps(here, x + i), inverse);
        t = _mm512_max_ps(_mm512_add_ps(t, zero), _mm512_setzero_ps()); /* of NaN: 0 */
        t = _mm512_min_ps(t, _mm512_set1_ps(127));
        _mm512_mask_cvtepi32_storeu_epi8(q + i, here, _mm512_cvtps_epi32(t));
    }
}

static void of_bytes(const lopi_quantizer *quantizer, const uint8_t *x, size_t count, uint8_t *q)
{
    __m512i table[4];
    for (size_t i = 0; i < 4; i++)
        table[i] = _mm512_loadu_si512(quantizer->of_byte + 64 * i);
    for (size_t i = 0; i < count; i += 64) {
        __mmask64 here = count - i < 64 ? ((__mmask64)1 << (count - i)) - 1 : ~(__mmask64)0;
        __m512i byte = _mm512_maskz_loadu_epi8(here, x + i);
        __m512i low = _mm512_permutex2var_epi8(table[0], byte, table[1]);
        __m512i high = _mm512_permutex2var_epi8(table[2], byte, table[3]);
        _mm512_mask_storeu_epi8(q + i, here,
                                _mm512_mask_blend_epi8(_mm512_movepi8_mask(byte), low, high));
    }
}

const lopi_input_kernel lopi_inputs_avx512_vnni = {LOPI_ISA_AVX512_VNNI, of_floats, of_bytes};

#else

const lopi_input_kernel lopi_inputs_avx512_vnni = {LOPI_ISA_AVX512_VNNI, NULL, NULL};

#endif
