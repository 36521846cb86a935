/* Times of kernels and of chains of kernels. Candidates take turns, so that a slow moment of the
 * machine hits all of them, and a low one of the turns counts. */
#include "run/probes.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sorted.h"

enum { LOOKS = 5, LEAST_TURNS = 3, TURNS = 15, MOST_REPETITIONS = 64 };

static const double turn_ns = 60e3;    /* of one candidate; the clock is exact to some 200 */
static const double contest_ns = 20e6; /* of one candidate in all its turns, which are 3 or more */
static const double long_ns = 2e6; /* warming up takes no longer; longer runs do that as they go */
static const double slow = 3; /* a candidate whose first call takes so many times the best is out */

struct lopi_bench {
    const lop_plan *plan;
    lopi_probes probes;
    size_t batch, next; /* next: the variant that is due */
    uint8_t *first;     /* samples as a network's first layer reads them */
    size_t first_bytes;
    uint8_t *y, *turned, *flags;
    void *scratch;
    size_t y_bytes, turned_bytes, scratch_bytes, flags_bytes;
};

lop_status lopi_bench_new(lopi_bench **out, const lop_plan *plan, size_t batch,
                          const lop_plan_samples *samples, lop_error *error)
{
    lopi_bench *bench = lopi_alloc(1, sizeof *bench);
    if (!bench)
        return lopi_fail_memory(error, sizeof *bench);
    *bench = (lopi_bench){.plan = plan, .batch = batch};
    lop_status status = lopi_probes_begin(&bench->probes, plan, batch, samples, error);
    if (status == LOP_OK)
        *out = bench;
    else
        lopi_bench_free(bench);
    return status;
}

void lopi_bench_free(lopi_bench *bench)
{
    if (!bench)
        return;
    lopi_probes_end(&bench->probes);
    lopi_free(bench->first);
    lopi_free(bench->y);
    lopi_free(bench->turned);
    lopi_free(bench->flags);
    lopi_free(bench->scratch);
    lopi_free(bench);
}

static lop_status grow(void **block, size_t *have, size_t wanted, lop_error *error)
{
    if (wanted <= *have)
        return LOP_OK;
    void *grown = lopi_alloc_aligned(wanted, 1);
    if (!grown)
        return lopi_fail_memory(error, wanted);
    lopi_free(*block);
    *block = grown;
    *have = wanted;
    return LOP_OK;
}

/* Room for all that a step needs. */
static lop_status make_ready(lopi_bench *bench, const lopi_laid *step, lop_error *error)
{
    const lop_plan *plan = bench->plan;
    const lopi_packed_layer *layer = &plan->packed->layers[step->layer];
    lopi_layout layout = step->kernel->layout;
    size_t y = lopi_layout_bytes(layout, layer->outputs, lopi_plan_size(plan, step->layer + 1),
                                 bench->batch);
    size_t x =
        lopi_layout_bytes(layout, layer->inputs, lopi_plan_size(plan, step->layer), bench->batch);
    size_t scratch =
        step->kernel->scratch_bytes ? step->kernel->scratch_bytes(step->memory, bench->batch) : 0;
    lop_status status = lopi_probes_make(&bench->probes, step->layer, layout, error);
    if (status == LOP_OK)
        status = grow((void **)&bench->y, &bench->y_bytes, y, error);
    if (status == LOP_OK)
        status = grow((void **)&bench->turned, &bench->turned_bytes, x, error);
    if (status == LOP_OK)
        status = grow(&bench->scratch, &bench->scratch_bytes, scratch, error);
    return status;
}

/* Runs. --------------------------------------------------------------------------------------- */

static void run_step(const lopi_bench *bench, const lopi_laid *step, const void *x)
{
    const lop_plan *plan = bench->plan;
    const lopi_packed_layer *layer = &plan->packed->layers[step->layer];
    const lopi_kernel *kernel = step->kernel;
    const lopi_call call = {
        .prepared = step->memory,
        .x = x,
        .x_stride =
            lopi_layout_stride(kernel->layout, layer->inputs, lopi_plan_size(plan, step->layer)),
        .y = bench->y,
        .y_stride = lopi_layout_stride(kernel->layout, layer->outputs,
                                       lopi_plan_size(plan, step->layer + 1)),
        .samples = bench->batch,
        .last = kernel->parts(step->memory, bench->batch),
        .scratch = bench->scratch,
    };
    kernel->run(&call);
}

