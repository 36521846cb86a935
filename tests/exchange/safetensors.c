#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "exchange/safetensors.h"
#include "folder.h"

static const float weights[6] = {1.5f, -2.0f, 0.25f, 3.0f, 1e-40f, -0.0f};
static const uint8_t flags[3] = {1, 0, 1};
static const uint64_t counter[1] = {0x0123456789abcdef};

static const lopi_tensor tensors[] = {
    {"weights", LOPI_F32, 2, {2, 3}, weights},
    {"flags", LOPI_U8, 1, {3}, flags},
    {"counter", LOPI_U64, 0, {0}, counter},
    {"nothing", LOPI_F32, 2, {0, 7}, weights},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };
static const lop_metadata metadata[] = {{"b", "two \"lines\"\n"}, {"a", "é"}, {NULL, NULL}};

static lopi_bytes read_file(const char *path)
{
    lopi_bytes bytes = {0};
    assert_int_equal(lopi_file_read(&bytes, path, 1 << 20, NULL), LOP_OK);
    return bytes;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    const char *path = folder_path("written");
    lopi_safetensors *file = NULL;
    assert_int_equal(lopi_safetensors_write(path, tensors, TENSORS, metadata, false, NULL), LOP_OK);
    assert_int_equal(lopi_safetensors_open(&file, path, NULL), LOP_OK);
    float found[6] = {0};
    uint8_t bytes[3] = {0};
    uint64_t number = 0;
    assert_int_equal(lopi_safetensors_copy(file, &tensors[0], found, NULL), LOP_OK);
    assert_memory_equal(found, weights, sizeof found);
    assert_int_equal(lopi_safetensors_copy(file, &tensors[1], bytes, NULL), LOP_OK);
    assert_memory_equal(bytes, flags, sizeof bytes);
    assert_int_equal(lopi_safetensors_copy(file, &tensors[2], &number, NULL), LOP_OK);
    assert_true(number == counter[0]);
    assert_int_equal(lopi_safetensors_copy(file, &tensors[3], NULL, NULL), LOP_OK);
    assert_string_equal(lopi_safetensors_metadata(file, "b"), "two \"lines\"\n");
    assert_null(lopi_safetensors_metadata(file, "c"));
    char *json = NULL;
    assert_int_equal(lopi_safetensors_metadata_json(file, &json, NULL), LOP_OK);
    assert_string_equal(json, "{\"a\":\"é\",\"b\":\"two \\\"lines\\\"\\n\"}");
    free(json);
    assert_string_equal(lopi_safetensors_at(file, 0)->name, "counter");
    assert_null(lopi_safetensors_at(file, TENSORS));
    lopi_safetensors_close(file);
    assert_int_equal(lopi_safetensors_write(path, tensors, TENSORS, metadata, false, NULL),
                     LOP_E_EXISTS);
}

static void the_order_given_does_not_matter(void **state)
{
    (void)state;
    lopi_tensor turned[TENSORS];
    for (size_t i = 0; i < TENSORS; i++)
        turned[i] = tensors[TENSORS - 1 - i];
    const lop_metadata other[] = {metadata[1], metadata[0], {NULL, NULL}};
    const char *one = folder_path("one"), *two = folder_path("two");
    assert_int_equal(lopi_safetensors_write(one, tensors, TENSORS, metadata, true, NULL), LOP_OK);
    assert_int_equal(lopi_safetensors_write(two, turned, TENSORS, other, true, NULL), LOP_OK);
    lopi_bytes a = read_file(one), b = read_file(two);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    lopi_free(a.data);
    lopi_free(b.data);
}

static void every_tensor_is_aligned(void **state)
{
    (void)state;
    /* Names of different lengths: the padding must mend each. */
    for (int length = 1; length <= 9; length++) {
        char name[16] = "nnnnnnnnn";
        name[length] = 0;
        lopi_tensor mixed[TENSORS];
        memcpy(mixed, tensors, sizeof mixed);
        mixed[0].name = name;
        const char *path = folder_path("aligned");
        lopi_safetensors *file = NULL;
        assert_int_equal(lopi_safetensors_write(path, mixed, TENSORS, NULL, true, NULL), LOP_OK);
        assert_int_equal(lopi_safetensors_open(&file, path, NULL), LOP_OK);
        for (size_t i = 0; i < TENSORS; i++) {
            const lopi_tensor *tensor = lopi_safetensors_at(file, i);
            assert_int_equal(lopi_safetensors_offset(file, tensor) % lopi_dtype_size(tensor->dtype),
                             0);
        }
        lopi_safetensors_close(file);
    }
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    const char *path = folder_path("refused");
    const lopi_tensor twice[] = {tensors[0], tensors[0]};
    const lopi_tensor odd = {"\xff", LOPI_U8, 1, {3}, flags};
    const lopi_tensor large = {"large", LOPI_F32, 2, {1ull << 40, 1ull << 40}, weights};
    const lop_metadata same[] = {{"a", "1"}, {"a", "2"}, {NULL, NULL}};
    const lop_metadata bytes[] = {{"a", "\xff"}, {NULL, NULL}};
    lop_error error = {0};
    assert_int_equal(lopi_safetensors_write(path, twice, 2, NULL, false, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "twice"));
    assert_int_equal(lopi_safetensors_write(path, &odd, 1, NULL, false, &error), LOP_E_ARG);
    assert_int_equal(lopi_safetensors_write(path, &large, 1, NULL, false, &error), LOP_E_LIMIT);
    assert_int_equal(lopi_safetensors_write(path, tensors, 1, same, false, &error), LOP_E_ARG);
    assert_non_null(strstr(error.text, "twice"));
    assert_int_equal(lopi_safetensors_write(path, tensors, 1, bytes, false, &error), LOP_E_ARG);
    assert_int_equal(lopi_safetensors_write("/nowhere/x", tensors, 1, NULL, false, &error),
                     LOP_E_CREATE);
    assert_false(lopi_file_exists(path));
}

