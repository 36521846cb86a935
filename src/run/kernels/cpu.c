/* What the CPU can do, and the operating system lets it do. */
#include "run/kernels/kernel.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

void lopi_cpu_name(char *name, size_t size)
{
    unsigned words[3][4] = {{0}}; /* 48 bytes, filled up with spaces or zeros */
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &words[i][0], &words[i][1], &words[i][2], &words[i][3]);
    char text[sizeof words + 1] = "";
    memcpy(text, words, sizeof words);
    for (size_t end = strlen(text); end > 0 && text[end - 1] == ' '; end--)
        text[end - 1] = 0;
    snprintf(name, size, "%s", text[0] ? text : "x86");
}

#if defined(__x86_64__) && defined(__linux__)

#include <sys/syscall.h>
#include <unistd.h>

/* Linux gives the tile registers to processes that ask (arch/x86: xstate), each time it is asked.
 */
static bool ask_for_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#else

static bool ask_for_tiles(void) { return false; }

#endif

/* The compilers' own questions for these came late. */
enum { FP16 = 1 << 23, TILE = 1 << 24, INT8 = 1 << 25 };

static bool has(unsigned features)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & features) == features;
}

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
    if (!has(FP16))
        return LOPI_ISA_AVX512_VNNI;
    return has(TILE | INT8) && ask_for_tiles() ? LOPI_ISA_AMX : LOPI_ISA_AVX512_FP16;
}

#else

void lopi_cpu_name(char *name, size_t size)
{
#if defined(__aarch64__)
    snprintf(name, size, "aarch64");
#else
    snprintf(name, size, "generic");
#endif
}

#if defined(__aarch64__) && defined(__linux__)

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

#endif
