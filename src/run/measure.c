/* Times of kernels and of chains of kernels, on inputs that have zeros where the network's have:
 * kernels that skip inputs depend on it. Candidates take turns, so that a slow moment of the
 * machine hits all of them, and a low one of the turns counts. */
#include "run/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sorted.h"

enum {
    FIRST_RUN = 4,
    MOST_LAYOUTS = 5,
    LOOKS = 5,
    LEAST_TURNS = 3,
    TURNS = 15,
    MOST_VARIANTS = 16,
    MOST_REPETITIONS = 64
};

static const size_t tiles[MOST_LAYOUTS] = {0, 8, 16, 32, 64};
static const double turn_ns = 60e3;    /* of one candidate; the clock is exact to some 200 */
static const double contest_ns = 20e6; /* of one candidate in all its turns, which are 3 or more */
static const double long_ns = 2e6;     /* a run that takes longer does that as it goes */
static const double slow = 3; /* a candidate whose first call takes so many times the best is out */

/* One layer's inputs in one layout; several variants, lest the CPU learns them by heart. */
typedef struct inputs {
    uint8_t *data; /* [variants][bytes] */
    size_t bytes;
} inputs;

struct lopi_bench {
    const lop_plan *plan;
    size_t batch, variants, next;  /* next: the variant that is due */
    inputs (*input)[MOST_LAYOUTS]; /* [layers] */
    uint8_t *source; /* [variants][batch][inputs of the network] in bytes, of whole networks */
    uint8_t *first;  /* the same, one of them, as its first layer reads it */
    size_t source_bytes, first_bytes;
    uint8_t *y, *turned, *flags;
    void *scratch;
    size_t y_bytes, turned_bytes, scratch_bytes, flags_bytes;
};

lop_status lopi_bench_new(lopi_bench **out, const lop_plan *plan, size_t batch, lop_error *error)
{
    lopi_bench *bench = lopi_alloc(1, sizeof *bench);
    size_t layers = plan->packed->layer_count;
    if (!bench)
        return lopi_fail_memory(error, sizeof *bench);
    *bench = (lopi_bench){.plan = plan, .batch = batch, .variants = batch <= 8 ? MOST_VARIANTS : 1};
    bench->input = lopi_alloc(layers, sizeof *bench->input);
    if (!bench->input) {
        lopi_free(bench);
        return lopi_fail_memory(error, layers * sizeof *bench->input);
    }
    *out = bench;
    return LOP_OK;
}

void lopi_bench_free(lopi_bench *bench)
{
    if (!bench)
        return;
    for (size_t l = 0; l < bench->plan->packed->layer_count; l++)
        for (size_t i = 0; i < MOST_LAYOUTS; i++)
            lopi_free(bench->input[l][i].data);
    lopi_free(bench->input);
    lopi_free(bench->source);
    lopi_free(bench->first);
    lopi_free(bench->y);
    lopi_free(bench->turned);
    lopi_free(bench->flags);
    lopi_free(bench->scratch);
    lopi_free(bench);
}

/* Inputs. ------------------------------------------------------------------------------------- */

/* A small generator: what is drawn decides times, never results. */
static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/*
 * Zeros as networks have them. Some units fire for nearly every sample and many for hardly any: how
 * often is u^(1 / density − 1) for u even in 0 … 1, whose mean is the density. In what the network
 * reads, neighbours are alike: pixels of a border, and of a stroke. `run` neighbours share their
 * fate. Kernels that skip zeros depend on it, by what they skip and by what stays in the caches.
 */
