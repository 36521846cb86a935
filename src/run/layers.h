/**
 * Layers as kernels are prepared from them: a packed network in one arithmetic, the hidden units in
 * the plan's order. Needed while planning only.
 */
#ifndef LOPI_RUN_LAYERS_H
#define LOPI_RUN_LAYERS_H

#include "run/kernels/kernel.h"
#include "run/model.h"

/** The most weights of a unit in int8: 2¹⁷ · 127 · 127 < 2³¹. */
#define LOPI_I8_MAX_ROW (1u << 17)

typedef struct lopi_layers {
    size_t count;
    lopi_layer *layer; /* [count]; the arrays they point to are owned here */
} lopi_layers;

/**
 * Where the plan puts each unit: place[l][u] for unit u of layer l. Hidden units stand in the order
 * of falling counts of weights, so that neighbours have like counts; ties go to the lower index.
 * The last layer's stay where they are.
 * @param out  [layer_count] arrays, owned by the caller; NULL entries on failure
 */
lop_status lopi_places_find(uint32_t **out, const lop_packed *packed, lop_error *error);

/**
 * @return LOP_OK; LOP_E_UNSUPPORTED where int8 cannot compute the network; LOP_E_MEMORY. End with
 *         lopi_layers_end also on failure.
 */
lop_status lopi_layers_make(lopi_layers *out, const lop_packed *packed, uint32_t *const *place,
                            lopi_arithmetic arithmetic, lop_error *error);
void lopi_layers_end(lopi_layers *layers);

/** Whether int8 can compute the network, and why not. */
lop_status lopi_layers_check_int8(const lop_packed *packed, lop_error *error);

#endif
