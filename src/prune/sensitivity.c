#include <lop/sensitivity.h>

#include <math.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "prune/plan.h"

static lop_status check(const lop_sensitivity_options *options, lop_error *error)
{
    if (!options->measure || !options->sparsities || options->sparsity_count == 0)
        return lopi_fail(error, LOP_E_ARG,
                         "a scan needs at least one sparsity, and a function that measures");
    if (options->prune.granularity == LOP_GRANULARITY_NM)
        return lopi_fail(error, LOP_E_ARG, "N:M is the same in every layer: nothing to scan");
    double last = 0;
    for (size_t i = 0; i < options->sparsity_count; i++) {
        double sparsity = options->sparsities[i];
        if (!(sparsity > last && sparsity < 1))
            return lopi_fail(error, LOP_E_RANGE,
                             "sparsities of a scan must rise within (0, 1), found %g", sparsity);
        last = sparsity;
    }
    return LOP_OK;
}

/* The layers that may be pruned and their items, in a scan with nothing measured yet. */
static lop_status lay_out(lop_sensitivity *scan, const lop_network *network,
                          const lop_prune_options *prune, size_t steps, lop_error *error)
{
    lopi_plan plan = {0};
    size_t points = 0, next = 0;
    lop_status status = lopi_plan_make(&plan, network, prune, error);
    if (status)
        goto out;
    for (size_t l = 0; l < plan.layers; l++)
        scan->layers += lopi_plan_items(&plan, l) > 0;
    if (lopi_multiply(scan->layers, steps, &points))
        scan->point = lopi_alloc(points, sizeof *scan->point);
    if (!scan->point) {
        status = lopi_fail(error, LOP_E_MEMORY, "no memory for a scan of %zu sparsities", steps);
        goto out;
    }
    scan->steps = steps;
    for (size_t l = 0; l < plan.layers; l++) {
        for (size_t k = 0; k < steps && lopi_plan_items(&plan, l) > 0; k++)
            scan->point[next++] =
                (lop_sensitivity_point){.layer = l, .items = lopi_plan_items(&plan, l)};
    }
out:
    lopi_plan_end(&plan);
    return status;
}

/* Prune layer `which` of those that may be pruned, and measure. `list` is zero and stays so. */
static lop_status measure_point(lop_sensitivity_point *point, const lop_network *network,
                                const lop_sensitivity_options *options, double *list,
                                const lop_prune_options *prune, size_t which, lop_error *error)
{
    lop_network *pruned = NULL;
    lop_status status = lop_network_copy(&pruned, network, error);
    list[which] = point->sparsity;
    if (status == LOP_OK)
        status = lop_prune(pruned, prune, error);
    if (status == LOP_OK)
        status = options->measure(options->context, pruned, &point->loss, &point->accuracy, error);
    list[which] = 0;
    lop_network_free(pruned);
    return status;
}

static void tell(const lop_hooks *hooks, const lop_network *network, const lop_sensitivity *scan,
                 size_t done)
{
    const lop_sensitivity_point *point = &scan->point[done - 1];
    const lop_progress progress = {.what = "sensitivity",
                                   .detail = lop_network_layer(network, point->layer)->name,
                                   .step = done,
                                   .steps = scan->layers * scan->steps,
                                   .loss = point->loss,
                                   .accuracy = point->accuracy,
                                   .samples_per_second = (double)NAN,
                                   .seconds_left = (double)NAN};
    lopi_progress(hooks, &progress);
}

