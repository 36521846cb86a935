/**
 * Fetch: the ways in which a set's files can be had. Each brings them, plain or gzip, into one
 * directory; checking and keeping them is the cache's business.
 */
#ifndef LOPI_DATA_FETCH_H
#define LOPI_DATA_FETCH_H

#include "data/registry.h"

typedef struct lopi_fetch {
    const lopi_known_set *set;
    const char *temporary; /* an empty directory, removed afterwards */
    const lop_hooks *hooks;
    char *found; /* set by the fetch function: where the files are; end with lopi_free */
} lopi_fetch;

/** They are in a directory of this machine. */
lop_status lopi_fetch_directory(lopi_fetch *fetch, const lopi_data_source *source,
                                lop_error *error);
/** By npm, then tar. */
lop_status lopi_fetch_npm(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error);
/** By apt-get and dpkg, without installing. */
lop_status lopi_fetch_debian(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error);
/** By curl, each file as NAME.gz. */
lop_status lopi_fetch_mirror(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error);

#endif
