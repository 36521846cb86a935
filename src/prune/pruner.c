#include <lop/pruner.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/goal.h"
#include "prune/regrow.h"
#include "prune/schedule.h"

enum { LAYER_BITS = 10 }; /* of a random stream's number; above them is the step */
enum { PARALLEL_FROM = 1 << 15 };

_Static_assert(LOP_MAX_NODES <= 1 << LAYER_BITS, "a layer's index must fit");

/* A layer as it was when training began, and what is collected for it. */
typedef struct first_layer {
    size_t outputs, inputs;
    bool spared;
    float *gradient;      /* [outputs][inputs] of rigl, good at `gradient_step`; NULL: none */
    size_t gradient_step; /* 0: none seen yet */
} first_layer;

struct lop_pruner {
    lop_pruner_options options;
    const lopi_schedule *schedule;
    lopi_goal goal;
    first_layer *first; /* [layers] */
    size_t layers;
    size_t end;             /* the last step at which something can happen */
    float *gathered;        /* all layers, one behind the other; NULL: nothing is gathered */
    const float **by_layer; /* [layers], into `gathered` */
    lop_state state;        /* gathered; count 0 where there is nothing */
};

/* Making --------------------------------------------------------------------------------------- */

/* A dynamic schedule's first mask is at random unless somebody says otherwise. */
static lop_status choose_criterion(lop_pruner *pruner, lop_error *error)
{
    lop_prune_options *target = &pruner->options.target;
    if (target->criterion || !pruner->schedule->dynamic)
        return LOP_OK;
    return lop_criterion_find("random", target->granularity, &target->criterion, error);
}

static bool gathers(const lop_pruner *pruner)
{
    return lop_criterion_needs_training(pruner->options.target.criterion);
}

/* The last step at which something can happen. */
static size_t last_event(const lop_pruner *pruner)
{
    const lopi_timeline time = lopi_timeline_of(&pruner->options);
    return pruner->schedule->event(&pruner->options, &time, time.steps);
}

static lop_status check_gathering(const lop_pruner *pruner, lop_error *error)
{
    const lopi_timeline time = lopi_timeline_of(&pruner->options);
    const char *name = pruner->schedule->shown.name;
    if (!gathers(pruner))
        return LOP_OK;
    const char *criterion = pruner->options.target.criterion->name;
    if (pruner->schedule->at_start)
        return lopi_fail(error, LOP_E_ARG,
                         "criterion '%s' looks at training, but schedule '%s' prunes before the "
                         "first step; take another of either",
                         criterion, name);
    if (time.begin == 0)
        return lopi_fail(error, LOP_E_ARG,
                         "criterion '%s' looks at training, but schedule '%s' begins before the "
                         "first step; begin later",
                         criterion, name);
    return LOP_OK;
}

static lop_status remember_layers(lop_pruner *pruner, const lop_network *network, size_t *weights,
                                  lop_error *error)
{
    const lop_prune_options *target = &pruner->options.target;
    pruner->layers = lop_network_layer_count(network);
    pruner->first = lopi_alloc(pruner->layers, sizeof *pruner->first);
    if (!pruner->first)
        return lopi_fail_memory(error, pruner->layers * sizeof *pruner->first);
    *weights = 0;
    for (size_t l = 0; l < pruner->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        first_layer *first = &pruner->first[l];
        size_t count = layer->outputs * layer->inputs;
        *first = (first_layer){
            .outputs = layer->outputs,
            .inputs = layer->inputs,
            .spared = layer->output && !target->include_output,
        };
        *weights += count;
        if (!pruner->schedule->gradients || first->spared)
            continue;
        first->gradient = lopi_alloc_aligned(count, sizeof *first->gradient);
        if (!first->gradient)
            return lopi_fail_memory(error, count * sizeof *first->gradient);
    }
    return LOP_OK;
}

