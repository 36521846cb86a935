/**
 * Positions: where the weights of a layer stand, to and from the coder (docs/format.md,
 * "Positions").
 */
#ifndef LOPI_RUN_POSITIONS_H
#define LOPI_RUN_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/coder.h"
#include "run/model.h"

#define LOPI_MAX_BLOCK 5 /* log2 of the most columns that one bit can say are empty */
#define LOPI_GAPS      6 /* as `block`: each weight by its distance from the one before; faster */

/** How a layer's positions are coded: chosen by the writer, kept in the file. */
typedef struct lopi_position_form {
    uint32_t grid; /* width of the picture that the inputs are, 2 or more; 0: they are none */
    uint8_t block; /* log2 of the columns in a block, or LOPI_GAPS */
    bool sorted;   /* rows fall in weights, and equal ones rise in their first column */
} lopi_position_form;

/** What the positions of a layer took, in bits. */
typedef struct lopi_position_bits {
    double inputs, counts, columns;
} lopi_position_bits;

/**
 * Code the positions of a layer.
 *
 * Reading fills row_start, [outputs + 1] and zeroed, and column, [left]; both are the caller's.
 * Writing changes nothing of the layer. Both take about 18 bytes for each input, and 40 kB.
 *
 * @param layer  its outputs and inputs are set
 * @param left   weights of the layer
 * @param fan    row_start of the layer before it, or NULL: units with many weights are read often
 * @param bits   may be NULL
 * @return LOP_OK; LOP_E_FORMAT where what is read cannot be; LOP_E_TRUNCATED; LOP_E_MEMORY
 */
lop_status lopi_code_positions(lopi_coder *coder, lopi_packed_layer *layer, uint32_t left,
                               const lopi_position_form *form, const uint32_t *fan,
                               lopi_position_bits *bits, lop_error *error);

/** Whether the rows of a layer stand as `sorted` wants them. */
bool lopi_positions_sorted(const lopi_packed_layer *layer);

#endif
