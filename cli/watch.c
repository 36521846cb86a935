#include "watch.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lop/machine.h>
#include <lop/output.h>

static const double least_seconds = 1, share = 20;

enum { HEAD_BYTES = 512 }; /* within which lop_report_html puts a mark */

bool watch_mark(const char *directory, char *buffer, size_t size)
{
    /* A hash (FNV-1a), since a page that is handed on does not tell where it was made. */
    uint64_t hash = 0xcbf29ce484222325U;
    char *whole = realpath(directory, NULL);
    for (const char *at = whole; at && *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3U;
    snprintf(buffer, size, "sweep-%016" PRIx64, hash);
    free(whole);
    return whole != NULL;
}

/* Whether a file begins as the pages of this directory's sweep do. */
static bool is_own_page(const watch *w)
{
    char mark[WATCH_MARK_SIZE], head[HEAD_BYTES + 1] = "";
    if (!watch_mark(w->directory, mark, sizeof mark))
        return false; /* there has been no sweep yet */
    FILE *file = fopen(w->page, "rbe");
    size_t got = file ? fread(head, 1, HEAD_BYTES, file) : 0;
    if (file)
        fclose(file);
    head[got] = 0;
    return strstr(head, mark) != NULL;
}

/* Whether the page goes into the results' own directory, which the sweep is yet to make. */
static bool is_in_coming_directory(const watch *w)
{
    size_t length = strlen(w->directory);
    while (length > 1 && w->directory[length - 1] == '/')
        length--;
    return access(w->directory, F_OK) != 0 && strncmp(w->page, w->directory, length) == 0 &&
           w->page[length] == '/' && !strchr(w->page + length + 1, '/') && w->page[length + 1];
}

lop_status watch_check(const watch *w, lop_error *error)
{
    struct stat found;
    lop_output *output = NULL;
    if (!w->page)
        return LOP_OK;
    if (strcmp(w->page, "-") == 0)
        return usage_error(error, LOP_E_ARG,
                           "--watch-report: expected a file that can be written again and again, "
                           "and not standard output");
    if (!w->overwrite && stat(w->page, &found) == 0 && S_ISREG(found.st_mode) && !is_own_page(w)) {
        usage_error(error, LOP_E_EXISTS,
                    "exists already, and is no page of this sweep; -f overwrites it");
        return blame(error, w->page);
    }
    if (is_in_coming_directory(w))
        return LOP_OK;
    lop_status status = lop_output_open(&output, w->page, true, error);
    lop_output_abandon(output);
    return status;
}

static lop_status write_page(const watch *w, bool running, bool networks, lop_error *error)
{
    lop_results results = {0};
    lop_hooks hooks = session_hooks(w->session);
    lop_report_options options = report_options(w->session, &hooks);
    char *path = report_path(w->directory, "results.jsonl"), mark[WATCH_MARK_SIZE];
    char *again = report_commands(&w->directory, 1);
    if (!path) {
        free(again);
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    }
    lop_status status = lop_results_load_rest(&results, path, NULL, error);
    if (status == LOP_E_NOT_FOUND)
        status = LOP_OK; /* before the first result */
    if (running)
        options.running =
            (lop_report_running){.under_way = true, .done = w->done, .total = w->total};
    options.directory = networks ? w->directory : NULL;
    options.mark = watch_mark(w->directory, mark, sizeof mark) ? mark : NULL;
    options.command = again;
    if (status == LOP_OK)
        status = report_write_html(&results, &options, w->page, true, error);
    lop_results_free(&results);
    free(again);
    free(path);
    return status;
}

/* The page is a view: that it cannot be written is said, and does not stop the sweep. */
static void write_running(watch *w)
{
    lop_error error = {0};
    double begin = lop_clock_seconds();
    if (write_page(w, true, false, &error) != LOP_OK && !w->failed) {
        say(w->session, "the page cannot be written: %s: %s", error.file, error.text);
        w->failed = true;
    }
    double took = lop_clock_seconds() - begin;
    w->next = begin + (share * took > least_seconds ? share * took : least_seconds);
}

void watch_begin(watch *w, size_t done, size_t total)
{
    w->begun = true;
    w->done = done;
    w->total = total;
    if (w->page)
        write_running(w);
}

void watch_result(watch *w, size_t done, size_t total)
{
    w->done = done;
    w->total = total;
    if (w->page && lop_clock_seconds() >= w->next)
        write_running(w);
}

lop_status watch_end(const watch *w, bool finished, lop_error *error)
{
    return w->page && w->begun ? write_page(w, false, finished, error) : LOP_OK;
}
