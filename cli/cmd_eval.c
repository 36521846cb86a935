#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>

#include "commands.h"
#include "data_sets.h"
#include "json_text.h"
#include "packed.h"
#include "session.h"
#include "trained.h"

/* Of products. Unsaid, trained networks are looked at in float32 and packed ones as they run. */
typedef enum eval_precision {
    EVAL_AUTO,
    EVAL_FLOAT32,
    EVAL_BF16,
    EVAL_INT8,
    EVAL_UNSAID
} eval_precision;

static const struct {
    const char *name;
    lop_precision trained;
    lop_run_precision packed;
} precisions[] = {
    [EVAL_AUTO] = {"auto", LOP_AUTO, LOP_RUN_AUTO},
    [EVAL_FLOAT32] = {"float32", LOP_FLOAT32, LOP_RUN_FLOAT32},
    [EVAL_BF16] = {.name = "bf16", .trained = LOP_BF16}, /* packed networks have none: run_packed */
    [EVAL_INT8] = {"int8", LOP_FLOAT32, LOP_RUN_INT8},
};

static const char *precision_at(const void *context, size_t index)
{
    (void)context;
    return index < sizeof precisions / sizeof *precisions ? precisions[index].name : NULL;
}

typedef enum part { PART_TEST, PART_VALIDATION, PART_TRAIN } part;

/* What is looked at: a trained network, or a planned one. */
typedef struct subject {
    const lop_network *network;
    const lop_plan *plan; /* NULL: the network */
    const lop_dataset *dataset;
    const char *precision; /* for people */
} subject;

typedef struct values {
    common common; /* first */
    const char *data, *label_column;
    part part;
    size_t validation_count;
    eval_precision precision;
    bool confusion;
} values;

static const char *part_at(const void *context, size_t index)
{
    static const char *const names[] = {"test", "validation", "train"};
    (void)context;
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static const option eval_options[] = {
    {.name = "data",
     .letter = 'd',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_DATA,
     .offset = offsetof(values, data),
     .argument = "NAME",
     .help = "data set by name, a directory with IDX files or train.csv and test.csv, or a CSV "
             "file"},
    {.name = "label-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, label_column),
     .argument = "NAME",
     .preset = "label",
     .help = "of CSV data: the column that holds the class"},
    {.name = "part",
     .kind = OPTION_NAME,
     .offset = offsetof(values, part),
     .name_at = part_at,
     .argument = "NAME",
     .help = "test, or validation or train as --seed and --validation split them; packed files do "
             "not say what their seed was"},
    {.name = "validation",
     .kind = OPTION_COUNT,
     .offset = offsetof(values, validation_count),
     .most = LOP_MAX_SAMPLES,
     .argument = "N",
     .preset = "a twelfth",
     .help = "validation samples of that split"},
    {.name = "precision",
     .kind = OPTION_NAME,
     .offset = offsetof(values, precision),
     .name_at = precision_at,
     .argument = "NAME",
     .preset = "float32; of a packed network auto",
     .help = "of products: auto, float32, bf16, or int8, in which the network runs as it would be "
             "packed"},
    {.name = "confusion",
     .letter = 'c',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, confusion),
     .help = "also show which class is taken for which"},
    {0},
};

static const option_group groups[] = {
    {"Evaluation", eval_options}, {"Evaluation", data_limit_options}, {0}};

static const example examples[] = {
    {"lop eval net.safetensors --data mnist", "accuracy and loss on the test part"},
    {"lop eval net.safetensors --data mnist --confusion", "and what is taken for what"},
    {"lop eval net.lop --data mnist", "a packed network, as it runs"},
    {0},
};

static lop_status prepare(void *given, lop_error *error)
{
    (void)error;
    values *v = given;
    v->precision = EVAL_UNSAID;
    v->common.seed = SEED_AS_TRAINED;
    return LOP_OK;
}

static double share(uint64_t some, uint64_t whole)
{
    return whole ? (double)some / (double)whole : 0;
}

