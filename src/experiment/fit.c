#include <lop/fit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "experiment/budget.h"
#include "experiment/measure.h"
#include "experiment/retrain.h"
#include "experiment/search.h"
#include "experiment/sharing.h"
#include "experiment/stage.h"
#include "experiment/sweep.h"
#include "nn/floats.h"

/* The grid counts in thousandths of a per cent, which is how a sparsity is typed. */
enum { THOUSANDTHS = 100000, HALVINGS = 17, MOST_POINTS = LOP_MAX_PER_HALVING * HALVINGS + 2 };

/* A search on its way. */
typedef struct fit {
    const lop_network *parent;
    const lop_dataset *dataset;
    const lop_fit_options *options;
    lop_recipe recipe; /* of the next run */
    lop_recipe bare;   /* the same, pruned at once, without data: for sizes */
    double initial;    /* initial_sparsity as the recipe says it */
    bool has_loss;
    unsigned points[MOST_POINTS];
    size_t point_count;
    lopi_probe best; /* of fitted.steps[fitted.best] */
    lop_fitted fitted;
} fit;

static lop_stage *last_stage(lop_recipe *recipe)
{
    return &recipe->stages[recipe->stage_count - 1];
}

static double share_of(unsigned thousandths) { return thousandths / 1000.0 / 100; }

/* What is asked for -------------------------------------------------------------------------- */

lop_fit_options lop_fit_options_default(void)
{
    return (lop_fit_options){
        .max_loss = NAN,
        .per_halving = 8,
        .neighbours = 2,
        .deepest = 0.999,
    };
}

static lop_status check_options(const lop_fit_options *o, lop_error *error)
{
    bool sizes = o->max_weights || o->max_bytes || o->max_latency_us != 0;
    if (isnan(o->max_loss) && !sizes)
        return lopi_fail(error, LOP_E_ARG,
                         "a limit is missing: of loss, weights, bytes or latency");
    if (!isnan(o->max_loss) && !(o->max_loss >= 0 && o->max_loss <= 100))
        return lopi_fail(error, LOP_E_RANGE, "limit of loss: expected 0 to 100 points, found %g",
                         o->max_loss);
    if (!(o->max_latency_us >= 0) || !isfinite(o->max_latency_us))
        return lopi_fail(error, LOP_E_RANGE, "limit of latency: expected microseconds, found %g",
                         o->max_latency_us);
    if (o->per_halving < 1 || o->per_halving > LOP_MAX_PER_HALVING)
        return lopi_fail(error, LOP_E_RANGE, "points to each halving: expected 1 to %d, found %zu",
                         LOP_MAX_PER_HALVING, o->per_halving);
    if (o->neighbours < 1)
        return lopi_fail(error, LOP_E_RANGE, "neighbours: expected at least 1, found 0");
    if (!(o->deepest > 0 && o->deepest <= 0.99999))
        return lopi_fail(error, LOP_E_RANGE,
                         "sparsest point: expected above 0 to 99.999 %%, found %g %%",
                         100 * o->deepest);
    return LOP_OK;
}

static lop_status check_recipe(fit *f, lop_error *error)
{
    if (f->recipe.stage_count == 0)
        return lopi_fail(error, LOP_E_ARG, "the recipe has no stage of pruning to search over");
    lop_stage *last = last_stage(&f->recipe);
    last->sparsity = f->options->deepest;
    if (last->method == LOP_GRANULARITY_NM)
        return lopi_fail(error, LOP_E_ARG,
                         "method: N:M says how much is removed, and leaves nothing to search for");
    if (last->allocation == LOP_ALLOCATION_LIST)
        return lopi_fail(error, LOP_E_ARG,
                         "allocation: a list says how much is removed, and leaves nothing to "
                         "search for");
    return lop_recipe_check(&f->recipe, error);
}

/* The same stages where nothing is trained and no data is looked at: as many weights go, if not
 * the same ones. */
static lop_status make_bare(fit *f, lop_error *error)
{
    lop_status status = lop_recipe_copy(&f->bare, &f->recipe, error);
    if (status != LOP_OK)
        return status;
    f->bare.recovery.epochs = 0;
    f->bare.share = lopi_sharing_none();
    f->bare.recovery.distill_weight = 0;
    f->bare.recovery.distill_temperature = LOPI_DISTILL_TEMPERATURE;
    for (size_t i = 0; i < f->bare.stage_count; i++) {
        lop_stage *stage = &f->bare.stages[i];
        const lop_criterion *criterion = NULL;
        stage->schedule = LOP_SCHEDULE_ONESHOT;
        lopi_stage_forget(stage);
        lop_criterion_find(stage->criterion[0] ? stage->criterion : NULL, stage->method, &criterion,
                           NULL);
        if (!criterion || criterion->needs != LOP_NEEDS_NOTHING)
            stage->criterion[0] = 0;
    }
    return LOP_OK;
}

/* Sizes alone -------------------------------------------------------------------------------- */

