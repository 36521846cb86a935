#include "packed_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>

#include "packed.h"

enum { HEAD_BYTES = 16, AT_LENGTH = 11, LENGTH_BYTES = 5 }; /* see docs/format.md */

/* How many bytes are worth reading: one more than a packed file says that it has, so that one too
 * many is noticed; none beyond the head of what is none. */
static size_t worth_reading(const unsigned char *head)
{
    size_t length = 0;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | head[AT_LENGTH + i];
    return packed_begins(head, HEAD_BYTES) ? length + 1 : HEAD_BYTES;
}

/* All bytes of a packed file, or of standard input. */
static lop_status read_whole(const char *path, unsigned char **data, size_t *size, lop_error *error)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    unsigned char *bytes = NULL;
    size_t length = 0, room = 0, got = 1, worth = HEAD_BYTES;
    lop_status status = LOP_OK;
    if (!file)
        status = usage_error(error, errno == ENOENT ? LOP_E_NOT_FOUND : LOP_E_IO, "cannot open: %s",
                             strerror(errno));
    while (status == LOP_OK && got > 0 && length < worth) {
        if (length == room) {
            room = room ? 2 * room : 1 << 16;
            unsigned char *grown = realloc(bytes, room);
            if (!grown) {
                status = usage_error(error, LOP_E_MEMORY, "out of memory for %zu bytes", room);
                break;
            }
            bytes = grown;
        }
        size_t wanted = room < worth ? room - length : worth - length;
        got = fread(bytes + length, 1, wanted, file);
        length += got;
        if (length == HEAD_BYTES && worth == HEAD_BYTES)
            worth = worth_reading(bytes);
    }
    if (status == LOP_OK && ferror(file))
        status = usage_error(error, LOP_E_IO, "cannot read: %s", strerror(errno));
    if (file && !standard)
        fclose(file);
    if (status != LOP_OK) {
        free(bytes);
        return blame(error, path);
    }
    *data = bytes;
    *size = length;
    return LOP_OK;
}

lop_status packed_file_open(packed_file *out, const char *path, lop_error *error)
{
    unsigned char *data = NULL;
    size_t size = 0;
    out->path = path;
    lop_status status = read_whole(path, &data, &size, error);
    if (status == LOP_OK) {
        status = lop_packed_account(&out->account, &out->packed, data, size, 0, error);
        if (status != LOP_OK)
            blame(error, path);
    }
    free(data);
    return status;
}

lop_status packed_file_encode(packed_file *out, const lop_packed *packed, const char *path,
                              lop_error *error)
{
    uint8_t *data = NULL;
    size_t size = 0;
    out->path = path;
    lop_status status = lop_packed_encode(packed, &data, &size, error);
    if (status == LOP_OK)
        status = lop_packed_account(&out->account, &out->packed, data, size, 0, error);
    free(data);
    return status;
}

void packed_file_free(packed_file *file)
{
    lop_packed_free(file->packed);
    lop_file_account_free(&file->account);
    *file = (packed_file){0};
}

static const char *const kind_names[] = {[LOP_VALUES_FLOAT32] = "float32",
                                         [LOP_VALUES_FLOAT16] = "float16",
                                         [LOP_VALUES_INT8] = "int8",
                                         [LOP_VALUES_SHARED] = "shared"};

char *packed_values_text(const lop_packed_layer *layer, char *buffer, size_t size)
{
    if (layer->values == LOP_VALUES_SHARED)
        snprintf(buffer, size, "shared %zu", layer->entries);
    else
        snprintf(buffer, size, "%s", kind_names[layer->values]);
    return buffer;
}

static lop_packed_layer layer_of(const packed_file *file, size_t index)
{
    lop_packed_layer layer = {0};
    lop_packed_layer_get(file->packed, index, &layer, NULL);
    return layer;
}

static double position_bits(const lop_layer_bits *bits)
{
    return bits->inputs + bits->counts + bits->columns;
}

static double each(double bits, size_t weights) { return weights ? bits / (double)weights : 0; }

static void show_row(const char *name, const char *shape, const char *values, size_t left,
                     const lop_layer_bits *bits)
{
    char count[32];
    printf("%-12s %11s %-11s %11s %7.3f %8.3f %7.3f %8.3f\n", name, shape, values,
           grouped(left, count, sizeof count), each(position_bits(bits), left),
           each(bits->position_entropy, left), each(bits->values, left),
           each(bits->value_entropy, left));
}

void packed_file_show_layers(const packed_file *file)
{
    lop_layer_bits sum = {0};
    size_t left = 0;
    printf("%-12s %11s %-11s %11s %7s %8s %7s %8s\n", "", "", "", "", "bits a", "of no", "bits a",
           "of no");
    printf("%-12s %11s %-11s %11s %7s %8s %7s %8s\n", "layer", "shape", "values", "left", "place",
           "context", "value", "context");
    for (size_t i = 0; i < file->account.layer_count; i++) {
        const lop_layer_bits *bits = &file->account.layers[i];
        lop_packed_layer layer = layer_of(file, i);
        char shape[32], values[32];
        snprintf(shape, sizeof shape, "%zux%zu%s", layer.outputs, layer.inputs,
                 layer.bias ? "+b" : "");
        show_row(layer.name, shape, packed_values_text(&layer, values, sizeof values),
                 layer.weights_left, bits);
        left += layer.weights_left;
        sum.columns += position_bits(bits);
        sum.position_entropy += bits->position_entropy;
        sum.values += bits->values;
        sum.value_entropy += bits->value_entropy;
    }
    show_row("all", "", "", left, &sum);
}

