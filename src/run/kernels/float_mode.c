#include "run/kernels/float_mode.h"

#if defined(__SSE__)

#include <xmmintrin.h>

/* MXCSR as every thread begins: all exceptions masked, to nearest, no FTZ (bit 15), no DAZ (bit 6).
 * The lowest six bits say which exceptions there were. */
enum { DEFAULT = 0x1f80, FLAGS = 0x3f };

bool lopi_float_mode_is_default(void) { return (_mm_getcsr() & ~(unsigned)FLAGS) == DEFAULT; }

uint64_t lopi_float_mode_default(void)
{
    unsigned mode = _mm_getcsr();
    if ((mode & ~(unsigned)FLAGS) != DEFAULT)
        _mm_setcsr(DEFAULT);
    return mode;
}

void lopi_float_mode_restore(uint64_t mode)
{
    if (((unsigned)mode & ~(unsigned)FLAGS) != DEFAULT)
        _mm_setcsr((unsigned)mode);
}

#elif defined(__aarch64__)

/* FPCR: FZ is bit 24, FZ16 bit 19, rounding bits 22 and 23; all 0 as every thread begins. */
static uint64_t now(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

bool lopi_float_mode_is_default(void) { return now() == 0; }

uint64_t lopi_float_mode_default(void)
{
    uint64_t mode = now();
    if (mode != 0)
        __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return mode;
}

void lopi_float_mode_restore(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#else

/* Others have no such modes, or none that is known here. */
bool lopi_float_mode_is_default(void) { return true; }

uint64_t lopi_float_mode_default(void) { return 0; }

void lopi_float_mode_restore(uint64_t mode) { (void)mode; }

#endif
