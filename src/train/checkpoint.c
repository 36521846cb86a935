#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "exchange/safetensors.h"
#include "nn/gather.h"
#include "nn/graph.h"
#include "train/record.h"

static const char BEST[] = ".best";   /* behind the names of the best epoch's tensors */
static const char STATE[] = ".state"; /* behind the names of what callbacks keep */
static const char RECORD[] = "lop.checkpoint";

/* FNV-1a over 32-bit words (Fowler, Noll and Vo). */
static uint64_t hash_word(uint64_t hash, uint32_t word) { return (hash ^ word) * 0x100000001B3ull; }

static uint64_t hash_part(uint64_t hash, const lop_samples *samples, const uint32_t *indices,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = hash_word(hash_word(hash, indices[i]), samples->labels[indices[i]]);
    return hash_word(hash, (uint32_t)count);
}

uint64_t lopi_data_hash(const lop_samples *samples, const lop_split *split)
{
    uint64_t hash = hash_word(0xCBF29CE484222325ull, (uint32_t)samples->features);
    hash = hash_part(hash, samples, split->train, split->train_count);
    return hash_part(hash, samples, split->validation, split->validation_count);
}

lop_status lopi_checkpoint_check_states(const lopi_identity *identity, lop_error *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < identity->state_count; i++) {
        const lop_state *state = &identity->states[i];
        size_t length = state->name ? strlen(state->name) : 0;
        if (length == 0 || length >= LOP_MAX_NAME || strspn(state->name, letters) != length)
            return lopi_fail(error, LOP_E_ARG,
                             "expected a state's name of 1 to %d characters a-z 0-9 . _ -, found "
                             "'%.80s'",
                             LOP_MAX_NAME - 1, length ? state->name : "");
        if (!state->values || state->count == 0)
            return lopi_fail(error, LOP_E_ARG, "expected values of the state '%s', found none",
                             state->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(identity->states[j].name, state->name) == 0)
                return lopi_fail(error, LOP_E_ARG, "expected unique states, found '%s' twice",
                                 state->name);
    }
    return LOP_OK;
}

/* One tensor of a checkpoint, to be written or to be read into. */
typedef struct place {
    char name[LOP_MAX_NAME + 32];
    lopi_dtype dtype;
    size_t rank, shape[2];
    bool square; /* a mean of squares: nothing below 0 */
    void *data;
} place;

enum { PLACES_PER_LAYER = 6 + 2 * LOPI_MAX_MOMENTS };

/* Every tensor of a state: what is written is what is read. */
typedef struct listing {
    place *places; /* [capacity] */
    size_t count;
} listing;

static void list_tensor(listing *list, const lop_layer *layer, const char *ending, place like)
{
    if (!like.data)
        return;
    snprintf(like.name, sizeof like.name, "%s.%s", layer->name, ending);
    list->places[list->count++] = like;
}

/* Weight, bias and mask of a layer, with `more` behind their names. */
static void list_values(listing *list, const lop_layer *layer, const char *more)
{
    const struct {
        const char *name;
        place like;
    } values[] = {
        {"weight", {.dtype = LOPI_F32, .rank = 2, .data = layer->weight}},
        {"bias", {.dtype = LOPI_F32, .rank = 1, .data = layer->bias}},
        {"mask", {.dtype = LOPI_U8, .rank = 2, .data = layer->mask}},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char ending[32];
        place like = values[i].like;
        like.shape[0] = layer->outputs;
        like.shape[1] = layer->inputs;
        snprintf(ending, sizeof ending, "%s%s", values[i].name, more);
        list_tensor(list, layer, ending, like);
    }
}

static void list_moments(listing *list, const lop_layer *layer, const lopi_state_layer *state)
{
    for (int i = 0; i < LOPI_MAX_MOMENTS; i++) {
        char ending[32];
        place like = {.dtype = LOPI_F32,
                      .rank = 2,
                      .shape = {layer->outputs, layer->inputs},
                      .square = i == LOPI_SECOND_MOMENT};
        like.data = state->weight.moment[i];
        snprintf(ending, sizeof ending, "weight.moment%d", i + 1);
        list_tensor(list, layer, ending, like);
        like.rank = 1;
        like.data = state->bias.moment[i];
        snprintf(ending, sizeof ending, "bias.moment%d", i + 1);
        list_tensor(list, layer, ending, like);
    }
}

static void list_callback(listing *list, const lopi_identity *identity)
{
    for (size_t i = 0; i < identity->state_count; i++) {
        const lop_state *state = &identity->states[i];
        place at = {.dtype = LOPI_F32, .rank = 1, .shape = {state->count}, .data = state->values};
        snprintf(at.name, sizeof at.name, "%s%s", state->name, STATE);
        list->places[list->count++] = at;
    }
}

