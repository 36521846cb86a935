#include "pack/sparse.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define GONE UINT32_MAX

/* From a network. -------------------------------------------------------------------------------
 */

static lop_status fill_layer(lopi_packed_layer *to, const lop_layer *from, lop_error *error)
{
    size_t count = from->outputs * from->inputs, left = 0;
    for (size_t i = 0; i < count; i++)
        left += from->weight[i] != 0;
    if (left > LOP_RUN_MAX_WEIGHTS)
        return lopi_fail(error, LOP_E_LIMIT, "layer %s: expected at most %u weights, found %zu",
                         from->name, LOP_RUN_MAX_WEIGHTS, left);
    strncpy(to->name, from->name, sizeof to->name - 1);
    to->outputs = (uint32_t)from->outputs;
    to->inputs = (uint32_t)from->inputs;
    to->row_start = lopi_alloc(from->outputs + 1, sizeof *to->row_start);
    to->column = lopi_alloc(left, sizeof *to->column);
    to->values = lopi_alloc(left, sizeof *to->values);
    if (from->bias)
        to->bias = lopi_alloc(from->outputs, sizeof *to->bias);
    if (!to->row_start || !to->column || !to->values || (from->bias && !to->bias))
        return lopi_fail_memory(error, left * 8);
    uint32_t next = 0;
    for (uint32_t r = 0; r < to->outputs; r++) {
        const float *row = from->weight + (size_t)r * from->inputs;
        for (uint32_t c = 0; c < to->inputs; c++)
            if (row[c] != 0) {
                to->column[next] = c;
                to->values[next++] = row[c];
            }
        to->row_start[r + 1] = next;
        if (from->bias)
            to->bias[r] = from->bias[r];
    }
    return LOP_OK;
}

/* Mark the layers that have a relu behind them. */
static lop_status find_relus(lop_packed *packed, const lop_network *network, lop_error *error)
{
    for (size_t n = 1; n < lop_network_node_count(network); n++) {
        const lop_node *node = lop_network_node(network, n);
        const lop_node *input = lop_network_node(network, node->input);
        if (node->op == LOP_OP_LINEAR)
            continue;
        if (node->op != LOP_OP_RELU || input->op != LOP_OP_LINEAR)
            return lopi_fail(error, LOP_E_UNSUPPORTED,
                             "node %s: a packed network has layers, and a relu behind a layer",
                             node->name);
        packed->layers[input->layer].relu = true;
    }
    return LOP_OK;
}

lop_status lopi_sparse_new(lop_packed **out, const lop_network *network, lop_error *error)
{
    lop_packed *packed = NULL;
    lop_status status = lop_network_check_finite(network, error);
    if (status == LOP_OK)
        status = lopi_packed_new(&packed, lop_network_layer_count(network), error);
    if (status == LOP_OK)
        status = find_relus(packed, network, error);
    for (size_t i = 0; status == LOP_OK && i < packed->layer_count; i++)
        status = fill_layer(&packed->layers[i], lop_network_layer(network, i), error);
    if (status == LOP_OK)
        status = lopi_packed_check(packed, error);
    if (status == LOP_OK)
        *out = packed;
    else
        lop_packed_free(packed);
    return status;
}

/* Choosing and moving. ---------------------------------------------------------------------------
 */

/* What a layer becomes: row i is what row[i] was, and column c goes to to[c] or is GONE. */
typedef struct selection {
    uint32_t outputs, inputs;
    const uint32_t *row; /* [outputs] */
    const uint32_t *to;  /* [inputs before]; NULL: columns stay */
} selection;

typedef struct place {
    uint32_t column, index;
} place;

static int by_column(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return (p->column > q->column) - (p->column < q->column);
}

static bool is_zero(const lopi_packed_layer *layer, uint32_t i)
{
    switch (layer->kind) {
    case LOP_VALUES_INT8:
        return layer->q[i] == 0;
    case LOP_VALUES_SHARED:
        return layer->table[layer->symbol[i]] == 0;
    default:
        return layer->values[i] == 0;
    }
}

