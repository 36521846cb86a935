/**
 * Registry: the data sets that lop knows by name, their files with checksums, and where they can
 * be had. A new set is a row in registry.c.
 */
#ifndef LOPI_DATA_REGISTRY_H
#define LOPI_DATA_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>

/** The four files of a set in IDX, in this order. */
enum { LOPI_TRAIN_IMAGES, LOPI_TRAIN_LABELS, LOPI_TEST_IMAGES, LOPI_TEST_LABELS, LOPI_FILE_COUNT };

typedef struct lopi_known_file {
    const char *name;
    uint64_t size;
    const char *sha256; /* of the content, gzip taken off; 64 hexadecimal digits */
} lopi_known_file;

struct lopi_fetch;

/** A place where a set can be had: a way of getting it, with two words for that way. */
typedef struct lopi_data_source {
    const char *description;
    /** Bring the files to somewhere below the temporary directory, or say where they are. */
    lop_status (*fetch)(struct lopi_fetch *fetch, const struct lopi_data_source *source,
                        lop_error *error);
    const char *where; /* package, address or directory */
    const char *below; /* where in the package the files lie */
    bool local;        /* asks no network */
} lopi_data_source;

#define LOPI_MAX_SOURCES 4

typedef struct lopi_known_set {
    lop_data_entry entry;
    lopi_known_file files[LOPI_FILE_COUNT];
    lopi_data_source sources[LOPI_MAX_SOURCES]; /* tried in order; ends with a NULL description */
} lopi_known_set;

/** NULL where the name is not known. */
const lopi_known_set *lopi_known_find(const char *name);

/** LOP_E_NOT_FOUND for `name`, with the list of known names. */
lop_status lopi_fail_unknown_set(const char *name, lop_error *error);

/** Names of the sets, separated by ", ", cut off at `size`. */
char *lopi_known_names(char *buffer, size_t size);

#endif
