/* relu: y = max(0, x), in place wherever what it reads is not the caller's. */
#include "nn/elementwise.h"
#include "nn/op.h"

static const char *const members[] = {"input", NULL};

static lop_status parse(const json_t *object, lopi_node_spec *node, lop_error *error)
{
    (void)object, (void)node, (void)error;
    return LOP_OK;
}

static bool write(json_t *object, const lop_network *network, const lop_node *node)
{
    (void)object, (void)network, (void)node;
    return true;
}

static lop_status shape(lopi_node_spec *node, size_t input_width, lop_error *error)
{
    (void)error;
    node->width = input_width;
    return LOP_OK;
}

static lop_status forward(lopi_pass *pass, size_t index, lop_error *error)
{
    (void)error;
    const lopi_value *x = &pass->values[pass->network->nodes[index].input];
    const lopi_value *y = &pass->values[index];
    lopi_relu((lopi_floats){x->data, x->half}, (lopi_floats){y->data, y->half},
              pass->batch * y->width);
    return LOP_OK;
}

/* The result says all: it is positive where the gradient goes through, dropped or not. */
static lop_status backward(lopi_pass *pass, size_t index, lop_error *error)
{
    (void)error;
    const lopi_value *x = &pass->values[pass->network->nodes[index].input];
    const lopi_value *y = &pass->values[index];
    if (x->gradient)
        lopi_relu_backward((lopi_floats){y->data, y->half}, (lopi_floats){x->gradient, pass->half},
                           y->keep_scale, pass->batch * y->width);
    return LOP_OK;
}

const lopi_op lopi_op_relu = {
    .name = "relu",
    .members = members,
    .in_place = true,
    .parse = parse,
    .write = write,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
