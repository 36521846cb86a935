#include "train/evaluate.h"

#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/floats.h"
#include "nn/loss.h"

/* Samples a pass: enough for the products to run at full speed, few enough to fit the caches. Of
 * 100 to 2000 this took the least processor time for the network 784-1000-1000-500-200-10. */
enum { PASS = 1000 };

static lop_status check_fit(size_t inputs, size_t outputs, const lop_samples *samples,
                            lop_error *error)
{
    if (inputs != samples->features)
        return lopi_fail(error, LOP_E_SHAPE,
                         "expected samples of %zu values for this network, found %zu; choose "
                         "other data or another network",
                         inputs, samples->features);
    if (outputs != samples->classes)
        return lopi_fail(error, LOP_E_SHAPE,
                         "expected data with %zu classes for this network, found %zu; choose other "
                         "data or another network",
                         outputs, samples->classes);
    return LOP_OK;
}

lop_status lopi_samples_fit(const lop_network *network, const lop_samples *samples,
                            lop_error *error)
{
    return check_fit(lop_network_inputs(network), lop_network_outputs(network), samples, error);
}

lop_status lopi_samples_check(const lop_samples *samples, const uint32_t *indices, size_t count,
                              lop_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (indices[i] >= samples->count)
            return lopi_fail(error, LOP_E_RANGE,
                             "expected indices below %zu, found %u; make the split for this data",
                             samples->count, (unsigned)indices[i]);
    return LOP_OK;
}

/* Room for passes of at most `most` samples. */
static lop_status make_buffers(lopi_evaluator *made, size_t most, lop_error *error)
{
    size_t values = 0;
    made->max_batch = most < PASS ? (most ? most : 1) : PASS;
    made->labels = lopi_alloc(made->max_batch, sizeof *made->labels);
    made->predictions = lopi_alloc(made->max_batch, sizeof *made->predictions);
    if (lopi_multiply(made->max_batch, made->inputs, &values))
        made->x = lopi_alloc_aligned(values, sizeof *made->x);
    if (lopi_multiply(made->max_batch, made->classes, &values))
        made->logits = lopi_alloc_aligned(values, sizeof *made->logits);
    if (!made->x || !made->logits || !made->labels || !made->predictions)
        return lopi_fail_memory(error, made->max_batch * (made->inputs + made->classes) * 4);
    return LOP_OK;
}

lop_status lopi_evaluator_init(lopi_evaluator *evaluator, const lop_network *network,
                               lop_precision precision, size_t most, lop_error *error)
{
    lopi_evaluator made = {
        .inputs = lop_network_inputs(network),
        .classes = lop_network_outputs(network),
    };
    lop_status status = make_buffers(&made, most, error);
    if (status == LOP_OK)
        status = lop_compute_new(&made.compute, network, made.max_batch, precision, error);
    if (status != LOP_OK)
        lopi_evaluator_end(&made);
    else
        *evaluator = made;
    return status;
}

lop_status lopi_evaluator_init_plan(lopi_evaluator *evaluator, const lop_plan *plan, size_t most,
                                    lop_error *error)
{
    lop_plan_facts facts;
    lop_plan_facts_get(plan, &facts);
    lopi_evaluator made = {
        .plan = plan,
        .workspace_bytes = facts.workspace_bytes,
        .inputs = facts.inputs,
        .classes = facts.outputs,
    };
    lop_status status = make_buffers(&made, most, error);
    made.workspace = lopi_alloc_aligned(made.workspace_bytes, 1);
    if (status == LOP_OK && !made.workspace)
        status = lopi_fail_memory(error, made.workspace_bytes);
    if (status != LOP_OK)
        lopi_evaluator_end(&made);
    else
        *evaluator = made;
    return status;
}

void lopi_evaluator_end(lopi_evaluator *evaluator)
{
    lop_compute_free(evaluator->compute);
    lopi_free(evaluator->workspace);
    lopi_free(evaluator->x);
    lopi_free(evaluator->logits);
    lopi_free(evaluator->labels);
    lopi_free(evaluator->predictions);
    *evaluator = (lopi_evaluator){.compute = NULL};
}

