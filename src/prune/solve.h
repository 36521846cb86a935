/**
 * Solvers: criteria that choose a layer's weights to remove and set those that stay anew, so that
 * the layer yields nearly what it did. They know the inputs by their Hessian H = Xᵀ X / samples of
 * the layer's squared error, damped by 1 % of its mean diagonal (Frantar and Alistarh 2023).
 *
 * An input that never fires has H_jj = 0: its weights do nothing, and go first. In the damped
 * Hessian it stands alone with a 1 on the diagonal.
 */
#ifndef LOPI_PRUNE_SOLVE_H
#define LOPI_PRUNE_SOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

#include "prune/choose.h"

typedef struct lopi_problem {
    const lop_layer *layer; /* its weights are changed: of a copy that a failure throws away */
    double *hessian; /* [inputs][inputs], damped by lopi_problem_damp; the solver's to change */
    const uint8_t *removed; /* [outputs · inputs]: removed before */
    const uint8_t *silent;  /* [inputs]: never fires */
    lopi_contest contest;
    size_t wanted;   /* weights to be removed in the end, those removed before among them */
    uint64_t *key;   /* [outputs · inputs], scratch */
    uint8_t *remove; /* [outputs · inputs], written: 1 for exactly those */
} lopi_problem;

/** Damp a Hessian [inputs][inputs], and write who never fires into silent [inputs]. */
void lopi_damp(double *hessian, size_t inputs, uint8_t *silent);

/** The key of weight i = row · inputs + column, if its score is `score`. */
uint64_t lopi_problem_key(const lopi_problem *problem, size_t i, double score);

/** LOP_E_NAN naming the layer. */
lop_status lopi_not_positive(const lopi_problem *problem, lop_error *error);

/** The two solvers; see their files. LOP_OK, LOP_E_NAN, LOP_E_MEMORY. */
lop_status lopi_solve_obs(const lopi_problem *problem, lop_error *error);
lop_status lopi_solve_sparsegpt(const lopi_problem *problem, lop_error *error);

#endif
