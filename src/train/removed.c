#include "train/removed.h"

#include <string.h>

#include "nn/gather.h"

/* Mark a layer's own units whose rows are masked and whose biases are zero. */
static void mark_rows(const lop_layer *layer, uint8_t *gone)
{
    for (size_t unit = 0; unit < layer->outputs; unit++)
        gone[unit] = layer->mask && !layer->output &&
                     !memchr(layer->mask + unit * layer->inputs, 1, layer->inputs) &&
                     !(layer->bias && layer->bias[unit] != 0);
}

/* … and unmark those that a layer still reads. */
static void unmark_read(const lop_layer *reader, uint8_t *gone)
{
    if (!reader->mask)
        memset(gone, 0, reader->inputs);
    for (size_t row = 0; reader->mask && row < reader->outputs; row++) {
        const uint8_t *mask = reader->mask + row * reader->inputs;
        for (size_t i = 0; i < reader->inputs; i++)
            gone[i] = gone[i] && !mask[i];
    }
}

void lopi_removed_units(const lop_network *network, size_t index, uint8_t *gone)
{
    const lop_layer *layer = lop_network_layer(network, index), *reader;
    mark_rows(layer, gone);
    for (size_t r = index + 1; (reader = lop_network_layer(network, r)); r++)
        if (lopi_layer_source(network, reader) == layer)
            unmark_read(reader, gone);
}