static lop_status make_gathered(lop_pruner *pruner, size_t weights, lop_error *error)
{
    if (!gathers(pruner))
        return LOP_OK;
    pruner->gathered = lopi_alloc_aligned(weights, sizeof *pruner->gathered);
    pruner->by_layer = lopi_alloc(pruner->layers, sizeof *pruner->by_layer);
    if (!pruner->gathered || !pruner->by_layer)
        return lopi_fail_memory(error, weights * sizeof *pruner->gathered);
    const float *next = pruner->gathered;
    for (size_t l = 0; l < pruner->layers; l++) {
        pruner->by_layer[l] = next;
        next += pruner->first[l].outputs * pruner->first[l].inputs;
    }
    pruner->options.target.gathered = pruner->by_layer;
    pruner->state = (lop_state){pruner->options.target.criterion->needs == LOP_NEEDS_MOVEMENT
                                    ? "pruner.movement"
                                    : "pruner.curvature",
                                pruner->gathered, weights};
    return LOP_OK;
}

lop_status lop_pruner_new(lop_pruner **out, const lop_pruner_options *options,
                          const lop_network *network, lop_error *error)
{
    lop_pruner *pruner = NULL;
    size_t weights = 0;
    lop_status status = lop_pruner_options_check(options, error);
    if (status != LOP_OK)
        goto out;
    pruner = lopi_alloc(1, sizeof *pruner);
    if (!pruner) {
        status = lopi_fail_memory(error, sizeof *pruner);
        goto out;
    }
    pruner->options = *options;
    pruner->schedule = lopi_schedule_row(options->schedule);
    pruner->end = last_event(pruner);
    status = choose_criterion(pruner, error);
    if (status == LOP_OK)
        status = check_gathering(pruner, error);
    if (status == LOP_OK)
        status = remember_layers(pruner, network, &weights, error);
    if (status == LOP_OK)
        status = make_gathered(pruner, weights, error);
    if (status == LOP_OK)
        status = lopi_goal_init(&pruner->goal, &pruner->options, network, error);
out:
    if (status == LOP_OK)
        *out = pruner;
    else
        lop_pruner_free(pruner);
    return status;
}

void lop_pruner_free(lop_pruner *pruner)
{
    if (!pruner)
        return;
    for (size_t l = 0; pruner->first && l < pruner->layers; l++)
        lopi_free(pruner->first[l].gradient);
    lopi_free(pruner->first);
    lopi_goal_end(&pruner->goal);
    lopi_free(pruner->gathered);
    lopi_free(pruner->by_layer);
    lopi_free(pruner);
}

/* At work -------------------------------------------------------------------------------------- */

bool lop_pruner_due(const lop_pruner *pruner, size_t step)
{
    return lopi_schedule_due(&pruner->options, step);
}

bool lop_pruner_wants_gradients(const lop_pruner *pruner)
{
    return pruner->schedule->gradients || pruner->gathered;
}

const lop_state *lop_pruner_state(const lop_pruner *pruner, size_t *count)
{
    *count = pruner->state.count > 0;
    return &pruner->state;
}

lop_status lop_pruner_restored(const lop_pruner *pruner, lop_error *error)
{
    if (!pruner->gathered)
        return LOP_OK;
    bool squares = pruner->options.target.criterion->needs == LOP_NEEDS_CURVATURE;
    for (size_t i = 0; i < pruner->state.count; i++) {
        float value = pruner->gathered[i];
        if (!isfinite(value) || (squares && value < 0))
            return lopi_fail(error, LOP_E_FORMAT, "%s: expected %s, found %g at index %zu",
                             pruner->state.name, squares ? "means of squares" : "finite numbers",
                             (double)value, i);
    }
    return LOP_OK;
}

/* By units a network may have become smaller; otherwise it has its shape for ever. */
static lop_status check_network(const lop_pruner *pruner, const lop_network *network,
                                lop_error *error)
{
    bool shrinks = pruner->options.target.granularity == LOP_GRANULARITY_UNIT;
    bool same = lop_network_layer_count(network) == pruner->layers;
    for (size_t l = 0; same && l < pruner->layers; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        const first_layer *first = &pruner->first[l];
        same = (layer->outputs == first->outputs && layer->inputs == first->inputs) ||
               (shrinks && layer->outputs <= first->outputs && layer->inputs <= first->inputs);
    }
    if (same)
        return LOP_OK;
    char found[128];
    return lopi_fail(error, LOP_E_SHAPE,
                     "expected the network that the pruner was made for, found %s; by %s its "
                     "shape must stay",
                     lop_network_describe(network, found, sizeof found),
                     lop_granularity_name((size_t)pruner->options.target.granularity));
}