/* End with lopi_free(list->places). */
static lop_status list_state(listing *list, const lopi_state *state, const lopi_identity *identity,
                             lop_error *error)
{
    size_t most = state->layer_count * PLACES_PER_LAYER + identity->state_count;
    place *places = lopi_alloc(most, sizeof *places);
    if (!places)
        return lopi_fail_memory(error, most * sizeof *places);
    *list = (listing){.places = places};
    for (size_t i = 0; i < state->layer_count; i++) {
        const lop_layer *layer = lop_network_layer(state->network, i);
        list_values(list, layer, "");
        list_moments(list, layer, &state->layers[i]);
        if (state->best_epoch > 0)
            list_values(list, lop_network_layer(state->best, i), BEST);
    }
    list_callback(list, identity);
    return LOP_OK;
}

static lopi_tensor tensor_of(const place *at)
{
    return (lopi_tensor){
        .name = at->name,
        .dtype = at->dtype,
        .rank = at->rank,
        .shape = {at->shape[0], at->rank > 1 ? at->shape[1] : 0},
        .data = at->data,
    };
}

static lop_status write_file(const listing *list, const char *path, const char *spec,
                             const char *record, lop_error *error)
{
    const lop_metadata metadata[] = {{"format", "lop"},
                                     {"lop.version", lop_version()},
                                     {"lop.network", spec},
                                     {RECORD, record},
                                     {NULL, NULL}};
    lopi_tensor *tensors = lopi_alloc(list->count, sizeof *tensors);
    if (!tensors)
        return lopi_fail_memory(error, list->count * sizeof *tensors);
    for (size_t i = 0; i < list->count; i++)
        tensors[i] = tensor_of(&list->places[i]);
    lop_status status = lopi_safetensors_write(path, tensors, list->count, metadata, true, error);
    lopi_free(tensors);
    return status;
}

lop_status lopi_checkpoint_save(const lopi_state *state, const lopi_identity *identity,
                                lop_error *error)
{
    listing list = {.places = NULL};
    char *spec = NULL, *record = NULL;
    lop_status status = lop_network_spec(state->network, &spec, error);
    if (status == LOP_OK)
        status = lopi_record_write(state, identity, &record, error);
    if (status == LOP_OK)
        status = list_state(&list, state, identity, error);
    if (status == LOP_OK)
        status = write_file(&list, identity->options->checkpoint, spec, record, error);
    lopi_free(list.places);
    free(record);
    free(spec);
    return status;
}

/* Whether `small` is what removing units can make of `network`; *less: whether any are gone. */
static bool is_smaller(const lop_network *small, const lop_network *network, bool *less)
{
    size_t count = lop_network_node_count(network);
    bool same = lop_network_node_count(small) == count &&
                lop_network_inputs(small) == lop_network_inputs(network) &&
                lop_network_outputs(small) == lop_network_outputs(network);
    for (size_t i = 0; same && i < count; i++) {
        const lop_node *a = lop_network_node(small, i), *b = lop_network_node(network, i);
        same = a->op == b->op && a->input == b->input && a->width <= b->width &&
               strcmp(a->name, b->name) == 0;
        *less = *less || a->width < b->width;
    }
    for (size_t i = 0; same && i < lop_network_layer_count(network); i++)
        same = !lop_network_layer(small, i)->bias == !lop_network_layer(network, i)->bias;
    return same;
}

/* Weights and biases. */
static size_t parameters(const lop_network *network)
{
    size_t count = lop_network_weight_count(network);
    const lop_layer *layer;
    for (size_t i = 0; (layer = lop_network_layer(network, i)); i++)
        count += layer->bias ? layer->outputs : 0;
    return count;
}

/* Put `small`, whose values are still to be read, in the place of the network. */
static lop_status become(lopi_state *state, lop_network *small, lop_error *error)
{
    lopi_state made = {.network = NULL};
    double best_loss = state->best_loss;
    size_t best_epoch = state->best_epoch, stale = state->stale;
    lop_status status = lopi_state_rebind(&made, state, small, error);
    if (status != LOP_OK)
        return status;
    lopi_network_swap(state->network, small);
    lopi_state_replace(state, &made);
    state->best_loss = best_loss; /* the best epoch is of the smaller network, and in the file */
    state->best_epoch = best_epoch;
    state->stale = stale;
    return LOP_OK;
}

