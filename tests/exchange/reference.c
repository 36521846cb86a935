/* lop and an independent reader and writer in Python (reference.py) understand each other. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>

#include "folder.h"

#ifdef LOP_REFERENCE
#include <zlib.h>

/* Run the reference and give what it prints; NULL where it fails. Static memory. */
static const char *run_reference(const char *command, const char *path)
{
    static char output[8192];
    char line[1024];
    snprintf(line, sizeof line, "'%s' '%s' %s '%s'", LOP_PYTHON, LOP_REFERENCE, command, path);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = 0;
    return pclose(pipe) == 0 ? output : NULL;
}

static void skip_without_numpy(void)
{
    if (system("'" LOP_PYTHON "' -c 'import numpy' 2>/dev/null") == 0)
        return;
    print_message("skipped: numpy is not installed\n");
    skip();
}

static void add_line(char *text, size_t size, const char *name, const char *dtype,
                     const char *shape, const void *data, size_t bytes)
{
    size_t used = strlen(text);
    unsigned long sum = crc32(0, data, (unsigned)bytes);
    snprintf(text + used, size - used, "%s %s %s %08lx\n", name, dtype, shape, sum);
}

static void python_reads_what_lop_writes(void **state)
{
    (void)state;
    skip_without_numpy();
    static const size_t hidden[] = {4};
    lop_mlp_spec spec = {
        .inputs = 5, .hidden = hidden, .hidden_count = 1, .outputs = 3, .bias = true, .seed = 3};
    const lop_metadata metadata[] = {{"lop.history", "[1]"}, {NULL, NULL}};
    const char *path = folder_path("lop");
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    assert_int_equal(lop_network_mask_new(network, 0, NULL), LOP_OK);
    const lop_layer *first = lop_network_layer(network, 0), *last = lop_network_layer(network, 1);
    first->mask[7] = 0;
    lop_network_apply_masks(network);
    last->bias[1] = 0.125f;
    assert_int_equal(lop_network_save(network, path, metadata, true, NULL), LOP_OK);
    char expected[4096], *json = NULL;
    assert_int_equal(lop_network_spec(network, &json, NULL), LOP_OK);
    snprintf(expected, sizeof expected,
             "format=lop\nlop.history=[1]\nlop.network=%s\nlop.version=" LOP_VERSION "\n", json);
    add_line(expected, sizeof expected, "fc1.bias", "F32", "4", first->bias, 16);
    add_line(expected, sizeof expected, "fc1.mask", "U8", "4x5", first->mask, 20);
    add_line(expected, sizeof expected, "fc1.weight", "F32", "4x5", first->weight, 80);
    add_line(expected, sizeof expected, "fc2.bias", "F32", "3", last->bias, 12);
    add_line(expected, sizeof expected, "fc2.weight", "F32", "3x4", last->weight, 48);
    const char *found = run_reference("read", path);
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(json);
    lop_network_free(network);
}

static void assert_values(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(values[i] == (float)((int)(37 * i % 101) - 50) / 64);
}

static void lop_reads_what_python_writes(void **state)
{
    (void)state;
    skip_without_numpy();
    const char *path = folder_path("python");
    char *metadata = NULL, text[64];
    lop_network *network = NULL;
    assert_non_null(run_reference("write", path));
    assert_int_equal(lop_network_load(&network, path, &metadata, NULL), LOP_OK);
    assert_string_equal(lop_network_describe(network, text, sizeof text), "5-4-3-2");
    assert_string_equal(metadata, "{\"format\":\"pt\"}");
    static const char *const names[] = {"0", "2", "10"};
    for (size_t i = 0; i < 3; i++) {
        const lop_layer *layer = lop_network_layer(network, i);
        assert_string_equal(layer->name, names[i]);
        assert_values(layer->weight, layer->outputs * layer->inputs);
        assert_int_equal(layer->bias != NULL, i == 2);
    }
    assert_values(lop_network_layer(network, 2)->bias, 2);
    free(metadata);
    lop_network_free(network);
}
#else
static void python_reads_what_lop_writes(void **state)
{
    (void)state;
    print_message("skipped: no python3 when this was configured\n");
    skip();
}

static void lop_reads_what_python_writes(void **state) { python_reads_what_lop_writes(state); }
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_reads_what_lop_writes),
        cmocka_unit_test(lop_reads_what_python_writes),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
