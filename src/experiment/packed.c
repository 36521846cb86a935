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
    /* Words with a dash between them: "seed 1, unit l2 oneshot 80 %.lop" is no name to type. */
    char *to = name;
    for (const char *at = name; *at; at++) {
        bool dash = to > name && to[-1] == '-';
        if (isalnum((unsigned char)*at) || *at == '.') {
            to -= dash && *at == '.';
            *to++ = *at;
        } else if (!dash) {
            *to++ = '-';
        }
    }
    *to = 0;
    return name;
}

/* The bytes of a packed network, and where they are kept: below the directory, named by the point
 * and `end`. */
typedef struct kept {
    char **path; /* receives where, below the directory of the results */
    uint64_t *size;
    const char *end;
} kept;

static lop_status keep(const lopi_sweep *s, const lopi_point_job *point, const lop_packed *packed,
                       const kept *where, lop_error *error)
{
    lop_status status = LOP_OK;
    uint8_t *data = NULL;
    size_t size = 0;
    char *file = lopi_point_file(point, where->end), *inside = NULL, *path = NULL, *folder = NULL;
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
        status = lop_result_set_text(where->path, inside, error);
    if (status == LOP_OK && where->size)
        *where->size = size;
    free(data);
    lopi_free(file);
    lopi_free(inside);
    lopi_free(path);
    lopi_free(folder);
    return status;
}

static lop_status keep_shared(const lopi_sweep *s, const lopi_point_job *point,
                              const lop_network *network, const lop_pack_options *calibration,
                              unsigned entries, const kept *where, lop_error *error)
{
    const lop_pack_values values = {.kind = LOP_VALUES_SHARED, .entries = entries};
    lop_pack_options options = *calibration;
    lop_packed *packed = NULL;
    options.values = &values;
    options.value_count = 1;
    lop_status status = lop_pack(&packed, network, &options, error);
    if (status == LOP_OK)
        status = keep(s, point, packed, where, error);
    lop_packed_free(packed);
    return status;
}

/* As many values as Deep Compression has, which the network was not trained for: to be weighed, and
 * for the page, which is to be small. There the dense network has fewer. */
static lop_status weigh_shared(const lopi_sweep *s, const lopi_point_job *point,
                               const lop_network *network, const lop_pack_options *calibration,
                               lop_result *result, lop_error *error)
{
    enum { ENTRIES = 32, ENTRIES_DENSE = 4, LARGE = 1000000 };
    const kept weighed = {&result->packed_shared, &result->bytes_packed_shared, "-shared.lop"};
    const kept shown = {&result->packed_shared, NULL, "-shared.lop"};
    lop_status status = keep_shared(s, point, network, calibration, ENTRIES, &weighed, error);
    if (status == LOP_OK && result->target_sparsity == 0 && result->weights_left > LARGE)
        status = keep_shared(s, point, network, calibration, ENTRIES_DENSE, &shown, error);
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
        const kept exact = {&result->packed, &result->bytes_packed, ".lop"};
        status = keep(s, point, packed, &exact, error);
        if (status == LOP_OK)
            status = weigh_shared(s, point, network, &options, result, error);
    } else if (status == LOP_E_UNSUPPORTED || status == LOP_E_NAN) {
        status = LOP_OK; /* what cannot be packed has no such file; that is no failure */
    } else if (error) {
        *error = why;
    }
    lop_packed_free(packed);
    return status;
}
