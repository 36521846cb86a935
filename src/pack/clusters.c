#include "pack/clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define MAX_ROUNDS 200

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void assign(lopi_clusters *c)
{
    size_t i = 0;
    for (unsigned k = 0; k < c->entries; k++) {
        double border = k + 1 < c->entries ? (c->center[k] + c->center[k + 1]) / 2 : INFINITY;
        size_t low = i, high = c->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (c->sorted[middle] <= border)
                low = middle + 1;
            else
                high = middle;
        }
        i = low;
        c->end[k] = i;
    }
}

static bool update(lopi_clusters *c)
{
    bool changed = false;
    for (unsigned k = 0; k < c->entries; k++) {
        size_t begin = k > 0 ? c->end[k - 1] : 0;
        if (c->end[k] == begin)
            continue;
        double mean = (c->sum[c->end[k]] - c->sum[begin]) / (double)(c->end[k] - begin);
        changed = changed || mean != c->center[k];
        c->center[k] = mean;
    }
    return changed;
}

/* Different values of the layer, where there are at most `entries` of them. */
static bool few_values(lopi_clusters *c, unsigned entries)
{
    unsigned count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0 && c->sorted[i] == c->sorted[i - 1])
            continue;
        if (count == entries)
            return false;
        c->center[count++] = c->sorted[i];
    }
    c->entries = count;
    return c->all = true;
}

static void iterate(lopi_clusters *c, unsigned entries)
{
    if (few_values(c, entries))
        return;
    double least = c->sorted[0], most = c->sorted[c->count - 1];
    c->entries = entries;
    for (unsigned k = 0; k < entries; k++)
        c->center[k] =
            entries > 1 ? least + (most - least) * k / (entries - 1) : (least + most) / 2;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        assign(c);
        if (!update(c))
            break;
    }
}

bool lopi_clusters_used(const lopi_clusters *c, unsigned k)
{
    return c->end[k] > (k > 0 ? c->end[k - 1] : 0);
}

lop_status lopi_clusters_find(lopi_clusters *out, const float *values, size_t count,
                              unsigned entries, lop_error *error)
{
    *out = (lopi_clusters){.count = count};
    out->sorted = lopi_alloc(count, sizeof *out->sorted);
    out->sum = lopi_alloc(count + 1, sizeof *out->sum);
    if (!out->sorted || !out->sum)
        return lopi_fail_memory(error, count * sizeof *out->sum);
    if (count == 0)
        return LOP_OK;
    memcpy(out->sorted, values, count * sizeof *out->sorted);
    qsort(out->sorted, count, sizeof *out->sorted, by_value);
    for (size_t i = 0; i < count; i++)
        out->sum[i + 1] = out->sum[i] + (double)out->sorted[i];
    iterate(out, entries);
    assign(out);
    return LOP_OK;
}

void lopi_clusters_end(lopi_clusters *clusters)
{
    lopi_free(clusters->sorted);
    lopi_free(clusters->sum);
    *clusters = (lopi_clusters){.count = 0};
}
