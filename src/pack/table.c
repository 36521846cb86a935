#include "pack/table.h"

#include <math.h>

#include "run/half.h"
#include "run/steps.h"

/* Up to so many entries lose next to nothing as multiples of one step. */
#define MOST_AS_STEPS 64

/* Whether a value bears to be rounded to 16 bits: it is not at the ends of their range. */
static bool bears_half(float value)
{
    float size = fabsf(value);
    return size == 0 || (size >= 0x1p-13f && size <= 0x1p15f);
}

void lopi_halves_round(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bears_half(values[i]))
            values[i] = lopi_half_to_float(lopi_float_to_half(values[i]));
}

void lopi_table_round(float *entries, size_t count)
{
    if (lopi_steps_find(entries, count) > 0)
        return;
    if (count <= MOST_AS_STEPS && lopi_steps_suit(entries, count))
        lopi_steps_round(entries, count);
    else
        lopi_halves_round(entries, count);
}

void lopi_biases_round(float *bias, size_t outputs)
{
    if (lopi_steps_find(bias, outputs) == 0)
        lopi_steps_round(bias, outputs);
}
