/** The page's parts, each written into a stream that remembers what fails. */
#ifndef LOPI_REPORT_HTML_H
#define LOPI_REPORT_HTML_H

#include <stdio.h>

#include <lop/report.h>

#include "report/group.h"
#include "report/networks.h"

typedef struct lopi_page {
    const lop_results *results;
    const lopi_view *view;
    const lop_report_options *options;
    lopi_shown_networks *networks; /* which of them are carried is settled as they are written */
} lopi_page;

/** Text from data, so that it is text and nothing else, in elements and in quoted attributes. */
void lopi_html_text(const char *text, FILE *stream);

/** "Pruning mnist and fashion-mnist", or the title asked for. */
void lopi_html_title(const lopi_page *page, FILE *stream);

/** The mark of whoever made the page, where there is one. */
void lopi_html_mark(const lopi_page *page, FILE *stream);

/** In the head of a page that is of a sweep under way: loads it anew where there are no scripts. */
void lopi_html_refresh(const lopi_page *page, FILE *stream);

/** What a reader has to know first: that the sweep is under way, and which lines are left out. */
void lopi_html_notes(const lopi_page *page, FILE *stream);

/** A section for each block: headlines, room for charts. */
void lopi_html_blocks(const lopi_page *page, FILE *stream);

/** The table of each block. */
void lopi_html_tables(const lopi_page *page, FILE *stream);

/** Command, version, machine and recipe. */
lop_status lopi_html_provenance(const lopi_page *page, FILE *stream, lop_error *error);

/** What the charts draw, as JSON in which no '<' stands. LOP_E_MEMORY, LOP_E_FORMAT. */
lop_status lopi_html_data(const lopi_page *page, FILE *stream, lop_error *error);

/** JSON text as raw DEFLATE in base64: what is large stands in the page so. *text is new memory,
 * for free(); LOP_E_MEMORY. */
lop_status lopi_html_deflate(const char *json, char **text, lop_error *error);
/** The same into a stream. */
lop_status lopi_html_deflated(const char *json, FILE *stream, lop_error *error);

/** The packed networks that results name, deflated: what is said of each, and the files of as many
 * as fit into `room` bytes with that. LOP_E_MEMORY. */
lop_status lopi_html_networks(const lopi_page *page, size_t room, FILE *stream, lop_error *error);

/** The runtime's WebAssembly modules, deflated, the better one first; none where this library was
 * built without, or no network could be opened. LOP_E_MEMORY. */
lop_status lopi_html_runtime(const lopi_page *page, FILE *stream, lop_error *error);

/** Test samples, as lopi_samples_json has them, deflated. LOP_E_MEMORY. */
lop_status lopi_html_samples(const lopi_page *page, FILE *stream, lop_error *error);

/** JSON text inside a script element: '<' is escaped, so that it cannot end. */
void lopi_html_json(const char *json, FILE *stream);

#endif
