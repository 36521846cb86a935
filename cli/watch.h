/** A page of results that is written anew while they arrive. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "report_files.h"
#include "session.h"

typedef struct watch {
    session *session;
    const char *page, *directory; /* NULL page: nothing is watched */
    double next;                  /* when the page may be written again, by lop_clock_seconds */
    size_t done, total;           /* as last heard */
    bool failed;                  /* said once; the sweep goes on */
} watch;

/** Write the page now, of what results there are. One that was begun is there before the first. */
void watch_begin(watch *w);
/** Hear of a result: the page is written, but never takes more than a twentieth of the time. */
void watch_result(watch *w, size_t done, size_t total);
/** The sweep is over, or stopped: the page no longer loads itself anew. */
lop_status watch_end(watch *w, bool finished, lop_error *error);

#endif