static void an_empty_file_of_tensors_is_one(void **state)
{
    (void)state;
    const char *path = folder_path("empty");
    lopi_safetensors *file = NULL;
    assert_int_equal(lopi_safetensors_write(path, NULL, 0, NULL, true, NULL), LOP_OK);
    assert_int_equal(lopi_safetensors_open(&file, path, NULL), LOP_OK);
    assert_null(lopi_safetensors_at(file, 0));
    assert_null(lopi_safetensors_find(file, "weights"));
    char *json = NULL;
    assert_int_equal(lopi_safetensors_metadata_json(file, &json, NULL), LOP_OK);
    assert_string_equal(json, "{}");
    free(json);
    lopi_safetensors_close(file);
    lopi_safetensors_close(NULL);
}

static void only_what_was_wanted_is_copied(void **state)
{
    (void)state;
    const char *path = folder_path("wanted");
    lopi_safetensors *file = NULL;
    lop_error error = {0};
    float out[6] = {7};
    assert_int_equal(lopi_safetensors_write(path, tensors, TENSORS, NULL, true, NULL), LOP_OK);
    assert_int_equal(lopi_safetensors_open(&file, path, NULL), LOP_OK);
    lopi_tensor wanted = tensors[0];
    wanted.name = "other";
    assert_int_equal(lopi_safetensors_copy(file, &wanted, out, &error), LOP_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "other"));
    wanted = tensors[0];
    wanted.shape[0] = 3;
    wanted.shape[1] = 2;
    assert_int_equal(lopi_safetensors_copy(file, &wanted, out, &error), LOP_E_SHAPE);
    assert_non_null(strstr(error.text, "expected shape [3, 2], found [2, 3]"));
    wanted.rank = 1;
    wanted.shape[0] = 6;
    assert_int_equal(lopi_safetensors_copy(file, &wanted, out, &error), LOP_E_SHAPE);
    wanted = tensors[0];
    wanted.dtype = LOPI_U64;
    assert_int_equal(lopi_safetensors_copy(file, &wanted, out, &error), LOP_E_FORMAT);
    assert_non_null(strstr(error.text, "expected type U64, found F32"));
    assert_int_equal(lopi_safetensors_copy_floats(file, &tensors[1], out, &error), LOP_E_FORMAT);
    assert_true(out[0] == 7);
    lopi_safetensors_close(file);
}

static void values_must_be_finite(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        float values[6] = {0}, out[6];
        values[4] = bad[i];
        lopi_tensor tensor = tensors[0];
        tensor.data = values;
        const char *path = folder_path("nan");
        lopi_safetensors *file = NULL;
        lop_error error = {0};
        assert_int_equal(lopi_safetensors_write(path, &tensor, 1, NULL, true, NULL), LOP_OK);
        assert_int_equal(lopi_safetensors_open(&file, path, NULL), LOP_OK);
        assert_int_equal(lopi_safetensors_copy_floats(file, &tensor, out, &error), LOP_E_NAN);
        assert_non_null(strstr(error.text, "weights"));
        assert_non_null(strstr(error.text, "index 4"));
        uint64_t size = 0;
        assert_true(lopi_file_size(path, &size));
        assert_int_equal(error.offset, size - 8);
        /* Whoever wants the bytes as they are gets them. */
        assert_int_equal(lopi_safetensors_copy(file, &tensor, out, NULL), LOP_OK);
        lopi_safetensors_close(file);
    }
}

