#include <lop/data.h>
#include <lop/pack.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "packed_file.h"

typedef struct values {
    common common; /* first */
    const char *data, *label_column;
    size_t random;
    double tolerance;
} values;

static const option verify_options[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(values, data),
     .argument = "NAME",
     .help = "also compare on the test part of this data set"},
    {.name = "label-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "random",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, random),
     .most = 1000000,
     .argument = "N",
     .help = "made-up samples, values even from -1 to 1"},
    {.name = "tolerance",
     .letter = 't',
     .kind = OPTION_REAL,
     .offset = offsetof(values, tolerance),
     .most = 1e30,
     .argument = "X",
     .help = "the largest difference of an output that is taken for equal"},
    {0},
};

static const option_group groups[] = {
    {"Comparison", verify_options}, {"Comparison", data_limit_options}, {0}};

static const example examples[] = {
    {"lop verify pruned.safetensors net.lop --data mnist", "that packing changed nothing"},
    {"lop verify pruned.safetensors net.lop --tolerance 0.5", "or little"},
    {0},
};

static lop_status prepare(void *given, lop_error *error)
{
    (void)error;
    values *v = given;
    v->random = 1000;
    return LOP_OK;
}

static lop_status compare_data(session *s, const values *v, const lop_packed *a,
                               const lop_packed *b, lop_difference *found, lop_error *error)
{
    lop_dataset *dataset = NULL;
    lop_status status =
        data_open(&dataset, s, &(data_named){v->data, v->label_column, false}, error);
    if (status == LOP_OK) {
        const lop_samples *samples = lop_dataset_test(dataset);
        status = lop_packed_compare(a, b, samples, samples->count, 0, found, error);
    }
    lop_dataset_free(dataset);
    return status;
}

static lop_status show(session *s, const values *v, const lop_difference *found, lop_error *error)
{
    char samples[32], different[32], all[32];
    bool exact = found->different == 0;
    if (s->common.json)
        return show_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:b}", "a",
                                   v->common.arguments[0], "b", v->common.arguments[1], "samples",
                                   (json_int_t)found->samples, "values", (json_int_t)found->values,
                                   "different", (json_int_t)found->different, "largest",
                                   found->largest, "classes_different",
                                   (json_int_t)found->classes_different, "equal", exact),
                         error);
    grouped(found->samples, samples, sizeof samples);
    if (exact) {
        printf("exactly equal: %s outputs of %s samples, to the last bit\n",
               grouped(found->values, all, sizeof all), samples);
        return LOP_OK;
    }
    printf("%s of %s outputs differ, by %.3g at most (sample %zu); the class of %zu of %s samples "
           "is another one\n",
           grouped(found->different, different, sizeof different),
           grouped(found->values, all, sizeof all), found->largest, found->sample,
           found->classes_different, samples);
    return LOP_OK;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    lop_packed *a = NULL, *b = NULL;
    lop_difference found = {0};
    lop_status status = network_open_packed(&a, v->common.arguments[0], error);
    if (status == LOP_OK)
        status = network_open_packed(&b, v->common.arguments[1], error);
    if (status == LOP_OK && v->data)
        status = compare_data(s, v, a, b, &found, error);
    if (status == LOP_OK)
        status = lop_packed_compare(a, b, NULL, v->random, v->common.seed, &found, error);
    if (status == LOP_OK)
        status = show(s, v, &found, error);
    if (status == LOP_OK && !(found.largest <= v->tolerance))
        status = usage_error(error, LOP_E_TARGET,
                             "outputs differ by %.3g, more than the tolerance of %.3g",
                             found.largest, v->tolerance);
    lop_packed_free(a);
    lop_packed_free(b);
    return status;
}

const command command_verify = {
    .name = "verify",
    .summary = "whether two networks compute the same",
    .synopsis = "FILE FILE [OPTIONS]",
    .description =
        "Run two networks, trained or packed, over made-up samples and a data set's test part, and "
        "compare every output. Both are computed by one definition, sums in float32 in the order "
        "of the inputs, so that networks which are the same are equal to the bit.\n\n"
        "Ends with status 1 where outputs differ by more than the tolerance.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 2,
    .most = 2,
    .values_size = sizeof(values),
    .seeded = true,
    .prepare = prepare,
    .run = run,
};
