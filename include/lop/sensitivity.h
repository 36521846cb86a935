/**
 * Sensitivity: what each layer alone can lose, and how much to take from each because of that.
 *
 * A scan prunes one layer at a time at each of some sparsities and has the network measured, by a
 * function of the caller's: on validation data, since what comes out chooses. From a scan and a
 * total comes a list of sparsities, one a layer, as LOP_ALLOCATION_LIST takes it.
 */
#ifndef LOP_SENSITIVITY_H
#define LOP_SENSITIVITY_H

#include <stddef.h>

#include <lop/export.h>
#include <lop/hooks.h>
#include <lop/network.h>
#include <lop/prune.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Zero is a good default but for `sparsities` and `measure`. All is borrowed for the call. */
typedef struct lop_sensitivity_options {
    lop_prune_options prune; /* how; its sparsity, allocation, list and outcome are not looked at */
    const double *sparsities; /* [sparsity_count] rising, in (0, 1) */
    size_t sparsity_count;    /* at least 1 */
    /** Loss and accuracy (a fraction) of a network; a failure ends the scan with that status. */
    lop_status (*measure)(void *context, const lop_network *network, double *loss, double *accuracy,
                          lop_error *error);
    void *context;
    const lop_hooks *hooks;
} lop_sensitivity_options;

/** The network with one layer pruned. */
typedef struct lop_sensitivity_point {
    size_t layer;    /* of the network */
    size_t items;    /* weights, units or blocks of that layer */
    double sparsity; /* of that layer */
    double loss, accuracy;
} lop_sensitivity_point;

typedef struct lop_sensitivity {
    double loss, accuracy;        /* of the network as it came */
    size_t layers, steps;         /* layers that may be pruned, and sparsities */
    lop_sensitivity_point *point; /* [layers][steps] */
} lop_sensitivity;

/**
 * Scan a network, which stays as it is.
 *
 * @param out  receives the scan; end with lop_sensitivity_free; untouched on failure
 * @return LOP_OK; LOP_E_ARG, LOP_E_RANGE where sparsities do not rise within (0, 1), where pruning
 *         is by N:M, and as lop_prune says; what `measure` returns; LOP_E_CANCELLED; LOP_E_MEMORY
 */
LOP_API lop_status lop_sensitivity_scan(lop_sensitivity *out, const lop_network *network,
                                        const lop_sensitivity_options *options, lop_error *error);
LOP_API void lop_sensitivity_free(lop_sensitivity *scan);

/**
 * Share a total sparsity out so that each layer's own increase of the loss is the same: that
 * increase is found by bisection. Between the points of a scan the loss is taken as straight lines,
 * from 0 on and never falling; beyond the last point no layer goes, nor to a loss that is not
 * finite.
 *
 * @param sparsity  [0, 1), of all the scan's items
 * @param list      [scan->layers], written on success; together they come to `sparsity`
 * @return LOP_OK; LOP_E_RANGE where the scan does not reach so far: scan higher sparsities
 */
LOP_API lop_status lop_sensitivity_allocate(const lop_sensitivity *scan, double sparsity,
                                            double *list, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