static void draw_values(const lopi_values *values, float density, size_t run, uint32_t layer,
                        uint32_t variant)
{
    double exponent = density > 0 && density < 1 ? 1 / (double)density - 1 : 0;
    uint32_t units = 2463534242u + 97 * layer, samples = units + 7919 * (variant + 1);
    for (size_t f = 0; f < values->features; f += run) {
        double rate = pow((double)draw(&units) / UINT32_MAX, exponent);
        uint32_t threshold = (uint32_t)(rate * UINT32_MAX);
        for (size_t s = 0; s < values->samples; s++) {
            bool zero = draw(&samples) > threshold;
            for (size_t i = f; i < f + run && i < values->features; i++) {
                uint32_t drawn = 1 + draw(&samples) % 127;
                void *at = lopi_values_at(values, i, s);
                if (values->size == 1)
                    *(uint8_t *)at = (uint8_t)(zero ? 0 : drawn);
                else
                    *(float *)at = zero ? 0 : (float)drawn / 64;
            }
        }
    }
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

/* Inputs of a layer in a layout: drawn as rows, and turned. */
static lop_status make_inputs(lopi_bench *bench, size_t layer, size_t slot, lop_error *error)
{
    const lopi_packed_layer *packed = &bench->plan->packed->layers[layer];
    inputs *in = &bench->input[layer][slot];
    if (in->data)
        return LOP_OK;
    lopi_values values = {.layout = {(uint32_t)tiles[slot]},
                          .features = packed->inputs,
                          .size = lopi_plan_size(bench->plan, layer),
                          .samples = bench->batch};
    size_t bytes = lopi_layout_bytes(values.layout, values.features, values.size, values.samples);
    uint8_t *data = lopi_alloc_aligned(bench->variants, bytes);
    if (!data)
        return lopi_fail_memory(error, bench->variants * bytes);
    float density = packed->input_density > 0 ? packed->input_density : 1;
    for (size_t v = 0; v < bench->variants; v++) {
        values.data = data + v * bytes;
        draw_values(&values, density, layer == 0 ? FIRST_RUN : 1, (uint32_t)layer, (uint32_t)v);
    }
    *in = (inputs){data, bytes};
    return LOP_OK;
}

/* Samples as callers have them, for whole networks: bytes. */
static lop_status make_source(lopi_bench *bench, lop_error *error)
{
    const lop_packed *packed = bench->plan->packed;
    if (bench->source)
        return LOP_OK;
    lop_status status = grow((void **)&bench->source, &bench->source_bytes,
                             bench->variants * bench->batch * packed->inputs, error);
    float density = packed->layers[0].input_density;
    for (size_t v = 0; v < bench->variants && status == LOP_OK; v++)
        for (size_t s = 0; s < bench->batch; s++) {
            lopi_values one = {.data = bench->source + (v * bench->batch + s) * packed->inputs,
                               .features = packed->inputs,
                               .size = 1,
                               .samples = 1};
            draw_values(&one, density > 0 ? density : 1, FIRST_RUN, 0,
                        (uint32_t)(v * bench->batch + s));
        }
    return status;
}

static lopi_source source_of(const lopi_bench *bench, size_t variant)
{
    return (lopi_source){.bytes =
                             bench->source + variant * bench->batch * bench->plan->packed->inputs};
}

static size_t slot_of(lopi_layout layout)
{
    size_t slot = 0;
    while (slot + 1 < MOST_LAYOUTS && tiles[slot] != layout.tile)
        slot++;
    return slot;
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
    lop_status status = make_inputs(bench, step->layer, slot_of(layout), error);
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

/* A single sample through all layers, each on its own inputs, which are as sparse as on the data
 * that the network was calibrated with: what its own activations would be for made-up samples they
 * are not. Where layouts meet, values are turned as in a run. */
static void run_chain(const lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                      size_t variant)
{
    bool whole = count == bench->plan->packed->layer_count && bench->source;
    for (size_t l = 0; l < count; l++) {
        lopi_layout layout = steps[l]->kernel->layout;
        const inputs *in = &bench->input[steps[l]->layer][slot_of(layout)];
        const void *x = in->data + variant * in->bytes;
        if (l == 0 && whole) {
            lopi_input_convert(&bench->plan->input, source_of(bench, variant), 0, bench->batch,
                               layout, bench->first);
            x = bench->first;
        }
        if (l > 0 && steps[l - 1]->kernel->layout.tile != layout.tile) {
            lopi_layout before = steps[l - 1]->kernel->layout;
            size_t size = lopi_plan_size(bench->plan, l);
            lopi_values from = {bench->y, before, bench->plan->packed->layers[l].inputs, size,
                                bench->batch};
            lopi_values to = from;
            to.layout = layout;
            to.data = bench->turned;
            lopi_values_relayout(&from, &to);
        }
        run_step(bench, steps[l], x);
    }
}

/* Batches through a whole network as a run computes them. How many activations are zero matters
 * little there, and where they lie in the caches much. */
static void run_network(const lopi_bench *bench, const lopi_laid *const *steps, size_t variant)
{
    const lopi_class class = {.batch = bench->batch, .steps = (const lopi_laid **)(uintptr_t)steps};
    const lopi_room room = {{bench->first, bench->turned}, bench->scratch, bench->flags};
    lopi_run_piece(bench->plan, &class, source_of(bench, variant), bench->batch,
                   (float *)(void *)bench->y, &room);
}

static void run_one(const lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                    bool network, size_t variant)
{
    if (network && bench->batch > 1)
        run_network(bench, steps, variant);
    else
        run_chain(bench, steps, count, variant);
}

/* `warming` runs bring the weights into the caches, where others' lie; they count for nothing. */
static double time_chain(lopi_bench *bench, const lopi_laid *const *steps, size_t count,
                         bool network, size_t warming, size_t repetitions)
{
    for (size_t i = 0; i < warming; i++)
        run_one(bench, steps, count, network, bench->next++ % bench->variants);
    double before = lopi_clock_thread_seconds();
    for (size_t i = 0; i < repetitions; i++)
        run_one(bench, steps, count, network, bench->next++ % bench->variants);
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
        double wanted = turn_ns / list[i].ns;
        list[i].repetitions = wanted < 1                  ? 1
                              : wanted > MOST_REPETITIONS ? MOST_REPETITIONS
                                                          : (size_t)wanted;
        list[i].warming = list[i].ns < long_ns;
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
    lop_status status = make_source(bench, error);
    if (status == LOP_OK)
        status = grow((void **)&bench->first, &bench->first_bytes, most, error);
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
