/**
 * Networks: a small graph of operations, its parameters, and how it is computed.
 *
 * A network is a list of nodes in an order in which every node stands behind its inputs. Node 0 is
 * the input. Today's operations are the input, linear layers and relu; the graph is there so that
 * convolution, pooling and addition are new rows of a table and not a new house.
 *
 * Most callers think in linear layers: `lop_network_layer` lists them in order.
 */
#ifndef LOP_NETWORK_H
#define LOP_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lop_network lop_network; /* opaque; one owner; not for two threads at once */

/* Limits, checked on everything that comes from outside. */
#define LOP_MAX_NODES      1024
#define LOP_MAX_WIDTH      (1u << 20)   /* values a sample at one node */
#define LOP_MAX_PARAMETERS (1ull << 31) /* weights and biases of one network */
#define LOP_MAX_NAME       64           /* bytes of a node's name, terminator included */

typedef enum lop_op { LOP_OP_INPUT, LOP_OP_LINEAR, LOP_OP_RELU, LOP_OP_COUNT } lop_op;

/** A node of the graph, as the network shows it. Pointers are the network's own. */
typedef struct lop_node {
    lop_op op;
    const char *name; /* unique in the network */
    size_t input;     /* index of the node it reads; 0 for the input node itself */
    size_t width;     /* values a sample that it yields */
    size_t layer;     /* of a linear node: index for lop_network_layer */
} lop_node;

/**
 * A linear layer: y = W x + b, with W stored out × in (row-major), so that a row is a unit.
 *
 * The memory belongs to the network and stays where it is until lop_network_free, or until a
 * training removes units from it (lop_train_callback, lop/train.h). A mask, where there is one,
 * says which weights are kept: 1 keeps, 0 prunes. Whoever sets a mask also sets the pruned weights
 * to zero (lop_network_apply_masks), and training keeps them there.
 */
typedef struct lop_layer {
    const char *name; /* of its node */
    size_t outputs, inputs;
    float *weight; /* [outputs][inputs] */
    float *bias;   /* [outputs], or NULL */
    uint8_t *mask; /* [outputs][inputs], or NULL where nothing was pruned */
    size_t node;   /* index of its node */
    bool output;   /* yields the network's result: pruned only when asked */
} lop_layer;

/** What a network with all its layers is made from. Zero is a good default. */
typedef struct lop_mlp_spec {
    size_t inputs;        /* values a sample, 1 … LOP_MAX_WIDTH */
    const size_t *hidden; /* [hidden_count] units of the hidden layers; borrowed */
    size_t hidden_count;  /* may be 0: then one linear layer */
    size_t outputs;       /* classes */
    bool bias;            /* with biases (initialized to 0) */
    uint64_t seed;        /* of the initial weights */
} lop_mlp_spec;

/**
 * A fully connected ReLU network, relu behind every layer but the last, He-initialized: weights
 * normal with variance 2 / inputs (He et al. 2015, equation 10).
 *
 * @param out  receives the network; one owner, lop_network_free; untouched on failure
 * @return LOP_OK, LOP_E_ARG, LOP_E_LIMIT, LOP_E_MEMORY
 */
LOP_API lop_status lop_network_new_mlp(lop_network **out, const lop_mlp_spec *spec,
                                       lop_error *error);

/**
 * A network from its spec, a JSON text:
 *
 *     {"nodes": [{"op": "input", "name": "input", "width": 784},
 *                {"op": "linear", "name": "fc1", "input": "input", "width": 1000, "bias": false},
 *                {"op": "relu", "name": "relu1", "input": "fc1"}, …]}
 *
 * Weights are zero and without masks; lop_network_initialize fills them. The text is hostile: names
 * unique, inputs known and earlier, each value but the last read by exactly one node, at least one
 * layer, no members that lop does not know, sizes within the limits above. "bias" may be left out
 * and is false then. lop_network_spec writes what was read canonically.
 *
 * @param json  [size] bytes, need not be terminated; borrowed
 * @return LOP_OK, LOP_E_FORMAT, LOP_E_NAME (unknown op), LOP_E_LIMIT, LOP_E_MEMORY
 */
LOP_API lop_status lop_network_new_spec(lop_network **out, const char *json, size_t size,
                                        lop_error *error);