/* A layer's output in the layout of the step that reads it. */
static void turn(const lopi_bench *bench, const lopi_laid *from, const lopi_laid *to)
{
    lopi_values y = {bench->y, from->kernel->layout, bench->plan->packed->layers[to->layer].inputs,
                     lopi_plan_size(bench->plan, to->layer), bench->batch};
    lopi_values turned = y;
    turned.layout = to->kernel->layout;
    turned.data = bench->turned;
    lopi_values_relayout(&y, &turned);
}

lop_status lopi_bench_follow(lopi_bench *bench, const lopi_laid *const *steps, lop_error *error)
{
    size_t layers = bench->plan->packed->layer_count;
    for (size_t l = 0; bench->probes.sampled && l + 1 < layers; l++) {
        lop_status status = make_ready(bench, steps[l], error);
        lopi_values y = {bench->y, steps[l]->kernel->layout, bench->plan->packed->layers[l].outputs,
                         lopi_plan_size(bench->plan, l + 1), bench->batch};
        for (size_t v = 0; v < bench->probes.variants && status == LOP_OK; v++) {
            run_step(bench, steps[l], lopi_probes_get(&bench->probes, l, y.layout, v));
            status = lopi_probes_keep(&bench->probes, l + 1, v, &y, error);
        }
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

/* A single sample through all layers, or one of them, each on its own inputs, which are as sparse
 * as on the data that the network was calibrated with: what its own activations would be for
 * made-up samples they are not. Where layouts meet, values are turned as in a run. */
static void run_chain(const lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                      bool network, size_t variant)
{
    for (size_t l = 0; l < count; l++) {
        lopi_layout layout = steps[l]->kernel->layout;
        const void *x = lopi_probes_get(&bench->probes, steps[l]->layer, layout, variant);
        if (l == 0 && network) {
            lopi_input_convert(&bench->plan->input, lopi_probes_source(&bench->probes, variant), 0,
                               bench->batch, layout, bench->first);
            x = bench->first;
        }
        if (l > 0 && steps[l - 1]->kernel->layout.tile != layout.tile)
            turn(bench, steps[l - 1], steps[l]);
        run_step(bench, steps[l], x);
    }
}

/* Through a whole network as a run computes it. Of made-up samples only batches go that way: how
 * many activations are zero matters little there, and where they lie in the caches much. */
static void run_network(const lopi_bench *bench, const lopi_laid *const *steps, size_t variant)
{
    const lopi_class class = {.batch = bench->batch, .steps = (const lopi_laid **)(uintptr_t)steps};
    const lopi_room room = {{bench->first, bench->turned}, bench->scratch, bench->flags};
    lopi_run_piece(bench->plan, &class, lopi_probes_source(&bench->probes, variant), bench->batch,
                   (float *)(void *)bench->y, &room);
}

static void run_one(const lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                    bool network, size_t variant)
{
    if (network && (bench->batch > 1 || bench->probes.sampled))
        run_network(bench, steps, variant);
    else
        run_chain(bench, steps, count, network, variant);
}

/* `warming` runs bring the weights into the caches, where others' lie; they count for nothing. */
static double time_chain(lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                         bool network, size_t warming, size_t repetitions)
{
    for (size_t i = 0; i < warming; i++)
        run_one(bench, steps, count, network, bench->next++ % bench->probes.variants);
    double before = lopi_clock_thread_seconds();
    for (size_t i = 0; i < repetitions; i++)
        run_one(bench, steps, count, network, bench->next++ % bench->probes.variants);
    return 1e9 * (lopi_clock_thread_seconds() - before) / (double)repetitions;
}

/* About how long a chain takes: the least of some calls, lest one that was disturbed is out of the
 * contest for it. What takes long is called once. */
static double first_look(lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                         bool network)
{
    double least = time_chain(bench, steps, count, network, 1, 1);
    for (size_t i = 1; i < LOOKS && least < long_ns; i++) {
        double ns = time_chain(bench, steps, count, network, 0, 1);
        least = ns < least ? ns : least;
    }
    return least;
}

/* One chain among those that are compared. */
typedef struct contender {
    const lopi_laid *const *steps;
    double ns, times[TURNS];
    size_t warming, repetitions; /* runs a turn; none: out */
} contender;

/* All variants, as often as fits: a turn's inputs are those of every other turn, and each has been
 * met before, so that what any of them reads is in the caches as it is after a while. */
static void plan_turn(contender *c, size_t variants)
{
    double wanted = turn_ns / c->ns,
           most = long_ns / c->ns; /* infinite where the clock is coarse */
    size_t all = most < (double)variants ? (size_t)most : variants;
    size_t runs = wanted < MOST_REPETITIONS ? (size_t)wanted : MOST_REPETITIONS;
    c->warming = all;
    c->repetitions = all == 0 ? 1 : runs < all ? all : runs / all * all;
}

static lop_status compete(lopi_bench *bench, contender *list, size_t count, size_t layers,
                          bool network, lop_error *error)
{
    double best = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t l = 0; l < layers; l++) {
            lop_status status = make_ready(bench, list[i].steps[l], error);
            if (status != LOP_OK)
                return status;
        }
        list[i].ns = first_look(bench, list[i].steps, layers, network);
        best = i == 0 || list[i].ns < best ? list[i].ns : best;
    }
    size_t turns = TURNS;
    for (size_t i = 0; i < count; i++) {
        if (list[i].ns > slow * best)
            continue;
        plan_turn(&list[i], bench->probes.variants);
        double turn = (double)(list[i].repetitions + list[i].warming) * list[i].ns;
        while (turns > LEAST_TURNS && (double)turns * turn > contest_ns)
            turns--;
    }
    for (size_t turn = 0; turn < turns; turn++)
        for (size_t i = 0; i < count; i++)
            if (list[i].repetitions > 0)
                list[i].times[turn] = time_chain(bench, list[i].steps, layers, network,
                                                 list[i].warming, list[i].repetitions);
    for (size_t i = 0; i < count; i++)
        if (list[i].repetitions > 0) {
            lopi_sort_numbers(list[i].times, turns);
            /* Whatever disturbs makes slower: the lower times say more than the median. */
            list[i].ns = list[i].times[turns / 8];
        }
    return LOP_OK;
}

