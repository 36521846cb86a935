#include "nn/floats.h"

#include <stdbool.h>

#include "run/kernels/float_mode.h"

static _Thread_local struct {
    unsigned depth;
    bool changed;
    uint64_t mode; /* to go back to, where it was changed */
} here;

/* OpenMP's threads have the mode that their maker had, so there is nothing to do where the caller's
 * is the usual one; threads that are made from now on have the caller's new one. */
void lopi_floats_begin(void)
{
    if (here.depth++ > 0 || lopi_float_mode_is_default())
        return;
#pragma omp parallel
    {
        here.mode = lopi_float_mode_default();
        here.changed = true;
    }
}

static void go_back(void)
{
    if (!here.changed)
        return;
    lopi_float_mode_restore(here.mode);
    here.changed = false;
}

void lopi_floats_end(void)
{
    if (--here.depth > 0 || !here.changed)
        return;
#pragma omp parallel
    go_back();
}
