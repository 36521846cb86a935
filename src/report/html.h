/** The page's parts, each written into a stream that remembers what fails. */
#ifndef LOPI_REPORT_HTML_H
#define LOPI_REPORT_HTML_H

#include <stdio.h>

#include <lop/report.h>

#include "report/group.h"

typedef struct lopi_page {
    const lop_results *results;
    const lopi_view *view;
    const lop_report_options *options;
} lopi_page;

/** Text from data, so that it is text and nothing else, in elements and in quoted attributes. */
void lopi_html_text(const char *text, FILE *stream);

/** "Pruning mnist and fashion-mnist", or the title asked for. */
void lopi_html_title(const lopi_page *page, FILE *stream);

/** A section for each block: headlines, room for charts, the table of all points. */
void lopi_html_blocks(const lopi_page *page, FILE *stream);

/** Command, version, machine and recipe. */
void lopi_html_provenance(const lopi_page *page, FILE *stream);

/** What the charts draw, as JSON in which no '<' stands. LOP_E_MEMORY, LOP_E_FORMAT. */
lop_status lopi_html_data(const lopi_page *page, FILE *stream, lop_error *error);

/** JSON text inside a script element: '<' is escaped, so that it cannot end. */
void lopi_html_json(const char *json, FILE *stream);

#endif
