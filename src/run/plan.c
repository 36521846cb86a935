#include "run/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/kernels/float_mode.h"

enum { MAX_BATCH = 4096, MAX_THREADS = 256, DEFAULT_BATCH = 512 };

static const size_t class_batches[] = {1, 8, 32, 128, 512};

/* Options. ------------------------------------------------------------------------------------ */

const char *lop_run_isa(size_t index)
{
    lopi_isa widest = lopi_isa_detect();
    for (size_t isa = 0; isa < LOPI_ISA_COUNT; isa++)
        if (lopi_isa_has(widest, (lopi_isa)isa) && index-- == 0)
            return lopi_isa_name(isa);
    return NULL;
}

static lop_status find_isa(const char *name, lopi_isa *out, lop_error *error)
{
    lopi_isa widest = lopi_isa_detect();
    if (!name) {
        *out = widest;
        return LOP_OK;
    }
    for (size_t isa = 0; isa < LOPI_ISA_COUNT; isa++) {
        if (strcmp(lopi_isa_name(isa), name) != 0)
            continue;
        if (!lopi_isa_has(widest, (lopi_isa)isa))
            return lopi_fail(error, LOP_E_UNSUPPORTED,
                             "this machine has no %s; its widest instruction set is %s", name,
                             lopi_isa_name(widest));
        *out = (lopi_isa)isa;
        return LOP_OK;
    }
    return lopi_fail(error, LOP_E_NAME, "unknown instruction set '%.40s'; this machine has %s",
                     name, lopi_isa_name(widest));
}

static lop_status find_arithmetic(const lop_packed *packed, lop_run_precision precision,
                                  lopi_arithmetic *out, lop_error *error)
{
    if (precision != LOP_RUN_AUTO && precision != LOP_RUN_INT8) {
        *out = LOPI_F32;
        return LOP_OK;
    }
    lop_error why = {0};
    lop_status status = lopi_layers_check_int8(packed, &why);
    if (status != LOP_OK && precision == LOP_RUN_INT8)
        return lopi_fail(error, status, "%s", why.text);
    *out = status == LOP_OK ? LOPI_I8 : LOPI_F32;
    return LOP_OK;
}

static lop_status check_options(const lop_plan_options *options, lop_error *error)
{
    if (options->max_batch > MAX_BATCH)
        return lopi_fail(error, LOP_E_RANGE, "expected batches of 1 to %d samples, found %zu",
                         MAX_BATCH, options->max_batch);
    if (options->min_batch > (options->max_batch ? options->max_batch : DEFAULT_BATCH))
        return lopi_fail(error, LOP_E_RANGE,
                         "the smallest batch to plan for, %zu, is above the largest",
                         options->min_batch);
    if (options->threads > MAX_THREADS)
        return lopi_fail(error, LOP_E_RANGE, "expected 1 to %d threads, found %zu", MAX_THREADS,
                         options->threads);
    if ((unsigned)options->precision > LOP_RUN_FP16)
        return lopi_fail(error, LOP_E_RANGE, "unknown precision %d", (int)options->precision);
    const lop_plan_samples *samples = &options->samples;
    if ((samples->bytes || samples->floats) != (samples->count > 0) ||
        (samples->bytes && samples->floats))
        return lopi_fail(error, LOP_E_ARG,
                         "expected samples as bytes or as floats, and how many there are");
    if (options->kernel && options->saved)
        return lopi_fail(error, LOP_E_ARG, "a saved plan has its kernels: leave out '%.40s'",
                         options->kernel);
    return LOP_OK;
}

/* Making. ------------------------------------------------------------------------------------- */

size_t lopi_plan_size(const lop_plan *plan, size_t layer)
{
    bool bytes = plan->arithmetic == LOPI_I8 && layer < plan->packed->layer_count;
    return bytes ? 1 : sizeof(float);
}

static lop_status lay_out(lopi_laid *laid, lopi_store *store, const lopi_layers *layers,
                          lop_error *error)
{
    laid->memory = lopi_store_take(store, laid->bytes);
    if (!laid->memory)
        return lopi_fail_memory(error, laid->bytes);
    laid->kernel->prepare(&layers->layer[laid->layer], laid->memory);
    return LOP_OK;
}

