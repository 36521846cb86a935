#include "nn/floats.h"

#include <stdbool.h>

#include "run/kernels/float_mode.h"

static _Thread_local struct {
    unsigned depth;
    bool changed;
    uint64_t mode; /* to go back to, where it was changed */
} here;

static void take(void)
{
    if (here.changed || lopi_float_mode_is_default())
        return;
    here.mode = lopi_float_mode_default();
    here.changed = true;
}

static void go_back(void)
{
    if (!here.changed)
        return;
    lopi_float_mode_restore(here.mode);
    here.changed = false;
}

/* OpenMP's threads have the mode that their maker had, so there is nothing to do where the caller's
 * is the usual one; threads that are made from now on have the caller's new one. The caller's own
 * is set outside of the threads' region, since LLVM's OpenMP ends that with the mode it began with.
 */
void lopi_floats_begin(void)
{
    if (here.depth++ > 0 || lopi_float_mode_is_default())
        return;
    take();
#pragma omp parallel
    take();
}

void lopi_floats_end(void)
{
    if (--here.depth > 0 || !here.changed)
        return;
    uint64_t mode = here.mode;
#pragma omp parallel
    go_back();
    lopi_float_mode_restore(mode);
}
