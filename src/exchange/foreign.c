#include "exchange/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/json_dump.h"

#define WEIGHT ".weight"

typedef struct linear {
    char name[LOP_MAX_NAME];
    size_t outputs, inputs;
    bool bias;
} linear;

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), suffix = strlen(ending);
    return length > suffix && strcmp(text + length - suffix, ending) == 0; /* fits: in the text */
}

/* A number at the front of a text, by value; leading zeros do not count. */
static size_t digits(const char **text)
{
    while (**text == '0')
        ++*text;
    return strspn(*text, "0123456789");
}

/* "fc2" before "fc10". */
static int compare_natural(const void *a, const void *b)
{
    const char *x = ((const linear *)a)->name, *y = ((const linear *)b)->name;
    while (*x && *y) {
        if (*x >= '0' && *x <= '9' && *y >= '0' && *y <= '9') {
            size_t x_digits = digits(&x), y_digits = digits(&y);
            if (x_digits != y_digits)
                return x_digits < y_digits ? -1 : 1;
            int order = memcmp(x, y, x_digits);
            if (order != 0)
                return order;
            x += x_digits;
            y += y_digits;
        } else if (*x != *y) {
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    return (*x != 0) - (*y != 0);
}

/* Index of the first layer that does not take what the one before it yields; `count` if none. */
static size_t first_break(const linear *layers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (layers[i].inputs != layers[i - 1].outputs)
            return i;
    return count;
}

/* The one layer from `from` on that is wanted: with these inputs, or taking no layer's outputs. */
static bool find_only(const linear *layers, size_t count, size_t from, size_t *found)
{
    size_t matches = 0;
    for (size_t i = from; i < count; i++) {
        bool wanted = from > 0 && layers[i].inputs == layers[from - 1].outputs;
        if (from == 0) {
            wanted = true;
            for (size_t j = 0; j < count; j++)
                wanted &= j == i || layers[j].outputs != layers[i].inputs;
        }
        if (wanted) {
            *found = i;
            matches++;
        }
    }
    return matches == 1;
}

static bool order_by_shapes(linear *layers, size_t count)
{
    for (size_t next = 0; next < count; next++) {
        size_t found = 0;
        if (!find_only(layers, count, next, &found))
            return false;
        linear layer = layers[found];
        layers[found] = layers[next];
        layers[next] = layer;
    }
    return true;
}

static lop_status no_layer(const lopi_safetensors *file, const lopi_tensor *tensor,
                           lop_error *error)
{
    char shape[128];
    return lopi_fail_at(error, LOP_E_FORMAT, lopi_safetensors_path(file),
                        lopi_safetensors_offset(file, tensor),
                        "expected only linear layers, NAME.weight [out, in] and NAME.bias [out], "
                        "found %.100s %s",
                        tensor->name, lopi_tensor_shape_text(tensor, shape, sizeof shape));
}

static lop_status add_layer(const lopi_safetensors *file, const lopi_tensor *weight, linear *layer,
                            lop_error *error)
{
    size_t length = strlen(weight->name) - strlen(WEIGHT);
    char name[LOP_MAX_NAME + 8];
    if (weight->rank != 2)
        return no_layer(file, weight, error);
    if (length >= LOP_MAX_NAME)
        return lopi_fail_at(error, LOP_E_LIMIT, lopi_safetensors_path(file),
                            lopi_safetensors_offset(file, weight),
                            "expected layer names of at most %d bytes, found %.100s",
                            LOP_MAX_NAME - 1, weight->name);
    memcpy(layer->name, weight->name, length);
    snprintf(name, sizeof name, "%s.bias", layer->name);
    const lopi_tensor *bias = lopi_safetensors_find(file, name);
    if (bias && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
        return no_layer(file, bias, error);
    layer->bias = bias != NULL;
    layer->outputs = weight->shape[0];
    layer->inputs = weight->shape[1];
    return LOP_OK;
}

/* A tensor that is no weight belongs to one, or the file holds more than linear layers. */
static bool belongs_to_weight(const lopi_safetensors *file, const lopi_tensor *tensor)
{
    static const char *const endings[] = {".bias", ".mask"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[LOP_MAX_NAME + 8];
        size_t length = strlen(tensor->name);
        if (!ends_with(tensor->name, endings[i]) || length >= LOP_MAX_NAME + 5)
            continue;
        snprintf(name, sizeof name, "%.*s" WEIGHT, (int)(length - strlen(endings[i])),
                 tensor->name);
        if (lopi_safetensors_find(file, name))
            return true;
    }
    return false;
}

static lop_status collect(const lopi_safetensors *file, linear *layers, size_t *count,
                          lop_error *error)
{
    const lopi_tensor *tensor;
    for (size_t i = 0; (tensor = lopi_safetensors_at(file, i)); i++) {
        lop_status status = LOP_OK;
        if (!ends_with(tensor->name, WEIGHT)) {
            if (!belongs_to_weight(file, tensor))
                status = no_layer(file, tensor, error);
        } else if (*count == LOP_MAX_NODES / 2) {
            status = lopi_fail_file(error, LOP_E_LIMIT, lopi_safetensors_path(file),
                                    "expected at most %d layers, found more", LOP_MAX_NODES / 2);
        } else {
            status = add_layer(file, tensor, &layers[(*count)++], error);
        }
        if (status != LOP_OK)
            return status;
    }
    if (*count == 0)
        return lopi_fail_file(error, LOP_E_FORMAT, lopi_safetensors_path(file),
                              "expected tensors named NAME.weight, found none");
    return LOP_OK;
}

static lop_status put_in_order(const lopi_safetensors *file, linear *layers, size_t count,
                               lop_error *error)
{
    qsort(layers, count, sizeof *layers, compare_natural);
    size_t broken = first_break(layers, count);
    if (broken == count)
        return LOP_OK;
    linear one = layers[broken - 1], next = layers[broken];
    if (order_by_shapes(layers, count))
        return LOP_OK;
    return lopi_fail_file(error, LOP_E_SHAPE, lopi_safetensors_path(file),
                          "expected layers each of which takes what the one before it yields: %s "
                          "yields %zu, %s takes %zu",
                          one.name, one.outputs, next.name, next.inputs);
}

/* NULL: no memory. */
static json_t *write_spec(const linear *layers, size_t count)
{
    const char *before = "input";
    for (size_t i = 0; i < count; i++)
        if (strcmp(layers[i].name, before) == 0)
            before = "input.values";
    json_t *nodes = json_array();
    bool whole =
        json_array_append_new(nodes, json_pack("{s:s, s:s, s:I}", "op", "input", "name", before,
                                               "width", (json_int_t)layers[0].inputs)) == 0;
    char relu[LOP_MAX_NAME + 8];
    for (size_t i = 0; whole && i < count; i++) {
        whole = json_array_append_new(nodes, json_pack("{s:s, s:s, s:s, s:I, s:b}", "op", "linear",
                                                       "name", layers[i].name, "input", before,
                                                       "width", (json_int_t)layers[i].outputs,
                                                       "bias", layers[i].bias)) == 0;
        if (i + 1 == count)
            break;
        snprintf(relu, sizeof relu, "%s.relu", layers[i].name);
        whole =
            whole && json_array_append_new(nodes, json_pack("{s:s, s:s, s:s}", "op", "relu", "name",
                                                            relu, "input", layers[i].name)) == 0;
        before = relu;
    }
    json_t *spec = json_object();
    if (json_object_set_new(spec, "nodes", nodes) == 0 && whole)
        return spec;
    json_decref(spec);
    return NULL;
}

lop_status lopi_foreign_spec(const lopi_safetensors *file, char **json, lop_error *error)
{
    size_t count = 0;
    linear *layers = lopi_alloc(LOP_MAX_NODES / 2, sizeof *layers);
    if (!layers)
        return lopi_fail_memory(error, LOP_MAX_NODES / 2 * sizeof *layers);
    lop_status status = collect(file, layers, &count, error);
    if (status == LOP_OK)
        status = put_in_order(file, layers, count, error);
    if (status == LOP_OK) {
        json_t *spec = write_spec(layers, count);
        char *text = spec ? lopi_json_dump(spec, JSON_COMPACT) : NULL;
        json_decref(spec);
        if (text)
            *json = text;
        else
            status = lopi_fail_memory(error, 1);
    }
    lopi_free(layers);
    return status;
}
