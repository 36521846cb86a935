#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/result.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/fake.h"
#include "report/field.h"

/* A different value in every member, found through the table, so that a new row is tested too. */
static void fill_record(const lopi_fields *fields, void *record, size_t salt)
{
    for (size_t i = 0; i < fields->count; i++) {
        const lopi_field *field = fields->rows + i;
        void *at = (char *)record + field->offset;
        char text[64];
        snprintf(text, sizeof text, "%s \"%zu\" \\ é </script>", field->name, salt);
        switch (field->kind) {
        case LOPI_TEXT:
            fake_text(at, text);
            break;
        case LOPI_OBJECT:
            fake_text(at, "{\"a\": [1, 2.5, 1.0, {\"b\": null}], \"c\": true}");
            break;
        case LOPI_CHARS:
            snprintf(at, field->size, "%s %zu", field->name, salt);
            break;
        case LOPI_COUNT:
            *(uint64_t *)at = (1ull << 53) + 1 + i + salt; /* no double holds these */
            break;
        case LOPI_SIZE:
            *(size_t *)at = 1 + i + salt;
            break;
        case LOPI_NUMBER:
            *(double *)at = 1e-300 / 3 + (double)(i + salt) * 1e5 / 7;
            break;
        case LOPI_FRACTION:
            *(double *)at = 1.0 / (double)(3 + i + salt);
            break;
        default:
            break;
        }
    }
}

static lop_result full_result(void)
{
    lop_result result = lop_result_empty();
    fill_record(&lopi_result_fields, &result, 0);
    result.units_left_count = 3;
    result.units_left = lopi_alloc(3, sizeof *result.units_left);
    assert_non_null(result.units_left);
    for (size_t i = 0; i < 3; i++)
        result.units_left[i] = 1000 - i;
    result.epoch_count = 2;
    result.epochs = lopi_alloc(2, sizeof *result.epochs);
    assert_non_null(result.epochs);
    for (size_t i = 0; i < 2; i++)
        fill_record(&lopi_epoch_fields, result.epochs + i, 100 * (i + 1));
    result.has_machine = true;
    fill_record(&lopi_machine_fields, &result.machine, 7);
    return result;
}

static void assert_same_record(const lopi_fields *fields, const void *a, const void *b)
{
    for (size_t i = 0; i < fields->count; i++) {
        const lopi_field *field = fields->rows + i;
        const void *left = lopi_field_at(field, a), *right = lopi_field_at(field, b);
        switch (field->kind) {
        case LOPI_TEXT:
        case LOPI_OBJECT:
            assert_string_equal(*(char *const *)left, *(char *const *)right);
            break;
        case LOPI_CHARS:
            assert_string_equal(left, right);
            break;
        case LOPI_COUNT:
        case LOPI_SIZE:
        case LOPI_NUMBER:
        case LOPI_FRACTION:
            assert_memory_equal(left, right, 8); /* to the last bit */
            break;
        default:
            break;
        }
    }
}

