#include <lop/experiment.h>

#include <math.h>

#include "experiment/stage.h"
#include "experiment/sweep.h"

/* What a thread more is worth within one training, against a training of its own: two threads make
 * one 1.2 to 1.8 times as fast, the smaller the network the less. */
static const double thread_share = 0.75;
/* Evaluating, counting and compressing a point, in epochs. */
static const double measuring_epochs = 0.2;

/* Epochs that a point trains by itself, the dense network's not among them. */
static double point_epochs(const lop_recipe *recipe, const lop_stage *way, double sparsity)
{
    double epochs = (double)recipe->recovery.epochs + measuring_epochs;
    bool lottery = lopi_stage_is_lottery(way);
    if (sparsity > 0 && (lottery || recipe->prune_while_training))
        epochs += (double)recipe->train.epochs * (lottery ? (double)way->rounds + 1 : 1);
    return epochs;
}

size_t lop_sweep_jobs(const lop_recipe *recipe, size_t threads)
{
    lop_stage way;
    double seeds = (double)recipe->seed_count, points = 0, longest = 0;
    bool dense = false;
    for (size_t w = 0; lopi_way_at(recipe, w, &way); w++)
        for (size_t k = 0; k < lopi_way_sparsities(recipe, &way); k++) {
            double sparsity = lopi_way_sparsity(recipe, &way, k);
            double epochs = point_epochs(recipe, &way, sparsity);
            points += epochs;
            longest = fmax(longest, epochs);
            dense = dense || sparsity == 0 ||
                    !(recipe->prune_while_training || lopi_stage_is_lottery(&way));
        }
    double training = dense ? (double)recipe->train.epochs : 0, count = (double)threads;
    double alone = seeds * (training + points) / fmax(1, thread_share * count);
    double together = ceil(seeds / count) * training + fmax(longest, seeds * points / count);
    size_t most = threads < LOPI_MOST_JOBS ? threads : LOPI_MOST_JOBS;
    return threads > 1 && together < alone ? most : 1;
}

size_t lopi_jobs_choose(const lopi_sweep *s, size_t threads)
{
    const lop_results *results = &s->directory.results;
    if (s->options->jobs > 0)
        return s->options->jobs;
    /* What was begun goes on with as many threads for each training, whatever was added to it. */
    if (results->count > 0 && results->items[0].has_machine && threads > 1)
        return results->items[0].machine.threads == 1
                   ? (threads < LOPI_MOST_JOBS ? threads : LOPI_MOST_JOBS)
                   : 1;
    return lop_sweep_jobs(s->recipe, threads);
}