lop_status lop_sensitivity_scan(lop_sensitivity *out, const lop_network *network,
                                const lop_sensitivity_options *options, lop_error *error)
{
    lop_sensitivity scan = {0};
    double *list = NULL;
    lop_prune_options prune = options->prune;
    prune.sparsity = 0;
    prune.allocation = LOP_ALLOCATION_UNIFORM;
    prune.list = NULL;
    prune.list_count = 0;
    prune.outcome = NULL;
    lop_status status = check(options, error);
    if (status)
        goto out;
    status = lay_out(&scan, network, &prune, options->sparsity_count, error);
    if (status)
        goto out;
    list = lopi_alloc(scan.layers, sizeof *list);
    if (!list) {
        status = lopi_fail_memory(error, scan.layers * sizeof *list);
        goto out;
    }
    prune.allocation = LOP_ALLOCATION_LIST;
    prune.list = list;
    prune.list_count = scan.layers;
    status = options->measure(options->context, network, &scan.loss, &scan.accuracy, error);
    for (size_t i = 0; i < scan.layers * scan.steps && status == LOP_OK; i++) {
        if (lopi_cancelled(options->hooks)) {
            status = lopi_fail(error, LOP_E_CANCELLED, "the scan was cancelled");
            break;
        }
        scan.point[i].sparsity = options->sparsities[i % scan.steps];
        status =
            measure_point(&scan.point[i], network, options, list, &prune, i / scan.steps, error);
        if (status == LOP_OK)
            tell(options->hooks, network, &scan, i + 1);
    }
out:
    lopi_free(list);
    if (status == LOP_OK)
        *out = scan;
    else
        lop_sensitivity_free(&scan);
    return status;
}

void lop_sensitivity_free(lop_sensitivity *scan)
{
    if (!scan)
        return;
    lopi_free(scan->point);
    *scan = (lop_sensitivity){0};
}

/* Allocation ---------------------------------------------------------------------------------- */

/* The highest sparsity at which a layer alone adds at most `increase` to the loss. */
static double reach(const lop_sensitivity *scan, size_t layer, double increase)
{
    double sparsity = 0, below = 0;
    for (size_t k = 0; k < scan->steps; k++) {
        const lop_sensitivity_point *point = &scan->point[layer * scan->steps + k];
        double above = point->loss - scan->loss;
        if (!isfinite(above))
            return sparsity;
        above = above > below ? above : below;
        if (above > increase)
            return sparsity + (point->sparsity - sparsity) * (increase - below) / (above - below);
        sparsity = point->sparsity;
        below = above;
    }
    return sparsity;
}

/* Each layer's sparsity at an increase; returns the total. */
static double spread(const lop_sensitivity *scan, double increase, double *list)
{
    double removed = 0, items = 0;
    for (size_t l = 0; l < scan->layers; l++) {
        double own = (double)scan->point[l * scan->steps].items;
        list[l] = reach(scan, l, increase);
        removed += list[l] * own;
        items += own;
    }
    return items > 0 ? removed / items : 0;
}

/* Bisect for the increase; a step in the loss is met on a straight line between its two sides. */
static void meet(const lop_sensitivity *scan, double sparsity, double most, double *list,
                 double *other)
{
    double low = 0, high = most, middle = high / 2;
    while (middle > low && middle < high) {
        if (spread(scan, middle, list) < sparsity)
            low = middle;
        else
            high = middle;
        middle = low + (high - low) / 2;
    }
    double least = spread(scan, low, list), greatest = spread(scan, high, other);
    double part = greatest > least ? (sparsity - least) / (greatest - least) : 1;
    for (size_t l = 0; l < scan->layers; l++)
        list[l] += part * (other[l] - list[l]);
}

lop_status lop_sensitivity_allocate(const lop_sensitivity *scan, double sparsity, double *list,
                                    lop_error *error)
{
    if (!(sparsity >= 0 && sparsity < 1))
        return lopi_fail(error, LOP_E_RANGE, "sparsity must be in [0, 1), found %g", sparsity);
    double *found = lopi_alloc(2 * scan->layers + 1, sizeof *found), most = 0;
    if (!found)
        return lopi_fail_memory(error, 2 * scan->layers * sizeof *found);
    for (size_t i = 0; i < scan->layers * scan->steps; i++) {
        double increase = scan->point[i].loss - scan->loss;
        most = isfinite(increase) && increase > most ? increase : most;
    }
    lop_status status = LOP_OK;
    double reached = spread(scan, most, found), for_nothing = spread(scan, 0, found);
    double scale = 1;
    if (sparsity > reached)
        status = lopi_fail(error, LOP_E_RANGE,
                           "the scan reaches a sparsity of %.4f in all, not %g; scan higher ones",
                           reached, sparsity);
    else if (sparsity > for_nothing)
        meet(scan, sparsity, most, found, found + scan->layers);
    else
        scale = for_nothing > 0 ? sparsity / for_nothing : 0;
    for (size_t l = 0; l < scan->layers && status == LOP_OK; l++)
        list[l] = scale * found[l];
    lopi_free(found);
    return status;
}