static void every_field_comes_back(void **state)
{
    (void)state;
    lop_result result = full_result(), back;
    char *line = NULL, *again = NULL;
    assert_int_equal(lop_result_write(&result, &line, NULL), LOP_OK);
    assert_null(strchr(line, '\n'));
    assert_int_equal(lop_result_read(&back, line, strlen(line), NULL), LOP_OK);
    assert_same_record(&lopi_result_fields, &result, &back);
    assert_int_equal(back.units_left_count, 3);
    assert_memory_equal(back.units_left, result.units_left, 3 * sizeof *back.units_left);
    assert_int_equal(back.epoch_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_same_record(&lopi_epoch_fields, result.epochs + i, back.epochs + i);
    assert_true(back.has_machine);
    assert_same_record(&lopi_machine_fields, &result.machine, &back.machine);
    assert_int_equal(lop_result_write(&back, &again, NULL), LOP_OK);
    assert_string_equal(line, again);
    assert_true(lop_result_same(&result, &back));
    free(line);
    free(again);
    lop_result_free(&result);
    lop_result_free(&back);
}

/* The names are a contract with other programs: they are spelled out here once more. */
static void names_are_fixed(void **state)
{
    (void)state;
    static const char *const names[] = {"schema",
                                        "dataset",
                                        "network",
                                        "method",
                                        "criterion",
                                        "scope",
                                        "schedule",
                                        "seed",
                                        "target_sparsity",
                                        "sparsity",
                                        "weights_total",
                                        "weights_left",
                                        "effective_weights_left",
                                        "units_left",
                                        "train_loss",
                                        "train_accuracy",
                                        "valid_loss",
                                        "valid_accuracy",
                                        "test_loss",
                                        "test_accuracy",
                                        "bytes_dense",
                                        "bytes_sparse",
                                        "bytes_zstd",
                                        "bytes_gzip",
                                        "bytes_deep_compression",
                                        "bytes_packed",
                                        "bytes_packed_shared",
                                        "packed",
                                        "packed_shared",
                                        "latency_us_batch1",
                                        "throughput_batch256",
                                        "compacted_latency_us_batch1",
                                        "compacted_throughput_batch256",
                                        "dense_latency_us_batch1",
                                        "dense_throughput_batch256",
                                        "energy_uj_estimate",
                                        "dense_energy_uj_estimate",
                                        "energy_uj_measured",
                                        "dense_energy_uj_measured",
                                        "prune_seconds",
                                        "train_seconds",
                                        "peak_memory_bytes",
                                        "epochs",
                                        "machine",
                                        "version",
                                        "recipe"};
    lop_result result = full_result();
    char *line = NULL;
    assert_int_equal(lop_result_write(&result, &line, NULL), LOP_OK);
    json_t *object = json_loads(line, 0, NULL);
    assert_int_equal(json_object_size(object), sizeof names / sizeof *names);
    size_t i = 0;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        assert_string_equal(json_object_iter_key(at), names[i++]);
    json_decref(object);
    free(line);
    lop_result_free(&result);
}

static void absent_is_left_out(void **state)
{
    (void)state;
    lop_result result = lop_result_empty(), back;
    char *line = NULL;
    result.test_loss = INFINITY;
    result.train_loss = -NAN;
    result.target_sparsity = 0.9;
    result.throughput_batch256 = 61000000;
    result.train_seconds = 0.1;
    result.seed = 3;
    assert_int_equal(lop_result_write(&result, &line, NULL), LOP_OK);
    assert_string_equal(line,
                        "{\"schema\": \"lop.result/1\", \"seed\": 3, \"target_sparsity\": 0.9, "
                        "\"throughput_batch256\": 61000000.0, \"train_seconds\": 0.1}");
    assert_int_equal(lop_result_read(&back, line, strlen(line), NULL), LOP_OK);
    assert_true(isnan(back.test_loss) && isnan(back.train_loss));
    assert_true(back.bytes_packed == LOP_ABSENT && !back.dataset && !back.epochs);
    assert_false(back.has_machine);
    free(line);
    lop_result_free(&result);
    lop_result_free(&back);
}

#define HEAD "{\"schema\": \"lop.result/1\", "
static const struct {
    const char *line;
    lop_status status;
    const char *says; /* part of the text */
} bad_lines[] = {
    {"", LOP_E_FORMAT, "JSON object"},
    {"null", LOP_E_FORMAT, "JSON"},
    {"[]", LOP_E_FORMAT, "another value"},
    {"{}", LOP_E_FORMAT, "schema"},
    {"{\"schema\": 1}", LOP_E_FORMAT, "schema"},
    {"{\"schema\": \"lop.result/2\"}", LOP_E_VERSION, "lop.result/2"},
    {HEAD "\"dataset\": 5}", LOP_E_FORMAT, "\"dataset\": expected a string, found an integer"},
    {HEAD "\"seed\": 1.5}", LOP_E_FORMAT, "\"seed\": expected an integer, found a real"},
    {HEAD "\"seed\": -1}", LOP_E_RANGE, "\"seed\""},
    {HEAD "\"seed\": 99999999999999999999}", LOP_E_FORMAT, "too big"},
    {HEAD "\"test_loss\": \"1\"}", LOP_E_FORMAT, "\"test_loss\""},
    {HEAD "\"test_loss\": 1e999}", LOP_E_FORMAT, "real number overflow"},
    {HEAD "\"test_loss\": NaN}", LOP_E_FORMAT, "JSON"},
    {HEAD "\"test_accuracy\": 98.2}", LOP_E_RANGE, "\"test_accuracy\": expected 0 to 1"},
    {HEAD "\"target_sparsity\": -0.1}", LOP_E_RANGE, "\"target_sparsity\""},
    {HEAD "\"units_left\": 3}", LOP_E_FORMAT, "\"units_left\""},
    {HEAD "\"units_left\": [1, \"2\"]}", LOP_E_FORMAT, "\"units_left\""},
    {HEAD "\"epochs\": [1]}", LOP_E_FORMAT, "\"epochs\""},
    {HEAD "\"epochs\": [{\"valid_accuracy\": 2}]}", LOP_E_RANGE, "\"valid_accuracy\""},
    {HEAD "\"machine\": \"fast\"}", LOP_E_FORMAT, "\"machine\""},
    {HEAD
     "\"machine\": {\"isa\": \"0123456789012345678901234567890123456789012345678901234567890123"
     "\"}}",
     LOP_E_LIMIT, "\"isa\""},
    {HEAD "\"recipe\": \"{}\"}", LOP_E_FORMAT, "\"recipe\": expected an object"},
    {HEAD "\"seed\": 1, \"seed\": 2}", LOP_E_FORMAT, "duplicate"},
    {HEAD "\"dataset\": \"\\u0000\"}", LOP_E_FORMAT, "JSON"},
    {HEAD "\"dataset\": \"\xff\"}", LOP_E_FORMAT, "decode byte 0xff"},
    {HEAD "\"seed\": 1} x", LOP_E_FORMAT, "JSON"},
};

static void bad_lines_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
        lop_result result = lop_result_empty();
        result.seed = 42; /* must stay */
        lop_error error = {0};
        lop_status status =
            lop_result_read(&result, bad_lines[i].line, strlen(bad_lines[i].line), &error);
        if (status != bad_lines[i].status || !strstr(error.text, bad_lines[i].says))
            fail_msg("%s: %s %s", bad_lines[i].line, lop_status_name(status), error.text);
        assert_int_equal(result.seed, 42);
    }
}

