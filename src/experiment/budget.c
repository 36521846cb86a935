#include "experiment/budget.h"

#include <math.h>
#include <stdio.h>

#include <lop/prune.h>

enum { ROUNDS = 4 };
static const double round_seconds = 0.05;

static const char *const names[] = {
    [LOP_FIT_LOSS] = "loss",
    [LOP_FIT_WEIGHTS] = "weights",
    [LOP_FIT_BYTES] = "bytes",
    [LOP_FIT_LATENCY] = "latency",
};

const char *lop_fit_limit_name(size_t index)
{
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

lop_fit_step lopi_fit_step_empty(void)
{
    return (lop_fit_step){.latency_us = NAN, .valid_accuracy = NAN, .loss_points = NAN};
}

/* The measure of size: the file that would be shipped, without what is dead. */
static uint64_t bytes_of(const lop_network *compacted) { return lop_sparse_bytes(compacted); }

/* The measure of time: the best of some rounds, for other work comes and goes. */
static lop_status latency_of(const lop_network *compacted, double *out, lop_error *error)
{
    double best = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        lop_timing found;
        lop_status status = lop_measure_timing(compacted, round_seconds, &found, error);
        if (status != LOP_OK)
            return status;
        best = found.latency_us_batch1 < best ? found.latency_us_batch1 : best;
    }
    *out = best;
    return LOP_OK;
}

static void hold(lop_fit_step *step, lop_fit_limit limit, double measured, double most)
{
    if (!(most > 0))
        return;
    if (measured > most)
        step->beyond |= 1u << limit;
    if (measured / most > step->excess)
        step->excess = measured / most;
}

lop_status lopi_fit_measure(const lop_fit_options *options, const lop_network *whole,
                            const lop_network *network, lop_fit_step *step, lop_error *error)
{
    lop_count count;
    lop_network *compacted = NULL;
    lop_status status = lop_count_network(network, &count, error);
    if (status == LOP_OK)
        status = lop_compact(&compacted, network, error);
    if (status == LOP_OK && options->max_latency_us > 0)
        status = latency_of(compacted, &step->latency_us, error);
    if (status == LOP_OK) {
        step->weights_left = options->compact ? count.effective_weights_left : count.weights_left;
        step->sparsity = 1 - (double)step->weights_left / (double)lop_network_weight_count(whole);
        step->bytes = bytes_of(compacted);
        hold(step, LOP_FIT_WEIGHTS, (double)step->weights_left, (double)options->max_weights);
        hold(step, LOP_FIT_BYTES, (double)step->bytes, (double)options->max_bytes);
        hold(step, LOP_FIT_LATENCY, step->latency_us, options->max_latency_us);
    }
    lop_network_free(compacted);
    return status;
}

void lopi_fit_judge(const lop_fit_options *options, const lop_fit_step *parent, double accuracy,
                    lop_fit_step *step)
{
    /* Accuracies are ratios of counts: what is equal in these may differ in the last bits. */
    const double rounding = 1e-9;
    step->valid_accuracy = accuracy;
    step->loss_points = 100 * (parent->valid_accuracy - accuracy);
    if (step->loss_points > options->max_loss + rounding)
        step->beyond |= 1u << LOP_FIT_LOSS;
}

char *lopi_fit_describe(const lop_fit_options *options, const lop_fit_step *step, char *buffer,
                        size_t size)
{
    const struct {
        const char *unit;
        double value, most;
    } rows[] = {
        [LOP_FIT_LOSS] = {"points lost", step->loss_points, options->max_loss},
        [LOP_FIT_WEIGHTS] = {"weights", (double)step->weights_left, (double)options->max_weights},
        [LOP_FIT_BYTES] = {"bytes", (double)step->bytes, (double)options->max_bytes},
        [LOP_FIT_LATENCY] = {"us", step->latency_us, options->max_latency_us},
    };
    size_t used = (size_t)snprintf(buffer, size, "%g %% removed", 100 * step->target);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && used < size; i++) {
        if (isnan(rows[i].value))
            continue;
        used +=
            (size_t)snprintf(buffer + used, size - used, ", %.7g %s", rows[i].value, rows[i].unit);
        if (used < size && step->beyond & 1u << i)
            used += (size_t)snprintf(buffer + used, size - used, " (limit %.7g)", rows[i].most);
    }
    return buffer;
}