/* The file's network is the one that training began with, or less by units that were removed. */
static lop_status adopt_network(const lopi_safetensors *file, lopi_state *state,
                                const lopi_identity *identity, lop_error *error)
{
    char shape[256];
    lop_network *small = NULL;
    bool less = false;
    lop_status status = LOP_OK;
    const char *found = lopi_safetensors_metadata(file, "lop.network");
    if (found && strcmp(found, identity->network) == 0)
        return LOP_OK;
    if (found && identity->shrinks)
        status =
            lopi_network_new_spec(&small, found, strlen(found), parameters(state->network), NULL);
    if (status == LOP_OK && small && is_smaller(small, state->network, &less))
        /* What is the same in other words stays what it is, with its masks. */
        status = less ? become(state, small, error) : LOP_OK;
    else if (status != LOP_E_MEMORY)
        status = lopi_fail_file(error, LOP_E_ARG, lopi_safetensors_path(file),
                                "expected a checkpoint of the network %s, found one of another; "
                                "name another checkpoint, or remove it to start anew",
                                lop_network_describe(state->network, shape, sizeof shape));
    lop_network_free(small);
    return status;
}

static lop_status read_record(lopi_state *state, const lopi_identity *identity,
                              const lopi_safetensors *file, lop_error *error)
{
    const char *path = lopi_safetensors_path(file);
    const char *record = lopi_safetensors_metadata(file, RECORD);
    lop_error cause = {.code = LOP_OK};
    if (!record)
        return lopi_fail_file(error, LOP_E_FORMAT, path,
                              "expected a checkpoint with metadata %s, found another safetensors "
                              "file; name another checkpoint",
                              RECORD);
    lop_status status = lopi_record_read(state, identity, record, &cause);
    return status == LOP_OK ? LOP_OK : lopi_fail_file(error, status, path, "%s", cause.text);
}

/* Layers that were pruned when the checkpoint was written get masks to read into. */
static lop_status make_masks(const lopi_safetensors *file, lop_network *network, const char *more,
                             lop_error *error)
{
    const lop_layer *layer;
    for (size_t i = 0; (layer = lop_network_layer(network, i)); i++) {
        char name[LOP_MAX_NAME + 32];
        snprintf(name, sizeof name, "%s.mask%s", layer->name, more);
        if (layer->mask || !lopi_safetensors_find(file, name))
            continue;
        lop_status status = lop_network_mask_new(network, i, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status check_mask(const lopi_safetensors *file, const place *at, lop_error *error)
{
    const uint8_t *mask = at->data;
    for (size_t i = 0; i < at->shape[0] * at->shape[1]; i++)
        if (mask[i] > 1)
            return lopi_fail_file(error, LOP_E_FORMAT, lopi_safetensors_path(file),
                                  "tensor %s: expected 0 or 1, found %d at index %zu", at->name,
                                  mask[i], i);
    return LOP_OK;
}

static lop_status check_squares(const lopi_safetensors *file, const place *at, lop_error *error)
{
    const float *values = at->data;
    size_t count =
        at->shape[0] * (at->rank > 1 ? at->shape[1] : 1); /* fits: the moments are in memory */
    for (size_t i = 0; i < count; i++)
        if (values[i] < 0)
            return lopi_fail_file(error, LOP_E_FORMAT, lopi_safetensors_path(file),
                                  "tensor %s: expected means of squares, found %g at index %zu",
                                  at->name, (double)values[i], i);
    return LOP_OK;
}

static lop_status read_tensors(const listing *list, const lopi_safetensors *file, lop_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const place *at = &list->places[i];
        lopi_tensor wanted = tensor_of(at);
        lop_status status = at->dtype == LOPI_F32
                                ? lopi_safetensors_copy_floats(file, &wanted, at->data, error)
                                : lopi_safetensors_copy(file, &wanted, at->data, error);
        if (status == LOP_OK && at->dtype == LOPI_U8)
            status = check_mask(file, at, error);
        if (status == LOP_OK && at->square)
            status = check_squares(file, at, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status load(lopi_state *state, const lopi_identity *identity,
                       const lopi_safetensors *file, lop_error *error)
{
    listing list = {.places = NULL};
    bool changed = false;
    lop_status status = read_record(state, identity, file, error);
    if (status == LOP_OK)
        status = adopt_network(file, state, identity, error);
    if (status == LOP_OK)
        status = make_masks(file, state->network, "", error);
    if (status == LOP_OK && state->best_epoch > 0)
        status = make_masks(file, state->best, BEST, error);
    if (status == LOP_OK)
        status = list_state(&list, state, identity, error);
    if (status == LOP_OK)
        status = read_tensors(&list, file, error);
    if (status == LOP_OK)
        status = lopi_state_follow_masks(state, &changed, error);
    lopi_free(list.places);
    return status;
}

lop_status lopi_checkpoint_load(lopi_state *state, const lopi_identity *identity, lop_error *error)
{
    lopi_safetensors *file = NULL;
    lop_status status = lopi_safetensors_open(&file, identity->options->checkpoint, error);
    if (status != LOP_OK)
        return status;
    status = load(state, identity, file, error);
    lopi_safetensors_close(file);
    return status;
}
