/**
 * Run: packed networks, as fast as this machine can compute them.
 *
 * This header stands alone, and so does its library: liblop-run needs the C library and nothing
 * else. A packed network holds the weights that pruning left. It belongs to one owner, does not
 * change, and may be read by many threads.
 */
#ifndef LOP_RUN_H
#define LOP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits, checked on everything that comes from outside. */
#define LOP_RUN_MAX_LAYERS  1024
#define LOP_RUN_MAX_WIDTH   (1u << 20) /* values a sample that a layer reads or yields */
#define LOP_RUN_MAX_WEIGHTS (1u << 31) /* left in one layer */
#define LOP_RUN_MAX_NAME    64         /* bytes of a layer's name, terminator included */

typedef struct lop_packed lop_packed; /* opaque; immutable; one owner */

/** How a layer's weights are kept. */
typedef enum lop_values {
    LOP_VALUES_FLOAT32,
    LOP_VALUES_FLOAT16,
    LOP_VALUES_INT8,   /* whole numbers −127 … 127 with a scale for each unit */
    LOP_VALUES_SHARED, /* places in a table of at most 256 values */
} lop_values;

/** A layer of a packed network, as it is shown. `name` belongs to the network. */
typedef struct lop_packed_layer {
    const char *name;
    size_t outputs, inputs, weights_left;
    lop_values values;
    bool relu, bias;
    float input_density; /* share of its inputs that are not 0 on the data it was calibrated with */
    bool calibrated;     /* may be run in int8 */
} lop_packed_layer;

/** End a network; plans made from it live on. */
LOP_API void lop_packed_free(lop_packed *packed);

/** Values that a sample has, values that a sample yields, and layers. */
LOP_API size_t lop_packed_inputs(const lop_packed *packed);
LOP_API size_t lop_packed_outputs(const lop_packed *packed);
LOP_API size_t lop_packed_layer_count(const lop_packed *packed);
/** Layer `index`. LOP_E_RANGE beyond the last; *out untouched then. */
LOP_API lop_status lop_packed_layer_get(const lop_packed *packed, size_t index,
                                        lop_packed_layer *out, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
