#include "prune/schedule.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/names.h"

/* Unless the caller says how many steps lie between two. An event looks at all weights, which takes
 * about as long as half a step: so many cost an epoch of 200 steps one in a hundred. */
enum { EVENTS_PER_EPOCH = 5 };

/* Events --------------------------------------------------------------------------------------- */

static size_t event_begin(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    (void)options, (void)step;
    return time->begin;
}

static size_t event_start(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    (void)options, (void)time, (void)step;
    return 0;
}

/* Every so many steps from t0 on, and t1. */
static size_t event_regular(const lop_pruner_options *options, const lopi_timeline *time,
                            size_t step)
{
    (void)options;
    return step >= time->end ? time->end : step - (step - time->begin) % time->every;
}

/* Step of round r, from 0: the first at t0, the last at t1. */
static size_t round_step(const lop_pruner_options *options, const lopi_timeline *time, size_t r)
{
    size_t last = options->rounds - 1;
    double share = last ? (double)r / (double)last : 0;
    return time->begin + (size_t)llround(share * (double)(time->end - time->begin));
}

/* Rounds, from 1, that lie at or before `step`. */
static size_t rounds_until(const lop_pruner_options *options, const lopi_timeline *time,
                           size_t step)
{
    size_t rounds = 1;
    while (rounds < options->rounds && round_step(options, time, rounds) <= step)
        rounds++;
    return rounds;
}

static size_t event_round(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    return round_step(options, time, rounds_until(options, time, step) - 1);
}

/* Every so many steps from t0 on, until t1; and before the first step. */
static size_t event_dynamic(const lop_pruner_options *options, const lopi_timeline *time,
                            size_t step)
{
    (void)options;
    if (step < time->begin)
        return 0;
    size_t last = step < time->end ? step : time->end;
    return last - (last - time->begin) % time->every;
}

/* How sparse ----------------------------------------------------------------------------------- */

static double whole_target(const lop_pruner_options *options, const lopi_timeline *time,
                           size_t step)
{
    (void)time, (void)step;
    return options->target.sparsity;
}

static double progress(const lopi_timeline *time, size_t step)
{
    return step >= time->end ? 1 : (double)(step - time->begin) / (double)(time->end - time->begin);
}

/* Zhu and Gupta, "To prune, or not to prune", 2017, equation 1. */
static double cubic(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    double left = 1 - progress(time, step), target = options->target.sparsity;
    return target + (options->initial_sparsity - target) * left * left * left;
}

static double straight(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    double left = 1 - progress(time, step), target = options->target.sparsity;
    return target + (options->initial_sparsity - target) * left;
}

/* Each round leaves the same share of what the round before has left. */
static double by_rounds(const lop_pruner_options *options, const lopi_timeline *time, size_t step)
{
    size_t round = rounds_until(options, time, step);
    double first = 1 - options->initial_sparsity, last = 1 - options->target.sparsity;
    if (round == options->rounds)
        return options->target.sparsity;
    return 1 - first * pow(last / first, (double)round / (double)options->rounds);
}

/* The table ------------------------------------------------------------------------------------ */

/* The first row is the default. */
static const lopi_schedule schedules[] = {
    [LOP_SCHEDULE_ONESHOT] = {.shown = {"oneshot", "all at once"},
                              .event = event_begin,
                              .sparsity = whole_target},
    {.shown = {"gradual", "fast at first and slowly at the end: the cubic of Zhu and Gupta"},
     .spans = true,
     .rises = true,
     .event = event_regular,
     .sparsity = cubic},
    {.shown = {"linear", "evenly from begin to end"},
     .spans = true,
     .rises = true,
     .event = event_regular,
     .sparsity = straight},
    {.shown = {"iterative", "in rounds, each taking the same share of what is left"},
     .spans = true,
     .rises = true,
     .rounds = true,
     .event = event_round,
     .sparsity = by_rounds},
    {.shown = {"constant", "before the first step, and the same mask for ever"},
     .at_start = true,
     .event = event_start,
     .sparsity = whole_target},
    {.shown = {"set", "sparse from the start; small weights are dropped, random ones grown"},
     .spans = true,
     .at_start = true,
     .dynamic = true,
     .event = event_dynamic,
     .sparsity = whole_target},
    {.shown = {"rigl",
               "sparse from the start; small weights are dropped, those of large gradient grown"},
     .spans = true,
     .at_start = true,
     .dynamic = true,
     .gradients = true,
     .event = event_dynamic,
     .sparsity = whole_target},
};

