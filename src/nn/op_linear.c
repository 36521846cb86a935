/* linear: y = x Wᵀ + b for a batch of rows x, with W stored out × in. */
#include "base/error.h"
#include "nn/elementwise.h"
#include "nn/op.h"

static const char *const members[] = {"input", "width", "bias", NULL};

static lop_status parse(const json_t *object, lopi_node_spec *node, lop_error *error)
{
    const json_t *bias = json_object_get(object, "bias");
    if (bias && !json_is_boolean(bias))
        return lopi_fail(error, LOP_E_FORMAT, "expected true or false as \"bias\"");
    node->bias = json_is_true(bias);
    return lopi_op_parse_size(object, "width", LOP_MAX_WIDTH, &node->width, error);
}

static bool write(json_t *object, const lop_network *network, const lop_node *node)
{
    bool bias = network->layers[node->layer].bias != NULL;
    return json_object_set_new(object, "width", json_integer((json_int_t)node->width)) == 0 &&
           json_object_set_new(object, "bias", json_boolean(bias)) == 0;
}

static lop_status shape(lopi_node_spec *node, size_t input_width, lop_error *error)
{
    (void)node, (void)input_width, (void)error;
    return LOP_OK; /* any width from any width */
}

static const void *weights(const lopi_pass *pass, const lop_layer *layer, size_t index)
{
    return pass->half ? (const void *)pass->weight_half[index] : layer->weight;
}

static lop_status forward(lopi_pass *pass, size_t index, lop_error *error)
{
    const lop_node *node = &pass->network->nodes[index];
    const lop_layer *layer = &pass->network->layers[node->layer];
    const lopi_value *x = &pass->values[node->input], *y = &pass->values[index];
    const lopi_product product = {
        .rows = pass->batch,
        .inner = layer->inputs,
        .columns = layer->outputs,
        .b_transposed = true,
        .half = pass->half,
        .half_result = y->half,
    };
    return lopi_dense_multiply(pass->dense, &product, x->data, weights(pass, layer, node->layer),
                               layer->bias, y->data, error);
}

/* dx = dy W, before the weights change. */
static lop_status input_gradient(lopi_pass *pass, size_t index, lop_error *error)
{
    const lop_node *node = &pass->network->nodes[index];
    const lop_layer *layer = &pass->network->layers[node->layer];
    const lopi_product product = {
        .rows = pass->batch,
        .inner = layer->outputs,
        .columns = layer->inputs,
        .half = pass->half,
        .half_result = pass->half,
    };
    return lopi_dense_multiply(pass->dense, &product, pass->values[index].gradient,
                               weights(pass, layer, node->layer), NULL,
                               pass->values[node->input].gradient, error);
}

/* dW = dyᵀ x. */
static lop_status weight_gradient(lopi_pass *pass, size_t index, lop_error *error)
{
    const lop_node *node = &pass->network->nodes[index];
    const lop_layer *layer = &pass->network->layers[node->layer];
    const lopi_product product = {
        .rows = layer->outputs,
        .inner = pass->batch,
        .columns = layer->inputs,
        .a_transposed = true,
        .half = pass->half,
    };
    return lopi_dense_multiply(pass->dense, &product, pass->values[index].gradient,
                               pass->values[node->input].data, NULL, pass->weight_gradient, error);
}

/* db = the column sums of dy, each in the order of its rows. */
static void bias_gradient(lopi_pass *pass, size_t index)
{
    const lopi_value *y = &pass->values[index];
    lopi_column_sums((lopi_floats){y->gradient, pass->half}, pass->batch, y->width,
                     pass->bias_gradient);
}

static lop_status backward(lopi_pass *pass, size_t index, lop_error *error)
{
    const lop_node *node = &pass->network->nodes[index];
    lop_status status = LOP_OK;
    if (pass->values[node->input].gradient)
        status = input_gradient(pass, index, error);
    if (status == LOP_OK)
        status = weight_gradient(pass, index, error);
    if (status == LOP_OK && pass->network->layers[node->layer].bias)
        bias_gradient(pass, index);
    if (status == LOP_OK)
        status = pass->on_gradient(pass->context, node->layer, error);
    return status;
}

const lopi_op lopi_op_linear = {
    .name = "linear",
    .members = members,
    .layer = true,
    .parse = parse,
    .write = write,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