static void show_classes(const uint64_t *confusion, size_t classes)
{
    printf("\nclass  samples   found  precision\n");
    for (size_t c = 0; c < classes; c++) {
        uint64_t samples = 0, taken = 0, right = confusion[c * classes + c];
        for (size_t o = 0; o < classes; o++) {
            samples += confusion[c * classes + o];
            taken += confusion[o * classes + c];
        }
        printf("%5zu %8llu %6.2f %% %7.2f %%\n", c, (unsigned long long)samples,
               100 * share(right, samples), 100 * share(right, taken));
    }
}

static void show_confusion(const uint64_t *confusion, size_t classes)
{
    printf("\nrows are labels, columns predictions\n      ");
    for (size_t o = 0; o < classes; o++)
        printf(" %5zu", o);
    for (size_t c = 0; c < classes; c++) {
        printf("\n%5zu ", c);
        for (size_t o = 0; o < classes; o++)
            if (confusion[c * classes + o])
                printf(" %5llu", (unsigned long long)confusion[c * classes + o]);
            else
                printf("     .");
    }
    printf("\n");
}

static lop_status show_json_result(const values *v, const subject *of, const lop_evaluation *found,
                                   const uint64_t *confusion, size_t classes, lop_error *error)
{
    json_t *rows = json_array();
    for (size_t c = 0; c < classes; c++) {
        json_t *row = json_array();
        for (size_t o = 0; o < classes; o++)
            json_array_append_new(row, json_integer((json_int_t)confusion[c * classes + o]));
        json_array_append_new(rows, row);
    }
    return show_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:o}", "file",
                               v->common.arguments[0], "dataset", lop_dataset_name(of->dataset),
                               "part", part_at(NULL, (size_t)v->part), "precision", of->precision,
                               "samples", (json_int_t)found->count, "accuracy", found->accuracy,
                               "loss", found->loss, "seconds", found->seconds, "confusion", rows),
                     error);
}

static lop_status show(session *s, const values *v, const subject *of, const lop_evaluation *found,
                       const uint64_t *confusion, size_t classes, lop_error *error)
{
    char count[32], time[32];
    if (s->common.json)
        return show_json_result(v, of, found, confusion, classes, error);
    printf("%s, %s part, %s: accuracy %.2f %%, loss %.4f (%s samples in %s)\n",
           lop_dataset_name(of->dataset), part_at(NULL, (size_t)v->part), of->precision,
           100 * found->accuracy, found->loss, grouped(found->count, count, sizeof count),
           lasted(found->seconds, time, sizeof time));
    if (s->common.quiet)
        return LOP_OK;
    if (classes <= 100 || v->confusion)
        show_classes(confusion, classes);
    if (v->confusion)
        show_confusion(confusion, classes);
    return LOP_OK;
}

static lop_status evaluate(session *s, const values *v, const subject *of, lop_error *error)
{
    const lop_samples *training = lop_dataset_train(of->dataset);
    const lop_samples *samples = v->part == PART_TEST ? lop_dataset_test(of->dataset) : training;
    size_t classes = samples->classes;
    lop_split split = {0};
    lop_evaluation found;
    lop_status status = LOP_OK;
    uint64_t *confusion = calloc(classes * classes, sizeof *confusion);
    if (!confusion)
        status = usage_error(error, LOP_E_MEMORY, "out of memory for %zu classes", classes);
    if (status == LOP_OK && v->part != PART_TEST)
        status = lop_split_new(&split, training,
                               v->validation_count ? v->validation_count
                                                   : lop_split_default_count(training),
                               v->common.seed, error);
    bool validation = v->part == PART_VALIDATION;
    lop_evaluate_options options = {
        .indices = validation ? split.validation : split.train,
        .count = validation ? split.validation_count : split.train_count,
        .precision = precisions[v->precision].trained,
        .confusion = confusion,
    };
    if (status == LOP_OK) {
        status = of->plan ? lop_evaluate_plan(of->plan, samples, &options, &found, error)
                          : lop_evaluate(of->network, samples, &options, &found, error);
        if (status != LOP_OK)
            blame(error, v->common.arguments[0]);
    }
    if (status == LOP_OK)
        status = show(s, v, of, &found, confusion, classes, error);
    lop_split_free(&split);
    free(confusion);
    return status;
}

