#include "experiment/search.h"

#include "base/error.h"
#include "base/memory.h"

/* A search on its way. Bounds are one more than the point they stand for, so that 0 is before the
 * first: the parent, which loses nothing. */
typedef struct progress {
    const lopi_search *search;
    lopi_probe *seen; /* [count] */
    bool *known;      /* [count] */
} progress;

static lop_status look(progress *p, size_t point, const lopi_probe **out, lop_error *error)
{
    lop_status status = LOP_OK;
    if (!p->known[point]) {
        p->seen[point].point = point;
        status = p->search->look(p->search->context, &p->seen[point], error);
        p->known[point] = status == LOP_OK;
    }
    *out = &p->seen[point];
    return status;
}

/* The last point that is not lossy, plus one. A point that is large as well as lossy sends the
 * search to denser ones like any lossy one: of sparser ones nothing is to be hoped for. */
static lop_status bisect(progress *p, size_t *kept, lop_error *error)
{
    size_t low = 0, high = p->search->count + 1;
    size_t next = p->search->dense_first ? 1 : (low + high) / 2;
    while (high - low > 1) {
        const lopi_probe *probe;
        lop_status status = look(p, next - 1, &probe, error);
        if (status != LOP_OK)
            return status;
        if (probe->lossy)
            high = next;
        else
            low = next;
        next = low + (high - low) / 2;
    }
    *kept = low;
    return LOP_OK;
}

static lop_status find_sparsest(progress *p, lop_error *error)
{
    size_t next = 0, lost = 0;
    lop_status status = bisect(p, &next, error);
    for (; status == LOP_OK && next < p->search->count && lost < p->search->neighbours; next++) {
        const lopi_probe *probe;
        status = look(p, next, &probe, error);
        if (status == LOP_OK)
            lost = probe->lossy ? lost + 1 : 0;
    }
    return status;
}

/* The first point is as large as it may be, or hardly larger: the answer is near. */
static lop_status find_densest(progress *p, lop_error *error)
{
    size_t low = 0, high = p->search->count + 1, step = 1;
    while (high - low > 1) {
        const lopi_probe *probe;
        size_t middle = low + (high - low) / 2, next = low + step;
        next = next < middle ? next : middle;
        lop_status status = look(p, next - 1, &probe, error);
        if (status != LOP_OK)
            return status;
        if (probe->large)
            low = next;
        else
            high = next;
        step *= 2;
    }
    return LOP_OK;
}

lop_status lopi_search_run(const lopi_search *search, lop_error *error)
{
    progress p = {
        .search = search,
        .seen = lopi_alloc(search->count, sizeof *p.seen),
        .known = lopi_alloc(search->count, sizeof *p.known),
    };
    lop_status status = LOP_OK;
    if (!p.seen || !p.known)
        status = lopi_fail_memory(error, search->count * sizeof *p.seen);
    else
        status = search->has_loss ? find_sparsest(&p, error) : find_densest(&p, error);
    lopi_free(p.seen);
    lopi_free(p.known);
    return status;
}

static bool within(const lopi_probe *probe) { return !probe->lossy && !probe->large; }

bool lopi_probe_better(const lopi_probe *a, const lopi_probe *b, bool has_loss)
{
    if (within(a) != within(b))
        return within(a);
    if (within(a) && has_loss)
        return a->point > b->point;
    if (a->large != b->large)
        return b->large;
    if (a->large && a->excess != b->excess)
        return a->excess < b->excess;
    if (a->accuracy != b->accuracy)
        return a->accuracy > b->accuracy;
    return within(a) ? a->point < b->point : a->point > b->point;
}
