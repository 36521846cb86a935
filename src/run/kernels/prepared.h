/**
 * What the layouts of all kernels begin with: shape and epilogue, and how their memory is divided.
 */
#ifndef LOPI_RUN_KERNELS_PREPARED_H
#define LOPI_RUN_KERNELS_PREPARED_H

#include "run/kernels/kernel.h"

/** First member of every kernel's own struct. */
typedef struct lopi_prepared {
    uint32_t outputs, inputs;
    bool last, relu;
    float *mult, *offset; /* [outputs, padded to 64], zeros behind; mult NULL for F32 */
} lopi_prepared;

/** Memory being divided: each piece begins at a multiple of 64 bytes. A NULL base only counts. */
typedef struct lopi_shelf {
    uint8_t *base;
    size_t used;
} lopi_shelf;

/** The next count · size bytes; NULL where the shelf only counts. */
void *lopi_shelf_take(lopi_shelf *shelf, size_t count, size_t size);

/** Fill the common part, its arrays from the shelf; with a counting shelf, only count. */
void lopi_prepared_fill(lopi_prepared *prepared, const lopi_layer *layer, lopi_shelf *shelf);

/** The least power of two above a finite value ≥ 0, within 2⁻¹²⁶ … 2¹²⁶, so that it has an inverse.
 */
float lopi_power_above(float value);

/** The epilogue of one int8 output of a hidden layer, as kernel.h defines it. */
uint8_t lopi_requantize(int32_t acc, float mult, float offset);

enum { LOPI_ROWS_A_PART = 64 }; /* of a kernel that shares out rows: a cache line of bytes */

/** `parts` of kernels that share out rows, and of those that share out samples or tiles. */
size_t lopi_parts_by_rows(const void *prepared, size_t samples);
size_t lopi_parts_by_samples(const void *prepared, size_t samples);

/** The rows of parts first … last − 1 of a call whose parts are rows. */
typedef struct lopi_row_range {
    uint32_t first, last;
} lopi_row_range;
lopi_row_range lopi_call_rows(const lopi_call *call);

/** A note on a layer; false where there is none. */
bool lopi_note_find(const lopi_layer *layer, const void *who, uint32_t which, double *out);
void lopi_note_keep(const lopi_layer *layer, const void *who, uint32_t which, double value);

#endif
