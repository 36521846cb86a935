/**
 * Gathering: a network made smaller by taking some of its units. Weights, biases and masks of the
 * units that stay come along; whoever keeps tensors of the same shape gathers them likewise.
 */
#ifndef LOPI_NN_GATHER_H
#define LOPI_NN_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include <lop/network.h>

/** Which units of a layer stay. */
typedef struct lopi_kept {
    const size_t *index; /* [count], rising; NULL: the first `count` */
    size_t count;
} lopi_kept;

/** Rows and columns of a matrix that stay, and the columns that it has. */
typedef struct lopi_selection {
    lopi_kept rows, columns;
    size_t width;
} lopi_selection;

/**
 * What stays of the weights of layer `index`, if `kept` [layer_count] stays of each layer's units:
 * its own units, of the units that it reads.
 */
lopi_selection lopi_select_weights(const lop_network *network, const lopi_kept *kept, size_t index);

/** Copy what is selected of `from`, whose items are of `size` bytes, into `to`, dense. */
void lopi_gather(void *to, const void *from, size_t size, const lopi_selection *selection);

/** The layer whose units `layer` reads, through relus too; NULL: it reads the network's input. */
const lop_layer *lopi_layer_source(const lop_network *network, const lop_layer *layer);

/**
 * A copy of the network with those units alone that `kept` [layer_count] names: at least one of
 * each layer, and all of the output layer.
 *
 * @return LOP_OK, LOP_E_MEMORY
 */
lop_status lopi_network_gather(lop_network **out, const lop_network *network, const lopi_kept *kept,
                               lop_error *error);

/** Exchange what two networks are; their handles stay. */
void lopi_network_swap(lop_network *a, lop_network *b);

#endif