static void show_part(const char *name, double bytes, size_t all)
{
    double share = all ? 100 * bytes / (double)all : 0;
    printf("  %-26s %14.1f  %6.2f %%\n", name, bytes, fabs(share) < 0.005 ? 0 : share);
}

static void show_section(const char *name, size_t bytes, size_t all)
{
    char count[32];
    printf("%-28s %12s    %6.2f %%\n", name, grouped(bytes, count, sizeof count),
           all ? 100 * (double)bytes / (double)all : 0);
}

/* What the coder's last byte leaves over. */
static void show_ending(double bytes, size_t all)
{
    if (fabs(bytes) >= 0.05)
        show_part("rounded to a byte", bytes, all);
}

void packed_file_show_bytes(const packed_file *file)
{
    const lop_file_account *account = &file->account;
    double positions = 0, values = 0;
    char count[32];
    printf("%-28s %12s\n", "the file, in bytes", grouped(account->bytes, count, sizeof count));
    show_section("header, sections, checksums", account->header, account->bytes);
    show_section("graph", account->graph, account->bytes);
    show_section("positions", account->positions, account->bytes);
    for (size_t i = 0; i < account->layer_count; i++) {
        const lop_layer_bits *bits = &account->layers[i];
        lop_packed_layer layer = layer_of(file, i);
        printf("  %s\n", layer.name);
        show_part("  which inputs", bits->inputs / 8, account->bytes);
        show_part("  weights of each row", bits->counts / 8, account->bytes);
        show_part("  where they stand", bits->columns / 8, account->bytes);
        positions += position_bits(bits) / 8;
    }
    show_ending((double)account->positions - positions, account->bytes);
    show_section("values", account->values, account->bytes);
    for (size_t i = 0; i < account->layer_count; i++) {
        const lop_layer_bits *bits = &account->layers[i];
        lop_packed_layer layer = layer_of(file, i);
        printf("  %s\n", layer.name);
        if (layer.bias)
            show_part("  biases", bits->biases / 8, account->bytes);
        if (bits->tables > 0)
            show_part(layer.values == LOP_VALUES_INT8 ? "  scales" : "  table", bits->tables / 8,
                      account->bytes);
        show_part("  weights", bits->values / 8, account->bytes);
        values += (bits->biases + bits->tables + bits->values) / 8;
    }
    show_ending((double)account->values - values, account->bytes);
    if (account->other)
        show_section("sections that lop skips", account->other, account->bytes);
}

static size_t all_left(const packed_file *file)
{
    size_t left = 0;
    for (size_t i = 0; i < file->account.layer_count; i++)
        left += layer_of(file, i).weights_left;
    return left;
}

/* By the time that the thread computed. */
static char *speed_text(const packed_file *file, char *buffer, size_t size)
{
    char time[32];
    double seconds = file->account.seconds;
    snprintf(buffer, size, "decoded in %s, %.1f million weights a second",
             lasted(seconds, time, sizeof time),
             seconds > 0 ? (double)all_left(file) / seconds * 1e-6 : 0);
    return buffer;
}

void packed_file_show_speed(const packed_file *file)
{
    char text[96];
    printf("%s\n", speed_text(file, text, sizeof text));
}

void packed_file_say_speed(const packed_file *file, session *s)
{
    char text[96];
    say(s, "%s", speed_text(file, text, sizeof text));
}

json_t *packed_file_json(const packed_file *file)
{
    const lop_file_account *account = &file->account;
    json_t *layers = json_array();
    for (size_t i = 0; i < account->layer_count; i++) {
        const lop_layer_bits *bits = &account->layers[i];
        lop_packed_layer layer = layer_of(file, i);
        json_array_append_new(
            layers,
            json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
                      "s:f}",
                      "name", layer.name, "outputs", (json_int_t)layer.outputs, "inputs",
                      (json_int_t)layer.inputs, "weights_left", (json_int_t)layer.weights_left,
                      "values", kind_names[layer.values], "entries", (json_int_t)layer.entries,
                      "bias", layer.bias, "calibrated", layer.calibrated, "input_bits",
                      bits->inputs, "count_bits", bits->counts, "column_bits", bits->columns,
                      "bias_bits", bits->biases, "table_bits", bits->tables, "value_bits",
                      bits->values, "position_entropy_bits", bits->position_entropy,
                      "value_entropy_bits", bits->value_entropy));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "file", file->path,
                     "bytes_packed", (json_int_t)account->bytes, "bytes_header",
                     (json_int_t)account->header, "bytes_graph", (json_int_t)account->graph,
                     "bytes_positions", (json_int_t)account->positions, "bytes_values",
                     (json_int_t)account->values, "bytes_other", (json_int_t)account->other,
                     "weights_left", (json_int_t)all_left(file), "decode_seconds", account->seconds,
                     "layers", layers);
}

lop_status network_open_packed(lop_packed **out, const char *path, lop_error *error)
{
    if (strcmp(path, "-") == 0)
        return usage_error(error, LOP_E_ARG, "expected a file, and not standard input");
    if (packed_is(path))
        return lop_packed_open_file(out, path, 0, error);
    lop_network *network = NULL;
    lop_status status = lop_network_load(&network, path, NULL, error);
    const lop_pack_options options = {.keep_units = true, .keep_order = true};
    if (status == LOP_OK)
        status = lop_pack(out, network, &options, error);
    if (status != LOP_OK)
        blame(error, path);
    lop_network_free(network);
    return status;
}
