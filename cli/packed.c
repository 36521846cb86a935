#include "packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/pack.h>

#include "data_sets.h"
#include "json_text.h"
#include "trained.h"

enum { CALIBRATION_SAMPLES = 1000, ALIGNMENT = 64 };

static const uint8_t signature[8] = {0x89, 'L', 'O', 'P', '\r', '\n', 0x1a, '\n'};

static const char *precision_at(const void *context, size_t index)
{
    static const char *const names[] = {[LOP_RUN_AUTO] = "auto",
                                        [LOP_RUN_FLOAT32] = "float32",
                                        [LOP_RUN_INT8] = "int8",
                                        [LOP_RUN_BF16] = "bf16",
                                        [LOP_RUN_FP16] = "fp16"};
    (void)context;
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

const option packed_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(packed_values, data),
     .argument = "NAME",
     .preset = "that of the training, where it is at hand",
     .help = "data set whose training samples calibrate a network that is not packed yet"},
    {.name = "label-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(packed_values, label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "precision",
     .letter = 'p',
     .kind = OPTION_NAME,
     .offset = offsetof(packed_values, precision),
     .name_at = precision_at,
     .argument = "NAME",
     .help = "of products: float32, int8, bf16, fp16, or auto, which is int8 where the network is "
             "calibrated"},
    {0},
};

/* The data set, where it is named or at hand. */
static lop_status open_data(packed_network *out, session *s, const packed_values *v,
                            const char *metadata, lop_error *error)
{
    char name[512];
    if (v->data)
        return data_open(&out->dataset, s, &(data_named){v->data, v->label_column, false}, error);
    lop_error why;
    const char *trained = trained_on(metadata, name, sizeof name);
    if (!metadata)
        return LOP_OK;
    lop_status status =
        data_open(&out->dataset, s, &(data_named){trained, v->label_column, true}, &why);
    if (data_unknown(status)) {
        *error = why;
        return status;
    }
    if (status == LOP_OK &&
        lop_dataset_train(out->dataset)->features != lop_network_inputs(out->network)) {
        lop_dataset_free(out->dataset);
        out->dataset = NULL;
    }
    return LOP_OK;
}

static lop_status pack_trained(packed_network *out, session *s, const packed_values *v,
                               const char *path, lop_error *error)
{
    char *metadata = NULL;
    lop_pack_options options = {0};
    lop_status status = lop_network_load(&out->network, path, &metadata, error);
    if (status != LOP_OK)
        return blame(error, path);
    out->seed = trained_seed(metadata);
    status = json_check(error);
    if (status == LOP_OK && (v->precision != LOP_RUN_FLOAT32 || v->data))
        status = open_data(out, s, v, metadata, error);
    if (status == LOP_OK && out->dataset) {
        options.samples = lop_dataset_train(out->dataset);
        options.sample_count = options.samples->count < CALIBRATION_SAMPLES ? options.samples->count
                                                                            : CALIBRATION_SAMPLES;
    }
    if (status == LOP_OK) {
        status = lop_pack(&out->packed, out->network, &options, error);
        if (status != LOP_OK)
            blame(error, path);
    }
    if (status == LOP_OK && !out->dataset && v->precision == LOP_RUN_AUTO)
        say(s, "no data to calibrate with, so the network runs in float32; --data NAME names some");
    free(metadata);
    return status;
}

bool packed_begins(const unsigned char *bytes, size_t size)
{
    return size >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

bool packed_is(const char *path)
{
    uint8_t start[sizeof signature] = {0};
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "rbe");
    bool same =
        file && fread(start, sizeof start, 1, file) == 1 && packed_begins(start, sizeof start);
    if (file)
        fclose(file);
    return same;
}

/* A packed file, and the data set where one is named. */
static lop_status open_packed(packed_network *out, session *s, const packed_values *v,
                              const char *path, lop_error *error)
{
    lop_status status = lop_packed_open_file(&out->packed, path, 0, error);
    if (status == LOP_OK && v->data)
        status = data_open(&out->dataset, s, &(data_named){v->data, v->label_column, false}, error);
    if (status == LOP_OK && out->dataset &&
        lop_dataset_train(out->dataset)->features != lop_packed_inputs(out->packed))
        status =
            usage_error(error, LOP_E_SHAPE, "data set %s has samples of %zu values, %s reads %zu",
                        lop_dataset_name(out->dataset), lop_dataset_train(out->dataset)->features,
                        path, lop_packed_inputs(out->packed));
    return status;
}

lop_status packed_open(packed_network *out, session *s, const packed_values *v, lop_error *error)
{
    *out = (packed_network){.seed = 1};
    const char *path = v->common.arguments[0];
    lop_status status = packed_is(path) ? open_packed(out, s, v, path, error)
                                        : pack_trained(out, s, v, path, error);
    if (status != LOP_OK)
        packed_close(out);
    return status;
}

void packed_close(packed_network *network)
{
    lop_packed_free(network->packed);
    lop_network_free(network->network);
    lop_dataset_free(network->dataset);
    *network = (packed_network){0};
}

const char *widest_isa(void)
{
    const char *isa = getenv("LOP_ISA");
    return isa && isa[0] ? isa : NULL;
}

lop_plan_options packed_plan_options(const packed_values *v)
{
    return (lop_plan_options){.precision = v->precision, .isa = widest_isa()};
}

lop_plan_samples packed_plan_samples(const packed_network *network)
{
    if (!network->dataset)
        return (lop_plan_samples){0};
    const lop_samples *train = lop_dataset_train(network->dataset);
    return (lop_plan_samples){
        .bytes = train->bytes, .floats = train->floats, .count = train->count};
}

lop_status runner_begin(runner *r, lop_plan *plan, lop_error *error)
{
    *r = (runner){.plan = plan, .size = lop_plan_workspace(plan)};
    r->workspace = aligned_alloc(ALIGNMENT, r->size);
    if (r->workspace)
        return LOP_OK;
    lop_status status =
        usage_error(error, LOP_E_MEMORY, "out of memory for a workspace of %zu bytes", r->size);
    runner_end(r);
    return status;
}

lop_status runner_run(const runner *r, const lop_samples *samples, size_t first, size_t count,
                      float *y, lop_error *error)
{
    size_t at = first * samples->features;
    if (samples->bytes)
        return lop_plan_run_bytes(r->plan, samples->bytes + at, count, y, r->workspace, r->size,
                                  error);
    return lop_plan_run(r->plan, samples->floats + at, count, y, r->workspace, r->size, error);
}

void runner_end(runner *r)
{
    lop_plan_free(r->plan);
    free(r->workspace);
    *r = (runner){0};
}