static lop_status size_at(fit *f, unsigned thousandths, lop_fit_step *step, lop_error *error)
{
    lop_network *network = NULL;
    if (lopi_cancelled(f->options->hooks))
        return lopi_fail(error, LOP_E_CANCELLED, "cancelled");
    *step = lopi_fit_step_empty();
    step->target = last_stage(&f->bare)->sparsity = share_of(thousandths);
    lop_status status = lop_network_copy(&network, f->parent, error);
    if (status == LOP_OK)
        status = lop_recipe_prune(&f->bare, &network, NULL, error);
    if (status == LOP_OK)
        status = lopi_fit_measure(f->options, f->parent, network, step, error);
    lop_network_free(network);
    return status;
}

/* Where a loss is allowed, what has as many weights as the parent is no answer. */
static bool may_begin_at(const fit *f, const lop_fit_step *step)
{
    bool smaller = step->weights_left < f->fitted.parent.weights_left;
    return step->beyond == 0 && (smaller || !f->has_loss);
}

/* The densest point that keeps the limits of size; *found false where the sparsest does not. */
static lop_status find_beginning(fit *f, unsigned *out, bool *found, lop_fit_step *sparsest,
                                 lop_error *error)
{
    unsigned high = (unsigned)lround(f->options->deepest * THOUSANDTHS), low = 0;
    lop_status status = size_at(f, high, sparsest, error);
    *found = status == LOP_OK && may_begin_at(f, sparsest);
    while (*found && status == LOP_OK && low < high) {
        lop_fit_step step;
        unsigned middle = (low + high) / 2;
        status = size_at(f, middle, &step, error);
        if (status == LOP_OK && may_begin_at(f, &step))
            high = middle;
        else
            low = middle + 1;
    }
    *out = high;
    return status;
}

/* From the beginning to the deepest point, which is always one of them. */
static void make_grid(fit *f, unsigned begin)
{
    unsigned deepest = (unsigned)lround(f->options->deepest * THOUSANDTHS), point = begin;
    size_t count = 0;
    for (size_t i = 1; point < deepest && count + 1 < MOST_POINTS; i++) {
        double density = (THOUSANDTHS - begin) * exp2(-(double)i / (double)f->options->per_halving);
        unsigned next = THOUSANDTHS - (unsigned)lround(density);
        f->points[count++] = point;
        point = next > point ? next : point + 1;
    }
    f->points[count++] = deepest;
    f->point_count = count;
}

/* One step ----------------------------------------------------------------------------------- */

static lop_status add_step(fit *f, const lop_fit_step *step, lop_error *error)
{
    lop_fitted *out = &f->fitted;
    lop_fit_step *steps = lopi_realloc(out->steps, out->step_count + 1, sizeof *steps);
    if (!steps)
        return lopi_fail_memory(error, (out->step_count + 1) * sizeof *steps);
    out->steps = steps;
    out->steps[out->step_count++] = *step;
    if (f->options->on_step)
        f->options->on_step(f->options->context, &out->parent, step);
    return LOP_OK;
}

static lop_status run_at(fit *f, double sparsity, const lop_hooks *hooks, lop_network **network,
                         lop_result *result, lop_error *error)
{
    lop_stage *last = last_stage(&f->recipe);
    const lop_run_options options = {
        .seed = f->recipe.seed,
        .parent = f->parent,
        .compact = f->options->compact,
        .hooks = hooks,
    };
    last->sparsity = sparsity;
    last->initial_sparsity = f->initial < sparsity ? f->initial : sparsity;
    return lop_run(&f->recipe, f->dataset, &options, network, result, NULL, error);
}

/* The record tells what was measured beyond what a run measures. */
static void complete(const lop_fit_step *step, lop_result *result)
{
    result->bytes_sparse = step->bytes;
    result->compacted_latency_us_batch1 = step->latency_us;
}

static lop_status look(void *context, lopi_probe *out, lop_error *error)
{
    fit *f = context;
    char name[64];
    lopi_voice voice;
    lop_network *network = NULL;
    lop_result result = lop_result_empty();
    lop_fit_step step = lopi_fit_step_empty();
    double start = lop_clock_seconds();
    step.target = share_of(f->points[out->point]);
    snprintf(name, sizeof name, "%s %g %%", lop_granularity_name(last_stage(&f->recipe)->method),
             100 * step.target);
    lopi_voice_init(&voice, f->options->hooks, name);
    lop_status status = run_at(f, step.target, &voice.hooks, &network, &result, error);
    if (status == LOP_OK)
        status = lopi_fit_measure(f->options, f->parent, network, &step, error);
    if (status == LOP_OK) {
        lopi_fit_judge(f->options, &f->fitted.parent, result.valid_accuracy, &step);
        step.seconds = lop_clock_seconds() - start;
        complete(&step, &result);
        status = add_step(f, &step, error);
    }
    if (status == LOP_OK) {
        out->lossy = step.beyond & 1u << LOP_FIT_LOSS;
        out->large = step.beyond & ~(1u << LOP_FIT_LOSS);
        out->excess = step.excess;
        out->accuracy = step.valid_accuracy;
    }
    if (status == LOP_OK && (!f->fitted.network || lopi_probe_better(out, &f->best, f->has_loss))) {
        lop_network_free(f->fitted.network);
        lop_result_free(&f->fitted.result);
        f->fitted.network = network;
        f->fitted.result = result;
        f->fitted.best = f->fitted.step_count - 1;
        f->best = *out;
        return LOP_OK;
    }
    lop_network_free(network);
    lop_result_free(&result);
    return status;
}

