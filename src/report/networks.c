#include "report/networks.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/headline.h"

enum { LARGEST_FILE = 1 << 28, LONGEST_PATH = 512 };

/* Below the directory, and nowhere else. */
static bool is_plain_path(const char *path)
{
    size_t length = strlen(path);
    if (length == 0 || length > LONGEST_PATH || path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == 0 || part[2] == '/'))
            return false;
    }
    return true;
}

const char *lopi_shown_file(const lop_result *result)
{
    return result->packed_shared ? result->packed_shared : result->packed;
}

static void open_one(lopi_shown_network *network, const char *directory)
{
    const char *name = lopi_shown_file(network->result);
    if (network->result->directory)
        directory = network->result->directory;
    if (!is_plain_path(name)) {
        lopi_fail(&network->error, LOP_E_ARG, "expected a path below the results, found another");
        return;
    }
    char *path = lopi_path_join(directory, name);
    if (!path) {
        lopi_fail_memory(&network->error, strlen(name));
        return;
    }
    lop_status status = lopi_file_read(&network->file, path, LARGEST_FILE, &network->error);
    if (status == LOP_OK)
        lop_packed_account(&network->account, &network->packed, network->file.data,
                           network->file.size, 0, &network->error);
    lopi_free(path);
}

/* The seed of a point whose network is shown: the lowest that has one. */
static const lop_result *chosen(const lopi_point *point)
{
    for (size_t i = 0; i < point->count; i++)
        if (lopi_shown_file(point->results[i]))
            return point->results[i];
    return NULL;
}

static size_t count_chosen(const lopi_view *view)
{
    size_t count = 0;
    for (size_t b = 0; b < view->count; b++)
        for (size_t s = 0; s < view->blocks[b].count; s++)
            for (size_t p = 0; p < view->blocks[b].series[s].count; p++)
                count += chosen(view->blocks[b].series[s].points + p) != NULL;
    return count;
}

static size_t find_same(const lopi_shown_networks *networks, size_t index)
{
    const lopi_bytes *mine = &networks->items[index].file;
    for (size_t i = 0; i < index; i++) {
        const lopi_bytes *other = &networks->items[i].file;
        if (mine->data && mine->size == other->size &&
            memcmp(mine->data, other->data, mine->size) == 0)
            return i;
    }
    return index;
}

/* Whether it is unpruned, and its data set's first that could be opened: the others are of the same
 * size, and one does to compare with. */
static bool is_first_dense(const lopi_shown_networks *networks, size_t index)
{
    const lopi_shown_network *network = networks->items + index;
    for (size_t i = 0; i < index; i++)
        if (networks->items[i].block == network->block && networks->items[i].packed &&
            networks->items[i].result->target_sparsity == 0)
            return false;
    return network->result->target_sparsity == 0;
}

/* Whether its bytes, its own or another's that are the same, are in the page. */
static bool is_carried(const lopi_shown_networks *networks, size_t index)
{
    return networks->items[networks->items[index].same].carried;
}

static bool is_candidate(const lopi_shown_networks *networks, size_t index, size_t room)
{
    const lopi_shown_network *network = networks->items + index;
    return network->packed && network->same == index && !network->carried &&
           network->file.size <= room;
}

static bool is_best(const lopi_shown_networks *networks, size_t index)
{
    return networks->items[index].best;
}

/* Whether it is the most pruned of its series that could be opened. */
static bool is_last(const lopi_shown_networks *networks, size_t index)
{
    const lopi_shown_network *network = networks->items + index;
    for (size_t i = index + 1; i < networks->count; i++) {
        if (networks->items[i].block != network->block ||
            networks->items[i].series != network->series)
            break;
        if (networks->items[i].packed)
            return false;
    }
    return true;
}

/* The smallest of those, or `count`. */
static size_t find_smallest(const lopi_shown_networks *networks,
                            bool (*wanted)(const lopi_shown_networks *networks, size_t index),
                            size_t room)
{
    size_t best = networks->count;
    for (size_t i = 0; i < networks->count; i++)
        if (is_candidate(networks, i, room) && wanted(networks, i) &&
            (best == networks->count ||
             networks->items[i].file.size < networks->items[best].file.size))
            best = i;
    return best;
}

/* Steps from each of `count` networks in a row to the nearest carried one, summed; one stands
 * before the row, behind it, or neither, and then none of them is near. */
static double steps(size_t count, bool before, bool behind)
{
    double n = (double)count;
    if (before && behind)
        return floor((n + 1) * (n + 1) / 4);
    return before || behind ? n * (n + 1) / 2 : n * n + n;
}

