#include "nn/pass.h"

#include <string.h>

#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/bf16.h"
#include "nn/graph.h"
#include "nn/op.h"

static const size_t no_slot = SIZE_MAX; /* shares no buffer */

/* Decide for each node what it shares, and which type it has. */
static void decide(lopi_pass *pass)
{
    const lop_network *network = pass->network;
    size_t last = network->node_count - 1;
    for (size_t i = 0; i <= last; i++) {
        const lop_node *node = &network->nodes[i];
        lopi_value *value = &pass->values[i], *input = &pass->values[node->input];
        *value = (lopi_value){.width = node->width, .half = pass->half, .keep_scale = 1};
        if (i == 0)
            continue;
        /* What node 0 holds is the caller's. Every other node has one reader. */
        value->in_place = lopi_op_get(node->op)->in_place && node->input != 0;
        value->gradient_wanted = lopi_op_get(node->op)->layer || input->gradient_wanted;
    }
    /* The result is float32, and so is all that shares its buffer. */
    for (size_t i = last;; i = network->nodes[i].input) {
        pass->values[i].half = i == 0 && pass->half;
        pass->values[i].result = i > 0;
        if (!pass->values[i].in_place)
            break;
    }
}

/* Widths of the buffers while they are being shared out. */
typedef struct slot_list {
    size_t width[2 * LOP_MAX_NODES];
    bool busy[2 * LOP_MAX_NODES];
    size_t count;
} slot_list;

/* A free buffer, or a new one. */
static size_t take(slot_list *slots, size_t width)
{
    size_t found = 0;
    while (found < slots->count && slots->busy[found])
        found++;
    if (found == slots->count)
        slots->width[slots->count++] = 0;
    slots->busy[found] = true;
    if (width > slots->width[found])
        slots->width[found] = width;
    return found;
}

/* Forward: node i takes a buffer; in inference the one it has read is free then. */
static void share_data(lopi_pass *pass, slot_list *slots)
{
    size_t last = pass->network->node_count - 1;
    for (size_t i = 0; i <= last; i++) {
        lopi_value *value = &pass->values[i];
        const lopi_value *input = &pass->values[pass->network->nodes[i].input];
        bool callers = i == 0 && !pass->half;
        if (value->in_place)
            value->data_slot = input->data_slot;
        else
            value->data_slot = callers || value->result ? no_slot : take(slots, value->width);
        if (i > 0 && !value->in_place && !pass->training && input->data_slot != no_slot)
            slots->busy[input->data_slot] = false;
    }
}

/* Backward: node i hands its gradient's buffer on once its input has its own. */
static void share_gradients(lopi_pass *pass, slot_list *slots)
{
    size_t last = pass->network->node_count - 1;
    for (size_t i = 0; i <= last; i++)
        pass->values[i].gradient_slot = no_slot;
    if (!pass->training)
        return;
    pass->values[last].gradient_slot = take(slots, pass->values[last].width);
    for (size_t i = last; i > 0; i--) {
        const lopi_value *value = &pass->values[i];
        lopi_value *input = &pass->values[pass->network->nodes[i].input];
        if (value->gradient_slot == no_slot)
            continue;
        if (value->in_place) {
            input->gradient_slot = value->gradient_slot;
            continue;
        }
        if (input->gradient_wanted)
            input->gradient_slot = take(slots, input->width);
        slots->busy[value->gradient_slot] = false;
    }
}

static lop_status allocate_slots(lopi_pass *pass, const slot_list *slots, lop_error *error)
{
    pass->slots = lopi_alloc(slots->count, sizeof *pass->slots);
    if (!pass->slots)
        return lopi_fail_memory(error, slots->count * sizeof *pass->slots);
    for (size_t i = 0; i < slots->count; i++) {
        /* Of the size of floats, whatever type comes to lie there. */
        size_t count = 0;
        if (lopi_multiply(slots->width[i], pass->max_batch, &count))
            pass->slots[i] = lopi_alloc_aligned(count, sizeof(float));
        if (!pass->slots[i])
            return lopi_fail(error, LOP_E_MEMORY, "out of memory for %zu values of %zu samples",
                             slots->width[i], pass->max_batch);
        pass->slot_count++;
    }
    for (size_t i = 0; i < pass->network->node_count; i++) {
        lopi_value *value = &pass->values[i];
        value->data = value->data_slot == no_slot ? NULL : pass->slots[value->data_slot];
        value->gradient =
            value->gradient_slot == no_slot ? NULL : pass->slots[value->gradient_slot];
    }
    return LOP_OK;
}

