#include <lop/plan_cache.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <lop/network.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/hash.h"
#include "run/kernels/kernel.h"
#include "run/model.h"

enum { MAX_PLAN = 1 << 24 }; /* bytes of a kept plan: 1024 layers, six classes and all kernels */

/* DIR/plans/HASH.txt: whatever decides which plan is meant is in the hash. */
static lop_status name_file(char **out, const lop_packed *packed, const lop_plan_options *options,
                            const lop_data_options *data, lop_error *error)
{
    char cpu[64] = "", name[32], *dir = NULL;
    lopi_cpu_name(cpu, sizeof cpu);
    const char *isa = options->isa ? options->isa : "";
    const char *kernel = options->kernel ? options->kernel : "";
    const uint64_t numbers[] = {packed->checksum, (uint64_t)options->precision, options->max_batch,
                                options->min_batch, options->dense};
    uint64_t sum = lopi_hash(LOPI_HASH_START, numbers, sizeof numbers);
    sum = lopi_hash(sum, cpu, strlen(cpu));
    sum = lopi_hash(sum, isa, strlen(isa) + 1);
    sum = lopi_hash(sum, kernel, strlen(kernel));
    snprintf(name, sizeof name, "%016" PRIx64 ".txt", sum);
    lop_status status = lop_cache_directory("plans", data, &dir, error);
    if (status == LOP_OK)
        status = lopi_directory_make(dir, error);
    if (status == LOP_OK) {
        *out = lopi_path_join(dir, name);
        if (!*out)
            status = lopi_fail_memory(error, sizeof name);
    }
    lopi_free(dir);
    return status;
}

/* *out stays NULL without an error where the kept plan was measured on made-up inputs and there are
 * samples now. */
static lop_status restore(lop_plan **out, const lop_packed *packed, lop_plan_options options,
                          const char *path, lop_error *error)
{
    lopi_bytes text = {0};
    lop_plan *plan = NULL;
    lop_plan_facts facts;
    lop_status status = lopi_file_read(&text, path, MAX_PLAN, error);
    if (status == LOP_OK) {
        options.saved = (const char *)text.data; /* a zero byte stands behind */
        options.measure = false;
        options.kernel = NULL; /* it is part of the file's name, so the plan has it where it can */
        status = lop_plan_new(&plan, packed, &options, error);
    }
    if (status == LOP_OK) {
        lop_plan_facts_get(plan, &facts);
        if (facts.sampled || options.samples.count == 0)
            *out = plan;
        else
            lop_plan_free(plan);
    }
    lopi_free(text.data);
    return status;
}

static lop_status keep(const lop_plan *plan, const char *path, lop_error *error)
{
    size_t size = lop_plan_text(plan, NULL, 0);
    char *text = lopi_alloc(size, 1);
    if (!text)
        return lopi_fail_memory(error, size);
    lop_plan_text(plan, text, size);
    lop_status status = lopi_file_write(path, text, size - 1, true, error);
    lopi_free(text);
    return status;
}

lop_status lop_plan_cached(lop_plan **out, const lop_packed *packed,
                           const lop_plan_options *options, const lop_data_options *data, bool anew,
                           lop_plan_cache_facts *facts, lop_error *error)
{
    lop_plan_options wanted = options ? *options : (lop_plan_options){0};
    lop_plan_cache_facts found = {0};
    char *path = NULL;
    lop_plan *plan = NULL;
    if (!out || !packed)
        return lopi_fail(error, LOP_E_ARG, "a plan needs a network and a place for itself");
    lop_dense_kernels_register();
    lop_status status = name_file(&path, packed, &wanted, data, &found.why);
    if (status == LOP_OK) {
        size_t length = strlen(path), room = sizeof found.file;
        /* fits: within the path */
        snprintf(found.file, room, "%s", length < room ? path : path + length - room + 1);
        if (!anew && lopi_file_exists(path))
            restore(&plan, packed, wanted, path, &found.why);
        found.found = plan != NULL;
    }
    status = LOP_OK;
    if (!found.found) {
        wanted.measure = true;
        wanted.saved = NULL;
        status = lop_plan_new(&plan, packed, &wanted, error);
        if (status == LOP_OK && path)
            keep(plan, path, &found.why);
    }
    if (status == LOP_OK) {
        *out = plan;
        if (facts)
            *facts = found;
    }
    lopi_free(path);
    return status;
}
