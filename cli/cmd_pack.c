#include <stdlib.h>
#include <string.h>

#include <lop/data.h>
#include <lop/exchange.h>
#include <lop/pack.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "packed_file.h"
#include "trained.h"

enum { MAX_LAYERS = 64 };

/* How --values is meant: the kinds that a file has, and the search for the fewest bits. */
typedef enum way { WAY_AUTO, WAY_FLOAT32, WAY_FLOAT16, WAY_INT8, WAY_SHARED } way;
static const struct {
    const char *name;
    lop_values kind;
} ways[] = {{"auto", LOP_VALUES_SHARED},
            {"float32", LOP_VALUES_FLOAT32},
            {"float16", LOP_VALUES_FLOAT16},
            {"int8", LOP_VALUES_INT8},
            {"shared", LOP_VALUES_SHARED}};

typedef struct values {
    common common; /* first */
    const char *output, *data, *label_column;
    way way;
    size_t entries[MAX_LAYERS], entry_count;
    double max_loss;
    size_t calibration, validation_count;
    bool keep_order, overwrite;
} values;

static const char *way_at(const void *context, size_t index)
{
    (void)context;
    return index < sizeof ways / sizeof *ways ? ways[index].name : NULL;
}

static const option value_options[] = {
    {.name = "values",
     .kind = OPTION_NAME,
     .offset = offsetof(values, way),
     .name_at = way_at,
     .argument = "NAME",
     .help = "float32, float16, int8 with a scale for each unit, shared: a small table for each "
             "layer; or auto: the fewest shared values, else int8 or floats, that lose no "
             "more than --max-loss"},
    {.name = "entries",
     .kind = OPTION_COUNTS,
     .offset = offsetof(values, entries),
     .count_offset = offsetof(values, entry_count),
     .limit = MAX_LAYERS,
     .least = 1,
     .most = 256,
     .argument = "N,N,...",
     .preset = "16",
     .help = "of shared: values in a layer's table; one for all layers, or one for each"},
    {.name = "max-loss",
     .kind = OPTION_PERCENT,
     .offset = offsetof(values, max_loss),
     .least = 0,
     .most = 100,
     .argument = "X",
     .help = "of auto: points of validation accuracy that may be lost"},
    {0},
};

static const option data_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(values, data),
     .argument = "NAME",
     .preset = "that of the training, where it is at hand",
     .help = "data set whose training part calibrates the network and, set apart as --seed and "
             "--validation say, finds what it loses"},
    {.name = "label-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "calibration",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, calibration),
     .most = 1000000,
     .argument = "N",
     .help =
         "training samples that tell the range of what each layer reads, for running in int8; 0 "
         "for none"},
    {.name = "validation",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, validation_count),
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .preset = "a twelfth",
     .help = "samples of the training part that the accuracy is measured on"},
    {0},
};

static const option file_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "where the packed network goes"},
    {.name = "keep-order",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, keep_order),
     .help = "leave hidden units where they are; float32 does so anyway"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite the output"},
    {0},
};

static const option_group groups[] = {{"Values", value_options},
                                      {"Data", data_options},
                                      {"Data", data_limit_options},
                                      {"The file", file_options},
                                      {0}};

static const example examples[] = {
    {"lop pack pruned.safetensors --data mnist -o net.lop", "as few bits as the accuracy bears"},
    {"lop pack pruned.safetensors --values shared --entries 32,16,16 -o net.lop",
     "tables of so many values"},
    {"lop pack pruned.safetensors --values float32 -o net.lop", "every value as it is"},
    {0},
};

static lop_status prepare(void *given, lop_error *error)
{
    (void)error;
    values *v = given;
    v->max_loss = 0.001;
    v->calibration = 1000;
    v->common.seed = SEED_AS_TRAINED;
    return LOP_OK;
}

/* What packing goes on. */
typedef struct work {
    lop_network *network;
    char *metadata;
    lop_dataset *dataset;
    lop_split split;
    lop_pack_values kinds[MAX_LAYERS];
    size_t kind_count;
    lop_pack_found found;
    bool searched;
    char *line; /* what --json prints */
} work;

static lop_status open_data(session *s, const values *v, work *w, lop_error *error)
{
    char name[512];
    lop_error why = {0};
    const char *wanted = v->data ? v->data : trained_on(w->metadata, name, sizeof name);
    uint64_t seed = v->common.seed == SEED_AS_TRAINED ? trained_seed(w->metadata) : v->common.seed;
    lop_status status = json_check(&why);
    if (status == LOP_OK)
        status = data_open(&w->dataset, s, &(data_named){wanted, v->label_column, !v->data}, &why);
    /* Data of the training need not be at hand. */
    if (status != LOP_OK && (v->data || data_unknown(status))) {
        *error = why;
        return status;
    }
    if (status == LOP_OK && !v->data &&
        lop_dataset_train(w->dataset)->features != lop_network_inputs(w->network)) {
        lop_dataset_free(w->dataset);
        w->dataset = NULL;
    }
    if (!w->dataset) {
        if (v->way == WAY_AUTO)
            return usage_error(error, LOP_E_ARG,
                               "--values auto needs data to see what is lost: --data NAME names "
                               "some, or --values shared or int8 does without");
        say(s, "no data to calibrate with: the packed network will run in float32; --data NAME "
               "names some");
        return LOP_OK;
    }
    const lop_samples *samples = lop_dataset_train(w->dataset);
    return lop_split_new(
        &w->split, samples,
        v->validation_count ? v->validation_count : lop_split_default_count(samples), seed, error);
}

