/**
 * Operations: what a node can be. A row of the table is all there is to one; a new operation is a
 * new value of lop_op, a file op_NAME.c, its row, and its test.
 */
#ifndef LOPI_NN_OP_H
#define LOPI_NN_OP_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "nn/graph.h"
#include "nn/pass.h"

typedef struct lopi_op {
    const char *name;           /* in a spec */
    const char *const *members; /* a node's members in a spec besides "op" and "name"; NULL ends */
    bool layer;                 /* has a weight: its node is a layer */
    bool in_place;              /* may overwrite what it reads */

    /** Read its own members ("input" is read already). LOP_E_FORMAT, LOP_E_LIMIT. */
    lop_status (*parse)(const json_t *object, lopi_node_spec *node, lop_error *error);
    /** Write its own members; false where memory ran out. */
    bool (*write)(json_t *object, const lop_network *network, const lop_node *node);
    /** Shape rule: set or check the node's width, given the width of what it reads. */
    lop_status (*shape)(lopi_node_spec *node, size_t input_width, lop_error *error);
    /** values[node].data from values[input].data. */
    lop_status (*forward)(lopi_pass *pass, size_t node, lop_error *error);
    /** values[input].gradient, where wanted, from values[node].gradient; hands over its own. */
    lop_status (*backward)(lopi_pass *pass, size_t node, lop_error *error);
} lopi_op;

/** Row `op` of the table, which is below LOP_OP_COUNT. */
const lopi_op *lopi_op_get(lop_op op);
/** The op called `name`. LOP_E_NAME lists those there are. */
lop_status lopi_op_find(const char *name, lop_op *out, lop_error *error);

/** A whole number member `name` of a node: 1 … limit. LOP_E_FORMAT, LOP_E_LIMIT. */
lop_status lopi_op_parse_size(const json_t *object, const char *name, size_t limit, size_t *out,
                              lop_error *error);

extern const lopi_op lopi_op_input, lopi_op_linear, lopi_op_relu;

#endif