/* Sums over one batch, added to `sum`. */
static lop_status run_batch(lopi_evaluator *evaluator, size_t batch, uint64_t *confusion,
                            lop_evaluation *sum, lop_error *error)
{
    lop_status status = evaluator->plan
                            ? lop_plan_run(evaluator->plan, evaluator->x, batch, evaluator->logits,
                                           evaluator->workspace, evaluator->workspace_bytes, error)
                            : lop_compute_forward(evaluator->compute, evaluator->x, batch,
                                                  evaluator->logits, error);
    if (status != LOP_OK)
        return status;
    double loss;
    size_t correct;
    lopi_loss input = {
        .logits = evaluator->logits,
        .batch = batch,
        .classes = evaluator->classes,
        .labels = evaluator->labels,
        .predictions = evaluator->predictions,
    };
    status = lopi_loss_compute(&input, &loss, &correct, error);
    if (status != LOP_OK)
        return status;
    sum->loss += loss * (double)batch;
    sum->accuracy += (double)correct;
    sum->count += batch;
    for (size_t i = 0; confusion && i < batch; i++)
        confusion[evaluator->labels[i] * evaluator->classes + evaluator->predictions[i]]++;
    return LOP_OK;
}

lop_status lopi_evaluator_run(lopi_evaluator *evaluator, const lop_samples *samples,
                              const uint32_t *indices, size_t count, uint64_t *confusion,
                              lop_evaluation *out, lop_error *error)
{
    double start = lop_clock_seconds();
    lop_evaluation sum = {.count = 0};
    count = indices ? count : samples->count;
    if (confusion)
        memset(confusion, 0, evaluator->classes * evaluator->classes * sizeof *confusion);
    for (size_t first = 0; first < count; first += evaluator->max_batch) {
        size_t left = count - first;
        size_t batch = left < evaluator->max_batch ? left : evaluator->max_batch;
        lop_batch_gather(samples, indices ? indices + first : NULL, first, batch, evaluator->x,
                         evaluator->labels);
        lop_status status = run_batch(evaluator, batch, confusion, &sum, error);
        if (status != LOP_OK)
            return status;
    }
    if (count > 0) {
        sum.loss /= (double)count;
        sum.accuracy /= (double)count;
    }
    sum.seconds = lop_clock_seconds() - start;
    *out = sum;
    return LOP_OK;
}

/* Look at what the options say; ends the evaluator, whether it was begun or not. */
static lop_status finish(lopi_evaluator *evaluator, lop_status status, double start,
                         const lop_samples *samples, const lop_evaluate_options *o,
                         lop_evaluation *out, lop_error *error)
{
    lop_evaluation found;
    lopi_floats_begin();
    if (status == LOP_OK)
        status = lopi_evaluator_run(evaluator, samples, o->indices, o->count, o->confusion, &found,
                                    error);
    lopi_evaluator_end(evaluator);
    lopi_floats_end();
    if (status != LOP_OK)
        return status;
    found.seconds = lop_clock_seconds() - start;
    *out = found;
    return LOP_OK;
}

static const lop_evaluate_options plain = {.indices = NULL};

lop_status lop_evaluate(const lop_network *network, const lop_samples *samples,
                        const lop_evaluate_options *options, lop_evaluation *out, lop_error *error)
{
    const lop_evaluate_options *o = options ? options : &plain;
    double start = lop_clock_seconds();
    lopi_evaluator evaluator = {.compute = NULL};
    if (!network || !samples || !out)
        return lopi_fail(error, LOP_E_ARG, "expected a network, samples and a place for results");
    lop_status status = lopi_samples_fit(network, samples, error);
    if (status == LOP_OK && o->indices)
        status = lopi_samples_check(samples, o->indices, o->count, error);
    if (status == LOP_OK)
        status = lopi_evaluator_init(&evaluator, network, o->precision,
                                     o->indices ? o->count : samples->count, error);
    return finish(&evaluator, status, start, samples, o, out, error);
}

lop_status lop_evaluate_plan(const lop_plan *plan, const lop_samples *samples,
                             const lop_evaluate_options *options, lop_evaluation *out,
                             lop_error *error)
{
    const lop_evaluate_options *o = options ? options : &plain;
    double start = lop_clock_seconds();
    lopi_evaluator evaluator = {.compute = NULL};
    lop_plan_facts facts;
    if (!plan || !samples || !out)
        return lopi_fail(error, LOP_E_ARG, "expected a plan, samples and a place for results");
    lop_plan_facts_get(plan, &facts);
    lop_status status = check_fit(facts.inputs, facts.outputs, samples, error);
    if (status == LOP_OK && o->indices)
        status = lopi_samples_check(samples, o->indices, o->count, error);
    if (status == LOP_OK)
        status = lopi_evaluator_init_plan(&evaluator, plan, o->indices ? o->count : samples->count,
                                          error);
    return finish(&evaluator, status, start, samples, o, out, error);
}
