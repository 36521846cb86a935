#include "train/state.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/removed.h"

static lop_status make_moments(lopi_parameter *parameter, size_t moments, lop_error *error)
{
    for (size_t i = 0; i < moments; i++) {
        parameter->moment[i] = lopi_alloc_aligned(parameter->count, sizeof(float));
        if (!parameter->moment[i])
            return lopi_fail_memory(error, parameter->count * sizeof(float));
    }
    return LOP_OK;
}

/* Weights and masks may get new memory only by lop_network_mask_new: look again after callbacks. */
static void bind_layer(lopi_state_layer *layer, const lop_layer *of)
{
    layer->weight.value = of->weight;
    layer->weight.mask = of->mask;
    layer->weight.count = of->outputs * of->inputs;
    layer->weight.decays = true;
    layer->bias.value = of->bias;
    layer->bias.count = of->bias ? of->outputs : 0;
}

/* Everything that follows from network, moments and whether a best epoch is kept. */
static lop_status make_tensors(lopi_state *state, bool with_best, lop_error *error)
{
    lop_status status = LOP_OK;
    bool changed = false; /* masks are new, and there is no best epoch to forget */
    state->layer_count = lop_network_layer_count(state->network);
    state->layers = lopi_alloc(state->layer_count, sizeof *state->layers);
    if (!state->layers)
        return lopi_fail_memory(error, state->layer_count * sizeof *state->layers);
    for (size_t i = 0; status == LOP_OK && i < state->layer_count; i++) {
        lopi_state_layer *layer = &state->layers[i];
        bind_layer(layer, lop_network_layer(state->network, i));
        status = make_moments(&layer->weight, state->moments, error);
        if (status == LOP_OK && layer->bias.count > 0)
            status = make_moments(&layer->bias, state->moments, error);
    }
    if (status == LOP_OK && with_best)
        status = lop_network_copy(&state->best, state->network, error);
    if (status == LOP_OK)
        status = lopi_state_follow_masks(state, &changed, error);
    return status;
}

lop_status lopi_state_init(lopi_state *state, lop_network *network,
                           const lop_train_options *options, lop_error *error)
{
    lopi_state made = {
        .network = network,
        .weights = lop_network_weight_count(network),
        .moments = lopi_optimizer_moments(options->optimizer),
        .best_loss = INFINITY,
    };
    lop_status status = make_tensors(&made, options->patience > 0, error);
    if (status == LOP_OK)
        *state = made;
    else
        lopi_state_end(&made);
    return status;
}

lop_status lopi_state_rebind(lopi_state *out, const lopi_state *state, lop_network *network,
                             lop_error *error)
{
    lopi_state made = {.network = network, .moments = state->moments};
    lop_status status = make_tensors(&made, state->best != NULL, error);
    if (status == LOP_OK)
        *out = made;
    else
        lopi_state_end(&made);
    return status;
}

static void end_tensors(lopi_state *state)
{
    for (size_t i = 0; state->layers && i < state->layer_count; i++) {
        lopi_state_layer *layer = &state->layers[i];
        for (size_t j = 0; j < LOPI_MAX_MOMENTS; j++) {
            lopi_free(layer->weight.moment[j]);
            lopi_free(layer->bias.moment[j]);
        }
        lopi_free(layer->seen_mask);
    }
    lopi_free(state->layers);
    lop_network_free(state->best);
    state->layers = NULL;
    state->best = NULL;
}

void lopi_state_replace(lopi_state *state, lopi_state *made)
{
    end_tensors(state);
    state->layers = made->layers;
    state->best = made->best;
    lopi_state_forget_best(state);
    made->layers = NULL;
    made->best = NULL;
}

void lopi_state_end(lopi_state *state)
{
    end_tensors(state);
    lopi_free(state->epochs);
    *state = (lopi_state){.network = NULL};
}

static lop_status follow_mask(lopi_state_layer *layer, bool *changed, lop_error *error)
{
    const lopi_parameter *weight = &layer->weight;
    if (!weight->mask)
        return LOP_OK;
    if (!layer->seen_mask) {
        layer->seen_mask = lopi_alloc(weight->count, sizeof *layer->seen_mask);
        if (!layer->seen_mask)
            return lopi_fail_memory(error, weight->count);
    } else if (memcmp(layer->seen_mask, weight->mask, weight->count) == 0) {
        return LOP_OK;
    }
    memcpy(layer->seen_mask, weight->mask, weight->count);
    lopi_parameter_prune(weight);
    *changed = true;
    return LOP_OK;
}

/*
 * A unit that nothing reads gets no gradient, but momentum would still move its bias, and what is
 * removed would come back to life. (A unit without weights that is read is a constant, and learns.)
 */
static lop_status settle_biases(const lopi_state *state, lop_error *error)
{
    for (size_t l = 0; l < state->layer_count; l++) {
        const lopi_parameter *bias = &state->layers[l].bias;
        if (bias->count == 0 || !state->layers[l].weight.mask)
            continue;
        uint8_t *gone = lopi_alloc(bias->count, sizeof *gone);
        if (!gone)
            return lopi_fail_memory(error, bias->count);
        lopi_removed_units(state->network, l, gone);
        for (size_t unit = 0; unit < bias->count; unit++)
            for (size_t j = 0; j < state->moments && gone[unit]; j++)
                bias->moment[j][unit] = 0;
        lopi_free(gone);
    }
    return LOP_OK;
}

lop_status lopi_state_follow_masks(lopi_state *state, bool *changed, lop_error *error)
{
    bool any = false;
    for (size_t i = 0; i < state->layer_count; i++) {
        bind_layer(&state->layers[i], lop_network_layer(state->network, i));
        lop_status status = follow_mask(&state->layers[i], &any, error);
        if (status != LOP_OK)
            return status;
    }
    *changed = *changed || any;
    return any ? settle_biases(state, error) : LOP_OK;
}

void lopi_state_forget_best(lopi_state *state)
{
    state->best_loss = INFINITY;
    state->best_epoch = state->stale = 0;
}

lop_status lopi_state_finish_epoch(lopi_state *state, const lop_epoch *epoch, lop_error *error)
{
    lop_epoch *epochs = lopi_realloc(state->epochs, state->epoch_count + 1, sizeof *state->epochs);
    if (!epochs)
        return lopi_fail_memory(error, (state->epoch_count + 1) * sizeof *state->epochs);
    state->epochs = epochs;
    state->epochs[state->epoch_count++] = *epoch;
    state->running = (lopi_running){.loss = 0};
    if (!state->best)
        return LOP_OK;
    if (!(epoch->validation_loss < state->best_loss)) {
        state->stale++;
        return LOP_OK;
    }
    state->best_loss = epoch->validation_loss;
    state->best_epoch = epoch->epoch;
    state->stale = 0;
    return lop_network_assign(state->best, state->network, error);
}

double lopi_state_sparsity(const lopi_state *state)
{
    size_t left = 0;
    for (size_t i = 0; i < state->layer_count; i++) {
        const lopi_parameter *weight = &state->layers[i].weight;
        for (size_t j = 0; j < weight->count; j++)
            left += weight->value[j] != 0.0f;
    }
    return (double)(state->weights - left) / (double)state->weights;
}
