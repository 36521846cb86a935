#include <lop/prune.h>

#include <zstd.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/gzip.h"

static size_t bias_bytes(const lop_layer *layer)
{
    return layer->bias ? layer->outputs * sizeof(float) : 0;
}

static size_t weight_bytes(const lop_layer *layer)
{
    return layer->outputs * layer->inputs * sizeof(float);
}

static size_t csr_bytes(const lop_layer *layer)
{
    size_t left = 0, count = layer->outputs * layer->inputs;
    for (size_t i = 0; i < count; i++)
        left += layer->weight[i] != 0;
    size_t column_bytes = layer->inputs <= 65536 ? 2 : 4;
    return left * (sizeof(float) + column_bytes) + (layer->outputs + 1) * 4;
}

size_t lop_sparse_bytes(const lop_network *network)
{
    size_t bytes = 0;
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t dense = weight_bytes(layer), csr = csr_bytes(layer);
        bytes += (csr < dense ? csr : dense) + bias_bytes(layer);
    }
    return bytes;
}

size_t lop_dense_bytes(const lop_network *network)
{
    size_t bytes = 0;
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        bytes += weight_bytes(layer) + bias_bytes(layer);
    }
    return bytes;
}

/* Put `size` bytes through the stream, count what comes out, and throw it away. */
static lop_status compress(ZSTD_CCtx *context, const void *data, size_t size, bool end,
                           size_t *bytes, lop_error *error)
{
    char sink[16384];
    ZSTD_inBuffer input = {data, size, 0};
    size_t pending;
    do {
        ZSTD_outBuffer output = {sink, sizeof sink, 0};
        pending =
            ZSTD_compressStream2(context, &output, &input, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(pending))
            return lopi_fail(error, LOP_E_MEMORY, "zstd: %s", ZSTD_getErrorName(pending));
        *bytes += output.pos;
    } while (end ? pending != 0 : input.pos < input.size);
    return LOP_OK;
}

lop_status lop_zstd_bytes(const lop_network *network, int level, size_t *bytes, lop_error *error)
{
    size_t total = 0;
    lop_status status = LOP_OK;
    if (level < 1 || level > 19)
        return lopi_fail(error, LOP_E_RANGE, "zstd level must be in 1 … 19, found %d", level);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context)
        return lopi_fail(error, LOP_E_MEMORY, "no memory for zstd");
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    /* As for a file, whose size is known: tables no larger than it needs, which for any size are 80
     * MB. */
    ZSTD_CCtx_setPledgedSrcSize(context, lop_dense_bytes(network));
    for (size_t l = 0; l < lop_network_layer_count(network) && status == LOP_OK; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        status = compress(context, layer->weight, weight_bytes(layer), false, &total, error);
        if (status == LOP_OK)
            status = compress(context, layer->bias, bias_bytes(layer), false, &total, error);
    }
    if (status == LOP_OK)
        status = compress(context, NULL, 0, true, &total, error);
    ZSTD_freeCCtx(context);
    if (status == LOP_OK)
        *bytes = total;
    return status;
}

lop_status lop_gzip_bytes(const lop_network *network, int level, size_t *bytes, lop_error *error)
{
    size_t layers = lop_network_layer_count(network), count = 0;
    if (level < 1 || level > 9)
        return lopi_fail(error, LOP_E_RANGE, "gzip level must be in 1 … 9, found %d", level);
    lopi_piece *pieces = lopi_alloc(2 * layers, sizeof *pieces);
    if (!pieces)
        return lopi_fail_memory(error, 2 * layers * sizeof *pieces);
    for (size_t l = 0; l < layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        pieces[count++] = (lopi_piece){layer->weight, weight_bytes(layer)};
        pieces[count++] = (lopi_piece){layer->bias, bias_bytes(layer)};
    }
    lop_status status = lopi_gzip_bytes(pieces, count, level, bytes, error);
    lopi_free(pieces);
    return status;
}
