#include "train/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

typedef enum kind { COUNT, WORD, REAL, FLAG, OPTIMIZER, SCHEDULE, PRECISION } kind;

/* Every option that bears on the result: its check, and its place in a checkpoint. */
static const struct option {
    const char *name;
    size_t offset;
    kind kind;
    double low, high; /* of COUNT and REAL */
    bool below_high;  /* `high` itself is out of range */
} table[] = {
#define OPTION(member) #member, offsetof(lop_train_options, member)
    {OPTION(epochs), COUNT, 1, 100000, false},
    {OPTION(batch_size), COUNT, 1, 65536, false},
    {OPTION(seed), WORD, 0, 0, false},
    {OPTION(precision), PRECISION, 0, 0, false},
    {OPTION(optimizer), OPTIMIZER, 0, 0, false},
    {OPTION(learning_rate), REAL, 0, 1e6, false},
    {OPTION(momentum), REAL, 0, 1, true},
    {OPTION(beta2), REAL, 0, 1, true},
    {OPTION(epsilon), REAL, 0, 1, false},
    {OPTION(nesterov), FLAG, 0, 0, false},
    {OPTION(weight_decay), REAL, 0, 1e6, false},
    {OPTION(l1), REAL, 0, 1e6, false},
    {OPTION(rate_schedule), SCHEDULE, 0, 0, false},
    {OPTION(warmup_epochs), REAL, 0, 100000, false},
    {OPTION(final_rate), REAL, 0, 1, false},
    {OPTION(step_epochs), COUNT, 0, 100000, false},
    {OPTION(step_factor), REAL, 0, 1e6, false},
    {OPTION(dropout), REAL, 0, 1, true},
    {OPTION(input_dropout), REAL, 0, 1, true},
    {OPTION(label_smoothing), REAL, 0, 1, true},
    {OPTION(shift), REAL, 0, 64, false},
    {OPTION(distill_temperature), REAL, 0, 1000, false},
    {OPTION(distill_weight), REAL, 0, 1, false},
    {OPTION(patience), COUNT, 0, 100000, false},
    {OPTION(evaluate_test), FLAG, 0, 0, false},
    {OPTION(evaluate_train), FLAG, 0, 0, false},
#undef OPTION
};
enum { OPTIONS = sizeof table / sizeof *table };
_Static_assert(sizeof(lop_optimizer) == sizeof(unsigned), "enumerations are read as unsigned");

/*
 * Chosen on validation samples of MNIST and Fashion-MNIST, the accuracy after one-shot pruning
 * counted with that of the dense network: dropout lets a network lose units, a trace of l1 wears
 * down weights that training does not use, and a brisk rate lets the rest grow past the noise of
 * their initial values, so that magnitudes come to mean something.
 */
lop_train_options lop_train_options_default(void)
{
    return (lop_train_options){
        .epochs = 20,
        .batch_size = 128,
        .seed = 1,
        .optimizer = LOP_OPTIMIZER_ADAMW,
        .learning_rate = 2e-3,
        .momentum = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .weight_decay = 0.1,
        .l1 = 5e-7,
        .rate_schedule = LOP_RATE_COSINE,
        .warmup_epochs = 1,
        .final_rate = 0.01,
        .step_epochs = 10,
        .step_factor = 0.1,
        .dropout = 0.25,
        .distill_temperature = 4,
        .checkpoint_epochs = 1,
    };
}

static const char *precision_name(size_t index)
{
    return index <= LOP_BF16 ? lop_precision_name((lop_precision)index) : NULL;
}

/* Names of an enumeration; NULL for options of other kinds. */
static const char *(*names_of(kind of))(size_t)
{
    switch (of) {
    case OPTIMIZER:
        return lop_optimizer_name;
    case SCHEDULE:
        return lop_rate_schedule_name;
    case PRECISION:
        return precision_name;
    default:
        return NULL;
    }
}

