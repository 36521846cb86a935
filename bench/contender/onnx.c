#include "onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fields, from the schema of ONNX. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    OPSET_VERSION = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TYPE = 20,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
};

enum { TYPE_FLOAT = 1, TYPE_UINT8 = 2, TYPE_INT8 = 3, ATTRIBUTE_IS_INT = 2, IR = 8, OPSET = 13 };

static void put_bytes(onnx_bytes *b, const void *data, size_t size)
{
    if (b->failed)
        return;
    if (b->capacity - b->size < size) {
        size_t capacity = 2 * (b->size + size) + 64;
        uint8_t *grown = realloc(b->data, capacity);
        if (!grown) {
            b->failed = true;
            return;
        }
        b->data = grown;
        b->capacity = capacity;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_varint(onnx_bytes *b, uint64_t value)
{
    uint8_t text[10];
    size_t n = 0;
    for (; value >= 128; value >>= 7)
        text[n++] = (uint8_t)(value | 128);
    text[n++] = (uint8_t)value;
    put_bytes(b, text, n);
}

static void put_int(onnx_bytes *b, unsigned field, uint64_t value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static void put_data(onnx_bytes *b, unsigned field, const void *data, size_t size)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, size);
    put_bytes(b, data, size);
}

static void put_text(onnx_bytes *b, unsigned field, const char *text)
{
    put_data(b, field, text, strlen(text));
}

/* A message inside another; `part` is used up. */
static void put_message(onnx_bytes *b, unsigned field, onnx_bytes *part)
{
    if (part->failed)
        b->failed = true;
    else
        put_data(b, field, part->data, part->size);
    free(part->data);
    *part = (onnx_bytes){0};
}

typedef struct tensor {
    const char *name;
    int type;
    size_t rows, columns; /* 0 rows: a vector, 0 columns as well: one number */
    const void *data;
    size_t size; /* bytes */
} tensor;

static void put_tensor(onnx_bytes *graph, tensor t)
{
    onnx_bytes b = {0};
    if (t.rows)
        put_int(&b, TENSOR_DIMS, t.rows);
    if (t.columns)
        put_int(&b, TENSOR_DIMS, t.columns);
    put_int(&b, TENSOR_TYPE, (uint64_t)t.type);
    put_text(&b, TENSOR_NAME, t.name);
    put_data(&b, TENSOR_RAW, t.data, t.size);
    put_message(graph, GRAPH_INITIALIZER, &b);
}

static void put_value(onnx_bytes *graph, unsigned field, const char *name, int type, size_t batch,
                      size_t width)
{
    onnx_bytes value = {0}, kind = {0}, of = {0}, shape = {0};
    const size_t dims[] = {batch, width};
    for (size_t i = 0; i < 2; i++) {
        onnx_bytes dim = {0};
        put_int(&dim, DIM_VALUE, dims[i]);
        put_message(&shape, SHAPE_DIM, &dim);
    }
    put_int(&of, TENSOR_TYPE_ELEMENT, (uint64_t)type);
    put_message(&of, TENSOR_TYPE_SHAPE, &shape);
    put_message(&kind, TYPE_TENSOR, &of);
    put_text(&value, VALUE_NAME, name);
    put_message(&value, VALUE_TYPE, &kind);
    put_message(graph, field, &value);
}

/* A node; inputs are separated by spaces; transposed: Gemm's transB. */
static void put_node(onnx_bytes *graph, const char *op, const char *inputs, const char *output,
                     bool transposed)
{
    onnx_bytes node = {0};
    for (const char *p = inputs; *p; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");
        put_data(&node, NODE_INPUT, p, length);
        p += length;
    }
    put_text(&node, NODE_OUTPUT, output);
    put_text(&node, NODE_OP, op);
    if (transposed) {
        onnx_bytes attribute = {0};
        put_text(&attribute, ATTRIBUTE_NAME, "transB");
        put_int(&attribute, ATTRIBUTE_INT, 1);
        put_int(&attribute, ATTRIBUTE_TYPE, ATTRIBUTE_IS_INT);
        put_message(&node, NODE_ATTRIBUTE, &attribute);
    }
    put_message(graph, GRAPH_NODE, &node);
}

/* Weights, in × out unless they stay as they are. */
static void put_weights(onnx_bytes *graph, const peer_layer *layer, const char *name,
                        onnx_form form)
{
    size_t element = form == ONNX_QLINEAR ? 1 : sizeof(float), n = layer->outputs,
           m = layer->inputs;
    const uint8_t *from =
        form == ONNX_QLINEAR ? (const uint8_t *)layer->rounded : (const uint8_t *)layer->weight;
    uint8_t *turned = malloc(n * m * element);
    if (!turned) {
        graph->failed = true;
        return;
    }
    for (size_t o = 0; o < n; o++)
        for (size_t i = 0; i < m; i++)
            memcpy(turned + (i * n + o) * element, from + (o * m + i) * element, element);
    bool stays = form == ONNX_GEMM;
    put_tensor(graph, (tensor){name, form == ONNX_QLINEAR ? TYPE_INT8 : TYPE_FLOAT, stays ? n : m,
                               stays ? m : n, stays ? from : turned, n * m * element});
    free(turned);
}

static void put_layer_float(onnx_bytes *graph, const peer_net *c, size_t l, onnx_form form)
{
    char weights[32], inputs[80], product[32], output[32];
    bool last = l + 1 == c->layer_count;
    snprintf(weights, sizeof weights, "w%zu", l);
    snprintf(product, sizeof product, "p%zu", l);
    snprintf(output, sizeof output, "h%zu", l);
    if (l == 0)
        snprintf(inputs, sizeof inputs, "x %s", weights);
    else
        snprintf(inputs, sizeof inputs, "h%zu %s", l - 1, weights);
    put_weights(graph, &c->layers[l], weights, form);
    put_node(graph, form == ONNX_GEMM ? "Gemm" : "MatMul", inputs, last ? "y" : product,
             form == ONNX_GEMM);
    if (!last)
        put_node(graph, "Relu", product, output, false);
}

/* Scale and zero of what a layer yields, under the names s… and z…. */
static void put_range(onnx_bytes *graph, size_t l, float step, uint8_t zero)
{
    char name[32];
    snprintf(name, sizeof name, "s%zu", l);
    put_tensor(graph, (tensor){name, TYPE_FLOAT, 0, 0, &step, sizeof step});
    snprintf(name, sizeof name, "z%zu", l);
    put_tensor(graph, (tensor){name, TYPE_UINT8, 0, 0, &zero, sizeof zero});
}

/* Layer l reads what is called h[l], with scale s[l] and zero z[l]. */
static void put_layer_int8(onnx_bytes *graph, const peer_net *c, size_t l)
{
    const peer_layer *layer = &c->layers[l];
    char weights[32], name[32], inputs[200], output[32];
    snprintf(weights, sizeof weights, "w%zu", l);
    put_weights(graph, layer, weights, ONNX_QLINEAR);
    snprintf(name, sizeof name, "ws%zu", l);
    put_tensor(graph, (tensor){name, TYPE_FLOAT, layer->outputs, 0, layer->scale,
                               layer->outputs * sizeof *layer->scale});
    uint8_t *zeros = calloc(layer->outputs, 1);
    if (!zeros)
        graph->failed = true;
    else {
        snprintf(name, sizeof name, "wz%zu", l);
        put_tensor(graph, (tensor){name, TYPE_INT8, layer->outputs, 0, zeros, layer->outputs});
    }
    free(zeros);
    put_range(graph, l + 1, step_of(layer), zero_of(layer));
    snprintf(inputs, sizeof inputs, "h%zu s%zu z%zu w%zu ws%zu wz%zu s%zu z%zu", l, l, l, l, l, l,
             l + 1, l + 1);
    snprintf(output, sizeof output, "h%zu", l + 1);
    put_node(graph, "QLinearMatMul", inputs, output, false);
}

lop_status onnx_model(onnx_bytes *out, const peer_net *contest, onnx_form form, size_t batch,
                      lop_error *error)
{
    onnx_bytes model = {0}, opset = {0}, graph = {0};
    const peer_layer *last = &contest->layers[contest->layer_count - 1];
    bool int8 = form == ONNX_QLINEAR;
    if (int8)
        put_range(&graph, 0, 1.0f / 255, 0);
    for (size_t l = 0; l < contest->layer_count; l++) {
        if (int8)
            put_layer_int8(&graph, contest, l);
        else
            put_layer_float(&graph, contest, l, form);
    }
    if (int8) {
        char inputs[96];
        size_t l = contest->layer_count;
        snprintf(inputs, sizeof inputs, "h%zu s%zu z%zu", l, l, l);
        put_node(&graph, "DequantizeLinear", inputs, "y", false);
    }
    put_text(&graph, GRAPH_NAME, "network");
    put_value(&graph, GRAPH_INPUT, int8 ? "h0" : "x", int8 ? TYPE_UINT8 : TYPE_FLOAT, batch,
              contest->layers[0].inputs);
    put_value(&graph, GRAPH_OUTPUT, "y", TYPE_FLOAT, batch, last->outputs);

    put_int(&model, MODEL_IR_VERSION, IR);
    put_int(&opset, OPSET_VERSION, OPSET);
    put_message(&model, MODEL_OPSET, &opset);
    put_message(&model, MODEL_GRAPH, &graph);
    if (model.failed) {
        free(model.data);
        return fail(error, LOP_E_MEMORY, "out of memory");
    }
    *out = model;
    return LOP_OK;
}
