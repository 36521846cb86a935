/** The files that a report consists of, for `lop report` and the end of `lop sweep`. */
#ifndef CLI_REPORT_FILES_H
#define CLI_REPORT_FILES_H

#include <lop/report.h>

#include "session.h"

/** How this terminal wants tables. `hooks` must outlive the result. */
lop_report_options report_options(const session *s, const lop_hooks *hooks);

/** lop_report_csv or lop_report_epochs_csv. */
typedef lop_status report_csv(const lop_results *results, FILE *stream, lop_error *error);

/** Write one file by one of the library's writers. */
lop_status report_write_csv(const lop_results *results, report_csv *write, const char *path,
                            bool overwrite, lop_error *error);
lop_status report_write_html(const lop_results *results, const lop_report_options *options,
                             const char *path, bool overwrite, lop_error *error);
/** Plots into `dir`; a missing gnuplot is a message and no failure: of `status`, which is the
 *  library's, what is left. */
lop_status report_figures_drawn(session *s, lop_status status, const lop_error *error);
/** The same for results. */
lop_status report_write_figures(session *s, const lop_results *results,
                                const lop_report_options *options, const char *dir,
                                lop_error *error);

/** "DIR/NAME"; NULL where memory is out. */
char *report_path(const char *dir, const char *name);

/** The commands that make the results of directories again, by the recipes that sweeps keep beside
 * them, a line each; free(). NULL where there are none. */
char *report_commands(const char *const *directories, size_t count);

/** The directory that paths in a file of results are below of; free(). NULL: out of memory. */
char *results_directory(const char *results);

/** The results of a sweep's directory, or of a file of results; free(). NULL: out of memory. */
char *results_path(const char *path);

#endif
