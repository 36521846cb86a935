/* Which kernel computes which layer. A layer's time is that of its kernel and of bringing its input
 * into the kernel's layout, so a chain of layers is a shortest path; measured plans are then tried
 * as a whole, change by change, since layers share the caches. */
#include "run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* A candidate that is expected to take so many times as long as the best is not looked at. */
static const double hopeless = 12;
/* Networks of one kernel are tried up to so many times the sum of the best of each layer. */
static const double near_network = 3;
/* A change must save this share to be taken: less is noise. */
static const double worth_it = 0.03;

double lopi_relayout_ns(lopi_layout from, lopi_layout to, size_t features, size_t size,
                        size_t samples)
{
    if (from.tile == to.tile)
        return 0;
    double elements = (double)features * (double)samples;
    return 50 + elements * (size == 1 ? 0.4 : 0.8);
}

/* Choices of one class while they are made. */
typedef struct choosing {
    lop_plan *plan;
    const lopi_layers *layers;
    lopi_class *class;
    lopi_options *options; /* [layers] */
    lopi_bench *bench;     /* NULL: guess */
} choosing;

static bool possible(const lop_plan *plan, const lopi_kernel *kernel, const lopi_layer *layer)
{
    return kernel->arithmetic == plan->arithmetic && lopi_isa_has(plan->isa, kernel->isa) &&
           (!plan->dense || kernel->operation == LOPI_DENSE) && lopi_plan_allows(plan, kernel) &&
           (!kernel->fits || kernel->fits(layer));
}

static bool eligible(const lop_plan *plan, const lopi_kernel *kernel, const lopi_layer *layer)
{
    bool only = plan->only && possible(plan, plan->only, layer);
    return only ? kernel == plan->only : possible(plan, kernel, layer);
}

static int compare_options(const void *a, const void *b)
{
    double x = ((const lopi_option *)a)->ns, y = ((const lopi_option *)b)->ns;
    return (x > y) - (x < y);
}

/* Kernels that can compute a layer, with their guesses, the fastest first; the hopeless left out.
 */
static lop_status list_options(const choosing *c, size_t layer, lop_error *error)
{
    lopi_options *options = &c->options[layer];
    size_t kernels = 0;
    while (lopi_kernel_at(kernels))
        kernels++;
    options->option = lopi_alloc(kernels, sizeof *options->option);
    if (!options->option)
        return lopi_fail_memory(error, kernels * sizeof *options->option);
    const lopi_layer *view = &c->layers->layer[layer];
    for (size_t i = 0; i < kernels; i++) {
        const lopi_kernel *kernel = lopi_kernel_at(i);
        if (eligible(c->plan, kernel, view))
            options->option[options->count++] =
                (lopi_option){kernel, kernel->cost_ns(view, c->class->batch)};
    }
    if (options->count == 0)
        return lopi_fail(error, LOP_E_INTERNAL, "no kernel computes layer %zu", layer);
    qsort(options->option, options->count, sizeof *options->option, compare_options);
    while (options->option[options->count - 1].ns > hopeless * options->option[0].ns)
        options->count--;
    return LOP_OK;
}

static lop_status measure_options(const choosing *c, size_t layer, lop_error *error)
{
    lopi_options *options = &c->options[layer];
    const lopi_laid **laid = lopi_alloc(options->count, sizeof *laid);
    if (!laid)
        return lopi_fail_memory(error, options->count * sizeof *laid);
    lop_status status = LOP_OK;
    for (size_t i = 0; i < options->count && status == LOP_OK; i++)
        status =
            lopi_plan_lay(c->plan, c->layers, layer, options->option[i].kernel, &laid[i], error);
    if (status == LOP_OK)
        status = lopi_bench_layer(c->bench, laid, options->option, options->count, error);
    lopi_free(laid);
    if (status == LOP_OK)
        qsort(options->option, options->count, sizeof *options->option, compare_options);
    return status;
}

static double turn_ns(const choosing *c, size_t layer, const lopi_kernel *before,
                      const lopi_kernel *kernel)
{
    return lopi_relayout_ns(before->layout, kernel->layout, c->layers->layer[layer].inputs,
                            lopi_plan_size(c->plan, layer), c->class->batch);
}

/* The shortest path through the options: picked [layers] are indices into them. */
static lop_status shortest_path(const choosing *c, size_t *picked, double *total, lop_error *error)
{
    typedef struct node {
        double ns;
        size_t before;
    } node;
    size_t layers = c->layers->count, start = 0;
    for (size_t l = 0; l < layers; l++)
        start += c->options[l].count;
    node *nodes = lopi_alloc(start, sizeof *nodes);
    if (!nodes)
        return lopi_fail_memory(error, start * sizeof *nodes);
    node *last = nodes;
    for (size_t o = 0; o < c->options[0].count; o++)
        last[o] = (node){c->options[0].option[o].ns, 0};
    for (size_t l = 1; l < layers; l++) {
        const lopi_options *before = &c->options[l - 1];
        node *here = last + before->count;
        for (size_t o = 0; o < c->options[l].count; o++) {
            const lopi_option *option = &c->options[l].option[o];
            for (size_t b = 0; b < before->count; b++) {
                double ns = last[b].ns + option->ns +
                            turn_ns(c, l, before->option[b].kernel, option->kernel);
                if (b == 0 || ns < here[o].ns)
                    here[o] = (node){ns, b};
            }
        }
        last = here;
    }
    size_t best = 0;
    for (size_t o = 1; o < c->options[layers - 1].count; o++)
        if (last[o].ns < last[best].ns)
            best = o;
    *total = last[best].ns;
    for (size_t l = layers; l-- > 0;) {
        picked[l] = best;
        best = last[best].before;
        if (l > 0)
            last -= c->options[l - 1].count;
    }
    lopi_free(nodes);
    return LOP_OK;
}

