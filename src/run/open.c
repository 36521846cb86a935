/** Opening a packed file: the graph first, then each layer's positions and values. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/container.h"
#include "run/half.h"
#include "run/kernels/float_mode.h"
#include "run/model.h"

/* Without leave, so much memory for so many bytes of a file. */
#define MEMORY_BASE (64u << 20)
#define MEMORY_RATE 64
#define WORK_BYTES  20 /* for each input while a layer is decoded */

typedef struct reader {
    const char *file;
    lopi_section sections[LOPI_PARTS];
    lop_packed *packed;
    lopi_layer_form *forms; /* [layers] */
    size_t max_memory;
    lopi_account *account;
    lop_error *error;
} reader;

void lopi_layer_name(char name[LOP_RUN_MAX_NAME], size_t index)
{
    snprintf(name, LOP_RUN_MAX_NAME, "fc%zu", index + 1);
}

/* Graph. ----------------------------------------------------------------------------------------
 */

static lop_status fail_graph(const reader *r, const lopi_cursor *cursor, lop_status code,
                             const char *what)
{
    return lopi_fail_at(r->error, code, r->file, r->sections[LOPI_GRAPH].offset + cursor->position,
                        "in the graph: %s", what);
}

static lop_status read_name(const reader *r, lopi_cursor *cursor, size_t index)
{
    uint8_t length = 0;
    const uint8_t *text;
    char *name = r->packed->layers[index].name;
    if (!lopi_cursor_u8(cursor, &length) || length == 0 || length >= LOP_RUN_MAX_NAME ||
        !lopi_cursor_take(cursor, length, &text))
        return fail_graph(r, cursor, LOP_E_FORMAT, "expected a name of 1 to 63 bytes");
    memcpy(name, text, length);
    for (size_t i = 0; i < length; i++)
        if (!name[i] || lopi_control(name + i))
            return fail_graph(r, cursor, LOP_E_FORMAT, "a name has a control character");
    return LOP_OK;
}

static lop_status check_name(const reader *r, const lopi_cursor *cursor, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(r->packed->layers[i].name, r->packed->layers[index].name) == 0)
            return fail_graph(r, cursor, LOP_E_FORMAT, "two layers have one name");
    return LOP_OK;
}

/* What stands behind the flags of a layer. */
static lop_status read_details(const reader *r, lopi_cursor *cursor, size_t index, uint32_t flags)
{
    lopi_packed_layer *layer = &r->packed->layers[index];
    lopi_layer_form *form = &r->forms[index];
    uint8_t block = 0, entries = 0, zero = 0, density = 0, low = 0, high = 0;
    layer->kind = (lop_values)(flags >> LOPI_KIND_SHIFT);
    if (!lopi_cursor_u8(cursor, &block) || (block & ~LOPI_BLOCK_GRID) > LOPI_GAPS ||
        block == (LOPI_GAPS | LOPI_BLOCK_GRID))
        return fail_graph(r, cursor, LOP_E_FORMAT, "a layer's blocks are of no known size");
    form->positions.block = block & (uint8_t)~LOPI_BLOCK_GRID;
    if ((block & LOPI_BLOCK_GRID) &&
        (!lopi_cursor_varint(cursor, &form->positions.grid) || form->positions.grid < 2 ||
         form->positions.grid > layer->inputs))
        return fail_graph(r, cursor, LOP_E_FORMAT,
                          "a layer's picture has one column, or more than it has inputs");
    if (!lopi_cursor_varint(cursor, &form->left) || form->left > LOP_RUN_MAX_WEIGHTS ||
        form->left > (uint64_t)layer->outputs * layer->inputs) /* fits: 32 bits each */
        return fail_graph(r, cursor, LOP_E_FORMAT, "a layer has more weights than places for them");
    if (layer->kind == LOP_VALUES_SHARED && !lopi_cursor_u8(cursor, &entries))
        return fail_graph(r, cursor, LOP_E_TRUNCATED, "it ends within a layer");
    layer->entries = layer->kind == LOP_VALUES_SHARED ? entries + 1u : 0;
    if (!(flags & LOPI_FLAG_CALIBRATED))
        return LOP_OK;
    bool behind_relu = index > 0 && layer[-1].relu;
    if (!lopi_cursor_u8(cursor, &low) || !lopi_cursor_u8(cursor, &high) ||
        (!behind_relu && !lopi_cursor_u8(cursor, &zero)) || !lopi_cursor_u8(cursor, &density))
        return fail_graph(r, cursor, LOP_E_TRUNCATED, "it ends within a layer");
    layer->input_scale = lopi_bfloat_to_float((uint16_t)(low | high << 8));
    if (!(layer->input_scale > 0))
        return fail_graph(r, cursor, LOP_E_FORMAT, "a calibrated layer's input has no scale");
    layer->input_zero = zero;
    layer->input_density = (float)density / 255;
    return LOP_OK;
}

