/**
 * Calibration: what a criterion wants to know about samples. Everything is computed in float32,
 * summed in double in the order of the samples, and does not depend on how a caller computes.
 */
#ifndef LOPI_PRUNE_CALIBRATE_H
#define LOPI_PRUNE_CALIBRATE_H

#include <lop/network.h>
#include <lop/prune.h>

/** What is collected of a layer. */
typedef enum lopi_collects {
    LOPI_COLLECTS_NOTHING,
    LOPI_COLLECTS_GRADIENT,   /* [outputs][inputs]: of the mean loss */
    LOPI_COLLECTS_ACTIVATION, /* [outputs]: mean of what the unit yields, behind its relu */
    LOPI_COLLECTS_FIRING,     /* [outputs]: share of samples for which that is not zero */
    LOPI_COLLECTS_INPUT_NORM, /* [inputs]: ‖x_j‖₂ over the samples */
    LOPI_COLLECTS_HESSIAN,    /* [inputs][inputs]: Xᵀ X / samples */
} lopi_collects;

/** LOP_E_ARG, LOP_E_SHAPE, LOP_E_RANGE where the options' samples will not do. */
lop_status lopi_calibration_check(const lop_network *network, const lop_prune_options *options,
                                  const lop_criterion *criterion, lop_error *error);

/** What was collected, for all layers at once: of the network as it is. Zero it first. */
typedef struct lopi_collection {
    size_t layers;
    double **layer; /* [layers] */
} lopi_collection;

/**
 * Gradients, activations or firing of all layers.
 * @param out  end with lopi_collection_end also on failure
 * @return LOP_OK; LOP_E_NAN where the loss is not finite; LOP_E_RANGE (a label); LOP_E_MEMORY
 */
lop_status lopi_collect(lopi_collection *out, const lop_network *network, lopi_collects what,
                        const lop_prune_options *options, lop_error *error);
void lopi_collection_end(lopi_collection *collection);

/**
 * Norms or Hessian of what layer `index` reads, of the network as it is now.
 * @param out  [inputs] or [inputs][inputs], written
 * @return LOP_OK; LOP_E_NAN naming the layer where an input is not finite; LOP_E_MEMORY
 */
lop_status lopi_collect_inputs(double *out, const lop_network *network, size_t index,
                               lopi_collects what, const lop_prune_options *options,
                               lop_error *error);

#endif
