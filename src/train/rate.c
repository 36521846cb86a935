#include "train/rate.h"

#include <math.h>

/* A share of the peak, for a step behind the warm-up. */
static double constant(const lop_train_options *options, size_t step, size_t steps_per_epoch)
{
    (void)options, (void)step, (void)steps_per_epoch;
    return 1.0;
}

static double stair(const lop_train_options *options, size_t step, size_t steps_per_epoch)
{
    size_t stairs = step / steps_per_epoch / options->step_epochs;
    return pow(options->step_factor, (double)stairs);
}

/* Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts. */
static double cosine(const lop_train_options *options, size_t step, size_t steps_per_epoch)
{
    double warmup = options->warmup_epochs * (double)steps_per_epoch;
    double total = (double)options->epochs * (double)steps_per_epoch;
    double done = ((double)step - warmup) / (total - warmup);
    double fall = 0.5 * (1.0 + cos(3.141592653589793 * fmin(done, 1.0)));
    return options->final_rate + (1.0 - options->final_rate) * fall;
}

static const struct {
    const char *name;
    double (*share)(const lop_train_options *options, size_t step, size_t steps_per_epoch);
} schedules[] = {
    [LOP_RATE_COSINE] = {"cosine", cosine},
    [LOP_RATE_CONSTANT] = {"constant", constant},
    [LOP_RATE_STEP] = {"step", stair},
};

const char *lop_rate_schedule_name(size_t index)
{
    return index < sizeof schedules / sizeof *schedules ? schedules[index].name : NULL;
}

double lopi_rate(const lop_train_options *options, size_t step, size_t steps_per_epoch)
{
    double warmup = options->warmup_epochs * (double)steps_per_epoch;
    if ((double)step < warmup)
        return options->learning_rate * fmin((double)(step + 1) / warmup, 1.0);
    return options->learning_rate *
           schedules[options->rate_schedule].share(options, step, steps_per_epoch);
}
