/*
 * Inputs: MNIST's training images, 28 × 28, brought to 32 × 32, 64 × 64 or 128 × 128 by linear
 * interpolation between the centres of pixels. A pixel is 1 where any ink reaches it: the value is
 * above zero.
 */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/data.h>

#include "place.h"

static void set_pixel(graph_inputs *inputs, size_t image, uint32_t neuron)
{
    inputs->bits[image * (inputs->neurons / 8) + neuron / 8] |= (uint8_t)(1u << neuron % 8);
}

static bool new_inputs(graph_inputs *inputs, uint32_t neurons, size_t count)
{
    *inputs = (graph_inputs){count, neurons, calloc(count, neurons / 8)};
    return inputs->bits;
}

void graph_inputs_free(graph_inputs *inputs) { free(inputs->bits); }

/* The two pixels of the small side between which a pixel of the large one lies; both count, unless
 * it lies on the first. */
typedef struct between {
    size_t first, second;
} between;

static between place(size_t at, size_t side, size_t small)
{
    double where = ((double)at + 0.5) * (double)small / (double)side - 0.5;
    where = fmin(fmax(where, 0), (double)(small - 1));
    size_t first = (size_t)where;
    return (between){first, where > (double)first ? first + 1 : first};
}

static void resize(graph_inputs *inputs, size_t image, const uint8_t *pixels, size_t height,
                   size_t width)
{
    size_t side = (size_t)lrint(sqrt(inputs->neurons));
    for (size_t r = 0; r < side; r++) {
        between row = place(r, side, height);
        for (size_t c = 0; c < side; c++) {
            between column = place(c, side, width);
            /* Weights are above zero: the value is, where one of the four pixels is. */
            if (pixels[row.first * width + column.first] ||
                pixels[row.first * width + column.second] ||
                pixels[row.second * width + column.first] ||
                pixels[row.second * width + column.second])
                set_pixel(inputs, image, (uint32_t)(r * side + c));
        }
    }
}

lop_status graph_inputs_mnist(graph_inputs *inputs, uint32_t neurons, size_t count,
                              lop_error *error)
{
    lop_dataset *mnist = NULL;
    lop_status status =
        lop_dataset_open(&mnist, "mnist", &(lop_data_options){.cache_dir = place_of_data()}, error);
    if (status != LOP_OK)
        return status;
    const lop_samples *train = lop_dataset_train(mnist);
    if (count == 0 || count > train->count)
        count = train->count;
    if (new_inputs(inputs, neurons, count)) {
        for (size_t i = 0; i < count; i++)
            resize(inputs, i, train->bytes + i * train->features, train->height, train->width);
    } else {
        status = LOP_E_MEMORY;
        snprintf(error->text, sizeof error->text, "out of memory for %zu images", count);
    }
    lop_dataset_free(mnist);
    return status;
}

bool graph_inputs_made(graph_inputs *inputs, uint32_t neurons, size_t count)
{
    if (!new_inputs(inputs, neurons, count))
        return false;
    size_t side = (size_t)lrint(sqrt(neurons));
    for (size_t i = 0; i < count; i++) {
        size_t height = side * (i % 17) / 16, width = side * (i % 13 + 1) / 13;
        for (size_t r = 0; r < height; r++)
            for (size_t c = 0; c < width; c++)
                if ((r * 7 + c * 3 + i) % (i % 5 + 2) != 0)
                    set_pixel(inputs, i, (uint32_t)((r + i) % side * side + (c + i / 3) % side));
    }
    return true;
}
