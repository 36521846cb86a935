/* Draws everything from made-up results into a directory, to be looked at. No test. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/report.h>

#include "base/file.h"
#include "report/fake.h"

static void say(const char *what, lop_status status, const lop_error *error)
{
    char text[1024];
    fprintf(stderr, "%s: %s %s\n", what, lop_status_name(status),
            status == LOP_OK ? "" : lop_error_format(error, text, sizeof text));
}

static FILE *create(const char *dir, const char *name)
{
    char *path = lopi_path_join(dir, name);
    FILE *stream = path ? fopen(path, "wb") : NULL;
    if (!stream)
        perror(name);
    free(path);
    return stream;
}

int main(int count, char **arguments)
{
    bool figures = count == 2;
    if (count != 2 && (count != 3 || strcmp(arguments[2], "--no-figures") != 0)) {
        fprintf(stderr, "usage: %s DIR [--no-figures]\n", arguments[0]);
        return 64;
    }
    lop_error error = {0};
    lop_results results;
    fake_results(&results, 2, 3);
    lop_report_options options = {.command = "lop sweep --data mnist --seeds 3 -o out",
                                  .colour = true};
    FILE *jsonl = create(arguments[1], "results.jsonl"), *csv = create(arguments[1], "results.csv"),
         *html = create(arguments[1], "report.html"), *plain = create(arguments[1], "table.txt"),
         *epochs = create(arguments[1], "epochs.csv");
    for (size_t i = 0; jsonl && i < results.count; i++) {
        char *line = NULL;
        if (lop_result_write(results.items + i, &line, &error) == LOP_OK)
            fprintf(jsonl, "%s\n", line);
        free(line);
    }
    if (plain) { /* what tests/report/table.txt is held against */
        lop_results one = {.items = results.items, .count = results.count / 2};
        say("table.txt", lop_report_table(&one, NULL, plain, &error), &error);
    }
    if (csv)
        say("csv", lop_report_csv(&results, csv, &error), &error);
    if (epochs)
        say("epochs", lop_report_epochs_csv(&results, epochs, &error), &error);
    say("table", lop_report_table(&results, &options, stdout, &error), &error);
    if (html)
        say("html", lop_report_html(&results, &options, html, &error), &error);
    if (figures)
        say("figures", lop_report_figures(&results, &options, arguments[1], &error), &error);
    FILE *const streams[] = {jsonl, csv, html, plain, epochs};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (streams[i])
            fclose(streams[i]);
    lop_results_free(&results);
    return 0;
}
