#include "report/networks.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

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

/* Which of two is carried first. */
static bool is_before(const lopi_shown_network *a, const lopi_shown_network *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->file.size < b->file.size;
}

static void rank_by_size(lopi_shown_networks *networks)
{
    for (size_t i = 0; i < networks->count; i++)
        for (size_t j = 0; j < networks->count; j++) {
            lopi_shown_network *one = networks->items + i, *other = networks->items + j;
            one->rank += one->block == other->block && one->series == other->series &&
                         other->packed && other->same == j && other->file.size < one->file.size;
        }
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

/* The next file that is not carried yet and still fits, or `count`. */
static size_t next_carried(const lopi_shown_networks *networks, bool dense, size_t room)
{
    size_t best = networks->count;
    for (size_t i = 0; i < networks->count; i++) {
        const lopi_shown_network *network = networks->items + i;
        if (!network->packed || network->carried || network->same != i ||
            network->file.size > room || (dense && !is_first_dense(networks, i)))
            continue;
        if (best == networks->count || is_before(network, networks->items + best))
            best = i;
    }
    return best;
}

void lopi_shown_networks_carry(lopi_shown_networks *networks, size_t limit)
{
    size_t room = limit;
    for (size_t i = 0; i < networks->count; i++)
        networks->items[i].carried = false;
    for (int dense = 1; dense >= 0; dense--) {
        /* Unpruned ones may take three quarters: the others are small, and what the page is about.
         */
        size_t share = dense ? limit / 4 * 3 : room;
        for (size_t i; (i = next_carried(networks, dense, share)) < networks->count;) {
            networks->items[i].carried = true;
            share -= networks->items[i].file.size;
            room -= networks->items[i].file.size;
        }
    }
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
        for (size_t s = 0; s < view->blocks[b].count; s++)
            for (size_t p = 0; p < view->blocks[b].series[s].count; p++) {
                const lop_result *result = chosen(view->blocks[b].series[s].points + p);
                if (!result)
                    continue;
                lopi_shown_network *network = networks.items + networks.count;
                *network = (lopi_shown_network){.block = b, .series = s, .result = result};
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
    rank_by_size(&networks);
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
