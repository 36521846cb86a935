/* Inference: a pass that keeps nothing. */
#include <lop/machine.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/floats.h"
#include "nn/pass.h"

struct lop_compute {
    lopi_pass pass;
};

/* The names, in the order of lop_precision. */
static const char *const names[] = {
    [LOP_AUTO] = "auto", [LOP_FLOAT32] = "float32", [LOP_BF16] = "bf16"};

const char *lop_precision_name(lop_precision precision)
{
    return (size_t)precision < sizeof names / sizeof *names ? names[precision] : NULL;
}

lop_status lop_precision_resolve(lop_precision wanted, lop_precision *resolved, lop_error *error)
{
    if (!lop_precision_name(wanted) || !resolved)
        return lopi_fail(error, LOP_E_ARG, "expected a precision of auto, float32, bf16");
    bool possible = false, fast = false;
    lop_status status = wanted == LOP_FLOAT32 ? LOP_OK : lopi_dense_bf16(&possible, &fast, error);
    if (status != LOP_OK)
        return status;
    if (wanted == LOP_BF16 && !possible) {
        lop_machine machine;
        lop_machine_get(&machine);
        return lopi_fail(error, LOP_E_UNSUPPORTED,
                         "expected a processor that computes bf16, found %s with %s; take float32 "
                         "or auto",
                         machine.cpu, machine.isa);
    }
    if (wanted == LOP_AUTO)
        *resolved = fast ? LOP_BF16 : LOP_FLOAT32;
    else
        *resolved = wanted;
    return LOP_OK;
}

lop_status lop_compute_new(lop_compute **out, const lop_network *network, size_t max_batch,
                           lop_precision precision, lop_error *error)
{
    if (!out || !network || max_batch < 1)
        return lopi_fail(error, LOP_E_ARG, "expected a network and batches of at least one sample");
    lop_precision resolved;
    lop_status status = lop_precision_resolve(precision, &resolved, error);
    if (status != LOP_OK)
        return status;
    lop_compute *compute = lopi_alloc(1, sizeof *compute);
    if (!compute)
        return lopi_fail_memory(error, sizeof *compute);
    status = lopi_pass_init(&compute->pass, network, max_batch, resolved == LOP_BF16, false, error);
    if (status != LOP_OK) {
        lopi_free(compute);
        return status;
    }
    *out = compute;
    return LOP_OK;
}

lop_status lop_compute_forward(lop_compute *compute, const float *x, size_t batch, float *logits,
                               lop_error *error)
{
    lopi_pass *pass = &compute->pass;
    lop_status status = lopi_pass_begin(pass, x, batch, logits, error);
    if (status != LOP_OK)
        return status;
    lopi_floats_begin();
    lopi_pass_refresh_weights(pass);
    for (size_t i = 0; status == LOP_OK && i < lop_network_node_count(pass->network); i++)
        status = lopi_pass_forward(pass, i, error);
    lopi_floats_end();
    return status;
}

void lop_compute_free(lop_compute *compute)
{
    if (!compute)
        return;
    lopi_pass_end(&compute->pass);
    lopi_free(compute);
}
