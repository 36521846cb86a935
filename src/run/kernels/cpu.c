/* What the CPU can do, and the operating system lets it do. */
#include "run/kernels/kernel.h"

#if defined(__x86_64__) || defined(__i386__)

lopi_isa lopi_isa_detect(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return LOPI_ISA_SCALAR;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
        return LOPI_ISA_AVX2;
    if (!__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512vnni"))
        return LOPI_ISA_AVX512;
    return LOPI_ISA_AVX512_VNNI;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

enum { HAS_DOT_PRODUCT = 1 << 20 }; /* HWCAP_ASIMDDP of Linux */

lopi_isa lopi_isa_detect(void)
{
    return getauxval(AT_HWCAP) & HAS_DOT_PRODUCT ? LOPI_ISA_NEON_DOT : LOPI_ISA_NEON;
}

#elif defined(__aarch64__)

lopi_isa lopi_isa_detect(void) { return LOPI_ISA_NEON; }

#elif defined(__wasm_simd128__)

lopi_isa lopi_isa_detect(void) { return LOPI_ISA_WASM; }

#else

lopi_isa lopi_isa_detect(void) { return LOPI_ISA_SCALAR; }

#endif
