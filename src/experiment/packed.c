/* The packed file of each point of a sweep: what the network is shipped as, and what it weighs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <lop/pack.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "experiment/sweep.h"

static const char directory[] = "packed";

char *lopi_point_file(const lopi_point_job *point, const char *end)
{
    size_t size = strlen(point->name) + strlen(end) + 1;
    char *name = lopi_alloc(size, 1);
    if (!name)
        return NULL;
    snprintf(name, size, "%s%s", point->name, end);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '.')
            *at = '-';
    return name;
}

/* The bytes, and where they are kept. */
static lop_status keep(const lopi_sweep *s, const lopi_point_job *point, const lop_packed *packed,
                       lop_result *result, lop_error *error)
{
    lop_status status = LOP_OK;
    uint8_t *data = NULL;
    size_t size = 0;
    char *file = lopi_point_file(point, ".lop"), *inside = NULL, *path = NULL, *folder = NULL;
    if (file)
        inside = lopi_path_join(directory, file);
    if (inside)
        path = lopi_path_join(s->directory.path, inside);
    folder = lopi_path_join(s->directory.path, directory);
    if (!path || !folder)
        status = lopi_fail_memory(error, LOPI_SWEEP_NAME);
    if (status == LOP_OK)
        status = lop_packed_encode(packed, &data, &size, error);
    if (status == LOP_OK)
        status = lopi_directory_make(folder, error);
    if (status == LOP_OK)
        status = lopi_file_write(path, data, size, true, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&result->packed, inside, error);
    if (status == LOP_OK)
        result->bytes_packed = size;
    free(data);
    lopi_free(file);
    lopi_free(inside);
    lopi_free(path);
    lopi_free(folder);
    return status;
}

/* As many values as Deep Compression has, which the network was not trained for. */
static lop_status weigh_shared(const lop_network *network, lop_result *result, lop_error *error)
{
    const lop_pack_values values = {.kind = LOP_VALUES_SHARED, .entries = 32};
    const lop_pack_options options = {.values = &values, .value_count = 1};
    lop_packed *packed = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    lop_status status = lop_pack(&packed, network, &options, error);
    if (status == LOP_OK)
        status = lop_packed_encode(packed, &data, &size, error);
    if (status == LOP_OK)
        result->bytes_packed_shared = size;
    free(data);
    lop_packed_free(packed);
    return status;
}

lop_status lopi_point_pack(const lopi_sweep *s, const lopi_point_job *point,
                           const lop_network *network, const lop_split *split, lop_result *result,
                           lop_error *error)
{
    /* Exactly what was measured: a table that has room for all values rounds none. */
    const lop_pack_values values = {
        .kind = point->recipe.share.entry_count > 0 ? LOP_VALUES_SHARED : LOP_VALUES_FLOAT32,
        .entries = LOP_MAX_SHARED,
    };
    const lop_pack_options options = {
        .values = &values,
        .value_count = 1,
        .samples = lop_dataset_train(s->dataset),
        .indices = split->train,
        .sample_count = split->train_count < 1000 ? split->train_count : 1000,
    };
    lop_packed *packed = NULL;
    lop_error why = {0};
    lop_status status = lop_pack(&packed, network, &options, &why);
    if (status == LOP_OK) {
        status = keep(s, point, packed, result, error);
        if (status == LOP_OK)
            status = weigh_shared(network, result, error);
    } else if (status == LOP_E_UNSUPPORTED || status == LOP_E_NAN) {
        status = LOP_OK; /* what cannot be packed has no such file; that is no failure */
    } else if (error) {
        *error = why;
    }
    lop_packed_free(packed);
    return status;
}