/* The search --------------------------------------------------------------------------------- */

static lop_status measure_parent(fit *f, lop_error *error)
{
    lop_split split = {0};
    lop_evaluation found;
    lop_fit_step *parent = &f->fitted.parent;
    *parent = lopi_fit_step_empty();
    lop_status status = lopi_recipe_split(&split, &f->recipe, f->dataset, f->recipe.seed, error);
    if (status == LOP_OK)
        status = lopi_validate(f->parent, f->dataset, &split, &found, error);
    if (status == LOP_OK)
        status = lopi_fit_measure(f->options, f->parent, f->parent, parent, error);
    if (status == LOP_OK) {
        parent->valid_accuracy = found.accuracy;
        parent->loss_points = 0;
    }
    lop_split_free(&split);
    return status;
}

static lop_status prepare(fit *f, const lop_recipe *recipe, lop_error *error)
{
    lop_status status = check_options(f->options, error);
    if (status == LOP_OK)
        status = lop_recipe_copy(&f->recipe, recipe, error);
    if (status == LOP_OK)
        status = check_recipe(f, error);
    if (status == LOP_OK)
        status = lopi_parent_check(&f->recipe, f->dataset, f->parent, error);
    if (status == LOP_OK)
        status = make_bare(f, error);
    if (status == LOP_OK)
        status = measure_parent(f, error);
    if (status == LOP_OK)
        f->initial = last_stage(&f->recipe)->initial_sparsity;
    return status;
}

/* No network on the grid can do: the sparsest is what came nearest. */
static lop_status give_up(fit *f, const lop_fit_step *sparsest, lop_error *error)
{
    char text[256];
    lop_status status = add_step(f, sparsest, error);
    if (status != LOP_OK)
        return status;
    if (sparsest->beyond == 0)
        return lopi_fail(error, LOP_E_TARGET,
                         "no network with fewer weights than the one given: %g %% removed leave "
                         "%llu of %llu weights",
                         100 * sparsest->target, (unsigned long long)sparsest->weights_left,
                         (unsigned long long)f->fitted.parent.weights_left);
    return lopi_fail(error, LOP_E_TARGET,
                     "no network is small enough; nearest, and not trained: %s",
                     lopi_fit_describe(f->options, sparsest, text, sizeof text));
}

static lop_status search(fit *f, lop_error *error)
{
    char text[256];
    bool found;
    unsigned begin;
    lop_fit_step sparsest;
    const lop_fit_options *o = f->options;
    lop_status status = find_beginning(f, &begin, &found, &sparsest, error);
    if (status != LOP_OK)
        return status;
    if (!found)
        return give_up(f, &sparsest, error);
    lopi_message(o->hooks, LOP_DETAIL, "sizes allow %g %% removed and more", 100 * share_of(begin));
    make_grid(f, begin);
    const lopi_search s = {
        .count = f->point_count,
        .neighbours = o->neighbours,
        .has_loss = f->has_loss,
        .dense_first = o->max_weights || o->max_bytes || o->max_latency_us > 0,
        .look = look,
        .context = f,
    };
    status = lopi_search_run(&s, error);
    if (status != LOP_OK || (!f->best.lossy && !f->best.large))
        return status;
    return lopi_fail(error, LOP_E_TARGET, "no network within the limits was found; nearest: %s",
                     lopi_fit_describe(o, &f->fitted.steps[f->fitted.best], text, sizeof text));
}

lop_status lop_fit(const lop_recipe *recipe, const lop_network *parent, const lop_dataset *dataset,
                   const lop_fit_options *options, lop_fitted *out, lop_error *error)
{
    fit *f = lopi_alloc(1, sizeof *f);
    if (!f)
        return lopi_fail_memory(error, sizeof *f);
    f->parent = parent;
    f->dataset = dataset;
    f->options = options;
    f->has_loss = !isnan(options->max_loss);
    f->fitted.result = lop_result_empty();
    lopi_floats_begin();
    lop_status status = prepare(f, recipe, error);
    if (status == LOP_OK)
        status = search(f, error);
    lopi_floats_end();
    if (status == LOP_OK || status == LOP_E_TARGET)
        *out = f->fitted;
    else
        lop_fitted_free(&f->fitted);
    lop_recipe_free(&f->recipe);
    lop_recipe_free(&f->bare);
    lopi_free(f);
    return status;
}

void lop_fitted_free(lop_fitted *fitted)
{
    lop_network_free(fitted->network);
    lop_result_free(&fitted->result);
    lopi_free(fitted->steps);
    *fitted = (lop_fitted){.result = lop_result_empty()};
}