lop_status lopi_bench_networks(lopi_bench *bench, const lopi_laid *const *const *steps, double *ns,
                               size_t count, lop_error *error)
{
    contender *list = lopi_alloc(count, sizeof *list);
    if (!list)
        return lopi_fail_memory(error, count * sizeof *list);
    const lop_packed *packed = bench->plan->packed;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        list[i].steps = steps[i];
        for (size_t l = 0; l < packed->layer_count; l++) {
            size_t bytes = lopi_plan_buffer(bench->plan, steps[i][l], bench->batch);
            most = bytes > most ? bytes : most;
        }
    }
    lop_status status = grow((void **)&bench->first, &bench->first_bytes, most, error);
    if (status == LOP_OK)
        status = grow((void **)&bench->turned, &bench->turned_bytes, most, error);
    if (status == LOP_OK)
        status = grow((void **)&bench->flags, &bench->flags_bytes, bench->batch, error);
    if (status == LOP_OK)
        status = compete(bench, list, count, packed->layer_count, true, error);
    for (size_t i = 0; i < count && status == LOP_OK; i++)
        ns[i] = list[i].ns;
    lopi_free(list);
    return status;
}

lop_status lopi_bench_layer(lopi_bench *bench, const lopi_laid *const *laid, lopi_option *option,
                            size_t count, lop_error *error)
{
    contender *list = lopi_alloc(count, sizeof *list);
    if (!list)
        return lopi_fail_memory(error, count * sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i].steps = &laid[i];
    lop_status status = compete(bench, list, count, 1, false, error);
    for (size_t i = 0; i < count && status == LOP_OK; i++)
        option[i].ns = list[i].ns;
    lopi_free(list);
    return status;
}