static lop_status read_layer(const reader *r, lopi_cursor *cursor, size_t index, uint32_t width)
{
    lopi_packed_layer *layer = &r->packed->layers[index];
    size_t begin = cursor->position;
    uint32_t op = 0, input = 0, flags = 0;
    if (!lopi_cursor_varint(cursor, &op) || op != LOPI_NODE_LINEAR)
        return fail_graph(r, cursor, LOP_E_FORMAT, "expected a linear layer");
    if (!lopi_cursor_varint(cursor, &input) || input > index)
        return fail_graph(r, cursor, LOP_E_FORMAT, "a layer reads one that is not before it");
    if (input != index)
        return fail_graph(r, cursor, LOP_E_UNSUPPORTED, "a layer reads one that is not its last");
    if (!lopi_cursor_varint(cursor, &layer->outputs) || layer->outputs == 0 ||
        layer->outputs > LOP_RUN_MAX_WIDTH)
        return fail_graph(r, cursor, LOP_E_LIMIT, "expected a layer of 1 to 2^20 units");
    if (!lopi_cursor_varint(cursor, &flags) || flags >> LOPI_KIND_SHIFT > LOP_VALUES_SHARED)
        return fail_graph(r, cursor, LOP_E_FORMAT,
                          "a layer has flags, or values of a kind, that are not known");
    layer->inputs = width;
    layer->relu = flags & LOPI_FLAG_RELU;
    r->forms[index].positions.sorted = flags & LOPI_FLAG_SORTED;
    r->forms[index].bias = flags & LOPI_FLAG_BIAS;
    lop_status status = read_details(r, cursor, index, flags);
    if (status == LOP_OK && (flags & LOPI_FLAG_NAMED))
        status = read_name(r, cursor, index);
    else if (status == LOP_OK)
        lopi_layer_name(layer->name, index);
    if (status == LOP_OK)
        status = check_name(r, cursor, index);
    if (r->account && status == LOP_OK)
        r->account->layer[index].graph = cursor->position - begin;
    return status;
}

static lop_status read_graph(reader *r)
{
    const lopi_section *section = &r->sections[LOPI_GRAPH];
    lopi_cursor cursor = {section->data, section->size, 0};
    uint32_t nodes = 0, op = 0, width = 0;
    if (!lopi_cursor_varint(&cursor, &nodes) || nodes < 2 || nodes > LOP_RUN_MAX_LAYERS + 1 ||
        nodes > section->size)
        return fail_graph(r, &cursor, LOP_E_LIMIT, "expected an input and 1 to 1024 layers");
    if (!lopi_cursor_varint(&cursor, &op) || op != LOPI_NODE_INPUT ||
        !lopi_cursor_varint(&cursor, &width) || width == 0 || width > LOP_RUN_MAX_WIDTH)
        return fail_graph(r, &cursor, LOP_E_FORMAT, "expected an input of 1 to 2^20 values");
    size_t layers = nodes - 1;
    lop_status status = lopi_packed_new(&r->packed, layers, r->error);
    if (status != LOP_OK)
        return status;
    r->forms = lopi_alloc(layers, sizeof *r->forms);
    if (r->account) {
        r->account->layer = lopi_alloc(layers, sizeof *r->account->layer);
        r->account->layers = layers;
    }
    if (!r->forms || (r->account && !r->account->layer))
        return lopi_fail_memory(r->error, layers * sizeof *r->forms);
    for (size_t i = 0; i < layers && status == LOP_OK; i++) {
        status = read_layer(r, &cursor, i, width);
        width = r->packed->layers[i].outputs;
    }
    if (status == LOP_OK && lopi_cursor_left(&cursor) > 0)
        status = fail_graph(r, &cursor, LOP_E_FORMAT, "bytes stand behind the last layer");
    return status;
}

