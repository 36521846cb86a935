#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/report.h>

#include "report/fake.h"

static char *csv_text(const lop_results *results)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(lop_report_csv(results, stream, NULL), LOP_OK);
    return fake_read_back(stream);
}

static void values_are_quoted_where_needed(void **state)
{
    (void)state;
    lop_result item = lop_result_empty();
    lop_results results = {.items = &item, .count = 1};
    fake_text(&item.dataset, "a,b");
    fake_text(&item.network, "say \"hi\"\nthere");
    fake_text(&item.method, "plain");
    item.seed = 9007199254740993; /* no double holds it */
    item.target_sparsity = 0.9;
    char *text = csv_text(&results);
    char *row = strstr(text, "\r\n") + 2;
    assert_memory_equal(text, "dataset,network,method,criterion,scope,schedule,seed,", 53);
    const char expected[] = "\"a,b\",\"say \"\"hi\"\"\nthere\",plain,,,,9007199254740993,0.9,,";
    assert_memory_equal(row, expected, sizeof expected - 1);
    assert_string_equal(row + strlen(row) - 2, "\r\n");
    free(text);
    lop_result_free(&item);
}

/* Python's reader is the independent one: as many columns in each line, names unique. */
static void python_reads_it(void **state)
{
    (void)state;
    lop_results results;
    fake_results(&results, 1, 2);
    fake_text(&results.items[3].dataset, "x\r\n\"y\",");
    FILE *pipe = popen("/usr/bin/python3 -c 'import csv, sys, io\n"
                       "t = io.TextIOWrapper(sys.stdin.buffer, newline=\"\", encoding=\"utf-8\")\n"
                       "r = list(csv.DictReader(t, strict=True))\n"
                       "assert len(r) == 40 and all(None not in x and None not in x.values() for x "
                       "in r)\n"
                       "assert r[3][\"dataset\"] == \"x\\r\\n\\\"y\\\",\"\n"
                       "assert r[0][\"units_left\"] == \"1000-1000-500-200\"\n"
                       "assert r[0][\"machine_threads\"] == \"2\" and r[0][\"bytes_packed\"] == "
                       "\"\"\n"
                       "sys.exit(42)'",
                       "w");
    assert_non_null(pipe);
    assert_int_equal(lop_report_csv(&results, pipe, NULL), LOP_OK);
    int ended = pclose(pipe);
    lop_results_free(&results);
    if (WEXITSTATUS(ended) == 127) {
        print_message("skipped: no python3\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(ended), 42);
}

static void epochs_stand_behind_what_they_are_of(void **state)
{
    (void)state;
    lop_epoch epochs[] = {{.epoch = 1,
                           .sparsity = 0.25,
                           .learning_rate = NAN,
                           .train_loss = 1.5,
                           .train_accuracy = NAN,
                           .validation_loss = NAN,
                           .validation_accuracy = NAN,
                           .test_loss = 2,
                           .test_accuracy = 0.5,
                           .seconds = 3},
                          {.epoch = 2, .learning_rate = 0.1}};
    lop_result items[] = {lop_result_empty(), lop_result_empty()};
    lop_results results = {.items = items, .count = 2};
    fake_text(&items[1].method, "unit, then weight");
    items[1].seed = 7;
    items[1].target_sparsity = 0.9;
    items[1].epochs = epochs;
    items[1].epoch_count = 2;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(lop_report_epochs_csv(&results, stream, NULL), LOP_OK);
    char *text = fake_read_back(stream);
    assert_string_equal(text,
                        "dataset,network,method,criterion,scope,schedule,seed,target_sparsity,"
                        "epoch,learning_rate,sparsity,train_loss,train_accuracy,valid_loss,"
                        "valid_accuracy,test_loss,test_accuracy,seconds\r\n"
                        ",,\"unit, then weight\",,,,7,0.9,1,,0.25,1.5,,,,2,0.5,3\r\n"
                        ",,\"unit, then weight\",,,,7,0.9,2,0.1,0,0,0,0,0,0,0,0\r\n");
    free(text);
    items[1].epochs = NULL;
    lop_result_free(&items[1]);
}

static void full_disk_is_said(void **state)
{
    (void)state;
    lop_results results;
    FILE *full = fopen("/dev/full", "w");
    if (!full) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    fake_results(&results, 1, 1);
    /* Whether the disk is found full at the end or on the way. */
    assert_int_equal(lop_report_csv(&results, full, NULL), LOP_E_FULL);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(lop_report_csv(&results, full, NULL), LOP_E_FULL);
    fclose(full);
    lop_results_free(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_quoted_where_needed),
        cmocka_unit_test(python_reads_it),
        cmocka_unit_test(epochs_stand_behind_what_they_are_of),
        cmocka_unit_test(full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
