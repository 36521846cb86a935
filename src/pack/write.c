/** Writing a packed file: the graph, then each layer's positions and values through the coder. */
#include <math.h>
#include <string.h>

#include <lop/pack.h>

#include "base/control.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "pack/write.h"
#include "run/container.h"
#include "run/half.h"
#include "run/model.h"

/* Bytes that grow; the first failure is remembered. */
typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
} bytes;

static void put(bytes *out, const void *data, size_t size)
{
    if (out->failed)
        return;
    if (size > out->capacity - out->size) {
        size_t capacity = 0;
        uint8_t *grown = NULL;
        if (lopi_add(out->size, size, &capacity) && lopi_multiply(capacity, 2, &capacity))
            grown = lopi_realloc(out->data, capacity, 1);
        if (!grown) {
            out->failed = true;
            return;
        }
        out->data = grown;
        out->capacity = capacity;
    }
    if (size > 0)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_byte(bytes *out, uint32_t value) { put(out, &(uint8_t){(uint8_t)value}, 1); }

static void put_number(bytes *out, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        put_byte(out, (uint32_t)(value >> (8 * i) & 0xff));
}

static void put_varint(bytes *out, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(out, value | 0x80);
    put_byte(out, value);
}

/* Forms: how a layer's positions are best written. ------------------------------------------------
 */

/* Columns that one bit covers, by the share of places that have weights. */
static uint8_t block_for(double density)
{
    static const struct {
        double above;
        uint8_t block;
    } rows[] = {{0.25, 0}, {0.08, 2}, {0.01, 3}, {0.002, 4}, {-1, LOPI_MAX_BLOCK}};
    size_t i = 0;
    while (density <= rows[i].above)
        i++;
    return rows[i].block;
}

static lop_status used_inputs(const lopi_packed_layer *layer, size_t *count, lop_error *error)
{
    uint8_t *used = lopi_alloc(layer->inputs, 1);
    if (!used)
        return lopi_fail_memory(error, layer->inputs);
    *count = 0;
    for (size_t i = 0; i < lopi_packed_left(layer); i++) {
        *count += !used[layer->column[i]];
        used[layer->column[i]] = 1;
    }
    lopi_free(used);
    return LOP_OK;
}

static lop_status layer_bits(const lopi_packed_layer *layer, const lopi_layer_form *form,
                             const lopi_coder_tables *tables, double *bits, lop_error *error)
{
    lopi_coder coder;
    lopi_packed_layer view = *layer;
    lopi_coder_write(&coder, tables);
    lop_status status =
        lopi_code_positions(&coder, &view, form->left, &form->positions, NULL, NULL, error);
    if (status == LOP_OK)
        status = lopi_code_values(&coder, &view, &form->positions, NULL, error);
    *bits = lopi_coder_bits(&coder);
    if (status == LOP_OK && coder.failed)
        status = lopi_fail_memory(error, coder.out_size);
    lopi_free(coder.out);
    return status;
}

/* Whether the network's inputs are better read as a picture: one of a square, or three of them. */
static lop_status find_grid(const lopi_packed_layer *layer, lopi_layer_form *form,
                            const lopi_coder_tables *tables, lop_error *error)
{
    double best = 0;
    lop_status status = layer_bits(layer, form, tables, &best, error);
    for (uint32_t planes = 1; planes <= 3 && status == LOP_OK; planes += 2) {
        uint32_t side = (uint32_t)lround(sqrt((double)layer->inputs / planes));
        if (side < 4 || side * side * planes != layer->inputs)
            continue;
        lopi_layer_form candidate = *form;
        candidate.positions.grid = side;
        double bits = 0;
        status = layer_bits(layer, &candidate, tables, &bits, error);
        if (status == LOP_OK && bits < best) {
            best = bits;
            *form = candidate;
        }
    }
    return status;
}

/* Networks with so many weights are read several times as fast with less foresight, unless next to
 * nothing is pruned: then there are few positions to foresee. */
#define MANY_WEIGHTS (1u << 18)
#define NEARLY_DENSE 0.5

static bool is_large(const lop_packed *packed)
{
    size_t left = 0;
    for (size_t i = 0; i < packed->layer_count; i++)
        left += lopi_packed_left(&packed->layers[i]);
    return left >= MANY_WEIGHTS;
}

static lop_status find_form(const lop_packed *packed, size_t index, bool gaps,
                            lopi_layer_form *form, const lopi_coder_tables *tables,
                            lop_error *error)
{
    const lopi_packed_layer *layer = &packed->layers[index];
    size_t used = 0;
    lop_status status = used_inputs(layer, &used, error);
    if (status != LOP_OK)
        return status;
    form->left = (uint32_t)lopi_packed_left(layer);
    form->bias = layer->bias != NULL;
    double places = (double)layer->outputs * (double)(used ? used : 1);
    form->positions = (lopi_position_form){
        .block = block_for(form->left / places),
        .sorted = lopi_positions_sorted(layer),
    };
    if (gaps && form->left / places <= NEARLY_DENSE) {
        form->positions.block = LOPI_GAPS;
        return LOP_OK;
    }
    return index == 0 ? find_grid(layer, form, tables, error) : LOP_OK;
}

/* Graph. ----------------------------------------------------------------------------------------
 */

static lop_status check_name(const lop_packed *packed, size_t index, lop_error *error)
{
    const char *name = packed->layers[index].name;
    for (const char *c = name; *c; c++)
        if (lopi_control(c))
            return lopi_fail(error, LOP_E_FORMAT, "the name of layer %zu has a control character",
                             index);
    for (size_t i = 0; i < index; i++)
        if (strcmp(packed->layers[i].name, name) == 0)
            return lopi_fail(error, LOP_E_FORMAT, "two layers are named %s", name);
    return LOP_OK;
}

static lop_status check_scale(const lopi_packed_layer *layer, lop_error *error)
{
    float kept = lopi_bfloat_to_float(lopi_float_to_bfloat(layer->input_scale));
    if (kept == layer->input_scale)
        return LOP_OK;
    return lopi_fail(error, LOP_E_RANGE, "layer %s: the scale of its inputs, %.9g, is no bfloat16",
                     layer->name, (double)layer->input_scale);
}

static void put_layer(bytes *out, const lopi_packed_layer *layer, size_t index,
                      const lopi_layer_form *form)
{
    char usual[LOP_RUN_MAX_NAME];
    lopi_layer_name(usual, index);
    bool named = strcmp(usual, layer->name) != 0, calibrated = layer->input_scale > 0;
    uint32_t flags = (layer->relu ? LOPI_FLAG_RELU : 0) | (layer->bias ? LOPI_FLAG_BIAS : 0) |
                     (calibrated ? LOPI_FLAG_CALIBRATED : 0) |
                     (form->positions.sorted ? LOPI_FLAG_SORTED : 0) |
                     (named ? LOPI_FLAG_NAMED : 0);
    put_varint(out, LOPI_NODE_LINEAR);
    put_varint(out, (uint32_t)index);
    put_varint(out, layer->outputs);
    put_varint(out, flags | (uint32_t)layer->kind << LOPI_KIND_SHIFT);
    put_byte(out, form->positions.block | (form->positions.grid ? LOPI_BLOCK_GRID : 0));
    if (form->positions.grid)
        put_varint(out, form->positions.grid);
    put_varint(out, form->left);
    if (layer->kind == LOP_VALUES_SHARED)
        put_byte(out, layer->entries - 1);
    if (calibrated) {
        put_number(out, lopi_float_to_bfloat(layer->input_scale), 2);
        if (index == 0 || !layer[-1].relu)
            put_byte(out, (uint32_t)layer->input_zero);
        put_byte(out, (uint32_t)lroundf(layer->input_density * 255));
    }
    if (named) {
        put_byte(out, (uint32_t)strlen(layer->name));
        put(out, layer->name, strlen(layer->name));
    }
}

static lop_status put_graph(bytes *out, const lop_packed *packed, const lopi_layer_form *forms,
                            lop_error *error)
{
    put_varint(out, (uint32_t)packed->layer_count + 1);
    put_varint(out, LOPI_NODE_INPUT);
    put_varint(out, packed->inputs);
    for (size_t i = 0; i < packed->layer_count; i++) {
        lop_status status = check_name(packed, i, error);
        if (status == LOP_OK)
            status = check_scale(&packed->layers[i], error);
        if (status != LOP_OK)
            return status;
        put_layer(out, &packed->layers[i], i, &forms[i]);
    }
    return LOP_OK;
}

/* The file. -------------------------------------------------------------------------------------
 */

static lop_status code_layers(const lop_packed *packed, const lopi_layer_form *forms,
                              lopi_coder *coder, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; i < packed->layer_count && status == LOP_OK; i++) {
        lopi_packed_layer layer = packed->layers[i];
        status = lopi_code_positions(coder, &layer, forms[i].left, &forms[i].positions,
                                     i > 0 ? packed->layers[i - 1].row_start : NULL, NULL, error);
        if (status == LOP_OK)
            status = lopi_code_values(coder, &layer, &forms[i].positions, NULL, error);
    }
    return status == LOP_OK ? lopi_coder_finish(coder, error) : status;
}

