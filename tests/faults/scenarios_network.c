/* Networks, their files, and how they are computed. */
#include <stdlib.h>
#include <string.h>

#include "scenarios_parts.h"

static lop_status make_and_copy(lop_error *error)
{
    lop_network *network = NULL, *copy = NULL, *same = NULL;
    char *spec = NULL, widths[64];
    lop_status status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_network_mask_new(network, 0, error);
    if (status == LOP_OK)
        status = lop_network_copy(&copy, network, error);
    if (status == LOP_OK)
        status = lop_network_assign(copy, network, error);
    if (status == LOP_OK)
        status = lop_network_check_finite(copy, error);
    if (status == LOP_OK)
        status = lop_network_spec(network, &spec, error);
    if (status == LOP_OK)
        status = lop_network_new_spec(&same, spec, strlen(spec), error);
    if (status == LOP_OK) {
        found("%s", lop_network_describe(same, widths, sizeof widths));
        found_network(copy);
    }
    free(spec);
    lop_network_free(same);
    lop_network_free(copy);
    lop_network_free(network);
    return status;
}

lop_status save_network(lop_error *error)
{
    lop_network *network = NULL;
    const lop_metadata metadata[] = {{"note", "by a test"}, {NULL, NULL}};
    lop_status status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_network_save(network, at("saved.safetensors"), metadata, true, error);
    lop_network_free(network);
    return status;
}

static lop_status load(lop_error *error)
{
    lop_network *network = NULL;
    char *metadata = NULL;
    lop_status status = lop_network_load(&network, at("net.safetensors"), &metadata, error);
    if (status == LOP_OK) {
        found("%s", metadata);
        found_network(network);
    }
    free(metadata);
    lop_network_free(network);
    return status;
}

/* A file that lop did not write: what the network is like its tensors' names and shapes say. */
static lop_status load_foreign(lop_error *error)
{
    lop_network *network = NULL;
    char *metadata = NULL;
    lop_status status = lop_network_load(&network, at("foreign.safetensors"), &metadata, error);
    if (status == LOP_OK)
        found_network(network);
    free(metadata);
    lop_network_free(network);
    return status;
}

static lop_status compute(lop_error *error)
{
    enum { BATCH = 4 };
    lop_network *network = NULL;
    lop_compute *made = NULL;
    lop_precision precision = LOP_AUTO;
    const float x[BATCH * FEATURES] = {1, 0.5f, 0, 0.25f};
    float logits[BATCH * CLASSES];
    lop_status status = lop_threads_set(lop_threads_get(), error);
    if (status == LOP_OK)
        status = lop_precision_resolve(LOP_FLOAT32, &precision, error);
    if (status == LOP_OK)
        status = lop_network_new_mlp(&network, &small_spec, error);
    if (status == LOP_OK)
        status = lop_compute_new(&made, network, BATCH, precision, error);
    if (status == LOP_OK)
        status = lop_compute_forward(made, x, BATCH, logits, error);
    for (size_t i = 0; status == LOP_OK && i < BATCH * CLASSES; i++)
        found("%.9g ", (double)logits[i]);
    lop_compute_free(made);
    lop_network_free(network);
    return status;
}

/* What a call says of its failure can be shown, without memory. */
static lop_status format_error(lop_error *error)
{
    lop_network *network = NULL;
    lop_error own = {0};
    char text[800];
    lop_status status = lop_network_new_mlp(&network, &small_spec, &own);
    if (status != LOP_OK && lop_error_format(&own, text, sizeof text)[0])
        *error = own;
    lop_network_free(network);
    return status;
}

const scenario network_scenarios[] = {
    {.name = "network", .play = make_and_copy},
    {.name = "save", .play = save_network, .output = "saved.safetensors"},
    {.name = "load", .play = load},
    {.name = "foreign", .play = load_foreign},
    {.name = "compute", .play = compute},
    {.name = "error", .play = format_error},
    {.name = NULL},
};
