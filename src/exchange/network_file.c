#include <lop/exchange.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "exchange/foreign.h"
#include "exchange/safetensors.h"
#include "nn/graph.h"

/* The tensors a layer may have, and the names they get. */
typedef enum kind { WEIGHT, BIAS, MASK, KIND_COUNT } kind;

static const struct {
    const char *ending;
    lopi_dtype dtype;
} kinds[KIND_COUNT] = {{".weight", LOPI_F32}, {".bias", LOPI_F32}, {".mask", LOPI_U8}};

typedef struct tensor_name {
    char text[LOP_MAX_NAME + 8];
} tensor_name;

/* How a layer's tensor looks in a file; `name` keeps its name. */
static lopi_tensor layer_tensor(const lop_layer *layer, kind which, tensor_name *name)
{
    snprintf(name->text, sizeof name->text, "%s%s", layer->name, kinds[which].ending);
    const void *const data[KIND_COUNT] = {layer->weight, layer->bias, layer->mask};
    return (lopi_tensor){.name = name->text,
                         .dtype = kinds[which].dtype,
                         .rank = which == BIAS ? 1 : 2,
                         .shape = {layer->outputs, which == BIAS ? 0 : layer->inputs},
                         .data = data[which]};
}

/* Our own three entries, then the caller's. */
static lop_metadata *gather_metadata(const char *spec, const lop_metadata *more)
{
    size_t count = 0;
    while (more && more[count].key)
        count++;
    lop_metadata *all = lopi_alloc(count + 4, sizeof *all);
    if (!all)
        return NULL;
    all[0] = (lop_metadata){"format", "lop"};
    all[1] = (lop_metadata){"lop.version", lop_version()};
    all[2] = (lop_metadata){"lop.network", spec};
    if (count > 0)
        memcpy(all + 3, more, count * sizeof *all);
    return all;
}

lop_status lop_network_save(const lop_network *network, const char *path,
                            const lop_metadata *metadata, bool overwrite, lop_error *error)
{
    size_t layers = lop_network_layer_count(network), count = 0;
    char *spec = NULL;
    lop_metadata *all = NULL;
    lopi_tensor *tensors = NULL;
    tensor_name *names = NULL;
    /* A file that lop_network_load would refuse is not written. */
    lop_status status = lop_network_check_finite(network, error);
    if (status == LOP_OK)
        status = lop_network_spec(network, &spec, error);
    if (status != LOP_OK)
        return status;
    all = gather_metadata(spec, metadata);
    tensors = lopi_alloc(layers * KIND_COUNT, sizeof *tensors);
    names = lopi_alloc(layers * KIND_COUNT, sizeof *names);
    if (!all || !tensors || !names) {
        status = lopi_fail_memory(error, layers * KIND_COUNT * sizeof *tensors);
        goto out;
    }
    for (size_t i = 0; i < layers; i++)
        for (int which = 0; which < KIND_COUNT; which++) {
            tensors[count] =
                layer_tensor(lop_network_layer(network, i), (kind)which, &names[count]);
            count += tensors[count].data != NULL;
        }
    status = lopi_safetensors_write(path, tensors, count, all, overwrite, error);
out:
    lopi_free(names);
    lopi_free(tensors);
    lopi_free(all);
    free(spec);
    return status;
}

/* Nothing is pruned by half: a mask is 0 or 1, and under a 0 stands a zero. */
static lop_status check_mask(const lopi_safetensors *file, const lop_layer *layer,
                             const lopi_tensor *mask, lop_error *error)
{
    size_t count = layer->outputs * layer->inputs; /* fits: the weights are in memory */
    const lopi_tensor *found = lopi_safetensors_find(file, mask->name);
    uint64_t start = lopi_safetensors_offset(file, found);
    for (size_t i = 0; i < count; i++) {
        if (layer->mask[i] > 1)
            return lopi_fail_at(error, LOP_E_FORMAT, lopi_safetensors_path(file), start + i,
                                "tensor %s: expected 0 or 1, found %d", mask->name, layer->mask[i]);
        if (layer->mask[i] == 0 && layer->weight[i] != 0)
            return lopi_fail_at(error, LOP_E_FORMAT, lopi_safetensors_path(file), start + i,
                                "tensor %s: expected a weight of 0 where the mask is 0, found %g "
                                "at index %zu",
                                mask->name, (double)layer->weight[i], i);
    }
    return LOP_OK;
}

