/**
 * The packed networks that results name, opened for the page: one seed of each point, as far as
 * they can be read.
 *
 * What a result says about its file is as hostile as the file: only a plain relative path below the
 * results' directory is opened.
 */
#ifndef LOPI_REPORT_NETWORKS_H
#define LOPI_REPORT_NETWORKS_H

#include <jansson.h>

#include <lop/pack.h>
#include <lop/report.h>

#include "base/file.h"
#include "report/group.h"

/** One packed network, or why it cannot be shown. */
typedef struct lopi_shown_network {
    size_t block, series;     /* of the view */
    const lop_result *result; /* borrowed from the results */
    lopi_bytes file;
    lop_packed *packed; /* NULL where it could not be opened */
    lop_file_account account;
    lop_error error; /* why not */
    size_t same;     /* an earlier one with the same bytes, or its own index */
    bool best;       /* its series' most pruned that has not fallen, see lopi_best_point */
    bool carried;    /* its bytes go into the page */
} lopi_shown_network;

/** The file of a result that a page shows, the smaller one where two were kept; NULL: none. */
const char *lopi_shown_file(const lop_result *result);

typedef struct lopi_shown_networks {
    lopi_shown_network *items; /* [count] in the order of the view */
    size_t count;
} lopi_shown_networks;

/**
 * Open what the results of `view` name in `directory`; lopi_shown_networks_free. A network that is
 * missing or damaged is no failure: it says so itself.
 * @return LOP_OK; LOP_E_MEMORY
 */
lop_status lopi_shown_networks_open(lopi_shown_networks *out, const lopi_view *view,
                                    const char *directory, lop_error *error);
/**
 * Settle which are carried, at most `limit` bytes of files: an unpruned one of each data set and
 * network, each series' most pruned, for at most two thirds of what is left each; each series'
 * best, smallest first; then whatever shortens the way from a series' networks to the nearest one
 * carried, counted in points of the series, by most for its bytes.
 */
void lopi_shown_networks_carry(lopi_shown_networks *networks, size_t limit);
void lopi_shown_networks_free(lopi_shown_networks *networks);

/**
 * What is inside: for each layer its shape, bits by purpose, weights left of each row, histogram,
 * the mask in cells, and the first layer's units as pictures. A new value, or NULL without memory.
 */
json_t *lopi_inside_json(const lop_packed *packed, const lop_file_account *account);

/**
 * The plan that the runtime makes of a network on this machine, for one sample at a time: each
 * layer's kernel and what it was held against.
 * @param dataset  with whose training samples it is measured, where they are the network's; NULL:
 *                 on made-up inputs
 * @param wanted   `isa` and `cache_dir` are looked at
 * @param measure  from the cache or by measuring now, else by stated costs
 * @return a new value: null where no plan can be made; NULL without memory
 */
json_t *lopi_plan_json(const lop_packed *packed, const lop_dataset *dataset,
                       const lop_report_options *wanted, bool measure);

#endif
