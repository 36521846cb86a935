#include "scenarios.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "known.h"
#include "scenarios_parts.h"

/* In memory where there is a file system for it: what is tried is not the disk. */
static char directory[] = "/dev/shm/lop-faults-XXXXXX";

const char *at(const char *name)
{
    static char paths[8][96];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

/* What a play found -------------------------------------------------------------------------------
 */

static char facts[2048];
static size_t facts_used;

void found(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(facts + facts_used, sizeof facts - facts_used, format, arguments);
    va_end(arguments);
    facts_used += (size_t)length;
    if (facts_used >= sizeof facts)
        facts_used = sizeof facts - 1;
}

static double sum_of(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = 0.75 * sum + (double)values[i];
    return sum;
}

void found_network(const lop_network *network)
{
    const lop_layer *layer;
    for (size_t i = 0; (layer = lop_network_layer(network, i)); i++)
        found(" %zux%zu %.17g %.17g", layer->outputs, layer->inputs,
              sum_of(layer->weight, layer->outputs * layer->inputs),
              layer->bias ? sum_of(layer->bias, layer->outputs) : 0);
}

void scenarios_found(char *text, unsigned size)
{
    snprintf(text, size, "%.*s", (int)facts_used, facts);
    facts_used = 0;
}

/* What scenarios share ----------------------------------------------------------------------------
 */

static const size_t hidden[] = {7, 5};
const lop_mlp_spec small_spec = {
    .inputs = FEATURES, .hidden = hidden, .hidden_count = 2, .outputs = CLASSES, .seed = 1};

const char recipe_text[] = "layers: [7, 5]\n"
                           "validation: 10\n"
                           "seeds: 1\n"
                           "train: {epochs: 1, batch_size: 16, precision: float32}\n"
                           "recovery: {epochs: 1}\n"
                           "prune: {methods: [weight, unit], sparsity_percent: [0, 50]}\n";

lop_status open_data(lop_dataset **data, lop_error *error)
{
    return lop_dataset_open(data, at("data.csv"), NULL, error);
}

lop_status open_both(lop_dataset **data, lop_network **network, lop_error *error)
{
    lop_status status = open_data(data, error);
    if (status == LOP_OK)
        status = lop_network_load(network, at("net.safetensors"), NULL, error);
    return status;
}

static const scenario *const parts[] = {network_scenarios, data_scenarios,   prune_scenarios,
                                        pack_scenarios,    report_scenarios, experiment_scenarios};

const scenario *scenario_at(unsigned index)
{
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        unsigned count = 0;
        while (parts[p][count].name && count <= index)
            count++;
        if (index < count)
            return &parts[p][index];
        index -= count;
    }
    return NULL;
}

/* Making ready -----------------------------------------------------------------------------------
 */

static unsigned value_at(unsigned sample, unsigned feature)
{
    return (sample * 7 + feature * 11 + (sample % 3) * 80 * (feature % 3 == sample % 3)) % 256;
}

/* Two layers with biases, all of whose values are 0. */
static void write_foreign(const char *path)
{
    static const char header[] =
        "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[4,6],\"data_offsets\":[0,96]},"
        "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[96,112]},"
        "\"2.weight\":{\"dtype\":\"F32\",\"shape\":[3,4],\"data_offsets\":[112,160]}}";
    const unsigned char size[8] = {(sizeof header - 1) % 256, (sizeof header - 1) / 256};
    const float values[40] = {0};
    FILE *file = fopen(path, "wb");
    if (!file)
        return;
    fwrite(size, 1, sizeof size, file);
    fwrite(header, 1, sizeof header - 1, file);
    fwrite(values, 1, sizeof values, file);
    fclose(file);
}

static void write_csv(const char *path, bool labelled)
{
    FILE *file = fopen(path, "w");
    for (unsigned i = 0; file && i < SAMPLES; i++) {
        if (labelled)
            fprintf(file, "%u,", i % CLASSES);
        for (unsigned j = 0; j < FEATURES; j++)
            fprintf(file, "%u%c", value_at(i, j), j == FEATURES - 1 ? '\n' : ',');
    }
    if (file)
        fclose(file);
}

/* Images of 2 × 3, or their labels, in IDX. */
static void write_idx(const char *path, bool images, unsigned count)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return;
    const unsigned char head[16] = {
        0, 0, 8, images ? 3 : 1, 0, 0, 0, (unsigned char)count, 0, 0, 0, 2, 0, 0, 0, 3};
    fwrite(head, 1, images ? 16 : 8, file);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < (images ? FEATURES : 1); j++)
            fputc((int)(images ? value_at(i, j) : i % CLASSES), file);
    fclose(file);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

/* Programs that the library runs: an npm that copies a package, a gnuplot that draws nothing. */
static bool make_programs(void)
{
    char search[4096], command[512];
    snprintf(search, sizeof search, "%s:%s", at("bin"), getenv("PATH"));
    snprintf(command, sizeof command,
             "cd '%s' && mkdir bin package && cp -r set package/data && gzip package/data/* && "
             "tar -czf package.tgz package",
             directory);
    if (setenv("PATH", search, 1) != 0 || setenv("PACKAGE", at("package.tgz"), 1) != 0)
        return false;
    if (system(command) != 0)
        return false;
    write_text(at("bin/npm"), "#!/bin/sh\nexec cp \"$PACKAGE\" small-1.tgz\n");
    write_text(at("bin/gnuplot"), "#!/bin/sh\n");
    return chmod(at("bin/npm"), 0755) == 0 && chmod(at("bin/gnuplot"), 0755) == 0;
}

static lop_status moved(lop_status status, const char *from, const char *to)
{
    return status == LOP_OK && rename(at(from), at(to)) != 0 ? LOP_E_IO : status;
}

const char *scenarios_begin(void)
{
    static char set[96];
    lop_error error = {0};
    if (!mkdtemp(directory)) {
        strcpy(directory, "/tmp/lop-faults-XXXXXX");
        if (!mkdtemp(directory))
            return NULL;
    }
    write_csv(at("data.csv"), true);
    write_csv(at("inputs.csv"), false);
    write_foreign(at("foreign.safetensors"));
    write_text(at("recipe.yaml"), recipe_text);
    snprintf(set, sizeof set, "%s", at("set"));
    mkdir(set, 0777);
    write_idx(at("set/train-images-idx3-ubyte"), true, SAMPLES - 12);
    write_idx(at("set/train-labels-idx1-ubyte"), false, SAMPLES - 12);
    write_idx(at("set/t10k-images-idx3-ubyte"), true, 12);
    write_idx(at("set/t10k-labels-idx1-ubyte"), false, 12);
    lop_status status = known_begin(set) && make_programs() ? LOP_OK : LOP_E_IO;
    if (status == LOP_OK)
        status = save_network(&error);
    status = moved(status, "saved.safetensors", "net.safetensors");
    if (status == LOP_OK)
        status = pack_network(&error);
    status = moved(status, "saved.lop", "net.lop");
    if (status == LOP_OK)
        status = sweep_small(&error);
    status = moved(status, "sweep/results.jsonl", "results.jsonl");
    if (status != LOP_OK)
        fprintf(stderr, "making ready: %s: %s\n", lop_status_name(status), error.text);
    return status == LOP_OK ? directory : NULL;
}

void scenarios_end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    if (system(command) != 0)
        fprintf(stderr, "%s stays\n", directory);
}