static lop_status read_mask(const lopi_safetensors *file, lop_network *network, size_t index,
                            lop_error *error)
{
    tensor_name name;
    const lop_layer *layer = lop_network_layer(network, index);
    lopi_tensor wanted = layer_tensor(layer, MASK, &name);
    if (!lopi_safetensors_find(file, wanted.name))
        return LOP_OK;
    lop_status status = lop_network_mask_new(network, index, error);
    layer = lop_network_layer(network, index);
    if (status == LOP_OK)
        status = lopi_safetensors_copy(file, &wanted, layer->mask, error);
    return status == LOP_OK ? check_mask(file, layer, &wanted, error) : status;
}

static lop_status read_layer(const lopi_safetensors *file, lop_network *network, size_t index,
                             lop_error *error)
{
    const lop_layer *layer = lop_network_layer(network, index);
    tensor_name name;
    lopi_tensor wanted = layer_tensor(layer, WEIGHT, &name);
    lop_status status = lopi_safetensors_copy_floats(file, &wanted, layer->weight, error);
    if (status == LOP_OK && layer->bias) {
        wanted = layer_tensor(layer, BIAS, &name);
        status = lopi_safetensors_copy_floats(file, &wanted, layer->bias, error);
    }
    return status == LOP_OK ? read_mask(file, network, index, error) : status;
}

static const lop_layer *find_layer(const lop_network *network, const char *name, size_t length)
{
    const lop_layer *layer;
    for (size_t i = 0; (layer = lop_network_layer(network, i)); i++)
        if (strlen(layer->name) == length && memcmp(layer->name, name, length) == 0)
            return layer;
    return NULL;
}

/*
 * Tensors that look like a layer's must be one's: a spec that leaves some out is not this file's.
 * Others, such as the moments in a checkpoint, are somebody else's.
 */
static lop_status check_nothing_left(const lopi_safetensors *file, const lop_network *network,
                                     lop_error *error)
{
    const lopi_tensor *tensor;
    for (size_t i = 0; (tensor = lopi_safetensors_at(file, i)); i++)
        for (int which = 0; which < KIND_COUNT; which++) {
            size_t length = strlen(tensor->name), suffix = strlen(kinds[which].ending);
            /* fits: within the name */
            if (length < suffix || strcmp(tensor->name + length - suffix, kinds[which].ending) != 0)
                continue;
            const lop_layer *layer = find_layer(network, tensor->name, length - suffix);
            if (!layer || (which == BIAS && !layer->bias))
                return lopi_fail_at(error, LOP_E_FORMAT, lopi_safetensors_path(file),
                                    lopi_safetensors_offset(file, tensor),
                                    "expected the tensors of the network in lop.network, found "
                                    "%.100s beside them",
                                    tensor->name);
        }
    return LOP_OK;
}

/* As many weights and biases as the file has room for: a spec may not ask for more. */
static uint64_t count_floats(const lopi_safetensors *file)
{
    uint64_t count = 0;
    const lopi_tensor *tensor;
    for (size_t i = 0; (tensor = lopi_safetensors_at(file, i)); i++)
        if (lopi_dtype_is_float(tensor->dtype))
            count += lopi_tensor_count(tensor);
    return count < LOP_MAX_PARAMETERS ? count : LOP_MAX_PARAMETERS;
}

/* The empty network that a file's metadata, or its tensors, speak of. */
static lop_status make_network(const lopi_safetensors *file, lop_network **out, lop_error *error)
{
    const char *spec = lopi_safetensors_metadata(file, "lop.network");
    char *guessed = NULL;
    lop_status status = LOP_OK;
    if (!spec) {
        status = lopi_foreign_spec(file, &guessed, error);
        spec = guessed;
    }
    if (status == LOP_OK) {
        status = lopi_network_new_spec(out, spec, strlen(spec), count_floats(file), error);
        if (status != LOP_OK && error)
            lopi_fail_file(error, status, lopi_safetensors_path(file), "%s: %s",
                           guessed ? "layers" : "metadata lop.network", error->text);
    }
    free(guessed);
    return status;
}

lop_status lop_network_load(lop_network **out, const char *path, char **metadata, lop_error *error)
{
    lopi_safetensors *file = NULL;
    lop_network *network = NULL;
    char *json = NULL;
    lop_status status = lopi_safetensors_open(&file, path, error);
    if (status == LOP_OK)
        status = make_network(file, &network, error);
    for (size_t i = 0; status == LOP_OK && i < lop_network_layer_count(network); i++)
        status = read_layer(file, network, i, error);
    if (status == LOP_OK)
        status = check_nothing_left(file, network, error);
    if (status == LOP_OK && metadata)
        status = lopi_safetensors_metadata_json(file, &json, error);
    lopi_safetensors_close(file);
    if (status != LOP_OK) {
        lop_network_free(network);
        return status;
    }
    *out = network;
    if (metadata)
        *metadata = json;
    return LOP_OK;
}
