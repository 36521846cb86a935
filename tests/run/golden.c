/*
 * golden FILE…: what packed files compute, by the scalar kernels, in the precisions that each has;
 * one value a line, as its bits, so that two machines can be compared (machine.sh).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/run.h>

#define BATCH 3

static int complain(const char *path, const lop_error *error)
{
    fprintf(stderr, "golden: %s: %s\n", path, error->text);
    return 1;
}

/* Samples with zeros, fractions and negative values, the same everywhere. */
static float input(size_t index)
{
    return (float)((int)(index * 37 % 101) - 20) / 64.0f * (float)(index % 3 != 0);
}

static int compute(const char *path, const lop_packed *packed, lop_run_precision precision)
{
    lop_error error = {0};
    lop_plan *plan = NULL;
    lop_plan_options options = {.precision = precision, .max_batch = BATCH, .isa = "scalar"};
    size_t inputs = lop_packed_inputs(packed), outputs = lop_packed_outputs(packed);
    if (lop_plan_new(&plan, packed, &options, &error) == LOP_E_UNSUPPORTED)
        return 0; /* not calibrated, so not for int8 */
    size_t size = lop_plan_workspace(plan);
    float *x = calloc(BATCH * inputs, sizeof *x), *y = calloc(BATCH * outputs, sizeof *y);
    void *workspace = aligned_alloc(64, size ? size : 64);
    int status = 1;
    if (x && y && workspace) {
        for (size_t i = 0; i < BATCH * inputs; i++)
            x[i] = input(i);
        status = lop_plan_run(plan, x, BATCH, y, workspace, size, &error) == LOP_OK
                     ? 0
                     : complain(path, &error);
    }
    const char *name = strrchr(path, '/');
    for (size_t i = 0; status == 0 && i < BATCH * outputs; i++) {
        uint32_t bits;
        memcpy(&bits, &y[i], sizeof bits);
        printf("%s %s %zu %08" PRIx32 "\n", name ? name + 1 : path,
               precision == LOP_RUN_INT8 ? "int8" : "float32", i, bits);
    }
    free(x);
    free(y);
    free(workspace);
    lop_plan_free(plan);
    return status;
}

int main(int count, char **words)
{
    int failed = count < 2;
    for (int i = 1; i < count; i++) {
        lop_error error = {0};
        lop_packed *packed = NULL;
        if (lop_packed_open_file(&packed, words[i], 0, &error) != LOP_OK) {
            failed += complain(words[i], &error);
            continue;
        }
        failed += compute(words[i], packed, LOP_RUN_FLOAT32);
        failed += compute(words[i], packed, LOP_RUN_INT8);
        lop_packed_free(packed);
    }
    return failed != 0;
}