typedef struct bad_header {
    const char *header;
    size_t size; /* bytes behind it */
    lop_status status;
    const char *word;
} bad_header;

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"x\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const bad_header bad_headers[] = {
    {ENTRY("F32", "[2]", "[0,8]"), 7, LOP_E_TRUNCATED, "expected 8 bytes"},
    {ENTRY("F32", "[2]", "[0,8]"), 9, LOP_E_FORMAT, "found 1 bytes"},
    {ENTRY("F32", "[2]", "[1,9]"), 9, LOP_E_FORMAT, "begin where"},
    {ENTRY("F32", "[2]", "[8,0]"), 8, LOP_E_FORMAT, "[begin, end]"},
    {ENTRY("F32", "[2]", "[0,8,8]"), 8, LOP_E_FORMAT, "[begin, end]"},
    {ENTRY("F32", "[2]", "[-8,0]"), 8, LOP_E_FORMAT, "[begin, end]"},
    {ENTRY("F32", "[2]", "[0.0,8.0]"), 8, LOP_E_FORMAT, "[begin, end]"},
    {ENTRY("F32", "[3]", "[0,8]"), 8, LOP_E_FORMAT, "expected 12 bytes"},
    {ENTRY("F32", "[-1]", "[0,8]"), 8, LOP_E_FORMAT, "sizes"},
    {ENTRY("F32", "[\"2\"]", "[0,8]"), 8, LOP_E_FORMAT, "sizes"},
    {ENTRY("F32", "2", "[0,8]"), 8, LOP_E_FORMAT, "shape"},
    {ENTRY("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), 8, LOP_E_FORMAT, "at most 8"},
    /* 2^34 · 2^34 · 4 wraps round to 0 in 64 bits, and the other to 8. */
    {ENTRY("F32", "[17179869184,17179869184]", "[0,0]"), 0, LOP_E_FORMAT, "product"},
    {ENTRY("F32", "[2,4294967297,4294967295,4294967295]", "[0,8]"), 8, LOP_E_FORMAT, "product"},
    {ENTRY("F32", "[99999999999999999999]", "[0,8]"), 8, LOP_E_FORMAT, "JSON"},
    {ENTRY("F31", "[2]", "[0,8]"), 8, LOP_E_FORMAT, "dtype"},
    {ENTRY("F32", "[2],\"more\":1", "[0,8]"), 8, LOP_E_FORMAT, "exactly"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, LOP_E_FORMAT, "exactly"},
    {"{\"x\":[]}", 0, LOP_E_FORMAT, "exactly"},
    {"[]", 0, LOP_E_FORMAT, "object"},
    {"", 0, LOP_E_FORMAT, "JSON"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, LOP_E_FORMAT, "duplicate"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     3, LOP_E_FORMAT, "begin where"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
     2, LOP_E_FORMAT, "begin where"},
    {"{\"__metadata__\":{\"a\":1}}", 0, LOP_E_FORMAT, "text"},
    {"{\"__metadata__\":[]}", 0, LOP_E_FORMAT, "object of texts"},
    {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, LOP_E_FORMAT, "JSON"},
};

static void a_wrong_header_says_what_is_wrong(void **state)
{
    (void)state;
    static const uint8_t zeros[16];
    for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++) {
        const bad_header *bad = &bad_headers[i];
        const char *path = folder_write_tensors("bad", bad->header, zeros, bad->size);
        lopi_safetensors *file = NULL;
        lop_error error = {0};
        lop_status status = lopi_safetensors_open(&file, path, &error);
        if (status != bad->status || !strstr(error.text, bad->word))
            fail_msg("%s: %s: %s", bad->header, lop_status_name(status), error.text);
        assert_null(file);
        assert_string_equal(error.file, path);
    }
}

static void lengths_are_not_believed(void **state)
{
    (void)state;
    lopi_safetensors *file = NULL;
    lop_error error = {0};
    static const uint8_t huge[16] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}'};
    assert_int_equal(lopi_safetensors_open(&file, folder_write("h", huge, 16), &error),
                     LOP_E_LIMIT);
    static const uint8_t beyond[16] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    assert_int_equal(lopi_safetensors_open(&file, folder_write("h", beyond, 16), &error),
                     LOP_E_TRUNCATED);
    assert_int_equal(lopi_safetensors_open(&file, folder_write("h", huge, 7), &error),
                     LOP_E_TRUNCATED);
    assert_int_equal(lopi_safetensors_open(&file, folder_path("missing"), &error), LOP_E_NOT_FOUND);
    assert_int_equal(lopi_safetensors_open(&file, folder_path(""), &error), LOP_E_IO);
    assert_null(file);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    char *header = malloc(DEPTH + 1);
    static const char *const opening[] = {"[", "{\"a\":"};
    for (size_t kind = 0; kind < 2; kind++) {
        size_t step = strlen(opening[kind]);
        for (size_t i = 0; i < DEPTH; i++)
            header[i] = opening[kind][i % step];
        header[DEPTH] = 0;
        lopi_safetensors *file = NULL;
        lop_error error = {0};
        assert_int_equal(
            lopi_safetensors_open(&file, folder_write_tensors("deep", header, "", 0), &error),
            LOP_E_LIMIT);
        assert_non_null(strstr(error.text, "deep"));
    }
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_order_given_does_not_matter),
        cmocka_unit_test(every_tensor_is_aligned),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(an_empty_file_of_tensors_is_one),
        cmocka_unit_test(only_what_was_wanted_is_copied),
        cmocka_unit_test(values_must_be_finite),
        cmocka_unit_test(a_wrong_header_says_what_is_wrong),
        cmocka_unit_test(lengths_are_not_believed),
        cmocka_unit_test(deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