static lop_status choose_values(session *s, const values *v, work *w, lop_error *error)
{
    size_t layers = lop_network_layer_count(w->network);
    if (layers > MAX_LAYERS)
        return usage_error(error, LOP_E_LIMIT, "expected at most %d layers, found %zu", MAX_LAYERS,
                           layers);
    if (v->entry_count > 0 && v->way != WAY_SHARED)
        return usage_error(error, LOP_E_ARG, "--entries goes with --values shared");
    if (v->entry_count > 1 && v->entry_count != layers)
        return usage_error(error, LOP_E_ARG, "--entries: expected 1 or %zu numbers, found %zu",
                           layers, v->entry_count);
    w->kind_count = layers;
    for (size_t i = 0; i < layers; i++) {
        size_t entries = v->entry_count ? v->entries[v->entry_count > 1 ? i : 0] : 0;
        w->kinds[i] = (lop_pack_values){ways[v->way].kind, (unsigned)entries};
    }
    if (v->way != WAY_AUTO)
        return LOP_OK;
    const lop_pack_search search = {.samples = lop_dataset_train(w->dataset),
                                    .indices = w->split.validation,
                                    .sample_count = w->split.validation_count,
                                    .max_loss = v->max_loss};
    say(s, "looking for the fewest bits ...");
    w->searched = true;
    return lop_pack_search_values(w->kinds, w->network, &search, &w->found, error);
}

/* What --json prints. */
static json_t *facts(const work *w, const packed_file *file)
{
    json_t *object = packed_file_json(file);
    json_int_t dense_bytes = 4 * (json_int_t)lop_network_weight_count(w->network);
    json_object_set_new(object, "bytes_dense", json_integer(dense_bytes));
    if (w->searched) {
        json_object_set_new(object, "validation_accuracy_before",
                            json_real(w->found.accuracy_before));
        json_object_set_new(object, "validation_accuracy", json_real(w->found.accuracy));
    }
    return object;
}

/* All that can fail comes before the file is in place. */
static lop_status pack(packed_file *file, const values *v, work *w, lop_error *error)
{
    lop_pack_options options = {
        .values = w->kinds, .value_count = w->kind_count, .keep_order = v->keep_order};
    if (w->dataset && v->calibration > 0) {
        options.samples = lop_dataset_train(w->dataset);
        options.indices = w->split.train;
        options.sample_count =
            v->calibration < w->split.train_count ? v->calibration : w->split.train_count;
    }
    lop_packed *packed = NULL;
    lop_status status = lop_pack(&packed, w->network, &options, error);
    if (status == LOP_OK)
        status = packed_file_encode(file, packed, v->output, error);
    if (status == LOP_OK && v->common.json)
        status = json_line(facts(w, file), &w->line, error);
    if (status != LOP_OK)
        blame(error, v->common.arguments[0]);
    else
        status = lop_packed_save(packed, v->output, v->overwrite, error);
    lop_packed_free(packed);
    return status;
}

static void show(const values *v, const work *w, const packed_file *file)
{
    char bytes[32], dense[32];
    size_t dense_bytes = 4 * lop_network_weight_count(w->network);
    if (w->line) {
        puts(w->line);
        return;
    }
    packed_file_show_layers(file);
    printf("\n%s: %s bytes, 1/%.0f of the %s that all weights take as float32\n", v->output,
           grouped(file->account.bytes, bytes, sizeof bytes),
           (double)dense_bytes / (double)file->account.bytes,
           grouped(dense_bytes, dense, sizeof dense));
    if (w->searched)
        printf("validation accuracy %.2f %% with float32, %.2f %% packed\n",
               100 * w->found.accuracy_before, 100 * w->found.accuracy);
    packed_file_show_speed(file);
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    const char *path = v->common.arguments[0];
    char input[512], output[512];
    work w = {0};
    packed_file file = {0};
    if (strcmp(v->output, "-") == 0)
        return usage_error(error, LOP_E_ARG, "--output: expected a file, and not standard output");
    lop_status status = lop_network_load(&w.network, path, &w.metadata, error);
    if (status != LOP_OK)
        blame(error, path);
    if (status == LOP_OK)
        status = open_data(s, v, &w, error);
    if (status == LOP_OK)
        status = choose_values(s, v, &w, error);
    if (status == LOP_OK)
        status = pack(&file, v, &w, error);
    if (status == LOP_OK)
        show(v, &w, &file);
    if (status == LOP_OK)
        say_next(s, "lop verify %s %s", quoted(path, input, sizeof input),
                 quoted(v->output, output, sizeof output));
    free(w.line);
    packed_file_free(&file);
    lop_network_free(w.network);
    lop_dataset_free(w.dataset);
    lop_split_free(&w.split);
    free(w.metadata);
    return status;
}

const command command_pack = {
    .name = "pack",
    .summary = "write a pruned network in as few bytes as it fits in",
    .synopsis = "FILE -o FILE [OPTIONS]",
    .description =
        "Leave out the weights that are zero, and the units that have no part in the result, keep "
        "the values of the others in few bits, and write them through an entropy coder. Such a "
        "file is what 'lop run' and liblop-run take.\n\n"
        "With --values float32 nothing else changes: the network computes the same to the bit. "
        "For each layer the bits that a position and a value take stand beside those of no "
        "context, which only know the layer's density and how often each value occurs.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = prepare,
    .run = run,
};
