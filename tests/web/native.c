/*
 * native NETWORK IMAGES COUNT PRECISION OUTPUT: what liblop-run itself computes of the first COUNT
 * images of an IDX file, as raw floats. What the WebAssembly modules are held against.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/run.h>

enum { IDX_HEADER = 16 };

static uint8_t *read_images(const char *path, size_t bytes)
{
    uint8_t *images = malloc(bytes);
    FILE *file = fopen(path, "rb");
    if (!file || !images || fseek(file, IDX_HEADER, SEEK_SET) != 0 ||
        fread(images, 1, bytes, file) != bytes) {
        fprintf(stderr, "native: cannot read %zu bytes of %s\n", bytes, path);
        exit(1);
    }
    fclose(file);
    return images;
}

static void check(lop_status status, const lop_error *error)
{
    char text[900];
    if (status == LOP_OK)
        return;
    fprintf(stderr, "native: %s\n", lop_error_format(error, text, sizeof text));
    exit(1);
}

int main(int count, char **arguments)
{
    lop_packed *packed = NULL;
    lop_plan *plan = NULL;
    lop_error error = {0};
    if (count != 6)
        return 64;
    size_t samples = strtoul(arguments[3], NULL, 10);
    lop_plan_options options = {
        .precision = strcmp(arguments[4], "int8") == 0 ? LOP_RUN_INT8 : LOP_RUN_FLOAT32,
        .max_batch = 64,
    };
    check(lop_packed_open_file(&packed, arguments[1], 0, &error), &error);
    check(lop_plan_new(&plan, packed, &options, &error), &error);
    uint8_t *images = read_images(arguments[2], samples * lop_packed_inputs(packed));
    size_t values = samples * lop_packed_outputs(packed), size = lop_plan_workspace(plan);
    float *y = malloc(values * sizeof *y);
    void *workspace = aligned_alloc(64, size);
    FILE *output = fopen(arguments[5], "wb");
    if (!y || !workspace || !output)
        return 1;
    check(lop_plan_run_bytes(plan, images, samples, y, workspace, size, &error), &error);
    bool written = fwrite(y, sizeof *y, values, output) == values;
    written = fclose(output) == 0 && written;
    free(images);
    free(y);
    free(workspace);
    lop_plan_free(plan);
    lop_packed_free(packed);
    return written ? 0 : 1;
}
