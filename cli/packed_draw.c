/* Pictures of a packed network in the terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packed_file.h"

enum { BARS = 24, ROWS = 16, COLUMNS = 64 };

static void draw_histogram(const lop_layer *layer, const terminal *out)
{
    size_t count[BARS] = {0}, most = 1, places = layer->outputs * layer->inputs;
    float largest = 0;
    for (size_t i = 0; i < places; i++)
        largest = fmaxf(largest, fabsf(layer->weight[i]));
    for (size_t i = 0; i < places && largest > 0; i++) {
        if (layer->weight[i] == 0)
            continue;
        int bar = (int)((layer->weight[i] / largest + 1) / 2 * BARS);
        count[bar < BARS ? bar : BARS - 1]++;
    }
    for (int b = 0; b < BARS; b++)
        most = count[b] > most ? count[b] : most;
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ".", ":", ":", "+", "*", "#", "#"};
    printf("  %8.3g ", -(double)largest);
    for (int b = 0; b < BARS; b++) {
        size_t height = (8 * count[b] + most - 1) / most;
        printf("%s", (out->utf8 ? blocks : plain)[height]);
    }
    printf(" %-8.3g values\n", (double)largest);
}

/* How much of each patch of the matrix is left. */
static void draw_mask(const lop_layer *layer, const terminal *out)
{
    static const char *const shades[] = {" ", "░", "▒", "▓", "█"};
    static const char *const plain[] = {" ", ".", "+", "*", "#"};
    size_t rows = layer->outputs < ROWS ? layer->outputs : ROWS;
    size_t columns = layer->inputs < COLUMNS ? layer->inputs : COLUMNS;
    double density[ROWS][COLUMNS] = {{0}}, most = 0;
    size_t places[ROWS][COLUMNS] = {{0}};
    for (size_t r = 0; r < layer->outputs; r++)
        for (size_t c = 0; c < layer->inputs; c++) {
            size_t y = r * rows / layer->outputs, x = c * columns / layer->inputs;
            density[y][x] += layer->weight[r * layer->inputs + c] != 0;
            places[y][x]++;
        }
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++) {
            density[y][x] /= (double)(places[y][x] ? places[y][x] : 1);
            most = fmax(most, density[y][x]);
        }
    for (size_t y = 0; y < rows; y++) {
        printf("  |");
        for (size_t x = 0; x < columns; x++)
            printf("%s", (out->utf8 ? shades
                                    : plain)[most > 0 ? (int)ceil(4 * density[y][x] / most) : 0]);
        printf("|\n");
    }
    printf("  units from top to bottom, inputs from left to right; darkest: %.1f %% left\n",
           100 * most);
}

lop_status packed_file_show_weights(const packed_file *file, const terminal *out, lop_error *error)
{
    lop_network *network = NULL;
    lop_status status = lop_unpack(&network, file->packed, error);
    for (size_t i = 0; status == LOP_OK && i < lop_network_layer_count(network); i++) {
        const lop_layer *layer = lop_network_layer(network, i);
        printf("\n%s\n", layer->name);
        draw_histogram(layer, out);
        draw_mask(layer, out);
    }
    lop_network_free(network);
    return status;
}