/* Memory. ---------------------------------------------------------------------------------------
 */

/* Within LOP_RUN_MAX_LAYERS layers of 2³¹ weights at most, so that 64 bits hold the sum. */
static uint64_t layer_bytes(const lopi_packed_layer *layer, uint32_t left)
{
    static const uint8_t value_bytes[] = {[LOP_VALUES_FLOAT32] = 4,
                                          [LOP_VALUES_FLOAT16] = 4,
                                          [LOP_VALUES_INT8] = 1,
                                          [LOP_VALUES_SHARED] = 1};
    uint64_t rows = (uint64_t)layer->outputs + 1;
    /* fits: 64 bits, numbers of 32 */
    return rows * (layer->kind == LOP_VALUES_INT8 ? 12 : 8) + 4ull * layer->entries +
           (uint64_t)left * (4u + value_bytes[layer->kind]);
}

static lop_status check_memory(const reader *r)
{
    uint64_t bytes = 0, work = 0;
    for (size_t i = 0; i < r->packed->layer_count; i++) {
        const lopi_packed_layer *layer = &r->packed->layers[i];
        bytes += layer_bytes(layer, r->forms[i].left);
        uint64_t here = (uint64_t)layer->inputs * WORK_BYTES;
        work = here > work ? here : work;
    }
    if (bytes + work > r->max_memory) /* fits: layer_bytes says so */
        return lopi_fail_at(r->error, LOP_E_LIMIT, r->file, r->sections[LOPI_GRAPH].offset,
                            "the network would take %llu bytes of memory, more than the %zu that "
                            "are allowed; allow more to open it",
                            (unsigned long long)(bytes + work), r->max_memory);
    return LOP_OK;
}

static lop_status allocate(lopi_packed_layer *layer, const lopi_layer_form *form, lop_error *error)
{
    size_t left = form->left;
    bool floats = layer->kind == LOP_VALUES_FLOAT32 || layer->kind == LOP_VALUES_FLOAT16;
    bool int8 = layer->kind == LOP_VALUES_INT8, shared = layer->kind == LOP_VALUES_SHARED;
    layer->row_start = lopi_alloc((size_t)layer->outputs + 1, sizeof *layer->row_start);
    layer->column = lopi_alloc(left, sizeof *layer->column);
    if (floats)
        layer->values = lopi_alloc(left, sizeof *layer->values);
    if (int8) {
        layer->q = lopi_alloc(left, sizeof *layer->q);
        layer->scale = lopi_alloc(layer->outputs, sizeof *layer->scale);
    }
    if (shared) {
        layer->symbol = lopi_alloc(left, sizeof *layer->symbol);
        layer->table = lopi_alloc(layer->entries, sizeof *layer->table);
    }
    if (form->bias)
        layer->bias = lopi_alloc(layer->outputs, sizeof *layer->bias);
    if (!layer->row_start || !layer->column || (form->bias && !layer->bias) ||
        (floats && !layer->values) || (int8 && (!layer->q || !layer->scale)) ||
        (shared && (!layer->symbol || !layer->table)))
        return lopi_fail_memory(error, (size_t)layer_bytes(layer, form->left));
    return LOP_OK;
}

/* Layers. ---------------------------------------------------------------------------------------
 */

/* Say where in the file it was. */
static lop_status at_place(const reader *r, const lopi_coder *coder, lop_status status)
{
    const lopi_section *section = &r->sections[LOPI_WEIGHTS];
    size_t position = coder->position < section->size ? coder->position : section->size;
    if (!r->error)
        return status;
    return lopi_fail_at(r->error, status, r->file, section->offset + position, "%s",
                        r->error->text);
}

static lop_status check_end(const reader *r, const lopi_coder *coder)
{
    const lopi_section *section = &r->sections[LOPI_WEIGHTS];
    if (lopi_coder_ends(coder))
        return LOP_OK;
    return lopi_fail_at(r->error, LOP_E_FORMAT, r->file, section->offset + section->size,
                        "section %c is longer than what it says", lopi_part_tags[LOPI_WEIGHTS]);
}

