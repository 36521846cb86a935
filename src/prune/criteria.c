#include "prune/criterion.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "prune/blocks.h"
#include "prune/granularity.h"
#include "prune/lamp.h"
#include "prune/names.h"

static lop_status score_magnitude(const lopi_score_context *context, double *score,
                                  lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        score[i] = fabs((double)layer->weight[i]);
    return LOP_OK;
}

/* Squares and sums in double: squares of float32 are exact there, and cannot overflow. */
static lop_status score_l2(const lopi_score_context *context, double *score, lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        const float *row = layer->weight + unit * layer->inputs;
        double sum = 0;
        for (size_t i = 0; i < layer->inputs; i++)
            sum += (double)row[i] * (double)row[i];
        score[unit] = sqrt(sum);
    }
    return LOP_OK;
}

static lop_status score_l1(const lopi_score_context *context, double *score, lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        const float *row = layer->weight + unit * layer->inputs;
        double sum = 0;
        for (size_t i = 0; i < layer->inputs; i++)
            sum += fabs((double)row[i]);
        score[unit] = sum;
    }
    return LOP_OK;
}

/* Item i takes the i-th number of the layer's stream, so that a larger k removes a superset. */
static void random_scores(const lopi_score_context *context, double *score, size_t count)
{
    lopi_random random =
        lopi_random_stream(context->options->seed, LOPI_STREAM_PRUNE, context->index);
    for (size_t i = 0; i < count; i += 2) {
        uint32_t block[4];
        lopi_random_block(&random, i / 2, block);
        for (size_t j = 0; j < 2 && i + j < count; j++) {
            uint64_t bits = (uint64_t)block[2 * j] << 32 | block[2 * j + 1];
            score[i + j] = (double)(bits >> 11) * 0x1p-53;
        }
    }
}

static lop_status score_random_weights(const lopi_score_context *context, double *score,
                                       lop_error *error)
{
    (void)error;
    random_scores(context, score, context->layer->outputs * context->layer->inputs);
    return LOP_OK;
}

static lop_status score_random_units(const lopi_score_context *context, double *score,
                                     lop_error *error)
{
    (void)error;
    random_scores(context, score, context->layer->outputs);
    return LOP_OK;
}

static lop_status score_lamp(const lopi_score_context *context, double *score, lop_error *error)
{
    return lopi_lamp_scores(context->layer, score, error);
}

/* Blocks compare by the sum of squares, which orders as the norm does. */
static lop_status score_block_l2(const lopi_score_context *context, double *score, lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    lopi_blocks grid = lopi_blocks_of(layer, context->options);
    for (size_t b = 0; b < grid.down * grid.across; b++)
        score[b] = 0;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        score[lopi_blocks_at(&grid, i)] += (double)layer->weight[i] * (double)layer->weight[i];
    return LOP_OK;
}

static lop_status score_random_blocks(const lopi_score_context *context, double *score,
                                      lop_error *error)
{
    (void)error;
    lopi_blocks grid = lopi_blocks_of(context->layer, context->options);
    random_scores(context, score, grid.down * grid.across);
    return LOP_OK;
}

/* With what was collected ---------------------------------------------------------------------- */

/* |w · g| with g the gradient of the mean loss: what the loss changes by without w, to first order.
 */
static lop_status score_taylor_weights(const lopi_score_context *context, double *score,
                                       lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        score[i] = fabs((double)layer->weight[i] * context->collected[i]);
    return LOP_OK;
}

static lop_status score_taylor_units(const lopi_score_context *context, double *score,
                                     lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t unit = 0; unit < layer->outputs; unit++) {
        double sum = 0;
        for (size_t i = unit * layer->inputs; i < (unit + 1) * layer->inputs; i++)
            sum += (double)layer->weight[i] * context->collected[i];
        score[unit] = sum * sum;
    }
    return LOP_OK;
}

