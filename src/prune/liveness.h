/**
 * Liveness: which values of a network can change its result.
 *
 * A value (one unit's output at one node) is *reached* where a path of weights that are not zero
 * leads to it from the input; otherwise it is a constant, known from the biases. It is *needed*
 * where a path of weights that are not zero leads from it to the result and it is reached, or is a
 * constant other than zero that a layer without biases reads and so cannot take over. All values of
 * the result are needed; all values of the input are taken as needed.
 */
#ifndef LOPI_PRUNE_LIVENESS_H
#define LOPI_PRUNE_LIVENESS_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

/* Arrays over all values of all nodes; those of node n begin at start[n]. */
typedef struct lopi_liveness {
    size_t nodes;
    size_t *start;    /* [nodes + 1] */
    uint8_t *reached; /* [start[nodes]] */
    uint8_t *needed;
    double *constant; /* the value where it is not reached, else 0 */
} lopi_liveness;

/** LOP_E_MEMORY. End with lopi_liveness_end also on failure; *out is zeroed first. */
lop_status lopi_liveness_find(lopi_liveness *out, const lop_network *network, lop_error *error);
void lopi_liveness_end(lopi_liveness *liveness);

#endif
