/* What stands above everything else in the page. */
#include <inttypes.h>

#include "report/html.h"

enum { REFRESH_SECONDS = 10, LINES_SHOWN = 20 };

void lopi_html_mark(const lopi_page *page, FILE *stream)
{
    if (!page->options->mark)
        return;
    fputs("<meta name=\"lop-mark\" content=\"", stream);
    lopi_html_text(page->options->mark, stream);
    fputs("\">", stream);
}

static unsigned refresh_seconds(const lop_report_running *running)
{
    return running->seconds ? running->seconds : REFRESH_SECONDS;
}

void lopi_html_refresh(const lopi_page *page, FILE *stream)
{
    const lop_report_running *running = &page->options->running;
    if (running->under_way)
        fprintf(stream, "<noscript><meta http-equiv=\"refresh\" content=\"%u\"></noscript>",
                refresh_seconds(running));
}

static void put_running(const lop_report_running *running, FILE *stream)
{
    fprintf(stream, "<p class=\"note\" id=\"live\" role=\"status\" data-seconds=\"%u\"><b>",
            refresh_seconds(running));
    if (running->total)
        fprintf(stream, "The sweep is running: %zu of %zu points are measured.", running->done,
                running->total);
    else
        fputs("The sweep is running: nothing new is measured yet.", stream);
    fprintf(
        stream,
        "</b> This page is rewritten as results arrive, and loads itself anew every %u seconds. "
        "Networks are shown when all is done.</p>\n",
        refresh_seconds(running));
}

static void put_skipped(const lop_results *results, FILE *stream)
{
    size_t count = results->skipped_count;
    fprintf(stream,
            "<div class=\"note warn\"><p>%zu line%s of the results could not be read and "
            "%s left out; the rest is drawn.</p>\n<ul>\n",
            count, count == 1 ? "" : "s", count == 1 ? "is" : "are");
    for (size_t i = 0; i < count && i < LINES_SHOWN; i++) {
        fprintf(stream, "<li>line %" PRIu64 ": ", results->skipped[i].line);
        lopi_html_text(results->skipped[i].text, stream);
        fputs("</li>\n", stream);
    }
    if (count > LINES_SHOWN)
        fprintf(stream, "<li>and %zu more</li>\n", count - LINES_SHOWN);
    fputs("</ul></div>\n", stream);
}

void lopi_html_notes(const lopi_page *page, FILE *stream)
{
    if (page->options->running.under_way)
        put_running(&page->options->running, stream);
    if (page->results->skipped_count)
        put_skipped(page->results, stream);
    if (page->view->count == 0)
        fputs("<p class=\"note\">There are no results yet.</p>\n", stream);
}