/* A kernel that keeps things elsewhere: not to be made twice. */
static lop_status begin(lopi_laid *laid, const lopi_layers *layers, lop_error *error)
{
    size_t more = 0;
    laid->memory = lopi_alloc_aligned(laid->bytes, 1);
    if (!laid->memory)
        return lopi_fail_memory(error, laid->bytes);
    lop_status status =
        laid->kernel->begin(&layers->layer[laid->layer], laid->memory, &more, error);
    laid->bytes += more;
    if (status != LOP_OK)
        lopi_free(laid->memory);
    return status;
}

lop_status lopi_plan_lay(lop_plan *plan, const lopi_layers *layers, size_t layer,
                         const lopi_kernel *kernel, const lopi_laid **out, lop_error *error)
{
    for (size_t i = 0; i < plan->laid_count; i++)
        if (plan->laid[i]->kernel == kernel && plan->laid[i]->layer == layer) {
            *out = plan->laid[i];
            return LOP_OK;
        }
    lopi_laid **grown = lopi_realloc(plan->laid, plan->laid_count + 1, sizeof *grown);
    if (!grown)
        return lopi_fail_memory(error, (plan->laid_count + 1) * sizeof *grown);
    plan->laid = grown;
    lopi_laid *laid = lopi_alloc(1, sizeof *laid);
    if (!laid)
        return lopi_fail_memory(error, sizeof *laid);
    *laid = (lopi_laid){kernel, layer, NULL, kernel->prepare_bytes(&layers->layer[layer])};
    lop_status status = LOP_OK;
    if (kernel->begin)
        status = begin(laid, layers, error);
    else if (plan->trying)
        status = lay_out(laid, &plan->store, layers, error);
    if (status != LOP_OK) {
        lopi_free(laid);
        return status;
    }
    plan->laid[plan->laid_count++] = laid;
    *out = laid;
    return LOP_OK;
}

static void free_laid(lopi_laid *laid)
{
    if (laid->kernel->begin) {
        if (laid->kernel->end)
            laid->kernel->end(laid->memory);
        lopi_free(laid->memory);
    }
    lopi_free(laid);
}

/* What no class uses any more goes; the rest gets the order in which it runs. */
static void drop_unused(lop_plan *plan)
{
    size_t kept = 0;
    for (size_t c = 0; c < plan->class_count; c++)
        for (size_t l = 0; l < plan->packed->layer_count; l++)
            for (size_t i = kept; i < plan->laid_count; i++)
                if (plan->classes[c].steps[l] == plan->laid[i]) {
                    lopi_laid *used = plan->laid[i];
                    plan->laid[i] = plan->laid[kept];
                    plan->laid[kept++] = used;
                    break;
                }
    while (plan->laid_count > kept)
        free_laid(plan->laid[--plan->laid_count]);
}

/* All that is used, in one piece: there, few pages hold it, whichever was laid out first. */
static lop_status settle(lop_plan *plan, const lopi_layers *layers, lop_error *error)
{
    lopi_store store = {0};
    size_t bytes = 0;
    bool fits = true;
    for (size_t i = 0; i < plan->laid_count; i++)
        if (!plan->laid[i]->kernel->begin)
            fits &= lopi_add(bytes, lopi_store_bytes(plan->laid[i]->bytes), &bytes);
    lop_status status =
        fits && lopi_store_reserve(&store, bytes) ? LOP_OK : lopi_fail_memory(error, bytes);
    for (size_t i = 0; i < plan->laid_count && status == LOP_OK; i++)
        if (!plan->laid[i]->kernel->begin)
            status = lay_out(plan->laid[i], &store, layers, error);
    lopi_store_end(&plan->store);
    plan->store = store;
    return status;
}

