#include "run/wasm/host.h"

#include "base/memory.h"

struct lop_wasm_plan {
    lop_plan *plan;
    void *workspace;
    size_t size;
};

static lop_error last;
static char text[sizeof last.file + sizeof last.text + 64];

void *lop_wasm_alloc(size_t size) { return lopi_alloc_aligned(size, 1); }

void lop_wasm_free(void *block) { lopi_free(block); }

const char *lop_wasm_error(void) { return lop_error_format(&last, text, sizeof text); }

const char *lop_wasm_error_name(void) { return lop_status_name(last.code); }

lop_packed *lop_wasm_open(const void *data, size_t size)
{
    lop_packed *packed = NULL;
    return lop_packed_open(&packed, data, size, 0, &last) == LOP_OK ? packed : NULL;
}

const uint32_t *lop_wasm_layer(const lop_packed *packed, size_t index)
{
    static uint32_t facts[LOP_WASM_FACTS];
    lop_packed_layer layer;
    if (lop_packed_layer_get(packed, index, &layer, &last) != LOP_OK)
        return NULL;
    facts[LOP_WASM_OUTPUTS] = (uint32_t)layer.outputs;
    facts[LOP_WASM_INPUTS] = (uint32_t)layer.inputs;
    facts[LOP_WASM_WEIGHTS_LEFT] = (uint32_t)layer.weights_left;
    facts[LOP_WASM_VALUES] = layer.values;
    facts[LOP_WASM_ENTRIES] = (uint32_t)layer.entries;
    facts[LOP_WASM_RELU] = layer.relu;
    facts[LOP_WASM_BIAS] = layer.bias;
    facts[LOP_WASM_CALIBRATED] = layer.calibrated;
    return facts;
}

const char *lop_wasm_layer_name(const lop_packed *packed, size_t index)
{
    lop_packed_layer layer;
    return lop_packed_layer_get(packed, index, &layer, &last) == LOP_OK ? layer.name : NULL;
}

lop_wasm_plan *lop_wasm_plan_new(const lop_packed *packed, int precision, size_t max_batch,
                                 unsigned flags)
{
    const lop_plan_options options = {
        .precision = (lop_run_precision)precision,
        .max_batch = max_batch,
        .dense = flags & LOP_WASM_DENSE,
        .measure = flags & LOP_WASM_MEASURE,
        .isa = flags & LOP_WASM_SCALAR ? "scalar" : NULL,
    };
    lop_wasm_plan *plan = lopi_alloc(1, sizeof *plan);
    if (!plan) {
        last = (lop_error){.code = LOP_E_MEMORY, .offset = LOP_NO_OFFSET};
        return NULL;
    }
    if (lop_plan_new(&plan->plan, packed, &options, &last) == LOP_OK) {
        plan->size = lop_plan_workspace(plan->plan);
        plan->workspace = lopi_alloc_aligned(plan->size, 1);
        if (plan->workspace)
            return plan;
        last = (lop_error){.code = LOP_E_MEMORY, .offset = LOP_NO_OFFSET};
    }
    lop_wasm_plan_free(plan);
    return NULL;
}

void lop_wasm_plan_free(lop_wasm_plan *plan)
{
    if (!plan)
        return;
    lop_plan_free(plan->plan);
    lopi_free(plan->workspace);
    lopi_free(plan);
}

int lop_wasm_plan_int8(const lop_wasm_plan *plan)
{
    lop_plan_facts facts;
    lop_plan_facts_get(plan->plan, &facts);
    return facts.precision == LOP_RUN_INT8;
}

const char *lop_wasm_plan_isa(const lop_wasm_plan *plan)
{
    lop_plan_facts facts;
    lop_plan_facts_get(plan->plan, &facts);
    return facts.isa;
}

const char *lop_wasm_plan_kernel(const lop_wasm_plan *plan, size_t class_index, size_t layer)
{
    lop_plan_choice choice;
    if (lop_plan_choice_get(plan->plan, class_index, layer, &choice, &last) != LOP_OK)
        return NULL;
    return choice.chosen.kernel;
}

lop_status lop_wasm_run(const lop_wasm_plan *plan, const float *x, size_t batch, float *y)
{
    return lop_plan_run(plan->plan, x, batch, y, plan->workspace, plan->size, &last);
}

lop_status lop_wasm_run_bytes(const lop_wasm_plan *plan, const uint8_t *x, size_t batch, float *y)
{
    return lop_plan_run_bytes(plan->plan, x, batch, y, plan->workspace, plan->size, &last);
}