/* Option as a text: the one form in which it is written, compared and shown. */
static void option_text(const lop_train_options *options, const struct option *option, char *text,
                        size_t size)
{
    const char *at = (const char *)options + option->offset;
    const char *(*names)(size_t) = names_of(option->kind);
    if (option->kind == COUNT)
        snprintf(text, size, "%zu", *(const size_t *)(const void *)at);
    else if (option->kind == WORD)
        snprintf(text, size, "%" PRIu64, *(const uint64_t *)(const void *)at);
    else if (option->kind == REAL)
        snprintf(text, size, "%.17g", *(const double *)(const void *)at);
    else if (option->kind == FLAG)
        snprintf(text, size, "%s", *(const bool *)at ? "true" : "false");
    else {
        unsigned index;
        memcpy(&index, at, sizeof index);
        snprintf(text, size, "%s", names(index) ? names(index) : "?");
    }
}

static bool in_range(const lop_train_options *options, const struct option *option)
{
    const char *at = (const char *)options + option->offset;
    double value = 0;
    if (option->kind == COUNT)
        value = (double)*(const size_t *)(const void *)at;
    else if (option->kind == REAL)
        value = *(const double *)(const void *)at;
    else if (names_of(option->kind)) {
        unsigned index;
        memcpy(&index, at, sizeof index);
        return names_of(option->kind)(index) != NULL;
    } else
        return true;
    return value >= option->low && value <= option->high &&
           !(option->below_high && value >= option->high);
}

lop_status lop_train_options_check(const lop_train_options *options, lop_error *error)
{
    if (!options)
        return lopi_fail(error, LOP_E_ARG, "expected training options, found none");
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &table[i];
        if (in_range(options, option))
            continue;
        char text[64];
        option_text(options, option, text, sizeof text);
        if (names_of(option->kind))
            return lopi_fail(error, LOP_E_ARG,
                             "%s: expected one of the known names, found a "
                             "number without one",
                             option->name);
        return lopi_fail(error, LOP_E_RANGE, "%s: expected a value in [%g, %g%c, found %s",
                         option->name, option->low, option->high, option->below_high ? ')' : ']',
                         text);
    }
    if (!(options->learning_rate > 0))
        return lopi_fail(error, LOP_E_RANGE, "learning_rate: expected a value above 0, found 0");
    if (options->rate_schedule == LOP_RATE_STEP && options->step_epochs == 0)
        return lopi_fail(error, LOP_E_RANGE,
                         "step_epochs: expected at least 1 with the step schedule, found 0");
    if (options->shift != floor(options->shift))
        return lopi_fail(error, LOP_E_RANGE, "shift: expected whole pixels, found %g",
                         options->shift);
    if (options->teacher && !(options->distill_temperature > 0))
        return lopi_fail(error, LOP_E_RANGE,
                         "distill_temperature: expected a value above 0, found 0");
    if (!options->teacher != !(options->distill_weight > 0))
        return lopi_fail(
            error, LOP_E_ARG,
            options->teacher
                ? "distill_weight: expected a weight above 0 for the teacher, found 0"
                : "distill_weight: expected a teacher to learn from, found none named");
    if (options->resume && !options->checkpoint)
        return lopi_fail(error, LOP_E_ARG,
                         "resume: expected a checkpoint to resume from, found none named");
    return LOP_OK;
}

json_t *lopi_train_options_json(const lop_train_options *options)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < OPTIONS; i++) {
        char text[64];
        option_text(options, &table[i], text, sizeof text);
        if (json_object_set_new(object, table[i].name, json_string(text)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

lop_status lopi_train_options_compare(const lop_train_options *options, const json_t *saved,
                                      lop_error *error)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        char text[64];
        option_text(options, &table[i], text, sizeof text);
        const char *old = json_string_value(json_object_get(saved, table[i].name));
        if (!old || strcmp(old, text) != 0)
            return lopi_fail(error, LOP_E_ARG,
                             "the checkpoint was trained with %s %.40s and not %s; give the same, "
                             "or remove the checkpoint to start anew",
                             table[i].name, old ? old : "unknown", text);
    }
    return LOP_OK;
}