static void a_line_has_a_limit(void **state)
{
    (void)state;
    size_t size = (16u << 20) + 1;
    char *line = malloc(size);
    lop_result result = lop_result_empty();
    lop_error error = {0};
    assert_non_null(line);
    memset(line, ' ', size);
    assert_int_equal(lop_result_read(&result, line, size, &error), LOP_E_LIMIT);
    assert_non_null(
        strstr(error.text, "expected a line of at most 16777216 bytes, found 16777217"));
    free(line);
}

/* What makes two results the same point: each member that does, and one that does not. */
static void points_are_told_apart(void **state)
{
    (void)state;
    char text[] = "x", same[] = "x";
    lop_result point = lop_result_empty();
    point.dataset = point.network = point.method = point.criterion = text;
    point.scope = point.schedule = text;
    point.target_sparsity = 0.5;
    lop_result other = point;
    other.dataset = same;
    other.test_loss = 7;
    assert_true(lop_result_same(&point, &other));
    char **const members[] = {&other.dataset,   &other.network, &other.method,
                              &other.criterion, &other.scope,   &other.schedule};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char *before = *members[i], another[] = "y";
        *members[i] = another;
        assert_false(lop_result_same(&point, &other));
        *members[i] = NULL;
        assert_false(lop_result_same(&point, &other));
        assert_false(lop_result_same(&other, &point));
        *members[i] = before;
    }
    other.seed = point.seed + 1;
    assert_false(lop_result_same(&point, &other));
    other.seed = point.seed;
    other.target_sparsity = NAN;
    assert_false(lop_result_same(&point, &other));
    point.target_sparsity = NAN; /* none, both */
    assert_true(lop_result_same(&point, &other));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    char *line = lopi_alloc(DEPTH + 64, 1);
    assert_non_null(line);
    int head = snprintf(line, 64, HEAD "\"x\": ");
    memset(line + head, '[', DEPTH);
    lop_result result;
    assert_int_equal(lop_result_read(&result, line, strlen(line), NULL), LOP_E_LIMIT);
    lopi_free(line);
}