/* The weights of a row that stay, by their new columns. */
static uint32_t gather(const lopi_packed_layer *layer, uint32_t row, const uint32_t *to,
                       place *places)
{
    uint32_t count = 0;
    bool sorted = true;
    for (uint32_t i = layer->row_start[row]; i < layer->row_start[row + 1]; i++) {
        uint32_t column = to ? to[layer->column[i]] : layer->column[i];
        if (column == GONE || is_zero(layer, i))
            continue;
        sorted = sorted && (count == 0 || column > places[count - 1].column);
        places[count++] = (place){column, i};
    }
    if (!sorted)
        qsort(places, count, sizeof *places, by_column);
    return count;
}

/* New arrays for `layer` with room for `left` weights of what `old` has. */
static bool make_room(lopi_packed_layer *layer, const lopi_packed_layer *old, size_t left)
{
    size_t rows = layer->outputs;
    layer->row_start = lopi_alloc(rows + 1, sizeof *layer->row_start);
    layer->column = lopi_alloc(left, sizeof *layer->column);
    layer->values = old->values ? lopi_alloc(left, sizeof *layer->values) : NULL;
    layer->q = old->q ? lopi_alloc(left, sizeof *layer->q) : NULL;
    layer->symbol = old->symbol ? lopi_alloc(left, sizeof *layer->symbol) : NULL;
    layer->scale = old->scale ? lopi_alloc(rows, sizeof *layer->scale) : NULL;
    layer->bias = old->bias ? lopi_alloc(rows, sizeof *layer->bias) : NULL;
    return layer->row_start && layer->column && !layer->values == !old->values &&
           !layer->q == !old->q && !layer->symbol == !old->symbol && !layer->scale == !old->scale &&
           !layer->bias == !old->bias;
}

static void end_arrays(lopi_packed_layer *layer)
{
    lopi_free(layer->row_start);
    lopi_free(layer->column);
    lopi_free(layer->values);
    lopi_free(layer->q);
    lopi_free(layer->symbol);
    lopi_free(layer->scale);
    lopi_free(layer->bias);
}

static void copy_weight(lopi_packed_layer *to, uint32_t at, const lopi_packed_layer *from,
                        const place *which)
{
    to->column[at] = which->column;
    if (from->values)
        to->values[at] = from->values[which->index];
    if (from->q)
        to->q[at] = from->q[which->index];
    if (from->symbol)
        to->symbol[at] = from->symbol[which->index];
}

static lop_status choose(lopi_packed_layer *layer, const selection *what, lop_error *error)
{
    lopi_packed_layer old = *layer, new = *layer;
    new.outputs = what->outputs;
    new.inputs = what->inputs;
    place *places = lopi_alloc(old.inputs, sizeof *places);
    if (!make_room(&new, &old, lopi_packed_left(&old)) || !places) {
        end_arrays(&new);
        lopi_free(places);
        return lopi_fail_memory(error, lopi_packed_left(&old) * 8);
    }
    uint32_t next = 0;
    for (uint32_t r = 0; r < new.outputs; r++) {
        uint32_t row = what->row[r], count = gather(&old, row, what->to, places);
        for (uint32_t i = 0; i < count; i++)
            copy_weight(&new, next++, &old, &places[i]);
        new.row_start[r + 1] = next;
        if (new.scale)
            new.scale[r] = old.scale[row];
        if (new.bias)
            new.bias[r] = old.bias[row];
    }
    end_arrays(&old);
    *layer = new;
    lopi_free(places);
    return LOP_OK;
}

static uint32_t *counting(uint32_t count)
{
    uint32_t *list = lopi_alloc(count, sizeof *list);
    for (uint32_t i = 0; list && i < count; i++)
        list[i] = i;
    return list;
}

lop_status lopi_sparse_drop_zeros(lopi_packed_layer *layer, lop_error *error)
{
    size_t zeros = 0;
    for (uint32_t i = 0; i < lopi_packed_left(layer); i++)
        zeros += is_zero(layer, i);
    if (zeros == 0)
        return LOP_OK;
    uint32_t *rows = counting(layer->outputs);
    if (!rows)
        return lopi_fail_memory(error, layer->outputs * sizeof *rows);
    lop_status status =
        choose(layer, &(selection){.outputs = layer->outputs, .inputs = layer->inputs, .row = rows},
               error);
    lopi_free(rows);
    return status;
}

