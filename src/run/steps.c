#include "run/steps.h"

#include <math.h>
#include <string.h>

#include "run/half.h"

float lopi_step_for(const float *values, size_t count)
{
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(values[i]));
    float step = lopi_bfloat_to_float(lopi_float_to_bfloat(most / 127));
    return step > 0 && isfinite(step) ? step : 1;
}

int lopi_step_count(float value, float step)
{
    return (int)fmaxf(-127, fminf(127, rintf(value / step)));
}

bool lopi_steps_exact(const float *values, size_t count)
{
    float step = lopi_step_for(values, count);
    for (size_t i = 0; i < count; i++) {
        float back = lopi_step_value(lopi_step_count(values[i], step), step);
        if (memcmp(&back, &values[i], sizeof back) != 0)
            return false;
    }
    return true;
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
