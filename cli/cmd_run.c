#include <math.h>
#include <stdlib.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "packed.h"

enum { PIECE = 512 }; /* samples at a time */

typedef struct values {
    packed_values packed; /* first */
    lop_input_values kind;
    bool scores;
} values;

static const char *kind_at(const void *context, size_t index)
{
    static const char *const names[] = {
        [LOP_INPUT_AUTO] = "auto", [LOP_INPUT_BYTES] = "bytes", [LOP_INPUT_FLOATS] = "floats"};
    (void)context;
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static const option run_options[] = {
    {.name = "scores",
     .letter = 's',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, scores),
     .help = "also print the probability of each class"},
    {.name = "values",
     .kind = OPTION_NAME,
     .offset = offsetof(values, kind),
     .name_at = kind_at,
     .argument = "NAME",
     .help = "bytes, which the network sees divided by 255, floats, as they are, or auto: bytes in "
             "IDX and uint8 NPY files and in CSV files of whole numbers from 0 to 255"},
    {0},
};

static const option_group groups[] = {{"Predictions", run_options},
                                      {"Network", packed_options},
                                      {"Network", data_limit_options},
                                      {0}};

static const example examples[] = {
    {"lop run net.safetensors t10k-images-idx3-ubyte.gz", "a class a line"},
    {"lop run net.safetensors digits.npy --scores", "and how probable each class is"},
    {"cat line.csv | lop run net.safetensors -", "from standard input"},
    {0},
};

/* Probabilities of one sample, in place of its logits. */
static void softmax(float *y, size_t count)
{
    float largest = y[0];
    double sum = 0;
    for (size_t i = 1; i < count; i++)
        largest = fmaxf(largest, y[i]);
    for (size_t i = 0; i < count; i++)
        sum += exp((double)(y[i] - largest));
    for (size_t i = 0; i < count; i++)
        y[i] = (float)(exp((double)(y[i] - largest)) / sum);
}

static size_t best_of(const float *y, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}

static lop_status show_object(const float *y, size_t count, size_t best, bool scores,
                              lop_error *error)
{
    json_t *object = json_object();
    json_object_set_new(object, "class", json_integer((json_int_t)best));
    json_t *list = scores ? json_array() : NULL;
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_real((double)y[i]));
    if (list)
        json_object_set_new(object, "scores", list);
    return show_json(object, error);
}

static lop_status show_sample(const values *v, size_t sample, float *y, size_t count,
                              lop_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(y[i]))
            return usage_error(error, LOP_E_NAN,
                               "sample %zu: the network's output is not finite; are its values?",
                               sample);
    size_t best = best_of(y, count);
    if (v->scores)
        softmax(y, count);
    if (v->packed.common.json)
        return show_object(y, count, best, v->scores, error);
    printf("%zu", best);
    for (size_t i = 0; v->scores && i < count; i++)
        printf(" %.6f", (double)y[i]);
    printf("\n");
    return LOP_OK;
}

static lop_status run_samples(const values *v, const packed_network *network,
                              const lop_samples *samples, lop_error *error)
{
    lop_plan_options options = packed_plan_options(&v->packed);
    options.threads = v->packed.common.threads;
    size_t outputs = lop_packed_outputs(network->packed);
    lop_plan *plan = NULL;
    runner r = {0};
    float *y = calloc(PIECE, outputs * sizeof *y);
    if (!y)
        return usage_error(error, LOP_E_MEMORY, "out of memory for the outputs");
    /* The toolkit's own dense products take a moment to make ready: they are for many samples. */
    if (samples->count >= PIECE || v->packed.precision == LOP_RUN_BF16)
        lop_dense_kernels_register();
    lop_status status = lop_plan_new(&plan, network->packed, &options, error);
    if (status == LOP_OK)
        status = runner_begin(&r, plan, error);
    for (size_t first = 0; status == LOP_OK && first < samples->count; first += PIECE) {
        size_t count = samples->count - first < PIECE ? samples->count - first : PIECE;
        status = runner_run(&r, samples, first, count, y, error);
        for (size_t i = 0; status == LOP_OK && i < count; i++)
            status = show_sample(v, first + i, y + i * outputs, outputs, error);
    }
    runner_end(&r);
    free(y);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    packed_network network = {0};
    lop_inputs *inputs = NULL;
    lop_status status = packed_open(&network, s, &v->packed, error);
    if (status == LOP_OK)
        status = lop_inputs_read(&inputs, v->packed.common.arguments[1],
                                 lop_packed_inputs(network.packed), v->kind, error);
    if (status == LOP_OK)
        status = run_samples(v, &network, lop_inputs_samples(inputs), error);
    lop_inputs_free(inputs);
    packed_close(&network);
    return status;
}

const command command_run = {
    .name = "run",
    .summary = "predictions of a network, one line an input",
    .synopsis = "NETWORK FILE [OPTIONS]",
    .description =
        "Print the class that a network sees in each sample of FILE: IDX images, an NPY array of "
        "uint8, float32 or float64, or CSV, plain or gzip; '-' is standard input. A CSV line has "
        "the network's inputs, or one column more, the label, which is not looked at.\n\n"
        "The network is planned for this machine: zeros are skipped where that is faster. With "
        "data to calibrate with it runs in int8. LOP_ISA in the environment names the widest "
        "instruction set to use.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 2,
    .most = 2,
    .values_size = sizeof(values),
    .run = run,
};
