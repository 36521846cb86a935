#include "run/kernels/inputs.h"

#include <string.h>

static void of_floats(const lopi_quantizer *quantizer, const float *x, size_t count, uint8_t *q)
{
    for (size_t i = 0; i < count; i++) {
        float t = x[i] * quantizer->inverse + quantizer->zero;
        t = t > 0 ? t : 0;
        t = t < 127 ? t : 127;
        /* 1.5 · 2²³ leaves the whole number, rounded to nearest even, in the low bits. */
        t += 0x1.8p23f;
        uint32_t bits;
        memcpy(&bits, &t, sizeof bits);
        q[i] = (uint8_t)(bits & 0x7f);
    }
}

static void of_bytes(const lopi_quantizer *quantizer, const uint8_t *x, size_t count, uint8_t *q)
{
    for (size_t i = 0; i < count; i++)
        q[i] = quantizer->of_byte[x[i]];
}

const lopi_input_kernel lopi_inputs_scalar = {LOPI_ISA_SCALAR, of_floats, of_bytes};

const lopi_input_kernel *lopi_input_kernel_for(lopi_isa widest)
{
    const lopi_input_kernel *wide = &lopi_inputs_avx512_vnni;
    return wide->of_floats && lopi_isa_has(widest, wide->isa) ? wide : &lopi_inputs_scalar;
}