static void unknown_and_null_are_skipped(void **state)
{
    (void)state;
    const char line[] = HEAD "\"dataset\": null, \"later\": {\"a\": [1]}, \"test_loss\": 2}";
    lop_result result;
    assert_int_equal(lop_result_read(&result, line, strlen(line), NULL), LOP_OK);
    assert_null(result.dataset);
    assert_true(result.test_loss == 2);
    lop_result_free(&result);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    char *line = NULL;
    lop_error error = {0};
    lop_result result = lop_result_empty();
    fake_text(&result.recipe, "[1]");
    assert_int_equal(lop_result_write(&result, &line, &error), LOP_E_FORMAT);
    assert_non_null(strstr(error.text, "recipe"));
    fake_text(&result.recipe, NULL);
    fake_text(&result.dataset, "\xc3(");
    assert_int_equal(lop_result_write(&result, &line, &error), LOP_E_FORMAT);
    assert_non_null(strstr(error.text, "dataset"));
    fake_text(&result.dataset, NULL);
    result.seed = UINT64_MAX - 1;
    assert_int_equal(lop_result_write(&result, &line, &error), LOP_E_RANGE);
    assert_null(line);
    lop_result_free(&result);
}

/* Files -------------------------------------------------------------------------------------- */

static int warnings;
static void count_warning(void *context, lop_level level, const char *text)
{
    (void)context;
    if (level == LOP_WARNING && strstr(text, "cut off"))
        warnings++;
}
static const lop_hooks hooks = {.message = count_warning};

static void write_file(const char *path, const char *text)
{
    assert_int_equal(lopi_file_write(path, text, strlen(text), true, NULL), LOP_OK);
}

#define GOOD HEAD "\"seed\": 1}\n"

static void torn_line_is_left_out(void **state)
{
    const char *path = *state;
    lop_results results = {0};
    warnings = 0;
    write_file(path, GOOD "\n \r\n" GOOD HEAD "\"see");
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_OK);
    assert_int_equal(results.count, 2);
    assert_int_equal(warnings, 1);
    lop_results_free(&results);
    /* The next result goes where the torn one was. */
    lop_result result = lop_result_empty();
    result.seed = 2;
    assert_int_equal(lop_results_append(path, &result, NULL), LOP_OK);
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_OK);
    assert_int_equal(results.count, 3);
    assert_int_equal(results.items[2].seed, 2);
    assert_int_equal(warnings, 1);
    lop_results_free(&results);
}

static void last_line_may_lack_its_newline(void **state)
{
    const char *path = *state;
    lop_results results = {0};
    warnings = 0;
    write_file(path, GOOD HEAD "\"seed\": 7}");
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_OK);
    assert_int_equal(results.count, 2);
    assert_int_equal(warnings, 0);
    lop_results_free(&results);
    /* And is not lost by the next one. */
    lop_result result = lop_result_empty();
    result.seed = 8;
    assert_int_equal(lop_results_append(path, &result, NULL), LOP_OK);
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_OK);
    assert_int_equal(results.count, 3);
    assert_int_equal(results.items[1].seed, 7);
    assert_int_equal(results.items[2].seed, 8);
    lop_results_free(&results);
}

