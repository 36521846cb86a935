#include "watch.h"

#include <stdlib.h>

#include <lop/machine.h>

static const double least_seconds = 1, share = 20;

/* `again` is the command that makes the results anew; none is given while the sweep is under way.
 */
static lop_status write_page(watch *w, bool running, bool networks, lop_error *error)
{
    lop_results results = {0};
    lop_hooks hooks = session_hooks(w->session);
    lop_report_options options = report_options(w->session, &hooks);
    char *path = report_path(w->directory, "results.jsonl");
    if (!path)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    lop_status status = lop_results_load_rest(&results, path, NULL, error);
    if (status == LOP_E_NOT_FOUND)
        status = LOP_OK; /* before the first result */
    if (running)
        options.running =
            (lop_report_running){.under_way = true, .done = w->done, .total = w->total};
    options.directory = networks ? w->directory : NULL;
    if (status == LOP_OK)
        status = report_write_html(&results, &options, w->page, true, error);
    lop_results_free(&results);
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

void watch_begin(watch *w)
{
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

lop_status watch_end(watch *w, bool finished, lop_error *error)
{
    return w->page ? write_page(w, false, finished, error) : LOP_OK;
}