static void put_file(bytes *out, const lopi_section parts[LOPI_PARTS])
{
    uint64_t total = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE + 4;
    for (int i = 0; i < LOPI_PARTS; i++)
        total += parts[i].size;
    put(out, LOPI_SIGNATURE, LOPI_SIGNATURE_SIZE);
    put_byte(out, LOPI_MAJOR);
    put_byte(out, LOPI_MINOR);
    put_byte(out, LOPI_PARTS);
    put_number(out, total, LOPI_LENGTH_SIZE);
    for (int i = 0; i < LOPI_PARTS; i++) {
        put_byte(out, (uint8_t)lopi_part_tags[i]);
        put_number(out, parts[i].size, LOPI_LENGTH_SIZE);
        put_number(out, lopi_crc32c(parts[i].data, parts[i].size), 4);
    }
    put_number(out, lopi_crc32c(out->data, out->size), 4);
    for (int i = 0; i < LOPI_PARTS; i++)
        put(out, parts[i].data, parts[i].size);
}

lop_status lop_packed_encode(const lop_packed *packed, uint8_t **data, size_t *size,
                             lop_error *error)
{
    return lopi_packed_encode(packed, is_large(packed), data, size, error);
}

lop_status lopi_packed_encode(const lop_packed *packed, bool gaps, uint8_t **data, size_t *size,
                              lop_error *error)
{
    lop_status status = LOP_OK;
    bytes graph = {0}, file = {0};
    lopi_layer_form *forms = lopi_alloc(packed->layer_count, sizeof *forms);
    lopi_coder_tables *tables = lopi_alloc(1, sizeof *tables);
    lopi_coder coder = {0};
    if (!forms || !tables) {
        status = lopi_fail_memory(error, sizeof *tables);
        goto out;
    }
    lopi_coder_tables_fill(tables);
    lopi_coder_write(&coder, tables);
    for (size_t i = 0; i < packed->layer_count && status == LOP_OK; i++)
        status = find_form(packed, i, gaps, &forms[i], tables, error);
    if (status == LOP_OK)
        status = put_graph(&graph, packed, forms, error);
    if (status == LOP_OK)
        status = code_layers(packed, forms, &coder, error);
    if (status != LOP_OK)
        goto out;
    put_file(&file, (lopi_section[LOPI_PARTS]){{graph.data, graph.size, 0},
                                               {coder.out, coder.out_size, 0}});
    if (graph.failed || file.failed) {
        status = lopi_fail_memory(error, file.capacity * 2);
        goto out;
    }
    *data = file.data;
    *size = file.size;
    file.data = NULL;
out:
    lopi_free(file.data);
    lopi_free(graph.data);
    lopi_free(coder.out);
    lopi_free(tables);
    lopi_free(forms);
    return status;
}

lop_status lop_packed_save(const lop_packed *packed, const char *path, bool overwrite,
                           lop_error *error)
{
    uint8_t *data = NULL;
    size_t size = 0;
    lop_status status = lop_packed_encode(packed, &data, &size, error);
    if (status == LOP_OK)
        status = lopi_file_write(path, data, size, overwrite, error);
    lopi_free(data);
    return status;
}
