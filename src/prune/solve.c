#include "prune/solve.h"

#include "base/error.h"
#include "prune/select.h"

#define DAMPING 0.01 /* of the mean of the diagonal */

void lopi_damp(double *hessian, size_t inputs, uint8_t *silent)
{
    double mean = 0;
    for (size_t i = 0; i < inputs; i++)
        mean += hessian[i * inputs + i] / (double)inputs;
    for (size_t i = 0; i < inputs; i++) {
        double *diagonal = &hessian[i * inputs + i];
        silent[i] = *diagonal == 0;
        *diagonal = silent[i] ? 1 : *diagonal + DAMPING * mean;
    }
}

uint64_t lopi_problem_key(const lopi_problem *problem, size_t i, double score)
{
    if (problem->removed[i])
        return LOPI_KEY_FIRST;
    return problem->silent[i % problem->layer->inputs] ? LOPI_KEY_SECOND : lopi_key(score);
}

lop_status lopi_not_positive(const lopi_problem *problem, lop_error *error)
{
    return lopi_fail(error, LOP_E_NAN,
                     "the Hessian of layer '%s' is not positive definite; take other calibration "
                     "samples",
                     problem->layer->name);
}