static lop_status take_steps(const choosing *c, const size_t *picked, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t l = 0; l < c->layers->count && status == LOP_OK; l++)
        status = lopi_plan_lay(c->plan, c->layers, l, c->options[l].option[picked[l]].kernel,
                               &c->class->steps[l], error);
    return status;
}

/* Whole networks to choose from before single layers are changed: the shortest path, and for each
 * kernel the network that has it wherever that is possible. Times of layers alone mislead where
 * they share the caches, so the promise is kept by measuring what it is about. */
static lop_status list_networks(const choosing *c, const lopi_laid ***out, size_t *count,
                                lop_error *error)
{
    enum { MOST_KERNELS = 64 };
    const lopi_kernel *kernels[MOST_KERNELS];
    size_t layers = c->layers->count, found = 0;
    for (size_t l = 0; l < layers; l++)
        for (size_t o = 0; o < c->options[l].count; o++) {
            size_t at = 0;
            while (at < found && kernels[at] != c->options[l].option[o].kernel)
                at++;
            if (at == found && found < MOST_KERNELS)
                kernels[found++] = c->options[l].option[o].kernel;
        }
    const lopi_laid **list = lopi_alloc((found + 1) * layers, sizeof *list);
    if (!list)
        return lopi_fail_memory(error, (found + 1) * layers * sizeof *list);
    *out = list;
    memcpy(list, c->class->steps, layers * sizeof *list);
    *count = 1;
    for (size_t k = 0; k < found; k++) {
        double own = 0, best = 0;
        const lopi_laid **steps = list + *count * layers;
        for (size_t l = 0; l < layers; l++) {
            const lopi_options *options = &c->options[l];
            size_t o = 0;
            while (o < options->count && options->option[o].kernel != kernels[k])
                o++;
            own += options->option[o < options->count ? o : 0].ns;
            best += options->option[0].ns;
            steps[l] = c->class->steps[l];
            lop_status status = o == options->count ? LOP_OK
                                                    : lopi_plan_lay(c->plan, c->layers, l,
                                                                    kernels[k], &steps[l], error);
            if (status != LOP_OK)
                return status;
        }
        *count += own < near_network * best;
    }
    return LOP_OK;
}

/* The fastest of some networks becomes that of the class. Those that are near it run again, among
 * themselves: the least of many times is one that luck made small. The first one, of several
 * kernels, must be worth it against the others, of one kernel each. */
static lop_status elect(const choosing *c, const lopi_laid *const **list, double *ns, size_t count,
                        lop_error *error)
{
    static const double near = 1.1;
    const lopi_laid *const *mixed = list[0];
    lop_status status = LOP_OK;
    for (size_t round = 0; round < 2 && status == LOP_OK; round++) {
        status = lopi_bench_networks(c->bench, list, ns, count, error);
        double least = ns[0];
        for (size_t i = 1; i < count; i++)
            least = ns[i] < least ? ns[i] : least;
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            if (ns[i] < near * least) {
                ns[kept] = ns[i];
                list[kept++] = list[i];
            }
        count = kept;
    }
    size_t best = 0;
    double bar = list[0] == mixed ? ns[0] / (1 - worth_it) : ns[0];
    for (size_t i = 1; i < count; i++)
        if (ns[i] < bar) {
            best = i;
            bar = ns[i];
        }
    if (status == LOP_OK) {
        c->class->ns = ns[best];
        memmove(c->class->steps, list[best], c->layers->count * sizeof *c->class->steps);
    }
    return status;
}

