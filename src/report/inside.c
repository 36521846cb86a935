/* What is inside a packed network, as numbers and small pictures for the page. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "report/base64.h"
#include "report/json.h"
#include "report/networks.h"
#include "run/model.h"

enum {
    CELL_ROWS = 48,    /* of a mask's picture, at most */
    CELL_COLUMNS = 64, /* likewise */
    LEVELS = 15,       /* of grey: half a byte */
    ROWS_SHOWN = 64,   /* rows whose weights are told, from the fullest to the emptiest */
    BARS = 48,         /* of a histogram */
    UNITS_SHOWN = 12,  /* of the first layer, as pictures */
    LARGEST_SIDE = 64  /* of such a picture: 28 for MNIST */
};

/* Values of half a byte each, the first in the lower half. */
static json_t *nibbles_json(const uint8_t *values, size_t count)
{
    uint8_t *packed = lopi_alloc((count + 1) / 2, 1);
    if (!packed)
        return NULL;
    for (size_t i = 0; i < count; i++)
        packed[i / 2] = (uint8_t)(packed[i / 2] | values[i] << (i % 2 ? 4 : 0));
    json_t *json = lopi_base64_json(packed, (count + 1) / 2);
    lopi_free(packed);
    return json;
}

static bool append_number(json_t *array, double value)
{
    return json_array_append_new(array, json_integer((json_int_t)value)) == 0;
}

/* The mask in cells: how much of each is left, darkest where most is. */
static json_t *mask_json(const lopi_packed_layer *layer)
{
    size_t rows = layer->outputs < CELL_ROWS ? layer->outputs : CELL_ROWS;
    size_t columns = layer->inputs < CELL_COLUMNS ? layer->inputs : CELL_COLUMNS;
    double left[CELL_ROWS * CELL_COLUMNS] = {0}, places[CELL_ROWS * CELL_COLUMNS] = {0}, most = 0;
    size_t tall[CELL_ROWS] = {0}, wide[CELL_COLUMNS] = {0};
    uint8_t shade[CELL_ROWS * CELL_COLUMNS];
    for (size_t r = 0; r < layer->outputs; r++) {
        size_t y = r * rows / layer->outputs;
        tall[y]++;
        for (size_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++)
            left[y * columns + layer->column[i] * columns / layer->inputs]++;
    }
    for (size_t c = 0; c < layer->inputs; c++)
        wide[c * columns / layer->inputs]++;
    for (size_t i = 0; i < rows * columns; i++) {
        size_t y = i / columns, x = i % columns;
        places[i] = (double)tall[y] * (double)wide[x];
        most = fmax(most, left[i] / places[i]);
    }
    for (size_t i = 0; i < rows * columns; i++)
        shade[i] = (uint8_t)(most > 0 ? ceil(LEVELS * (left[i] / places[i]) / most - 1e-9) : 0);
    json_t *object = json_object();
    if (lopi_json_set(object, "rows", json_integer((json_int_t)rows)) &&
        lopi_json_set(object, "columns", json_integer((json_int_t)columns)) &&
        lopi_json_set(object, "most", json_real(most)) &&
        lopi_json_set(object, "shades", nibbles_json(shade, rows * columns)))
        return object;
    json_decref(object);
    return NULL;
}

static int compare_falling(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a < b) - (a > b);
}

/* Weights left of rows, the fullest first; evenly picked where there are many. */
static json_t *rows_json(const lopi_packed_layer *layer)
{
    uint32_t *left = lopi_alloc(layer->outputs, sizeof *left);
    json_t *array = json_array();
    bool ok = left && array;
    for (size_t r = 0; ok && r < layer->outputs; r++)
        left[r] = layer->row_start[r + 1] - layer->row_start[r];
    if (ok)
        qsort(left, layer->outputs, sizeof *left, compare_falling);
    size_t shown = layer->outputs < ROWS_SHOWN ? layer->outputs : ROWS_SHOWN;
    for (size_t i = 0; ok && i < shown; i++)
        ok = append_number(array, left[shown > 1 ? i * (layer->outputs - 1) / (shown - 1) : 0]);
    lopi_free(left);
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

/* Weights that are left, by value, from −largest to largest. */
static json_t *histogram_json(const float *weights, size_t count)
{
    size_t bars[BARS] = {0};
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)weights[i]));
    for (size_t i = 0; i < count && largest > 0; i++) {
        size_t bar = (size_t)(((double)weights[i] / largest + 1) / 2 * BARS);
        bars[bar < BARS ? bar : BARS - 1]++;
    }
    json_t *object = json_object(), *array = json_array();
    bool ok = object && array && lopi_json_set(object, "largest", json_real(largest));
    for (size_t i = 0; ok && i < BARS; i++)
        ok = append_number(array, (double)bars[i]);
    ok = ok && json_object_set(object, "counts", array) == 0;
    json_decref(array);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* The side of the picture that a layer reads, or 0 where what it reads is none. */
static size_t picture_side(const lopi_packed_layer *layer)
{
    for (size_t side = 8; side <= LARGEST_SIDE; side++)
        if (side * side == layer->inputs)
            return side;
    return 0;
}

