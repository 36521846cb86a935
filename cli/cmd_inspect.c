#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/prune.h>
#include <lop/result.h>

#include "commands.h"
#include "file_map.h"
#include "json_text.h"
#include "packed.h"
#include "packed_file.h"
#include "session.h"
#include "shipped.h"
#include "trained.h"

typedef struct values {
    common common; /* first */
    bool bytes;
} values;

static const option inspect_options[] = {
    {.name = "bytes",
     .letter = 'b',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, bytes),
     .help = "list every part of the file with its offset"},
    {0},
};

static const option_group groups[] = {{"Options", inspect_options}, {0}};

static const example examples[] = {
    {"lop inspect net.safetensors", "layers, sparsity, sizes, history"},
    {"lop inspect net.safetensors --bytes", "and where every byte went"},
    {"lop inspect net.lop", "of a packed network: every byte, and pictures of the weights"},
    {0},
};

/* Quick enough for a look; results have the sizes of level 19, which takes seconds. */
enum { ZSTD_LEVEL = 9 };

/* All that is shown, before it is shown. */
typedef struct findings {
    const char *path;
    lop_network *network;
    char *metadata;
    lop_count count;
    file_map map;
    size_t dense;
    shipped shipped;
    lop_result history;
    bool has_history;
} findings;

static lop_status find_history(findings *f, lop_error *error)
{
    json_t *metadata = json_loads(f->metadata, 0, NULL);
    const char *line = json_string_value(json_object_get(metadata, "lop.history"));
    lop_status status = json_check(error);
    if (status == LOP_OK && line) {
        status = lop_result_read(&f->history, line, strlen(line), error);
        f->has_history = status == LOP_OK;
    }
    json_decref(metadata);
    return status;
}

static lop_status find(findings *f, lop_error *error)
{
    lop_status status = lop_network_load(&f->network, f->path, &f->metadata, error);
    if (status == LOP_OK)
        status = lop_count_network(f->network, &f->count, error);
    if (status == LOP_OK)
        status = shipped_bytes(&f->shipped, f->network, ZSTD_LEVEL, error);
    if (status == LOP_OK)
        status = find_history(f, error);
    if (status == LOP_OK)
        status = file_map_read(&f->map, f->path, error);
    if (status != LOP_OK)
        return blame(error, f->path);
    f->dense = lop_dense_bytes(f->network);
    return LOP_OK;
}

static void show_layers(const findings *f)
{
    char widths[512], a[32], b[32];
    printf("%s: %s\n\n", f->path, lop_network_describe(f->network, widths, sizeof widths));
    printf("%-12s %11s %11s %11s %9s %11s\n", "layer", "shape", "weights", "left", "sparsity",
           "units left");
    for (size_t i = 0; i < f->count.layers; i++) {
        const lop_layer *layer = lop_network_layer(f->network, i);
        const lop_layer_count *count = &f->count.layer[i];
        char shape[32], units[32];
        snprintf(shape, sizeof shape, "%zux%zu%s", layer->outputs, layer->inputs,
                 layer->bias ? "+b" : "");
        snprintf(units, sizeof units, "%zu/%zu", count->units_left, count->units);
        printf("%-12s %11s %11s %11s %7.2f %% %11s\n", layer->name, shape,
               grouped(count->weights, a, sizeof a), grouped(count->weights_left, b, sizeof b),
               100 - 100.0 * (double)count->weights_left / (double)count->weights, units);
    }
    printf("%-12s %11s %11s %11s %7.2f %%\n", "all", "", grouped(f->count.weights, a, sizeof a),
           grouped(f->count.weights_left, b, sizeof b), 100 * f->count.sparsity);
    if (f->count.effective_weights_left != f->count.weights_left)
        printf("%s weights have a part in the result\n",
               grouped(f->count.effective_weights_left, a, sizeof a));
}

static void show_size(const char *what, size_t bytes, size_t dense)
{
    char exact[32], size[32];
    printf("%-12s %14s bytes  %9s  %6.1f %%\n", what, grouped(bytes, exact, sizeof exact),
           sized(bytes, size, sizeof size), dense ? 100 * (double)bytes / (double)dense : 0);
}

/* Whether units could be taken out, or weights that read nothing. */
static bool has_dead(const lop_count *count)
{
    bool dead = count->effective_weights_left != count->weights_left;
    for (size_t i = 0; i < count->layers; i++)
        dead = dead || count->layer[i].units_left != count->layer[i].units;
    return dead;
}

static void show_sizes(const findings *f)
{
    printf("\n");
    show_size("dense", f->dense, f->dense);
    show_size("sparse", f->shipped.sparse, f->dense);
    show_size("zstd -9", f->shipped.zstd, f->dense);
    if (has_dead(&f->count))
        printf("sparse and zstd: without what is dead\n");
}