/* Networks of the same series in a row without a carried one. */
typedef struct gap {
    size_t first, end; /* of the list; between them those that could not be opened as well */
    size_t count;      /* that could */
    bool before, behind;
} gap;

static bool is_same_series(const lopi_shown_networks *networks, size_t one, size_t other)
{
    return networks->items[one].block == networks->items[other].block &&
           networks->items[one].series == networks->items[other].series;
}

/* The gap that begins at `first`. */
static gap find_gap(const lopi_shown_networks *networks, size_t first)
{
    gap g = {.first = first, .end = first};
    g.before = first > 0 && is_same_series(networks, first - 1, first);
    while (g.end < networks->count && is_same_series(networks, first, g.end) &&
           !is_carried(networks, g.end))
        g.count += networks->items[g.end++].packed != NULL;
    g.behind = g.end < networks->count && is_same_series(networks, first, g.end);
    return g;
}

/* The file of most steps saved for its bytes, or `count`. */
static size_t find_most_useful(const lopi_shown_networks *networks, size_t room)
{
    size_t best = networks->count;
    double most = 0;
    for (size_t i = 0; i < networks->count; i++) {
        if (is_carried(networks, i))
            continue;
        gap g = find_gap(networks, i);
        double all = steps(g.count, g.before, g.behind);
        size_t passed = 0;
        for (; i < g.end; i++) {
            if (!networks->items[i].packed)
                continue;
            double saved =
                all - steps(passed, g.before, true) - steps(g.count - passed - 1, true, g.behind);
            double worth = saved / (double)networks->items[i].file.size;
            passed++;
            if (is_candidate(networks, i, room) && worth > most) {
                most = worth;
                best = i;
            }
        }
        i--; /* what ends the gap may begin one of another series */
    }
    return best;
}

/* Returns the room that is left. */
static size_t carry(lopi_shown_networks *networks, size_t index, size_t room)
{
    networks->items[index].carried = true;
    return room - networks->items[index].file.size;
}

/* What is carried before all else, the smallest first, as long as the shares of the room last. */
static const struct {
    bool (*wanted)(const lopi_shown_networks *networks, size_t index);
    size_t thirds; /* of what is left */
} wishes[] = {{is_first_dense, 2}, {is_last, 2}, {is_best, 3}};

void lopi_shown_networks_carry(lopi_shown_networks *networks, size_t limit)
{
    size_t left = limit;
    for (size_t i = 0; i < networks->count; i++)
        networks->items[i].carried = false;
    for (size_t w = 0; w < sizeof wishes / sizeof *wishes; w++) {
        size_t kept = left - left / 3 * wishes[w].thirds, room = left - kept;
        for (size_t i; (i = find_smallest(networks, wishes[w].wanted, room)) < networks->count;)
            room = carry(networks, i, room);
        left = kept + room;
    }
    for (size_t i; (i = find_most_useful(networks, left)) < networks->count;)
        left = carry(networks, i, left);
}

lop_status lopi_shown_networks_open(lopi_shown_networks *out, const lopi_view *view,
                                    const char *directory, lop_error *error)
{
    lopi_shown_networks networks = {0};
    size_t count = directory ? count_chosen(view) : 0;
    if (count > 0) {
        networks.items = lopi_alloc(count, sizeof *networks.items);
        if (!networks.items)
            return lopi_fail_memory(error, count * sizeof *networks.items);
    }
    for (size_t b = 0; count > 0 && b < view->count; b++)
        for (size_t s = 0; s < view->blocks[b].count; s++) {
            const lopi_series *series = view->blocks[b].series + s;
            const lopi_point *best = lopi_best_point(view->blocks + b, series);
            for (size_t p = 0; p < series->count; p++) {
                const lop_result *result = chosen(series->points + p);
                if (!result)
                    continue;
                lopi_shown_network *network = networks.items + networks.count;
                *network = (lopi_shown_network){
                    .block = b, .series = s, .result = result, .best = series->points + p == best};
                open_one(network, directory);
                network->same = find_same(&networks, networks.count);
                networks.count++;
                if (network->error.code == LOP_E_MEMORY) { /* not what the file is like */
                    if (error)
                        *error = network->error;
                    lopi_shown_networks_free(&networks);
                    return LOP_E_MEMORY;
                }
            }
        }
    *out = networks;
    return LOP_OK;
}

void lopi_shown_networks_free(lopi_shown_networks *networks)
{
    for (size_t i = 0; i < networks->count; i++) {
        lopi_free(networks->items[i].file.data);
        lop_packed_free(networks->items[i].packed);
        lop_file_account_free(&networks->items[i].account);
    }
    lopi_free(networks->items);
    *networks = (lopi_shown_networks){0};
}
