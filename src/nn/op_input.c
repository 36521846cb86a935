/* input: where a batch comes in. The pass puts its values there. */
#include "nn/op.h"

static const char *const members[] = {"width", NULL};

static lop_status parse(const json_t *object, lopi_node_spec *node, lop_error *error)
{
    return lopi_op_parse_size(object, "width", LOP_MAX_WIDTH, &node->width, error);
}

static bool write(json_t *object, const lop_network *network, const lop_node *node)
{
    (void)network;
    return json_object_set_new(object, "width", json_integer((json_int_t)node->width)) == 0;
}

static lop_status shape(lopi_node_spec *node, size_t input_width, lop_error *error)
{
    (void)node, (void)input_width, (void)error;
    return LOP_OK;
}

static lop_status nothing(lopi_pass *pass, size_t node, lop_error *error)
{
    (void)pass, (void)node, (void)error;
    return LOP_OK;
}

const lopi_op lopi_op_input = {
    .name = "input",
    .members = members,
    .parse = parse,
    .write = write,
    .shape = shape,
    .forward = nothing,
    .backward = nothing,
};
