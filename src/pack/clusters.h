/** Clusters: k-means in one dimension, for tables of shared values. */
#ifndef LOPI_PACK_CLUSTERS_H
#define LOPI_PACK_CLUSTERS_H

#include <stdbool.h>
#include <stddef.h>

#include <lop/status.h>

#define LOPI_MAX_ENTRIES 256

/** Values in rising order, and what k-means makes of them. */
typedef struct lopi_clusters {
    float *sorted; /* [count] */
    double *sum;   /* [count + 1]: of the first values */
    size_t count;
    double center[LOPI_MAX_ENTRIES]; /* rising */
    size_t end[LOPI_MAX_ENTRIES];    /* cluster k ends before sorted[end[k]] */
    unsigned entries;
    bool all; /* centers are all different values that there are */
} lopi_clusters;

/**
 * Cluster `values` [count], which are copied: k-means begun with `entries` places evenly spaced
 * from the least to the greatest (Han et al. 2016, section 3). No more different values than
 * entries are kept as they are.
 * @param entries  1 … LOPI_MAX_ENTRIES
 * @return LOP_OK; LOP_E_MEMORY. End with lopi_clusters_end also on failure.
 */
lop_status lopi_clusters_find(lopi_clusters *out, const float *values, size_t count,
                              unsigned entries, lop_error *error);
void lopi_clusters_end(lopi_clusters *clusters);

/** Whether cluster k has values. */
bool lopi_clusters_used(const lopi_clusters *clusters, unsigned k);

#endif