/** The spec of a network, as lop_network_new_spec reads it. Caller frees with free(). */
LOP_API lop_status lop_network_spec(const lop_network *network, char **json, lop_error *error);

/** Draw all weights anew from `seed` (He), zero the biases, drop all masks. */
LOP_API void lop_network_initialize(lop_network *network, uint64_t seed);

/** A deep copy, masks included. One owner. */
LOP_API lop_status lop_network_copy(lop_network **out, const lop_network *network,
                                    lop_error *error);

/** Copy values and masks of `from` into `to`. LOP_E_SHAPE where the graphs differ. */
LOP_API lop_status lop_network_assign(lop_network *to, const lop_network *from, lop_error *error);

LOP_API void lop_network_free(lop_network *network);

/** The graph: its nodes in order, NULL beyond the last; and how many of them have weights. */
LOP_API size_t lop_network_node_count(const lop_network *network);
LOP_API const lop_node *lop_network_node(const lop_network *network, size_t index);
LOP_API size_t lop_network_layer_count(const lop_network *network);
/** Layer `index` in graph order; NULL beyond the last. Its members point into the network. */
LOP_API const lop_layer *lop_network_layer(const lop_network *network, size_t index);
LOP_API size_t lop_network_inputs(const lop_network *network);
LOP_API size_t lop_network_outputs(const lop_network *network);
/** Weights (biases not counted) of all layers, pruned or not. */
LOP_API size_t lop_network_weight_count(const lop_network *network);
/** "784-1000-1000-500-200-10": the widths of input and layers. Caller's `buffer`, terminated. */
LOP_API char *lop_network_describe(const lop_network *network, char *buffer, size_t size);

/** Give layer `index` a mask of all ones where it has none. LOP_E_MEMORY. */
LOP_API lop_status lop_network_mask_new(lop_network *network, size_t index, lop_error *error);

/** Set every weight to zero whose mask is 0. */
LOP_API void lop_network_apply_masks(lop_network *network);

/** LOP_E_NAN naming layer and index where a weight or bias is not finite. */
LOP_API lop_status lop_network_check_finite(const lop_network *network, lop_error *error);

/* Computing ---------------------------------------------------------------------------------- */

/** How products are computed. AUTO takes bf16 where the CPU has instructions for it. */
typedef enum lop_precision { LOP_AUTO, LOP_FLOAT32, LOP_BF16 } lop_precision;

/** The precision that `wanted` means on this machine; LOP_E_UNSUPPORTED where it cannot. */
LOP_API lop_status lop_precision_resolve(lop_precision wanted, lop_precision *resolved,
                                         lop_error *error);

/** "auto", "float32", "bf16". */
LOP_API const char *lop_precision_name(lop_precision precision);

typedef struct lop_compute lop_compute; /* a network made ready to run: buffers, primitives */

/**
 * Make a network ready for forward passes of up to `max_batch` samples.
 *
 * Keeps `network`, which must outlive it; later changes of weights are seen by the next pass.
 * @return LOP_OK, LOP_E_ARG, LOP_E_MEMORY, LOP_E_UNSUPPORTED
 */
LOP_API lop_status lop_compute_new(lop_compute **out, const lop_network *network, size_t max_batch,
                                   lop_precision precision, lop_error *error);

/**
 * Logits of a batch.
 *
 * @param x       [batch][inputs], borrowed
 * @param batch   1 … max_batch
 * @param logits  [batch][outputs], written
 */
LOP_API lop_status lop_compute_forward(lop_compute *compute, const float *x, size_t batch,
                                       float *logits, lop_error *error);

LOP_API void lop_compute_free(lop_compute *compute);

/**
 * Let plans (run.h) choose among the dense products of the toolkit too: float32, int8, and bf16
 * where LOP_RUN_BF16 is asked for, as far as this machine has them. From now on, in the whole
 * program; may be called again. lop_plan_cached does so. A saved plan that uses one is refused
 * where they are not registered. A run that comes to one allocates what oneDNN does, and waits
 * where more than 16 threads run the same plan.
 */
LOP_API void lop_dense_kernels_register(void);

#ifdef __cplusplus
}
#endif

#endif