static lop_status choose_network(const choosing *c, lop_error *error)
{
    size_t layers = c->layers->count, count = 0;
    const lopi_laid **list = NULL;
    const lopi_laid *const **networks = NULL;
    double *ns = NULL;
    lop_status status = list_networks(c, &list, &count, error);
    if (status != LOP_OK)
        goto out;
    networks = lopi_alloc(count, sizeof *networks);
    ns = lopi_alloc(count, sizeof *ns);
    if (!networks || !ns) {
        status = lopi_fail_memory(error, count * sizeof *networks);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        networks[i] = list + i * layers;
    status = elect(c, networks, ns, count, error);
out:
    lopi_free(list);
    lopi_free(networks);
    lopi_free(ns);
    return status;
}

/* Whether a network is worth taking instead of the class's, twice: of many that are tried, luck
 * alone makes some look better once. */
static lop_status is_better(const choosing *c, const lopi_laid *const *trial, bool *better,
                            lop_error *error)
{
    const lopi_laid *const *const both[] = {c->class->steps, trial};
    for (size_t round = 0; round < 2 && *better; round++) {
        double ns[2];
        lop_status status = lopi_bench_networks(c->bench, both, ns, 2, error);
        if (status != LOP_OK)
            return status;
        *better = ns[1] < (1 - worth_it) * ns[0];
    }
    return LOP_OK;
}

/* Change each layer of a measured class once, where that makes the whole network faster. Only
 * what is near the best by itself is tried. */
static lop_status refine(const choosing *c, lop_error *error)
{
    static const double near = 1.5;
    size_t layers = c->layers->count;
    const lopi_laid **trial = lopi_alloc(layers, sizeof *trial);
    if (!trial)
        return lopi_fail_memory(error, layers * sizeof *trial);
    lop_status status = LOP_OK;
    for (size_t l = 0; l < layers; l++) {
        const lopi_options *options = &c->options[l];
        for (size_t o = 0;
             o < options->count && options->option[o].ns < near * options->option[0].ns; o++) {
            if (options->option[o].kernel == c->class->steps[l]->kernel)
                continue;
            for (size_t i = 0; i < layers; i++)
                trial[i] = c->class->steps[i];
            status =
                lopi_plan_lay(c->plan, c->layers, l, options->option[o].kernel, &trial[l], error);
            bool better = true;
            if (status == LOP_OK)
                status = is_better(c, trial, &better, error);
            if (status != LOP_OK)
                goto out;
            if (better)
                c->class->steps[l] = trial[l];
        }
    }
out:
    lopi_free(trial);
    return status;
}

static size_t laid_bytes(const lop_plan *plan, size_t layer, const lopi_kernel *kernel)
{
    for (size_t i = 0; i < plan->laid_count; i++)
        if (plan->laid[i]->kernel == kernel && plan->laid[i]->layer == layer)
            return plan->laid[i]->bytes;
    return 0;
}

/* What was looked at, for showing. */
static lop_status keep_candidates(const choosing *c, lop_error *error)
{
    for (size_t l = 0; l < c->layers->count; l++) {
        const lopi_options *options = &c->options[l];
        lop_plan_candidate *list = lopi_alloc(options->count, sizeof *list);
        if (!list)
            return lopi_fail_memory(error, options->count * sizeof *list);
        for (size_t o = 0; o < options->count; o++)
            list[o] = (lop_plan_candidate){
                .kernel = options->option[o].kernel->name,
                .ns = options->option[o].ns,
                .bytes = laid_bytes(c->plan, l, options->option[o].kernel),
            };
        c->class->candidates[l] = list;
        c->class->candidate_counts[l] = options->count;
    }
    return LOP_OK;
}

static lop_status choose_class(const choosing *c, lop_error *error)
{
    size_t layers = c->layers->count;
    size_t *picked = lopi_alloc(layers, sizeof *picked); /* at first the first of each layer */
    lop_status status = picked ? LOP_OK : lopi_fail_memory(error, layers * sizeof *picked);
    for (size_t l = 0; l < layers && status == LOP_OK; l++)
        status = list_options(c, l, error);
    if (status == LOP_OK && c->bench)
        status = take_steps(c, picked, error);
    if (status == LOP_OK && c->bench)
        status = lopi_bench_follow(c->bench, c->class->steps, error);
    for (size_t l = 0; l < layers && status == LOP_OK && c->bench; l++)
        status = measure_options(c, l, error);
    if (status == LOP_OK)
        status = shortest_path(c, picked, &c->class->ns, error);
    if (status == LOP_OK)
        status = take_steps(c, picked, error);
    if (status == LOP_OK && c->bench)
        status = choose_network(c, error);
    if (status == LOP_OK && c->bench)
        status = refine(c, error);
    /* Against the same networks once more, which keeps the promise whatever the changes rested on.
     */
    if (status == LOP_OK && c->bench)
        status = choose_network(c, error);
    if (status == LOP_OK)
        status = keep_candidates(c, error);
    lopi_free(picked);
    return status;
}

lop_status lopi_plan_choose(lop_plan *plan, const lopi_layers *layers,
                            const lop_plan_options *options, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; i < plan->class_count && status == LOP_OK; i++) {
        choosing c = {plan, layers, &plan->classes[i], NULL, NULL};
        c.options = lopi_alloc(layers->count, sizeof *c.options);
        if (!c.options)
            return lopi_fail_memory(error, layers->count * sizeof *c.options);
        if (options->measure)
            status = lopi_bench_new(&c.bench, plan, c.class->batch, &options->samples, error);
        if (status == LOP_OK)
            status = choose_class(&c, error);
        lopi_bench_free(c.bench);
        for (size_t l = 0; l < layers->count; l++)
            lopi_free(c.options[l].option);
        lopi_free(c.options);
    }
    return status;
}
