#include "test.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/csv.h"
#include "files.h"

static lop_status read_text(const char *text, const char *label_column, lopi_part *part,
                            bool *bytes, lop_error *error)
{
    return lopi_csv_read(part, bytes, files_write_text("set.csv", text), label_column,
                         LOP_MAX_DATA_BYTES, error);
}

/* What is wrong, in which line, and a word that the error must have. */
typedef struct bad_text {
    const char *text, *label_column;
    lop_status status;
    uint64_t line;
    const char *word;
} bad_text;

static const bad_text bad_texts[] = {
    {"", NULL, LOP_E_FORMAT, 0, "lines"},
    {"\n\r\n\n", NULL, LOP_E_FORMAT, 0, "lines"},
    {"label,a\n", NULL, LOP_E_FORMAT, 0, "samples"},
    {"1\n2\n", NULL, LOP_E_FORMAT, 1, "columns"},
    {"label,a\n1,2\n1\n", NULL, LOP_E_FORMAT, 3, "fewer"},
    {"label,a\n1,2\n1,2,3\n", NULL, LOP_E_FORMAT, 3, "more"},
    {"label,a\n1,2,\n", NULL, LOP_E_FORMAT, 2, "more"},
    {"label,a\n\n1,x\n", NULL, LOP_E_FORMAT, 3, "column 2: expected a number, found \"x\""},
    {"label,a\n1,\n", NULL, LOP_E_FORMAT, 2, "number"},
    {"label,a\n1,nan\n", NULL, LOP_E_FORMAT, 2, "number"},
    {"label,a\n1,inf\n", NULL, LOP_E_FORMAT, 2, "number"},
    {"label,a\n1,0x10\n", NULL, LOP_E_FORMAT, 2, "number"},
    {"label,a\n1,1e39\n", NULL, LOP_E_FORMAT, 2, "float can hold"},
    {"label,a\n1,1-2\n", NULL, LOP_E_FORMAT, 2, "number"},
    {"label,a\n-1,2\n", NULL, LOP_E_FORMAT, 2, "label"},
    {"label,a\n1.5,2\n", NULL, LOP_E_FORMAT, 2, "label"},
    {"label,a\n65536,2\n", NULL, LOP_E_FORMAT, 2, "label"},
    {"label,a\n1,\"2\n", NULL, LOP_E_FORMAT, 2, "quote"},
    {"label,a\n1,\"2\"3\n", NULL, LOP_E_FORMAT, 2, "quote"},
    {"a,b\n1,2\n", "kind", LOP_E_FORMAT, 1, "\"kind\""},
    {"1,2\n1,2\n", "kind", LOP_E_FORMAT, 1, "no header"},
};

static void bad_lines_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        const bad_text *bad = &bad_texts[i];
        lopi_part part = {0};
        lop_error error = {0};
        bool bytes = false;
        lop_status status = read_text(bad->text, bad->label_column, &part, &bytes, &error);
        if (status != bad->status || error.line != bad->line || !strstr(error.text, bad->word))
            fail_msg("%zu: %s line %llu: %s", i, lop_status_name(status),
                     (unsigned long long)error.line, error.text);
        assert_null(part.values);
    }
}

static void the_label_column_is_found(void **state)
{
    (void)state;
    /* text, wanted column; expected label and first value of the only sample */
    static const struct {
        const char *text, *column;
        int label;
        float first;
    } cases[] = {
        {"3,10,20\n", NULL, 3, 10},
        {"a,label,b\n3,10,20\n", NULL, 10, 3},
        {"a,b,c\n3,10,20\n", NULL, 3, 10},
        {"a,label,b\n3,10,20\n", "b", 20, 3},
        {"\"a\",\"label\"\r\n\"3\",\"10\"\r\n", NULL, 10, 3},
        {"\xef\xbb\xbflabel,a\n3,10", NULL, 3, 10},
        {" label , a \n 3 ,\t10\n\n", NULL, 3, 10},
        {"label,a\n3.0,10\n", NULL, 3, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lopi_part part = {0};
        bool bytes = false;
        assert_int_equal(read_text(cases[i].text, cases[i].column, &part, &bytes, NULL), LOP_OK);
        assert_int_equal(part.samples.count, 1);
        assert_int_equal(part.samples.labels[0], cases[i].label);
        assert_true(part.samples.floats[0] == cases[i].first);
        assert_int_equal(part.samples.classes, cases[i].label + 1);
        assert_true(bytes);
        lopi_part_free(&part);
    }
}

static void numbers_are_read_exactly_in_any_locale(void **state)
{
    (void)state;
    static const char text[] = "0,1.5\n0,-0.1\n0,16777217\n0,1e-3\n0,3.4028235e38\n0,+7\n"
                               "0,00000000012\n0,.5\n0,256\n";
    static const float expected[] = {1.5f, -0.1f, 16777216.0f, 1e-3f, 3.4028235e38f,
                                     7.0f, 12.0f, 0.5f,        256.0f};
    /* One with a decimal comma is made here, as few machines have any. */
    char command[256];
    snprintf(command, sizeof command, "localedef -f UTF-8 -i de_DE '%s' >/dev/null 2>&1",
             files_path("de_DE.UTF-8"));
    bool made = system(command) == 0 && setenv("LOCPATH", files_path(""), 1) == 0;
    const char *comma = made ? setlocale(LC_NUMERIC, "de_DE.UTF-8") : NULL;
    if (!comma)
        print_message("no locale with a decimal comma here: only the plain one is tried\n");
    lopi_part part = {0};
    bool bytes = true;
    lop_status status = read_text(text, NULL, &part, &bytes, NULL);
    bool had_comma = localeconv()->decimal_point[0] == ',';
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(had_comma, comma != NULL); /* the reader has put back what was there */
    assert_int_equal(status, LOP_OK);
    assert_false(bytes);
    assert_int_equal(part.samples.count, 9);
    for (size_t i = 0; i < 9; i++)
        assert_memory_equal(&part.samples.floats[i], &expected[i], sizeof(float));
    lopi_part_free(&part);
}

static void integers_to_255_are_bytes(void **state)
{
    (void)state;
    lopi_part part = {0};
    bool bytes = false;
    assert_int_equal(read_text("1,0,255\n0,7,128\n", NULL, &part, &bytes, NULL), LOP_OK);
    assert_true(bytes);
    assert_int_equal(lopi_part_to_bytes(&part, NULL), LOP_OK);
    assert_null(part.samples.floats);
    static const uint8_t expected[] = {0, 255, 7, 128};
    assert_memory_equal(part.samples.bytes, expected, sizeof expected);
    lopi_part_free(&part);
    static const char *const others[] = {"1,-1\n", "1,256\n", "1,0.5\n"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read_text(others[i], NULL, &part, &bytes, NULL), LOP_OK);
        assert_false(bytes);
        lopi_part_free(&part);
    }
}