static lop_status score_collected_units(const lopi_score_context *context, double *score,
                                        lop_error *error)
{
    (void)error;
    memcpy(score, context->collected, context->layer->outputs * sizeof *score);
    return LOP_OK;
}

static lop_status score_wanda(const lopi_score_context *context, double *score, lop_error *error)
{
    (void)error;
    const lop_layer *layer = context->layer;
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        score[i] = fabs((double)layer->weight[i]) * context->collected[i % layer->inputs];
    return LOP_OK;
}

/* With what training gathered ------------------------------------------------------------------ */

static lop_status find_gathered(const lopi_score_context *context, const float **gathered,
                                lop_error *error)
{
    *gathered = context->options->gathered[context->index];
    if (*gathered)
        return LOP_OK;
    return lopi_fail(error, LOP_E_ARG, "what training gathers for layer '%s' is missing",
                     context->layer->name);
}

static lop_status score_movement(const lopi_score_context *context, double *score, lop_error *error)
{
    const lop_layer *layer = context->layer;
    const float *movement;
    lop_status status = find_gathered(context, &movement, error);
    for (size_t i = 0; status == LOP_OK && i < layer->outputs * layer->inputs; i++)
        score[i] = (double)movement[i];
    return status;
}

/* w² h / 2 is what the loss rises by without w, to second order and with nothing but the diagonal
 * of its curvature (LeCun, Denker and Solla, "Optimal brain damage", NIPS 1989, equation 5). The
 * squared gradients stand for h, as they do in the Fisher information. */
static lop_status score_obd(const lopi_score_context *context, double *score, lop_error *error)
{
    const lop_layer *layer = context->layer;
    const float *curvature;
    lop_status status = find_gathered(context, &curvature, error);
    for (size_t i = 0; status == LOP_OK && i < layer->outputs * layer->inputs; i++)
        score[i] = (double)layer->weight[i] * (double)layer->weight[i] * (double)curvature[i];
    return status;
}