/* Rows of `layer` become `row`, and the columns of the one behind it follow. */
static lop_status move_units(lopi_packed_layer *layer, const uint32_t *row, uint32_t count,
                             lop_error *error)
{
    lopi_packed_layer *reader = layer + 1;
    uint32_t before = layer->outputs;
    uint32_t *to = lopi_alloc(before, sizeof *to), *rows = counting(reader->outputs);
    lop_status status = LOP_OK;
    if (!to || !rows) {
        status = lopi_fail_memory(error, before * sizeof *to);
        goto out;
    }
    memset(to, 0xff, before * sizeof *to);
    for (uint32_t i = 0; i < count; i++)
        to[row[i]] = i;
    status =
        choose(layer, &(selection){.outputs = count, .inputs = layer->inputs, .row = row}, error);
    if (status == LOP_OK)
        status =
            choose(reader,
                   &(selection){.outputs = reader->outputs, .inputs = count, .row = rows, .to = to},
                   error);
out:
    lopi_free(to);
    lopi_free(rows);
    return status;
}

/* Trimming. --------------------------------------------------------------------------------------
 */

static bool yields_zero(const lopi_packed_layer *layer, uint32_t unit)
{
    if (layer->row_start[unit + 1] > layer->row_start[unit])
        return false;
    return !layer->bias || layer->bias[unit] == 0 || (layer->relu && layer->bias[unit] < 0);
}

/* Take out the hidden units of layer `index` that can go; tells whether some went. */
static lop_status trim_layer(lop_packed *packed, size_t index, bool *changed, lop_error *error)
{
    lopi_packed_layer *layer = &packed->layers[index], *reader = layer + 1;
    uint8_t *read = lopi_alloc(layer->outputs, 1);
    uint32_t *rows = lopi_alloc(layer->outputs, sizeof *rows), count = 0;
    lop_status status = LOP_OK;
    if (!read || !rows) {
        status = lopi_fail_memory(error, layer->outputs * sizeof *rows);
        goto out;
    }
    for (size_t i = 0; i < lopi_packed_left(reader); i++)
        read[reader->column[i]] = 1;
    for (uint32_t u = 0; u < layer->outputs; u++)
        if (read[u] && !yields_zero(layer, u))
            rows[count++] = u;
    if (count == 0) /* the first stays, so that there is a layer */
        rows[count++] = 0;
    if (count < layer->outputs) {
        status = move_units(layer, rows, count, error);
        *changed = true;
    }
out:
    lopi_free(read);
    lopi_free(rows);
    return status;
}

lop_status lopi_sparse_trim(lop_packed *packed, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; i < packed->layer_count && status == LOP_OK; i++)
        status = lopi_sparse_drop_zeros(&packed->layers[i], error);
    for (bool changed = true; changed && status == LOP_OK;) {
        changed = false;
        for (size_t i = 0; i + 1 < packed->layer_count && status == LOP_OK; i++)
            status = trim_layer(packed, i, &changed, error);
    }
    return status;
}

/* Sorting. ---------------------------------------------------------------------------------------
 */

typedef struct unit {
    const lopi_packed_layer *layer;
    uint32_t row;
} unit;

static int by_weights(const void *a, const void *b)
{
    const unit *p = a, *q = b;
    const uint32_t *start = p->layer->row_start, *column = p->layer->column;
    uint32_t count = start[p->row + 1] - start[p->row];
    uint32_t other = start[q->row + 1] - start[q->row];
    if (count != other)
        return count > other ? -1 : 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t c = column[start[p->row] + i], d = column[start[q->row] + i];
        if (c != d)
            return c < d ? -1 : 1;
    }
    return (p->row > q->row) - (p->row < q->row);
}

lop_status lopi_sparse_sort(lop_packed *packed, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t l = 0; l + 1 < packed->layer_count && status == LOP_OK; l++) {
        lopi_packed_layer *layer = &packed->layers[l];
        unit *units = lopi_alloc(layer->outputs, sizeof *units);
        uint32_t *rows = lopi_alloc(layer->outputs, sizeof *rows);
        if (units && rows) {
            for (uint32_t u = 0; u < layer->outputs; u++)
                units[u] = (unit){layer, u};
            qsort(units, layer->outputs, sizeof *units, by_weights);
            for (uint32_t u = 0; u < layer->outputs; u++)
                rows[u] = units[u].row;
            status = move_units(layer, rows, layer->outputs, error);
        } else {
            status = lopi_fail_memory(error, layer->outputs * sizeof *units);
        }
        lopi_free(units);
        lopi_free(rows);
    }
    return status;
}
