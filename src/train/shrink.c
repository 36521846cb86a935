#include "train/shrink.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/gather.h"
#include "train/removed.h"

/* What stays: for each layer its units' old places. The indices of all layers share one block. */
typedef struct staying {
    lopi_kept *kept; /* [layers] */
    size_t *index;   /* [units of all layers] */
    uint8_t *gone;   /* [units of the largest layer] */
    bool all;        /* nothing leaves */
} staying;

static void choose(const lop_network *network, staying *stay)
{
    size_t *next = stay->index;
    const lop_layer *layer;
    stay->all = true;
    for (size_t l = 0; (layer = lop_network_layer(network, l)); l++) {
        lopi_kept *kept = &stay->kept[l];
        lopi_removed_units(network, l, stay->gone);
        *kept = (lopi_kept){.index = next};
        for (size_t unit = 0; unit < layer->outputs; unit++)
            if (!stay->gone[unit])
                next[kept->count++] = unit;
        if (kept->count == 0)
            next[kept->count++] = 0;
        stay->all = stay->all && kept->count == layer->outputs;
        next += kept->count;
    }
}

static lop_status find_staying(const lop_network *network, staying *stay, lop_error *error)
{
    size_t units = 0, most = 0, layers = lop_network_layer_count(network);
    for (size_t l = 0; l < layers; l++) {
        size_t outputs = lop_network_layer(network, l)->outputs;
        units += outputs;
        most = outputs > most ? outputs : most;
    }
    stay->kept = lopi_alloc(layers, sizeof *stay->kept);
    stay->index = lopi_alloc(units, sizeof *stay->index);
    stay->gone = lopi_alloc(most, sizeof *stay->gone);
    if (!stay->kept || !stay->index || !stay->gone)
        return lopi_fail_memory(error, units * sizeof *stay->index);
    choose(network, stay);
    return LOP_OK;
}

static void gather_moments(const lopi_parameter *to, const lopi_parameter *from,
                           const lopi_selection *selection)
{
    for (size_t i = 0; i < LOPI_MAX_MOMENTS; i++)
        if (to->moment[i])
            lopi_gather(to->moment[i], from->moment[i], sizeof(float), selection);
}

/* A state of the small network with the moments of what stays. */
static lop_status make_state(lopi_state *out, const lopi_state *state, lop_network *small,
                             const lopi_kept *kept, lop_error *error)
{
    lop_status status = lopi_state_rebind(out, state, small, error);
    for (size_t l = 0; status == LOP_OK && l < state->layer_count; l++) {
        const lopi_state_layer *from = &state->layers[l], *to = &out->layers[l];
        const lopi_selection weights = lopi_select_weights(state->network, kept, l);
        const lopi_selection biases = {kept[l], {NULL, 1}, 1};
        gather_moments(&to->weight, &from->weight, &weights);
        gather_moments(&to->bias, &from->bias, &biases);
    }
    return status;
}

lop_status lopi_shrink(lopi_state *state, bool *shrunk, lop_error *error)
{
    staying stay = {.kept = NULL};
    lop_network *small = NULL;
    lopi_state made = {.network = NULL};
    lop_status status = find_staying(state->network, &stay, error);
    if (status != LOP_OK || stay.all)
        goto out;
    status = lopi_network_gather(&small, state->network, stay.kept, error);
    if (status == LOP_OK)
        status = make_state(&made, state, small, stay.kept, error);
    if (status != LOP_OK)
        goto out;
    lopi_network_swap(state->network, small);
    lopi_state_replace(state, &made);
    *shrunk = true;
out:
    lop_network_free(small);
    lopi_free(stay.kept);
    lopi_free(stay.index);
    lopi_free(stay.gone);
    return status;
}