/* Blocks of a line that was not synced when the power went: missing, and read as zeros. */
static void line_with_missing_blocks_is_left_out(void **state)
{
    const char *path = *state;
    lop_results results = {0};
    const char text[] = GOOD "{\"schema\": \"lop.re\0\0\0\0\0\0\"seed\": 7}\n";
    warnings = 0;
    assert_int_equal(lopi_file_write(path, text, sizeof text - 1, true, NULL), LOP_OK);
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_OK);
    assert_int_equal(results.count, 1);
    assert_int_equal(warnings, 1);
    lop_results_free(&results);
    const char middle[] = "{\"schema\": \"lop.re\0\0\"seed\": 7}\n" GOOD;
    assert_int_equal(lopi_file_write(path, middle, sizeof middle - 1, true, NULL), LOP_OK);
    assert_int_equal(lop_results_load(&results, path, &hooks, NULL), LOP_E_FORMAT);
}

static void bad_line_has_a_number(void **state)
{
    const char *path = *state;
    static const struct {
        const char *text;
        lop_status status;
        uint64_t line;
    } files[] = {
        {GOOD GOOD "{\"sch\n" GOOD, LOP_E_FORMAT, 3},
        {GOOD "{\"schema\": \"lop.result/9\"}\n", LOP_E_VERSION, 2},
        {GOOD "{\"schema\": \"lop.result/9\"}", LOP_E_VERSION, 2},
        {HEAD "\"seed\": \"x\"}\n", LOP_E_FORMAT, 1},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        lop_results results = {0};
        lop_error error = {0};
        write_file(path, files[i].text);
        assert_int_equal(lop_results_load(&results, path, NULL, &error), files[i].status);
        assert_int_equal(error.line, files[i].line);
        assert_string_equal(error.file, path);
        assert_null(results.items);
    }
    lop_results results = {0};
    assert_int_equal(lop_results_load(&results, "/nowhere/results.jsonl", NULL, NULL),
                     LOP_E_NOT_FOUND);
    write_file(path, "");
    assert_int_equal(lop_results_load(&results, path, NULL, NULL), LOP_OK);
    assert_int_equal(results.count, 0);
}

/* A file of which nothing is a result is none: what is kept of it is bounded. */
static void too_many_bad_lines_are_refused(void **state)
{
    const char *path = *state;
    char text[2 * 1001 + 1];
    for (size_t i = 0; i < 1001; i++)
        memcpy(text + 2 * i, "x\n", 3);
    lop_results results = {0};
    lop_error error = {0};
    write_file(path, text + 2);
    assert_int_equal(lop_results_load_rest(&results, path, NULL, &error), LOP_OK);
    assert_int_equal(results.skipped_count, 1000);
    lop_results_free(&results);
    write_file(path, text);
    assert_int_equal(lop_results_load_rest(&results, path, NULL, &error), LOP_E_LIMIT);
    assert_int_equal(error.line, 1001);
    assert_null(results.items);
}

static char path[64];
static int make_path(void **state)
{
    snprintf(path, sizeof path, "/tmp/lop-result-%ld.jsonl", (long)getpid());
    *state = path;
    return 0;
}
static int remove_path(void **state) { return unlink(*state) != 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(names_are_fixed),
        cmocka_unit_test(absent_is_left_out),
        cmocka_unit_test(bad_lines_are_refused),
        cmocka_unit_test(a_line_has_a_limit),
        cmocka_unit_test(points_are_told_apart),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(unknown_and_null_are_skipped),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(torn_line_is_left_out),
        cmocka_unit_test(last_line_may_lack_its_newline),
        cmocka_unit_test(line_with_missing_blocks_is_left_out),
        cmocka_unit_test(bad_line_has_a_number),
        cmocka_unit_test(too_many_bad_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