/* The first row of a granularity is its default. */
static const lopi_criterion criteria[] = {
    {.shown = {"magnitude", LOP_GRANULARITY_WEIGHT, "absolute value of the weight",
               LOP_NEEDS_NOTHING},
     .score = score_magnitude},
    {.shown = {"random", LOP_GRANULARITY_WEIGHT, "a random number: the baseline to beat",
               LOP_NEEDS_NOTHING},
     .score = score_random_weights},
    {.shown = {"lamp", LOP_GRANULARITY_WEIGHT,
               "square of the weight over the squares of all at least as large in its layer",
               LOP_NEEDS_NOTHING},
     .score = score_lamp},
    {.shown = {"taylor", LOP_GRANULARITY_WEIGHT, "weight times gradient of the loss",
               LOP_NEEDS_LABELS},
     .score = score_taylor_weights,
     .collects = LOPI_COLLECTS_GRADIENT},
    {.shown = {"snip", LOP_GRANULARITY_WEIGHT,
               "weight times gradient as well, for a network before it is trained",
               LOP_NEEDS_LABELS},
     .score = score_taylor_weights,
     .collects = LOPI_COLLECTS_GRADIENT},
    {.shown = {"movement", LOP_GRANULARITY_WEIGHT,
               "how far training moved the weight away from zero", LOP_NEEDS_MOVEMENT},
     .score = score_movement},
    {.shown = {"obd", LOP_GRANULARITY_WEIGHT,
               "optimal brain damage: square of the weight times mean square of its gradient",
               LOP_NEEDS_CURVATURE},
     .score = score_obd},
    {.shown = {"wanda", LOP_GRANULARITY_WEIGHT,
               "weight times norm of its input, compared within each output", LOP_NEEDS_SAMPLES},
     .score = score_wanda,
     .collects = LOPI_COLLECTS_INPUT_NORM,
     .by_row = true},
    {.shown = {"obs", LOP_GRANULARITY_WEIGHT,
               "optimal brain surgeon: cost in the layer's output, the rest set anew exactly",
               LOP_NEEDS_SAMPLES},
     .collects = LOPI_COLLECTS_HESSIAN,
     .solve = lopi_solve_obs},
    {.shown = {"sparsegpt", LOP_GRANULARITY_WEIGHT,
               "cost in the layer's output, the rest set anew in one sweep over the inputs",
               LOP_NEEDS_SAMPLES},
     .collects = LOPI_COLLECTS_HESSIAN,
     .solve = lopi_solve_sparsegpt,
     .no_min_keep = true},

    {.shown = {"l2", LOP_GRANULARITY_UNIT, "Euclidean norm of the unit's incoming weights",
               LOP_NEEDS_NOTHING},
     .score = score_l2},
    {.shown = {"l1", LOP_GRANULARITY_UNIT,
               "sum of the absolute values of the unit's incoming weights", LOP_NEEDS_NOTHING},
     .score = score_l1},
    {.shown = {"random", LOP_GRANULARITY_UNIT, "a random number: the baseline to beat",
               LOP_NEEDS_NOTHING},
     .score = score_random_units},
    {.shown = {"taylor", LOP_GRANULARITY_UNIT,
               "square of the sum of weight times gradient over the unit's incoming weights",
               LOP_NEEDS_LABELS},
     .score = score_taylor_units,
     .collects = LOPI_COLLECTS_GRADIENT},
    {.shown = {"activation", LOP_GRANULARITY_UNIT, "mean of what the unit yields",
               LOP_NEEDS_SAMPLES},
     .score = score_collected_units,
     .collects = LOPI_COLLECTS_ACTIVATION},
    {.shown = {"apoz", LOP_GRANULARITY_UNIT,
               "average percentage of zeros among what the unit yields: highest goes first",
               LOP_NEEDS_SAMPLES},
     .score = score_collected_units,
     .collects = LOPI_COLLECTS_FIRING},

    {.shown = {"l2", LOP_GRANULARITY_BLOCK, "sum of the squares of the block's weights",
               LOP_NEEDS_NOTHING},
     .score = score_block_l2},
    {.shown = {"random", LOP_GRANULARITY_BLOCK, "a random number: the baseline to beat",
               LOP_NEEDS_NOTHING},
     .score = score_random_blocks},
};

enum { CRITERIA = sizeof criteria / sizeof criteria[0] };

const lopi_criterion *lopi_criterion_row(const lop_criterion *shown)
{
    for (size_t i = 0; i < CRITERIA; i++) {
        if (&criteria[i].shown == shown)
            return &criteria[i];
    }
    return NULL;
}

bool lop_criterion_needs_training(const lop_criterion *criterion)
{
    return criterion &&
           (criterion->needs == LOP_NEEDS_MOVEMENT || criterion->needs == LOP_NEEDS_CURVATURE);
}

const lop_criterion *lop_criterion_at(size_t index)
{
    return index < CRITERIA ? &criteria[index].shown : NULL;
}

lop_status lop_criterion_find(const char *name, lop_granularity granularity,
                              const lop_criterion **out, lop_error *error)
{
    lopi_names known = {0};
    const lopi_granularity *row = lopi_granularity_at((size_t)granularity);
    if (!row)
        return lopi_fail(error, LOP_E_ARG, "unknown granularity %d", (int)granularity);
    for (size_t i = 0; i < CRITERIA; i++) {
        const lop_criterion *shown = &criteria[i].shown;
        if (shown->granularity != row->scored_as)
            continue;
        if (!name || strcmp(name, shown->name) == 0) {
            *out = shown;
            return LOP_OK;
        }
        lopi_names_add(&known, shown->name);
    }
    return lopi_fail(error, LOP_E_NAME, "no criterion '%s' for pruning by %s; there are: %s", name,
                     row->name, known.text);
}