/* What decoding takes beside the layers. */
typedef struct coding {
    lopi_coder_tables tables;
    lopi_coder coder;
} coding;

static lop_status read_weights(reader *r, coding *c)
{
    const lopi_section *section = &r->sections[LOPI_WEIGHTS];
    lop_status status = LOP_OK;
    lopi_coder_tables_fill(&c->tables);
    lopi_coder_read(&c->coder, &c->tables, section->data, section->size);
    for (size_t i = 0; i < r->packed->layer_count && status == LOP_OK; i++) {
        lopi_packed_layer *layer = &r->packed->layers[i];
        struct lopi_layer_account *account = r->account ? &r->account->layer[i] : NULL;
        status = allocate(layer, &r->forms[i], r->error);
        if (status != LOP_OK)
            return status;
        status = lopi_code_positions(&c->coder, layer, r->forms[i].left, &r->forms[i].positions,
                                     i > 0 ? layer[-1].row_start : NULL,
                                     account ? &account->positions : NULL, r->error);
        if (status == LOP_OK)
            status = lopi_code_values(&c->coder, layer, &r->forms[i].positions,
                                      account ? &account->values : NULL, r->error);
        if (status != LOP_OK)
            return at_place(r, &c->coder, status);
    }
    return check_end(r, &c->coder);
}

static lop_status decode(reader *r)
{
    coding *c = lopi_alloc(1, sizeof *c);
    if (!c)
        return lopi_fail_memory(r->error, sizeof *c);
    lop_status status = read_weights(r, c);
    lopi_free(c);
    if (status == LOP_OK) {
        status = lopi_packed_check(r->packed, r->error);
        if (status != LOP_OK && r->error)
            status = lopi_fail_at(r->error, status, r->file, r->sections[LOPI_WEIGHTS].offset, "%s",
                                  r->error->text);
    }
    return status;
}

static void keep_account(lopi_account *account, const lopi_section *sections, size_t size)
{
    account->other = size;
    for (int part = 0; part < LOPI_PARTS; part++) {
        account->parts[part] = sections[part].size;
        account->other -= sections[part].size;
    }
    account->header = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE + 4;
    account->other -= account->header;
}

lop_status lopi_packed_read(lop_packed **out, const uint8_t *data, size_t size, size_t max_memory,
                            const char *file, lopi_account *account, lop_error *error)
{
    reader r = {.file = file, .max_memory = max_memory, .account = account, .error = error};
    if (max_memory == 0)
        r.max_memory = size > (SIZE_MAX - MEMORY_BASE) / MEMORY_RATE
                           ? SIZE_MAX
                           : MEMORY_BASE + size * MEMORY_RATE;
    lop_status status = lopi_container_read(r.sections, data, size, file, error);
    if (status == LOP_OK && account)
        keep_account(account, r.sections, size);
    double begin = lopi_clock_thread_seconds();
    uint64_t mode = lopi_float_mode_default();
    if (status == LOP_OK)
        status = read_graph(&r);
    if (status == LOP_OK)
        status = check_memory(&r);
    if (status == LOP_OK)
        status = decode(&r);
    lopi_float_mode_restore(mode);
    if (account)
        account->seconds = lopi_clock_thread_seconds() - begin;
    if (status == LOP_OK)
        *out = r.packed;
    else
        lop_packed_free(r.packed);
    lopi_free(r.forms);
    return status;
}

lop_status lop_packed_open(lop_packed **out, const void *data, size_t size, size_t max_memory,
                           lop_error *error)
{
    return lopi_packed_read(out, data, size, max_memory, NULL, NULL, error);
}

lop_status lop_packed_open_file(lop_packed **out, const char *path, size_t max_memory,
                                lop_error *error)
{
    lopi_bytes bytes = {NULL, 0};
    lop_status status = lopi_file_read(&bytes, path, SIZE_MAX, error);
    if (status == LOP_OK)
        status = lopi_packed_read(out, bytes.data, bytes.size, max_memory, path, NULL, error);
    lopi_free(bytes.data);
    return status;
}