/* How many units look at each pixel; 255: as many as look at any. */
static json_t *looked_at_json(const lopi_packed_layer *layer)
{
    uint32_t count[LARGEST_SIDE * LARGEST_SIDE] = {0}, most = 1;
    uint8_t shade[LARGEST_SIDE * LARGEST_SIDE];
    for (size_t i = 0; i < layer->row_start[layer->outputs]; i++)
        count[layer->column[i]]++;
    for (size_t i = 0; i < layer->inputs; i++)
        most = count[i] > most ? count[i] : most;
    for (size_t i = 0; i < layer->inputs; i++)
        shade[i] = (uint8_t)((255 * count[i] + most - 1) / most);
    json_t *object = json_object();
    if (lopi_json_set(object, "most", json_integer(most)) &&
        lopi_json_set(object, "shades", lopi_base64_json(shade, layer->inputs)))
        return object;
    json_decref(object);
    return NULL;
}

/* A unit's weights in the places of its pixels: 8 is pruned, 9 … 15 above 0, 7 … 1 below. */
static json_t *unit_json(const lopi_packed_layer *layer, const float *weights, size_t unit)
{
    uint8_t picture[LARGEST_SIDE * LARGEST_SIDE];
    double largest = 0;
    memset(picture, 8, sizeof picture);
    for (size_t i = layer->row_start[unit]; i < layer->row_start[unit + 1]; i++)
        largest = fmax(largest, fabs((double)weights[i]));
    for (size_t i = layer->row_start[unit]; i < layer->row_start[unit + 1]; i++) {
        double level = largest > 0 ? 7 * (double)weights[i] / largest : 0;
        level = level < 0 ? floor(level) : ceil(level);
        picture[layer->column[i]] = (uint8_t)(8 + level);
    }
    return nibbles_json(picture, layer->inputs);
}

static json_t *units_json(const lopi_packed_layer *layer, const float *weights)
{
    json_t *array = json_array();
    size_t shown = layer->outputs < UNITS_SHOWN ? layer->outputs : UNITS_SHOWN;
    for (size_t i = 0; array && i < shown; i++) {
        size_t unit = shown > 1 ? i * (layer->outputs - 1) / (shown - 1) : 0;
        if (json_array_append_new(array, unit_json(layer, weights, unit)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *bits_json(const lop_layer_bits *bits)
{
    const struct {
        const char *name;
        double bits;
    } rows[] = {{"inputs", bits->inputs},
                {"counts", bits->counts},
                {"columns", bits->columns},
                {"biases", bits->biases},
                {"tables", bits->tables},
                {"values", bits->values},
                {"position_entropy", bits->position_entropy},
                {"value_entropy", bits->value_entropy}};
    json_t *object = json_object();
    for (size_t i = 0; object && i < sizeof rows / sizeof *rows; i++)
        if (!lopi_json_set(object, rows[i].name, json_integer((json_int_t)llround(rows[i].bits)))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *layer_json(const lopi_packed_layer *layer, const lop_layer_bits *bits, bool first)
{
    static const char *const kinds[] = {[LOP_VALUES_FLOAT32] = "float32",
                                        [LOP_VALUES_FLOAT16] = "float16",
                                        [LOP_VALUES_INT8] = "int8",
                                        [LOP_VALUES_SHARED] = "shared"};
    size_t left = lopi_packed_left(layer), side = first ? picture_side(layer) : 0;
    float *weights = lopi_alloc(left, sizeof *weights);
    json_t *object = json_object();
    bool ok = weights && object;
    if (ok)
        lopi_packed_weights(layer, weights);
    ok = ok && lopi_json_set(object, "name", json_string(layer->name)) &&
         lopi_json_set(object, "outputs", json_integer(layer->outputs)) &&
         lopi_json_set(object, "inputs", json_integer(layer->inputs)) &&
         lopi_json_set(object, "left", json_integer((json_int_t)left)) &&
         lopi_json_set(object, "values", json_string(kinds[layer->kind])) &&
         lopi_json_set(object, "entries", json_integer(layer->entries)) &&
         lopi_json_set(object, "bits", bits_json(bits)) &&
         lopi_json_set(object, "rows", rows_json(layer)) &&
         lopi_json_set(object, "mask", mask_json(layer)) &&
         lopi_json_set(object, "histogram", histogram_json(weights, left));
    if (ok && side)
        ok = lopi_json_set(object, "side", json_integer((json_int_t)side)) &&
             lopi_json_set(object, "looked_at", looked_at_json(layer)) &&
             lopi_json_set(object, "units", units_json(layer, weights));
    lopi_free(weights);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

json_t *lopi_inside_json(const lop_packed *packed, const lop_file_account *account)
{
    json_t *object = json_object(), *layers = json_array();
    bool ok = object && layers &&
              lopi_json_set(object, "header", json_integer((json_int_t)account->header)) &&
              lopi_json_set(object, "graph", json_integer((json_int_t)account->graph)) &&
              lopi_json_set(object, "positions", json_integer((json_int_t)account->positions)) &&
              lopi_json_set(object, "values", json_integer((json_int_t)account->values)) &&
              lopi_json_set(object, "other", json_integer((json_int_t)account->other));
    for (size_t i = 0; ok && i < packed->layer_count; i++)
        ok = json_array_append_new(
                 layers, layer_json(packed->layers + i, account->layers + i, i == 0)) == 0;
    ok = ok && json_object_set(object, "layers", layers) == 0;
    json_decref(layers);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}