enum { SCHEDULES = sizeof schedules / sizeof schedules[0] };

const lopi_schedule *lopi_schedule_row(const lop_schedule *shown)
{
    if (!shown)
        return &schedules[LOP_SCHEDULE_ONESHOT];
    for (size_t i = 0; i < SCHEDULES; i++) {
        if (&schedules[i].shown == shown)
            return &schedules[i];
    }
    return NULL;
}

const lop_schedule *lop_schedule_at(size_t index)
{
    return index < SCHEDULES ? &schedules[index].shown : NULL;
}

lop_status lop_schedule_find(const char *name, const lop_schedule **out, lop_error *error)
{
    lopi_names known = {0};
    for (size_t i = 0; i < SCHEDULES; i++) {
        if (!name || strcmp(name, schedules[i].shown.name) == 0) {
            *out = &schedules[i].shown;
            return LOP_OK;
        }
        lopi_names_add(&known, schedules[i].shown.name);
    }
    return lopi_fail(error, LOP_E_NAME, "no schedule '%s'; there are: %s", name, known.text);
}

/* Time ----------------------------------------------------------------------------------------- */

size_t lop_pruner_every_steps(const lop_pruner_options *options)
{
    if (options->every_steps)
        return options->every_steps;
    return options->steps_per_epoch / EVENTS_PER_EPOCH +
           (options->steps_per_epoch % EVENTS_PER_EPOCH > 0);
}

lopi_timeline lopi_timeline_of(const lop_pruner_options *options)
{
    double per_epoch = (double)options->steps_per_epoch;
    return (lopi_timeline){
        .begin = (size_t)llround(options->begin_epoch * per_epoch),
        .end = (size_t)llround(options->end_epoch * per_epoch),
        .every = lop_pruner_every_steps(options),
        .steps = options->epochs * options->steps_per_epoch,
    };
}

double lop_pruner_sparsity(const lop_pruner_options *options, size_t step)
{
    const lopi_schedule *schedule = lopi_schedule_row(options->schedule);
    const lopi_timeline time = lopi_timeline_of(options);
    if (!schedule->at_start && step < time.begin)
        return 0;
    return schedule->sparsity(options, &time, schedule->event(options, &time, step));
}

bool lopi_schedule_due(const lop_pruner_options *options, size_t step)
{
    const lopi_schedule *schedule = lopi_schedule_row(options->schedule);
    const lopi_timeline time = lopi_timeline_of(options);
    if (!schedule->at_start && step < time.begin)
        return false;
    return schedule->event(options, &time, step) == step;
}

/* Evci et al., "Rigging the lottery", 2020, section 3, (2). */
double lopi_schedule_drop_share(const lop_pruner_options *options, size_t step)
{
    const lopi_timeline time = lopi_timeline_of(options);
    const double pi = 3.14159265358979323846;
    if (step >= time.end)
        return 0;
    return options->drop_fraction / 2 * (1 + cos(pi * (double)step / (double)time.end));
}

lop_pruner_options lop_pruner_options_default(size_t epochs, size_t steps_per_epoch)
{
    lop_pruner_options options = {
        .epochs = epochs,
        .steps_per_epoch = steps_per_epoch,
        .begin_epoch = 0.2 * (double)epochs,
        .end_epoch = 0.75 * (double)epochs,
        .rounds = 5,
        .drop_fraction = 0.3,
    };
    (void)lop_schedule_find("gradual", &options.schedule, NULL);
    return options;
}