/* S ← S − w · g (Sanh et al., "Movement pruning", 2020, equation 4). */
static void add_movement(float *restrict movement, const float *restrict weight,
                         const float *restrict gradient, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++)
        movement[i] -= weight[i] * gradient[i];
}

/*
 * H ← H + (1 − β)(g² − H), at every fourth step: as good as at every one, and it costs a quarter.
 * That H begins at 0 makes all of it too small by one factor, which no ranking sees. As among
 * Adam's moments, what fades into subnormal numbers counts as zero.
 */
enum { CURVATURE_EVERY = 4 };

static void add_curvature(float *restrict curvature, const float *restrict gradient, size_t count)
{
    const float share = 0.004f; /* the mean looks back some thousand steps */
#pragma omp parallel for simd schedule(static) if (count >= PARALLEL_FROM)
    for (size_t i = 0; i < count; i++) {
        float mean = curvature[i] + share * (gradient[i] * gradient[i] - curvature[i]);
        curvature[i] = mean < FLT_MIN ? 0 : mean;
    }
}

static void gather(lop_pruner *pruner, size_t layer, const float *weight, const float *gradient,
                   size_t step)
{
    const first_layer *first = &pruner->first[layer];
    size_t count = first->outputs * first->inputs;
    float *gathered = pruner->gathered + (pruner->by_layer[layer] - pruner->gathered);
    if (pruner->options.target.criterion->needs == LOP_NEEDS_MOVEMENT)
        add_movement(gathered, weight, gradient, count);
    else if (step % CURVATURE_EVERY == 0)
        add_curvature(gathered, gradient, count);
}

lop_status lop_pruner_gradient(lop_pruner *pruner, const lop_network *network, size_t layer,
                               const float *gradient, size_t step, lop_error *error)
{
    if (step > pruner->end)
        return LOP_OK;
    lop_status status = check_network(pruner, network, error);
    if (status != LOP_OK || layer >= pruner->layers)
        return status;
    first_layer *first = &pruner->first[layer];
    size_t count = first->outputs * first->inputs;
    if (pruner->gathered)
        gather(pruner, layer, lop_network_layer(network, layer)->weight, gradient, step);
    if (first->gradient && lop_pruner_due(pruner, step)) {
        memcpy(first->gradient, gradient, count * sizeof *gradient);
        first->gradient_step = step;
    }
    return LOP_OK;
}

static lop_status regrow(lop_pruner *pruner, lop_network *network, size_t step, lop_error *error)
{
    lop_status status = LOP_OK;
    lopi_regrow how = {
        .share = lopi_schedule_drop_share(&pruner->options, step),
        .seed = pruner->options.seed,
    };
    for (size_t l = 0; l < pruner->layers && how.share > 0 && status == LOP_OK; l++) {
        const first_layer *first = &pruner->first[l];
        if (first->spared)
            continue;
        if (first->gradient && first->gradient_step != step)
            return lopi_fail(error, LOP_E_ARG,
                             "schedule '%s' needs the gradients of step %zu, and was not given "
                             "them; see lop_pruner_gradient",
                             pruner->schedule->shown.name, step);
        how.gradient = first->gradient;
        how.number = (uint64_t)step << LAYER_BITS | l;
        status = lopi_regrow_layer(lop_network_layer(network, l), &how, error);
    }
    return status;
}

lop_status lop_pruner_step(lop_pruner *pruner, lop_network *network, size_t step, size_t steps,
                           lop_error *error)
{
    const lopi_timeline time = lopi_timeline_of(&pruner->options);
    if (steps != time.steps)
        return lopi_fail(error, LOP_E_ARG,
                         "the schedule is for %zu optimizer steps, but training takes %zu",
                         time.steps, steps);
    lop_status status = check_network(pruner, network, error);
    if (status != LOP_OK || !lop_pruner_due(pruner, step))
        return status;
    if (pruner->schedule->dynamic && step > 0)
        return regrow(pruner, network, step, error);
    lop_prune_options now;
    status = lopi_goal_at(&pruner->goal, network, step, &now, error);
    return status == LOP_OK ? lop_prune(network, &now, error) : status;
}