/* Labels count the samples, so that it can be seen where each one went. */
static void dividing_keeps_every_sample_and_the_order(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    char text[2048] = "";
    size_t used = 0;
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,%d.5\n", i, i);
    lopi_part part = {0}, test = {0};
    bool bytes = false, seen[COUNT] = {false};
    assert_int_equal(read_text(text, NULL, &part, &bytes, NULL), LOP_OK);
    assert_int_equal(lopi_part_divide(&part, &test, "set.csv", NULL), LOP_OK);
    assert_int_equal(part.samples.count, COUNT - COUNT / 6);
    assert_int_equal(test.samples.count, COUNT / 6);
    const lopi_part *parts[2] = {&part, &test};
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p]->samples.count; i++) {
            uint16_t label = parts[p]->samples.labels[i];
            assert_false(seen[label]);
            seen[label] = true;
            assert_true(parts[p]->samples.floats[i] == (float)label + 0.5f);
            if (i > 0)
                assert_true(parts[p]->samples.labels[i - 1] < label);
        }
    lopi_part_free(&part);
    lopi_part_free(&test);
}

static void too_few_samples_cannot_be_divided(void **state)
{
    (void)state;
    lopi_part part = {0}, test = {0};
    bool bytes = false;
    lop_error error = {0};
    assert_int_equal(read_text("0,1\n1,2\n0,3\n1,4\n0,5\n", NULL, &part, &bytes, NULL), LOP_OK);
    assert_int_equal(lopi_part_divide(&part, &test, "set.csv", &error), LOP_E_FORMAT);
    assert_non_null(strstr(error.text, "at least 6"));
    assert_int_equal(part.samples.count, 5);
    lopi_part_free(&part);
}

static void gzip_is_taken_off_and_binary_refused(void **state)
{
    (void)state;
    static const char text[] = "1,2\n3,4\n";
    lopi_bytes packed = files_gzip(text, sizeof text - 1);
    lopi_part part = {0};
    bool bytes = false;
    lop_error error = {0};
    const char *path = files_write("set.csv.gz", packed.data, packed.size);
    assert_int_equal(lopi_csv_read(&part, &bytes, path, NULL, LOP_MAX_DATA_BYTES, NULL), LOP_OK);
    assert_int_equal(part.samples.count, 2);
    lopi_part_free(&part);
    path = files_write("set.csv", "1,2\n3,\0004\n", 9);
    assert_int_equal(lopi_csv_read(&part, &bytes, path, NULL, LOP_MAX_DATA_BYTES, &error),
                     LOP_E_FORMAT);
    assert_non_null(strstr(error.text, "binary"));
    for (size_t size = 2; size < packed.size; size++) {
        path = files_write("set.csv.gz", packed.data, size);
        assert_int_not_equal(lopi_csv_read(&part, &bytes, path, NULL, LOP_MAX_DATA_BYTES, NULL),
                             LOP_OK);
    }
    lopi_free(packed.data);
}

/* Every byte of a small file replaced by each of the letters that mean something. */
static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    static const char text[] = "label,\"a\",b\n1,\"2\",3.5\n0,-1e2,\"4\"\"\"\r\n";
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (const char *letter = ",\"\n\r0-e x"; *letter; letter++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[i] = *letter;
            lopi_part part = {0};
            bool bytes;
            if (read_text(changed, NULL, &part, &bytes, NULL) == LOP_OK)
                assert_true(part.samples.count >= 1 && part.samples.features >= 1);
            lopi_part_free(&part);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(the_label_column_is_found),
        cmocka_unit_test(numbers_are_read_exactly_in_any_locale),
        cmocka_unit_test(integers_to_255_are_bytes),
        cmocka_unit_test(dividing_keeps_every_sample_and_the_order),
        cmocka_unit_test(too_few_samples_cannot_be_divided),
        cmocka_unit_test(gzip_is_taken_off_and_binary_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
