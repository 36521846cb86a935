/** Where the bytes of a packed file go, and what they would be without knowing anything. */
#include <math.h>
#include <string.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/container.h"
#include "run/model.h"

/* Bits that `count` things of `total` take when only their number is known. */
static double binary_entropy(double count, double total)
{
    if (count <= 0 || count >= total)
        return 0;
    double share = count / total;
    return -total * (share * log2(share) + (1 - share) * log2(1 - share));
}

/* Of the positions among the inputs that the layer reads at all. */
static lop_status position_entropy(const lopi_packed_layer *layer, double *bits, lop_error *error)
{
    size_t left = lopi_packed_left(layer), inputs = 0;
    uint8_t *read = lopi_alloc(layer->inputs, 1);
    if (!read)
        return lopi_fail_memory(error, layer->inputs);
    for (size_t i = 0; i < left; i++) {
        inputs += !read[layer->column[i]];
        read[layer->column[i]] = 1;
    }
    lopi_free(read);
    *bits = binary_entropy((double)left, (double)layer->outputs * (double)inputs);
    return LOP_OK;
}

static double value_entropy(const lopi_packed_layer *layer)
{
    size_t left = lopi_packed_left(layer), count[256] = {0};
    if (layer->kind == LOP_VALUES_FLOAT32 || layer->kind == LOP_VALUES_FLOAT16)
        return (layer->kind == LOP_VALUES_FLOAT32 ? 32.0 : 16.0) * (double)left;
    for (size_t i = 0; i < left; i++)
        count[layer->kind == LOP_VALUES_INT8 ? layer->q[i] + 128 : layer->symbol[i]]++;
    double bits = 0;
    for (int k = 0; k < 256; k++)
        if (count[k])
            bits -= (double)count[k] * log2((double)count[k] / (double)left);
    return bits;
}

static lop_status fill_layers(lop_file_account *out, const lop_packed *packed,
                              const lopi_account *account, lop_error *error)
{
    out->layer_count = packed->layer_count;
    out->layers = lopi_alloc(packed->layer_count, sizeof *out->layers);
    if (!out->layers)
        return lopi_fail_memory(error, packed->layer_count * sizeof *out->layers);
    for (size_t i = 0; i < packed->layer_count; i++) {
        const struct lopi_layer_account *from = &account->layer[i];
        lop_layer_bits *to = &out->layers[i];
        *to = (lop_layer_bits){
            .inputs = from->positions.inputs,
            .counts = from->positions.counts,
            .columns = from->positions.columns,
            .biases = from->values.biases,
            .tables = from->values.tables,
            .values = from->values.values,
            .value_entropy = value_entropy(&packed->layers[i]),
        };
        lop_status status = position_entropy(&packed->layers[i], &to->position_entropy, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

/* Positions and values go through one coder: to the nearest byte. */
static void share_weights(lop_file_account *account, size_t bytes)
{
    double bits = 0;
    for (size_t i = 0; i < account->layer_count; i++) {
        const lop_layer_bits *layer = &account->layers[i];
        bits += layer->inputs + layer->counts + layer->columns;
    }
    account->positions = (size_t)lround(fmax(bits, 0) / 8);
    account->positions = account->positions < bytes ? account->positions : bytes;
    account->values = bytes - account->positions;
}

lop_status lop_packed_account(lop_file_account *out, lop_packed **packed, const void *data,
                              size_t size, size_t max_memory, lop_error *error)
{
    lopi_account account = {0};
    lop_packed *network = NULL;
    lop_file_account found = {.bytes = size};
    lop_status status = lopi_packed_read(&network, data, size, max_memory, NULL, &account, error);
    if (status == LOP_OK)
        status = fill_layers(&found, network, &account, error);
    if (status == LOP_OK) {
        found.header = account.header;
        found.graph = account.parts[LOPI_GRAPH];
        share_weights(&found, account.parts[LOPI_WEIGHTS]);
        found.other = account.other;
        found.seconds = account.seconds;
        *out = found;
        found.layers = NULL;
        if (packed) {
            *packed = network;
            network = NULL;
        }
    }
    lopi_free(found.layers);
    lopi_free(account.layer);
    lop_packed_free(network);
    return status;
}

void lop_file_account_free(lop_file_account *account)
{
    lopi_free(account->layers);
    *account = (lop_file_account){0};
}
