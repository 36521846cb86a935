#include "nn/loss.h"

#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

enum { PARALLEL_FROM = 1 << 12 }; /* logits: below, starting threads costs more than it saves */

static size_t largest(const float *z, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

static double target(const lopi_loss *in, size_t sample, size_t class)
{
    if (in->targets)
        return in->targets[sample * in->classes + class];
    double share = in->label_smoothing / (double)in->classes;
    return class == in->labels[sample] ? 1 - in->label_smoothing + share : share;
}

/* The logarithm of Σ exp((z − m) / T) over the classes, m the largest: no exponential overflows. */
static double log_sum_exp(const float *z, size_t classes, double largest_logit, double temperature)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += exp((z[c] - largest_logit) / temperature);
    return log(sum);
}

/* −Σ t log softmax(z) = Σ t (log Σ exp(z − m) − (z − m)), whose terms are none of them negative. */
static double cross_entropy(const lopi_loss *in, size_t sample, size_t best, double share)
{
    const float *z = in->logits + sample * in->classes;
    float *gradient = in->gradient ? in->gradient + sample * in->classes : NULL;
    double largest_logit = z[best], per_sample = share / (double)in->batch, loss = 0;
    double log_sum = log_sum_exp(z, in->classes, largest_logit, 1);
    for (size_t c = 0; c < in->classes; c++) {
        double t = target(in, sample, c), log_p = z[c] - largest_logit - log_sum;
        /* A class that the target does not name costs nothing, however improbable. */
        if (t > 0 || isnan(log_p))
            loss -= t * log_p;
        if (gradient)
            gradient[c] = (float)((exp(log_p) - t) * per_sample);
    }
    return share * loss;
}

/*
 * T² Σ q (log q − log p) with p and q at temperature T, whose gradient is T (p − q): added to what
 * cross_entropy has written.
 */
static double distillation(const lopi_loss *in, size_t sample, size_t best)
{
    const float *z = in->logits + sample * in->classes;
    const float *teacher = in->teacher + sample * in->classes;
    float *gradient = in->gradient ? in->gradient + sample * in->classes : NULL;
    double hot = in->temperature, share = in->teacher_weight, divergence = 0;
    double most = z[best], teacher_most = teacher[largest(teacher, in->classes)];
    double log_sum = log_sum_exp(z, in->classes, most, hot);
    double teacher_log_sum = log_sum_exp(teacher, in->classes, teacher_most, hot);
    for (size_t c = 0; c < in->classes; c++) {
        double log_p = (z[c] - most) / hot - log_sum;
        double log_q = (teacher[c] - teacher_most) / hot - teacher_log_sum, q = exp(log_q);
        if (q > 0 || isnan(log_p))
            divergence += q * (log_q - log_p);
        if (gradient)
            gradient[c] += (float)(share * hot * (exp(log_p) - q) / (double)in->batch);
    }
    return share * hot * hot * divergence;
}

static double sample_loss(const lopi_loss *in, size_t sample, size_t best)
{
    if (!in->teacher)
        return cross_entropy(in, sample, best, 1);
    double labels = cross_entropy(in, sample, best, 1 - in->teacher_weight);
    return labels + distillation(in, sample, best);
}

static lop_status check_labels(const lopi_loss *in, lop_error *error)
{
    for (size_t i = 0; i < in->batch; i++)
        if (in->labels[i] >= in->classes)
            return lopi_fail(error, LOP_E_RANGE,
                             "expected labels below %zu (the network's outputs), found %u",
                             in->classes, (unsigned)in->labels[i]);
    return LOP_OK;
}

lop_status lopi_loss_compute(const lopi_loss *in, double *loss, size_t *correct, lop_error *error)
{
    lop_status status = check_labels(in, error);
    if (status != LOP_OK)
        return status;
    double *losses = lopi_alloc(in->batch, sizeof *losses);
    if (!losses)
        return lopi_fail_memory(error, in->batch * sizeof *losses);

    size_t right = 0;
#pragma omp parallel for schedule(static) reduction(+ : right)                                     \
    if (in->batch * in->classes >= PARALLEL_FROM)
    for (size_t i = 0; i < in->batch; i++) {
        size_t best = largest(in->logits + i * in->classes, in->classes);
        losses[i] = sample_loss(in, i, best);
        right += best == in->labels[i] && !isnan(losses[i]);
        if (in->predictions)
            in->predictions[i] = (uint32_t)best;
    }
    double sum = 0;
    for (size_t i = 0; i < in->batch; i++)
        sum += losses[i];
    if (loss)
        *loss = sum / (double)in->batch;
    if (correct)
        *correct = right;
    lopi_free(losses);
    return LOP_OK;
}
