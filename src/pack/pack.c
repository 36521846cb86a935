/** Packing: a network's weights as CSR, without what has no part, in fewer bits, sorted. */
#include <lop/pack.h>

#include <math.h>

#include "base/error.h"
#include "nn/floats.h"
#include "pack/calibrate.h"
#include "pack/quantize.h"
#include "pack/sparse.h"

#define DEFAULT_ENTRIES 16

static lop_pack_values values_of(const lop_pack_options *options, size_t layer)
{
    if (options->value_count == 0)
        return (lop_pack_values){.kind = LOP_VALUES_FLOAT32};
    return options->values[options->value_count == 1 ? 0 : layer];
}

static lop_status check_options(const lop_network *network, const lop_pack_options *options,
                                lop_error *error)
{
    size_t layers = lop_network_layer_count(network);
    if (options->value_count > 1 && options->value_count != layers)
        return lopi_fail(error, LOP_E_ARG, "expected kinds of values for %zu layers, found %zu",
                         layers, options->value_count);
    for (size_t i = 0; i < options->value_count; i++) {
        if (options->values[i].kind > LOP_VALUES_SHARED)
            return lopi_fail(error, LOP_E_ARG, "there is no kind %d of values",
                             (int)options->values[i].kind);
        if (options->values[i].entries > 256)
            return lopi_fail(error, LOP_E_RANGE, "expected 1 to 256 shared values, found %u",
                             options->values[i].entries);
    }
    return LOP_OK;
}

static lop_status calibrate(lop_packed *packed, const lop_pack_options *options, lop_error *error)
{
    lop_status status = lopi_packed_check(packed, error);
    if (status == LOP_OK)
        status = lopi_calibrate(packed, options, error);
    for (size_t i = 0; i < packed->layer_count; i++) /* as the file keeps it */
        packed->layers[i].input_density = rintf(packed->layers[i].input_density * 255) / 255;
    return status;
}

lop_status lop_pack(lop_packed **out, const lop_network *network, const lop_pack_options *options,
                    lop_error *error)
{
    static const lop_pack_options defaults;
    options = options ? options : &defaults;
    bool exact = true;
    lop_packed *packed = NULL;
    lopi_floats_begin();
    lop_status status = check_options(network, options, error);
    if (status == LOP_OK)
        status = lopi_sparse_new(&packed, network, error);
    if (status == LOP_OK && !options->keep_units)
        status = lopi_sparse_trim(packed, error);
    for (size_t i = 0; status == LOP_OK && i < packed->layer_count; i++) {
        lop_pack_values values = values_of(options, i);
        exact = exact && values.kind == LOP_VALUES_FLOAT32;
        status = lopi_quantize(&packed->layers[i], values.kind,
                               values.entries ? values.entries : DEFAULT_ENTRIES, error);
    }
    if (status == LOP_OK && !options->keep_units) /* rounding may have made a weight 0 */
        status = lopi_sparse_trim(packed, error);
    if (status == LOP_OK && !exact && !options->keep_order)
        status = lopi_sparse_sort(packed, error);
    if (status == LOP_OK && options->samples)
        status = calibrate(packed, options, error);
    if (status == LOP_OK)
        status = lopi_packed_check(packed, error);
    if (status == LOP_OK)
        *out = packed;
    else
        lop_packed_free(packed);
    lopi_floats_end();
    return status;
}