static uint64_t sum_of(const findings *f, bool (*wanted)(const char *name))
{
    uint64_t sum = 0;
    for (size_t i = 0; i < f->map.count; i++)
        if (wanted(f->map.parts[i].name))
            sum += f->map.parts[i].size;
    return sum;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static bool is_header(const char *name) { return strncmp(name, "header", 6) == 0; }
static bool is_padding(const char *name) { return strcmp(name, "padding") == 0; }
static bool is_mask(const char *name) { return ends_with(name, ".mask"); }
static bool is_bias(const char *name) { return ends_with(name, ".bias"); }
static bool is_rest(const char *name)
{
    return !is_header(name) && !is_padding(name) && !is_mask(name) && !is_bias(name);
}

static const struct {
    const char *name;
    bool (*wanted)(const char *name);
} kinds[] = {{"header", is_header},
             {"weights", is_rest},
             {"biases", is_bias},
             {"masks", is_mask},
             {"padding", is_padding}};

static void show_map(const findings *f, bool every)
{
    char exact[32], offset[32];
    printf("\nthe file: %s bytes\n", grouped(f->map.size, exact, sizeof exact));
    for (size_t i = 0; every && i < f->map.count; i++)
        printf("  at %14s %14s  %s\n", grouped(f->map.parts[i].offset, offset, sizeof offset),
               grouped(f->map.parts[i].size, exact, sizeof exact), f->map.parts[i].name);
    for (size_t i = 0; !every && i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t sum = sum_of(f, kinds[i].wanted);
        if (sum)
            printf("  %-10s %14s  %6.2f %%\n", kinds[i].name, grouped(sum, exact, sizeof exact),
                   100 * (double)sum / (double)f->map.size);
    }
}

static void show_history(const findings *f)
{
    const lop_result *history = &f->history;
    char time[32], data[256];
    if (!f->has_history || history->epoch_count == 0)
        return;
    const lop_epoch *last = &history->epochs[history->epoch_count - 1];
    snprintf(data, sizeof data, "%s", history->dataset ? history->dataset : "unknown data");
    printf("\ntrained on %s, seed %llu: %zu epochs in %s", shown(data),
           (unsigned long long)history->seed, history->epoch_count,
           lasted(history->train_seconds, time, sizeof time));
    if (isfinite(last->validation_accuracy))
        printf(", validation accuracy %.2f %%", 100 * last->validation_accuracy);
    if (isfinite(history->test_accuracy))
        printf(", test accuracy %.2f %%", 100 * history->test_accuracy);
    printf("\n");
}

static lop_status show_as_json(const findings *f, lop_error *error)
{
    char widths[512];
    json_t *layers = json_array(), *parts = json_array();
    for (size_t i = 0; i < f->count.layers; i++) {
        const lop_layer *layer = lop_network_layer(f->network, i);
        const lop_layer_count *count = &f->count.layer[i];
        json_array_append_new(
            layers,
            json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I}", "name", layer->name, "outputs",
                      (json_int_t)layer->outputs, "inputs", (json_int_t)layer->inputs, "bias",
                      layer->bias != NULL, "weights_left", (json_int_t)count->weights_left,
                      "effective_weights_left", (json_int_t)count->effective_weights_left, "units",
                      (json_int_t)count->units, "units_left", (json_int_t)count->units_left));
    }
    for (size_t i = 0; i < f->map.count; i++)
        json_array_append_new(parts, json_pack("{s:s, s:I, s:I}", "name", f->map.parts[i].name,
                                               "offset", (json_int_t)f->map.parts[i].offset,
                                               "bytes", (json_int_t)f->map.parts[i].size));
    return show_json(
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:o, s:o, s:o?}", "file",
                  f->path, "network", lop_network_describe(f->network, widths, sizeof widths),
                  "weights_total", (json_int_t)f->count.weights, "weights_left",
                  (json_int_t)f->count.weights_left, "effective_weights_left",
                  (json_int_t)f->count.effective_weights_left, "sparsity", f->count.sparsity,
                  "bytes_dense", (json_int_t)f->dense, "bytes_sparse",
                  (json_int_t)f->shipped.sparse, "bytes_zstd_9", (json_int_t)f->shipped.zstd,
                  "bytes_file", (json_int_t)f->map.size, "layers", layers, "parts", parts,
                  "metadata", json_loads(f->metadata, 0, NULL)),
        error);
}

static lop_status inspect_packed(session *s, const values *v, lop_error *error)
{
    packed_file file = {0};
    char name[512];
    lop_status status = packed_file_open(&file, v->common.arguments[0], error);
    if (status == LOP_OK && s->common.json) {
        status = show_json(packed_file_json(&file), error);
    } else if (status == LOP_OK) {
        packed_file_show_layers(&file);
        printf("\n");
        packed_file_show_bytes(&file);
        status = packed_file_show_weights(&file, &s->out, error);
        printf("\n");
        packed_file_show_speed(&file);
        say_next(s, "lop unpack %s -o net.safetensors", quoted(file.path, name, sizeof name));
    }
    packed_file_free(&file);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    findings f = {.path = v->common.arguments[0], .history = lop_result_empty()};
    char name[512], data[512], data_name[512];
    if (strcmp(f.path, "-") == 0)
        return usage_error(error, LOP_E_ARG,
                           "inspect needs a file, and cannot look at standard input");
    if (packed_is(f.path))
        return inspect_packed(s, v, error);
    lop_status status = find(&f, error);
    if (status == LOP_OK && s->common.json) {
        status = show_as_json(&f, error);
    } else if (status == LOP_OK) {
        show_layers(&f);
        show_sizes(&f);
        show_map(&f, v->bytes);
        show_history(&f);
        say_next(s, "lop eval %s --data %s", quoted(f.path, name, sizeof name),
                 quoted(trained_on(f.metadata, data, sizeof data), data_name, sizeof data_name));
    }
    lop_network_free(f.network);
    free(f.metadata);
    lop_result_free(&f.history);
    file_map_free(&f.map);
    return status;
}

const command command_inspect = {
    .name = "inspect",
    .summary = "layers, sparsity, and where every byte went",
    .synopsis = "FILE [OPTIONS]",
    .description =
        "Look into a network: its layers, what is left of each, its size dense, as a plain sparse "
        "file and through zstd, the bytes of the file, and how it was trained. Of a packed "
        "network: "
        "every byte by its purpose, the bits that a weight takes, its values, and where they "
        "stand.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .run = run,
};