static lop_status make_classes(lop_plan *plan, const lop_plan_options *options, lop_error *error)
{
    size_t max_batch = options->max_batch ? options->max_batch : DEFAULT_BATCH;
    size_t layers = plan->packed->layer_count;
    plan->classes =
        lopi_alloc(sizeof class_batches / sizeof *class_batches + 1, sizeof *plan->classes);
    if (!plan->classes)
        return lopi_fail_memory(error, sizeof *plan->classes);
    size_t rows = sizeof class_batches / sizeof *class_batches;
    for (size_t i = 0; i <= rows; i++) {
        size_t batch = i < rows && class_batches[i] < max_batch ? class_batches[i] : max_batch;
        if (batch < options->min_batch)
            continue;
        lopi_class *class = &plan->classes[plan->class_count++];
        class->batch = batch;
        class->steps = lopi_alloc(layers, sizeof *class->steps);
        class->candidates = lopi_alloc(layers, sizeof *class->candidates);
        class->candidate_counts = lopi_alloc(layers, sizeof *class->candidate_counts);
        if (!class->steps || !class->candidates || !class->candidate_counts)
            return lopi_fail_memory(error, layers * sizeof *class->steps);
        if (batch == max_batch)
            break;
    }
    return LOP_OK;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

size_t lopi_plan_buffer(const lop_plan *plan, const lopi_laid *step, size_t samples)
{
    const lopi_packed_layer *layer = &plan->packed->layers[step->layer];
    lopi_layout layout = step->kernel->layout;
    size_t x = lopi_layout_bytes(layout, layer->inputs, lopi_plan_size(plan, step->layer), samples);
    size_t y =
        lopi_layout_bytes(layout, layer->outputs, lopi_plan_size(plan, step->layer + 1), samples);
    return larger(x, y);
}

static lop_status size_workspace(lop_plan *plan, lop_error *error)
{
    size_t layers = plan->packed->layer_count, most = 0;
    for (size_t c = 0; c < plan->class_count; c++) {
        const lopi_class *class = &plan->classes[c];
        for (size_t l = 0; l < layers; l++) {
            const lopi_kernel *kernel = class->steps[l]->kernel;
            plan->buffer_bytes =
                larger(plan->buffer_bytes, lopi_plan_buffer(plan, class->steps[l], class->batch));
            if (kernel->scratch_bytes)
                plan->scratch_bytes =
                    larger(plan->scratch_bytes,
                           kernel->scratch_bytes(class->steps[l]->memory, class->batch));
        }
        most = larger(most, class->batch);
    }
    plan->scratch_bytes =
        (plan->scratch_bytes + LOPI_ALIGNMENT - 1) / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
    size_t flags = (most + LOPI_ALIGNMENT - 1) / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
    /* Widths and batches are limited, so this fits 64 bits; it may not fit the machine's words. */
    uint64_t worker = 2 * (uint64_t)plan->buffer_bytes + plan->scratch_bytes + flags;
    if (worker > SIZE_MAX / 2 / plan->threads)
        return lopi_fail(error, LOP_E_LIMIT,
                         "a workspace for batches of %zu does not fit; ask for less", most);
    plan->worker_bytes = (size_t)worker;
    return LOP_OK;
}

static lop_status fill(lop_plan *plan, const lop_plan_options *options, lop_error *error)
{
    const lop_packed *packed = plan->packed;
    const lopi_packed_layer *first = &packed->layers[0];
    lopi_layers layers = {0};
    lop_status status = find_isa(options->isa, &plan->isa, error);
    if (status == LOP_OK)
        status = find_arithmetic(packed, options->precision, &plan->arithmetic, error);
    if (status != LOP_OK)
        goto out;
    plan->input = lopi_input_make(packed->inputs, plan->arithmetic, plan->isa, first->input_scale,
                                  first->input_zero);
    plan->place = lopi_alloc(packed->layer_count, sizeof *plan->place);
    status = plan->place ? lopi_places_find(plan->place, packed, error)
                         : lopi_fail_memory(error, packed->layer_count * sizeof *plan->place);
    if (status == LOP_OK)
        status = lopi_layers_make(&layers, packed, plan->place, plan->arithmetic, error);
    if (status == LOP_OK)
        status = make_classes(plan, options, error);
    if (status == LOP_OK)
        status = options->saved ? lopi_plan_restore(plan, &layers, options->saved, error)
                                : lopi_plan_choose(plan, &layers, options, error);
    if (status == LOP_OK) {
        drop_unused(plan);
        status = settle(plan, &layers, error);
    }
    if (status == LOP_OK)
        status = size_workspace(plan, error);
    if (status == LOP_OK && plan->threads > 1)
        status = lopi_pool_new(&plan->pool, plan->threads, error);
out:
    lopi_layers_end(&layers);
    return status;
}

lop_status lop_plan_new(lop_plan **out, const lop_packed *packed, const lop_plan_options *options,
                        lop_error *error)
{
    static const lop_plan_options defaults;
    if (!options)
        options = &defaults;
    if (!out || !packed)
        return lopi_fail(error, LOP_E_ARG, "a plan needs a network and a place for itself");
    lop_status status = check_options(options, error);
    if (status != LOP_OK)
        return status;
    lop_plan *plan = lopi_alloc(1, sizeof *plan);
    if (!plan)
        return lopi_fail_memory(error, sizeof *plan);
    plan->packed = packed;
    plan->dense = options->dense;
    plan->measured = options->measure;
    plan->trying = options->measure && !options->saved;
    plan->sampled = options->measure && options->samples.count > 0;
    plan->rounding = options->precision == LOP_RUN_BF16   ? LOPI_BF16
                     : options->precision == LOP_RUN_FP16 ? LOPI_FP16
                                                          : LOPI_FULL;
    if (options->kernel && !(plan->only = lopi_kernel_find(options->kernel))) {
        lop_plan_free(plan);
        return lopi_fail(error, LOP_E_NAME, "unknown kernel '%.40s'", options->kernel);
    }
    plan->threads = options->threads ? options->threads : 1;
    uint64_t mode = lopi_float_mode_default();
    status = fill(plan, options, error);
    lopi_float_mode_restore(mode);
    if (status != LOP_OK) {
        lop_plan_free(plan);
        return status;
    }
    *out = plan;
    return LOP_OK;
}

void lop_plan_free(lop_plan *plan)
{
    if (!plan)
        return;
    size_t layers = plan->packed->layer_count;
    lopi_pool_free(plan->pool);
    for (size_t c = 0; c < plan->class_count; c++) {
        lopi_class *class = &plan->classes[c];
        for (size_t l = 0; class->candidates && l < layers; l++)
            lopi_free(class->candidates[l]);
        lopi_free(class->steps);
        lopi_free(class->candidates);
        lopi_free(class->candidate_counts);
    }
    for (size_t i = 0; i < plan->laid_count; i++)
        free_laid(plan->laid[i]);
    lopi_store_end(&plan->store);
    for (size_t l = 0; plan->place && l < layers; l++)
        lopi_free(plan->place[l]);
    lopi_free(plan->classes);
    lopi_free(plan->laid);
    lopi_free(plan->place);
    lopi_free(plan);
}

/* Showing. ------------------------------------------------------------------------------------ */

size_t lop_plan_workspace(const lop_plan *plan) { return plan->threads * plan->worker_bytes; }

lop_run_precision lopi_plan_precision(const lop_plan *plan)
{
    static const lop_run_precision of_floats[] = {
        [LOPI_FULL] = LOP_RUN_FLOAT32, [LOPI_BF16] = LOP_RUN_BF16, [LOPI_FP16] = LOP_RUN_FP16};
    return plan->arithmetic == LOPI_I8 ? LOP_RUN_INT8 : of_floats[plan->rounding];
}

void lop_plan_facts_get(const lop_plan *plan, lop_plan_facts *out)
{
    *out = (lop_plan_facts){
        .precision = lopi_plan_precision(plan),
        .isa = lopi_isa_name(plan->isa),
        .threads = plan->threads,
        .layers = plan->packed->layer_count,
        .inputs = plan->packed->inputs,
        .outputs = plan->packed->outputs,
        .classes = plan->class_count,
        .workspace_bytes = lop_plan_workspace(plan),
        .measured = plan->measured,
        .sampled = plan->sampled,
    };
    for (size_t i = 0; i < plan->laid_count; i++)
        out->prepared_bytes += plan->laid[i]->bytes;
}

lop_status lop_plan_choice_get(const lop_plan *plan, size_t class_index, size_t layer,
                               lop_plan_choice *out, lop_error *error)
{
    if (class_index >= plan->class_count || layer >= plan->packed->layer_count)
        return lopi_fail(error, LOP_E_RANGE,
                         "expected a class below %zu and a layer below %zu, found %zu and %zu",
                         plan->class_count, plan->packed->layer_count, class_index, layer);
    const lopi_class *class = &plan->classes[class_index];
    const char *name = class->steps[layer]->kernel->name;
    *out = (lop_plan_choice){
        .batch = class->batch,
        .total_ns = class->ns,
        .candidates = class->candidates[layer],
        .candidate_count = class->candidate_counts[layer],
    };
    for (size_t i = 0; i < out->candidate_count; i++)
        if (strcmp(out->candidates[i].kernel, name) == 0)
            out->chosen = out->candidates[i];
    const lopi_packed_layer *packed = &plan->packed->layers[layer];
    out->products = class->steps[layer]->kernel->operation == LOPI_DENSE
                        ? (size_t)packed->outputs * packed->inputs
                        : lopi_packed_left(packed);
    return LOP_OK;
}
