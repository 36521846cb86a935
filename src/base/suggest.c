#include <lop/suggest.h>

#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Optimal string alignment distance: three rows of the table are enough, the oldest for swaps. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t height = strlen(a), width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; i <= height; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[width];
}

const char *lop_suggest(const char *name, const char *(*name_at)(const void *context, size_t index),
                        const void *context)
{
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST)
        return NULL;
    const char *nearest = NULL, *candidate;
    size_t fewest = length / 3 > 1 ? length / 3 : 1;
    for (size_t i = 0; (candidate = name_at(context, i)); i++) {
        size_t other = strlen(candidate);
        if (other == 0 || other > LONGEST)
            continue;
        size_t edits = distance(name, candidate);
        /* The beginning of a name is near however much is missing: "spars" means "sparsity". */
        if (edits > 1 && length >= 3 && strncmp(name, candidate, length) == 0)
            edits = 1;
        if (edits < fewest || (edits == fewest && !nearest)) {
            fewest = edits;
            nearest = candidate;
        }
    }
    return nearest;
}
