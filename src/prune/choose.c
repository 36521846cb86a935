#include "prune/choose.h"

#include "prune/select.h"

size_t lopi_portion(size_t wanted, size_t part, size_t parts)
{
    return (size_t)((uint64_t)wanted * part / parts);
}

size_t lopi_protect(const lopi_contest *contest, uint64_t *key, uint8_t *selected)
{
    size_t held = 0;
    if (contest->min_keep == 0)
        return 0;
    size_t lowest = contest->row > contest->min_keep ? contest->row - contest->min_keep : 0;
    for (size_t first = 0; first < contest->items; first += contest->row) {
        lopi_select_lowest(key + first, contest->row, lowest, selected + first);
        for (size_t i = first; i < first + contest->row; i++) {
            if (selected[i] || key[i] <= LOPI_KEY_SECOND)
                continue;
            key[i] = LOPI_KEY_LAST;
            held++;
        }
    }
    return held;
}

static void choose_group(uint64_t *key, size_t items, size_t wanted, uint8_t *selected)
{
    size_t reachable = 0;
    for (size_t i = 0; i < items; i++)
        reachable += key[i] != LOPI_KEY_LAST;
    lopi_select_lowest(key, items, wanted < reachable ? wanted : reachable, selected);
}

void lopi_choose(const lopi_contest *contest, uint64_t *key, size_t wanted, uint8_t *selected)
{
    size_t group = contest->group ? contest->group : contest->items;
    size_t groups = group ? contest->items / group : 0;
    lopi_protect(contest, key, selected);
    for (size_t g = 0; g < groups; g++) {
        size_t share = lopi_portion(wanted, g + 1, groups) - lopi_portion(wanted, g, groups);
        choose_group(key + g * group, group, share, selected + g * group);
    }
}
