#include "train/state.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

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

lop_status lopi_state_init(lopi_state *state, lop_network *network,
                           const lop_train_options *options, lop_error *error)
{
    lop_status status = LOP_OK;
    bool changed = false; /* masks are new, and there is no best epoch to forget */
    lopi_state made = {
        .network = network,
        .moments = lopi_optimizer_moments(options->optimizer),
        .layer_count = lop_network_layer_count(network),
        .best_loss = INFINITY,
    };
    made.layers = lopi_alloc(made.layer_count, sizeof *made.layers);
    if (!made.layers)
        status = lopi_fail_memory(error, made.layer_count * sizeof *made.layers);
    for (size_t i = 0; status == LOP_OK && i < made.layer_count; i++) {
        lopi_state_layer *layer = &made.layers[i];
        bind_layer(layer, lop_network_layer(network, i));
        status = make_moments(&layer->weight, made.moments, error);
        if (status == LOP_OK && layer->bias.count > 0)
            status = make_moments(&layer->bias, made.moments, error);
    }
    if (status == LOP_OK && options->patience > 0)
        status = lop_network_copy(&made.best, network, error);
    if (status == LOP_OK)
        status = lopi_state_follow_masks(&made, &changed, error);
    if (status == LOP_OK)
        *state = made;
    else
        lopi_state_end(&made);
    return status;
}

void lopi_state_end(lopi_state *state)
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
    lopi_free(state->epochs);
    lop_network_free(state->best);
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

lop_status lopi_state_follow_masks(lopi_state *state, bool *changed, lop_error *error)
{
    for (size_t i = 0; i < state->layer_count; i++) {
        bind_layer(&state->layers[i], lop_network_layer(state->network, i));
        lop_status status = follow_mask(&state->layers[i], changed, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
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
    size_t zeros = 0, weights = 0;
    for (size_t i = 0; i < state->layer_count; i++) {
        const lopi_parameter *weight = &state->layers[i].weight;
        for (size_t j = 0; j < weight->count; j++)
            zeros += weight->value[j] == 0.0f;
        weights += weight->count;
    }
    return (double)zeros / (double)weights;
}
