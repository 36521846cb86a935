/* Samples without labels: NPY files of all kinds, and those that lie about themselves. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/data.h>

#include "base/file.h"

static char path[64];

static void write_npy(const char *header, const void *payload, size_t size)
{
    uint8_t bytes[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    size_t length = strlen(header);
    bytes[8] = (uint8_t)length;
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, payload, size);
    assert_int_equal(lopi_file_write(path, bytes, 10 + length + size, true, NULL), LOP_OK);
}

static lop_status read_it(size_t features, lop_input_values values, lop_inputs **out,
                          lop_error *error)
{
    *error = (lop_error){0};
    lop_status status = lop_inputs_read(out, path, features, values, error);
    if (status != LOP_OK) {
        assert_true(error->text[0]);
        assert_string_equal(error->file, path);
    }
    return status;
}

static void arrays_are_read(void **state)
{
    (void)state;
    lop_inputs *inputs = NULL;
    lop_error error;
    const uint8_t bytes[] = {0, 1, 2, 253, 254, 255};
    write_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", bytes, 6);
    assert_int_equal(read_it(3, LOP_INPUT_AUTO, &inputs, &error), LOP_OK);
    assert_int_equal(lop_inputs_samples(inputs)->count, 2);
    assert_memory_equal(lop_inputs_samples(inputs)->bytes, bytes, 6);
    assert_null(lop_inputs_samples(inputs)->labels);
    lop_inputs_free(inputs);
    assert_int_equal(read_it(3, LOP_INPUT_FLOATS, &inputs, &error), LOP_OK);
    assert_true(lop_inputs_samples(inputs)->floats[3] == 253);
    lop_inputs_free(inputs);
    const double doubles[] = {-1.5, 2};
    write_npy("{'shape': (2,), 'fortran_order': False, 'descr': '<f8'}\n", doubles, 16);
    assert_int_equal(read_it(2, LOP_INPUT_AUTO, &inputs, &error), LOP_OK);
    assert_int_equal(lop_inputs_samples(inputs)->count, 1);
    assert_true(lop_inputs_samples(inputs)->floats[0] == -1.5f);
    lop_inputs_free(inputs);
    assert_int_equal(read_it(2, LOP_INPUT_BYTES, &inputs, &error), LOP_E_RANGE);
    lop_inputs_free(NULL);
}

static void liars_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        lop_status status;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", LOP_E_FORMAT},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}", LOP_E_FORMAT},
        {"{'descr': '|u12', 'fortran_order': False, 'shape': (2, 3)}", LOP_E_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': ()}", LOP_E_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3", LOP_E_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,3)}", LOP_E_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False}", LOP_E_FORMAT},
        {"{'descr': '|u1', 'shape': (2, 3)}", LOP_E_FORMAT},
        {"", LOP_E_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 3)}", LOP_E_TRUNCATED},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3)}", LOP_E_TRUNCATED},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4)}", LOP_E_SHAPE},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3)}", LOP_E_LIMIT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 3)}", LOP_E_LIMIT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4000000000, 4000000000, "
         "4000000000)}",
         LOP_E_LIMIT},
    };
    lop_inputs *inputs = NULL;
    lop_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_npy(cases[i].header, "abcdef", 6);
        assert_int_equal(read_it(3, LOP_INPUT_AUTO, &inputs, &error), cases[i].status);
    }
    /* Cut anywhere, and of another version. */
    static const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}";
    write_npy(header, "abcdef", 6);
    lopi_bytes whole = {0};
    assert_int_equal(lopi_file_read(&whole, path, 1000, NULL), LOP_OK);
    for (size_t size = 6; size < whole.size; size++) {
        assert_int_equal(lopi_file_write(path, whole.data, size, true, NULL), LOP_OK);
        assert_int_equal(read_it(3, LOP_INPUT_AUTO, &inputs, &error), LOP_E_TRUNCATED);
    }
    whole.data[6] = 4;
    assert_int_equal(lopi_file_write(path, whole.data, whole.size, true, NULL), LOP_OK);
    assert_int_equal(read_it(3, LOP_INPUT_AUTO, &inputs, &error), LOP_E_VERSION);
    assert_null(inputs);
    free(whole.data);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/lop-inputs-%ld", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read),
        cmocka_unit_test(liars_are_found),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