static lop_status run_trained(session *s, values *v, lop_error *error)
{
    char *metadata = NULL;
    lop_network *network = NULL;
    lop_dataset *dataset = NULL;
    lop_status status = lop_network_load(&network, v->common.arguments[0], &metadata, error);
    if (status != LOP_OK)
        blame(error, v->common.arguments[0]);
    if (status == LOP_OK && v->common.seed == SEED_AS_TRAINED)
        v->common.seed = trained_seed(metadata);
    if (status == LOP_OK)
        status = json_check(error);
    if (status == LOP_OK)
        status = data_open(&dataset, s, &(data_named){v->data, v->label_column, false}, error);
    if (status == LOP_OK)
        status = evaluate(s, v,
                          &(subject){.network = network,
                                     .dataset = dataset,
                                     .precision = precision_at(NULL, v->precision)},
                          error);
    lop_network_free(network);
    lop_dataset_free(dataset);
    free(metadata);
    return status;
}

/* As the runtime runs it: a packed file, or a network that is packed here. */
static lop_status run_packed(session *s, values *v, lop_error *error)
{
    const packed_values wanted = {
        .common = v->common,
        .data = v->data,
        .label_column = v->label_column,
        .precision = precisions[v->precision].packed,
    };
    packed_network network = {0};
    lop_plan *plan = NULL;
    lop_plan_options options = packed_plan_options(&wanted);
    lop_plan_facts facts;
    options.threads = v->common.threads;
    if (v->precision == EVAL_BF16)
        return usage_error(error, LOP_E_UNSUPPORTED, "packed networks run in float32 or int8");
    if (v->part != PART_TEST && v->common.seed == SEED_AS_TRAINED &&
        packed_is(v->common.arguments[0]))
        return usage_error(error, LOP_E_ARG,
                           "--part %s: a packed file does not say how its data was split; --seed N "
                           "does, as the network was trained",
                           part_at(NULL, (size_t)v->part));
    lop_status status = packed_open(&network, s, &wanted, error);
    if (v->common.seed == SEED_AS_TRAINED)
        v->common.seed = network.seed;
    if (status == LOP_OK) {
        status = lop_plan_new(&plan, network.packed, &options, error);
        if (status != LOP_OK)
            blame(error, v->common.arguments[0]);
    }
    if (status == LOP_OK) {
        lop_plan_facts_get(plan, &facts);
        status = evaluate(s, v,
                          &(subject){.plan = plan,
                                     .dataset = network.dataset,
                                     .precision = precision_at(NULL, facts.precision == LOP_RUN_INT8
                                                                         ? EVAL_INT8
                                                                         : EVAL_FLOAT32)},
                          error);
    }
    lop_plan_free(plan);
    packed_close(&network);
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    values *v = given;
    char name[512];
    const char *path = v->common.arguments[0];
    bool packed = packed_is(path);
    if (v->precision == EVAL_UNSAID)
        v->precision = packed ? EVAL_AUTO : EVAL_FLOAT32;
    lop_status status =
        packed || v->precision == EVAL_INT8 ? run_packed(s, v, error) : run_trained(s, v, error);
    if (status == LOP_OK && strcmp(path, "-") != 0)
        say_next(s, "lop inspect %s", quoted(path, name, sizeof name));
    return status;
}

const command command_eval = {
    .name = "eval",
    .summary = "accuracy and loss of a network, per class, confusion",
    .synopsis = "FILE --data NAME [OPTIONS]",
    .description =
        "Look at each sample of a data set's test part with a network: how many it gets right, and "
        "the mean cross-entropy. For each class, 'found' is the share of its samples that are "
        "recognized, 'precision' the share of right ones among what is taken for it.\n\n"
        "Packed files are run as 'lop run' runs them; with --precision int8 a trained network is "
        "packed in memory, calibrated with training samples, and run likewise.\n",
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
