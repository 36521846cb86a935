/** Data sets that the command line names. */
#ifndef CLI_DATA_SETS_H
#define CLI_DATA_SETS_H

#include <lop/data.h>

#include "session.h"

/** Of commands that read data sets; any that has values which begin with common. */
extern const option data_limit_options[];

/** What a command line names: a known set, a directory or a file. */
typedef struct data_named {
    const char *name;
    const char *label_column; /* may be NULL */
    bool at_hand;             /* nothing is fetched */
} data_named;

/** As lop_dataset_open, with progress and messages of the session. */
lop_status data_open(lop_dataset **out, session *s, const data_named *named, lop_error *error);
/** Whether a failure says that memory or the disk failed, and nothing of whether there are data. */
bool data_unknown(lop_status status);

/**
 * What the library says of a known set goes through here: where it has no directory to look in,
 * because the environment names none, the error says what to set. LOP_E_CREATE then; otherwise
 * `status`.
 */
lop_status data_told(lop_status status, lop_error *error);

#endif
