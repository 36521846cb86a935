/** A page of results that is written anew while they arrive. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "report_files.h"
#include "session.h"

typedef struct watch {
    session *session;
    const char *page, *directory; /* NULL page: nothing is watched */
    bool overwrite;               /* whatever stands there */
    bool begun;                   /* the directory is this sweep's */
    double next;                  /* when the page may be written again, by lop_clock_seconds */
    size_t done, total;           /* as last heard */
    bool failed;                  /* said once; the sweep goes on */
} watch;

/**
 * Whether the page may stand there: before anything is begun. LOP_E_EXISTS where a file is there
 * that no sweep of this directory wrote, and `overwrite` is false; LOP_E_CREATE; LOP_E_ARG for "-".
 */
lop_status watch_check(const watch *w, lop_error *error);
/** The directory is this sweep's: write the page, of what results there are. */
void watch_begin(watch *w, size_t done, size_t total);
/** Hear of a result: the page is written, but never takes more than a twentieth of the time. */
void watch_result(watch *w, size_t done, size_t total);
/** The sweep is over, or stopped: the page no longer loads itself anew. Nothing where it was not
 * begun. */
lop_status watch_end(const watch *w, bool finished, lop_error *error);

enum { WATCH_MARK_SIZE = 32 };
/** What marks the pages of the sweep in a directory; false where there is no directory. */
bool watch_mark(const char *directory, char *buffer, size_t size);

#endif