static lop_status allocate_values(lopi_pass *pass, lop_error *error)
{
    size_t count = pass->network->node_count;
    slot_list *slots = lopi_alloc(1, sizeof *slots);
    pass->values = lopi_alloc(count, sizeof *pass->values);
    lop_status status = LOP_OK;
    if (slots && pass->values) {
        decide(pass);
        share_data(pass, slots);
        share_gradients(pass, slots);
        status = allocate_slots(pass, slots, error);
    } else {
        status = lopi_fail_memory(error, count * sizeof *pass->values);
    }
    lopi_free(slots);
    return status;
}

static lop_status allocate_weights(lopi_pass *pass, lop_error *error)
{
    const lop_network *network = pass->network;
    pass->weight_half = lopi_alloc(network->layer_count, sizeof *pass->weight_half);
    if (!pass->weight_half)
        return lopi_fail_memory(error, network->layer_count * sizeof *pass->weight_half);
    for (size_t i = 0; i < network->layer_count; i++) {
        size_t count = network->layers[i].outputs * network->layers[i].inputs;
        pass->weight_half[i] = lopi_alloc_aligned(count, sizeof *pass->weight_half[i]);
        if (!pass->weight_half[i])
            return lopi_fail_memory(error, count * sizeof *pass->weight_half[i]);
    }
    return LOP_OK;
}

static lop_status allocate_gradients(lopi_pass *pass, lop_error *error)
{
    size_t weights = 0, biases = 0;
    for (size_t i = 0; i < pass->network->layer_count; i++) {
        const lop_layer *layer = &pass->network->layers[i];
        if (layer->outputs * layer->inputs > weights)
            weights = layer->outputs * layer->inputs;
        if (layer->outputs > biases)
            biases = layer->outputs;
    }
    pass->weight_gradient = lopi_alloc_aligned(weights, sizeof *pass->weight_gradient);
    pass->bias_gradient = lopi_alloc_aligned(biases, sizeof *pass->bias_gradient);
    if (!pass->weight_gradient || !pass->bias_gradient)
        return lopi_fail_memory(error, (weights + biases) * sizeof(float));
    return LOP_OK;
}

lop_status lopi_pass_init(lopi_pass *pass, const lop_network *network, size_t max_batch, bool half,
                          bool training, lop_error *error)
{
    *pass =
        (lopi_pass){.network = network, .max_batch = max_batch, .half = half, .training = training};
    lop_status status = lopi_dense_new(&pass->dense, error);
    if (status == LOP_OK)
        status = allocate_values(pass, error);
    if (status == LOP_OK && half)
        status = allocate_weights(pass, error);
    if (status == LOP_OK && training)
        status = allocate_gradients(pass, error);
    if (status != LOP_OK)
        lopi_pass_end(pass);
    return status;
}

void lopi_pass_end(lopi_pass *pass)
{
    for (size_t i = 0; i < pass->slot_count; i++)
        lopi_free(pass->slots[i]);
    for (size_t i = 0; pass->weight_half && i < pass->network->layer_count; i++)
        lopi_free(pass->weight_half[i]);
    lopi_free(pass->slots);
    lopi_free(pass->weight_half);
    lopi_free(pass->values);
    lopi_free(pass->weight_gradient);
    lopi_free(pass->bias_gradient);
    lopi_dense_free(pass->dense);
    *pass = (lopi_pass){0};
}

void lopi_pass_refresh_weights(lopi_pass *pass)
{
    if (!pass->half)
        return;
    double start = lop_clock_seconds();
    for (size_t i = 0; i < pass->network->layer_count; i++) {
        const lop_layer *layer = &pass->network->layers[i];
        lopi_bf16_from_floats(layer->weight, pass->weight_half[i], layer->outputs * layer->inputs);
    }
    pass->profile.conversion += lop_clock_seconds() - start;
}

lop_status lopi_pass_begin(lopi_pass *pass, const float *x, size_t batch, float *result,
                           lop_error *error)
{
    if (batch < 1 || batch > pass->max_batch)
        return lopi_fail(error, LOP_E_ARG, "expected a batch of 1 to %zu samples, found %zu",
                         pass->max_batch, batch);
    pass->batch = batch;
    for (size_t i = 0; i < pass->network->node_count; i++)
        if (pass->values[i].result)
            pass->values[i].data = result;
    if (pass->half) {
        double start = lop_clock_seconds();
        lopi_bf16_from_floats(x, pass->values[0].data, batch * pass->values[0].width);
        pass->profile.conversion += lop_clock_seconds() - start;
    } else {
        /* Read only: no operation writes where the input's values are. */
        pass->values[0].data = (void *)(uintptr_t)x;
    }
    return LOP_OK;
}

lop_status lopi_pass_forward(lopi_pass *pass, size_t node, lop_error *error)
{
    return lopi_op_get(pass->network->nodes[node].op)->forward(pass, node, error);
}

lop_status lopi_pass_backward(lopi_pass *pass, size_t node, lop_error *error)
{
    return lopi_op_get(pass->network->nodes[node].op)->backward(pass, node, error);
}
