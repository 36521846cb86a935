#include "run/steps.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "run/half.h"

static float size_of(const float *values, size_t count)
{
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(values[i]));
    return most;
}

static float part_of(float most, int steps)
{
    float step = lopi_bfloat_to_float(lopi_float_to_bfloat(most / (float)steps));
    return step > 0 && isfinite(step) ? step : 1;
}

float lopi_step_for(const float *values, size_t count)
{
    return part_of(size_of(values, count), LOPI_MOST_STEPS);
}

int lopi_step_count(float value, float step)
{
    return (int)fmaxf(-LOPI_MOST_STEPS, fminf(LOPI_MOST_STEPS, rintf(value / step)));
}

static bool are_multiples(const float *values, size_t count, float step)
{
    for (size_t i = 0; i < count; i++) {
        float back = lopi_step_value(lopi_step_count(values[i], step), step);
        if (memcmp(&back, &values[i], sizeof back) != 0)
            return false;
    }
    return true;
}

float lopi_steps_find(const float *values, size_t count)
{
    float most = size_of(values, count);
    for (int steps = LOPI_MOST_STEPS; steps > 0; steps--) {
        float step = part_of(most, steps);
        if (step <= FLT_MAX / LOPI_MOST_STEPS && are_multiples(values, count, step))
            return step;
    }
    return 0;
}

bool lopi_steps_suit(const float *values, size_t count)
{
    float step = lopi_step_for(values, count);
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0 && fabsf(values[i]) < 8 * step)
            return false;
    return true;
}

void lopi_steps_round(float *values, size_t count)
{
    float step = lopi_step_for(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = lopi_step_value(lopi_step_count(values[i], step), step);
}
