#include "run/kernels/strips.h"

#include <string.h>

#include "base/memory.h"

enum { UNIT = LOPI_STRIP_UNIT, MAX_LEFT = 1 << 24, GROUPS_JUDGED = 16 };

static size_t element_size(const lopi_layer *layer)
{
    return layer->q ? sizeof(int8_t) : sizeof(float);
}

/* Elements of x that may be read. */
static uint32_t padded_inputs(const lopi_layer *layer)
{
    size_t size = element_size(layer);
    return (uint32_t)(lopi_layout_stride((lopi_layout){0}, layer->inputs, size) / size);
}

static uint32_t groups_of(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    return (layer->outputs + shape->rows - 1) / shape->rows;
}

bool lopi_strips_fit(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    return padded_inputs(layer) >= shape->window && layer->row_start[layer->outputs] <= MAX_LEFT;
}

/* Walking a group's windows: each row's next weight and its end. */
typedef struct walk {
    const lopi_strip_shape *shape;
    const lopi_layer *layer;
    uint32_t steps, rows;
    uint32_t at[LOPI_STRIP_MAX_ROWS], end[LOPI_STRIP_MAX_ROWS];
} walk;

static walk walk_start(const lopi_strip_shape *shape, const lopi_layer *layer, uint32_t group,
                       uint32_t steps)
{
    uint32_t first = group * shape->rows, left = layer->outputs - first;
    walk w = {.shape = shape, .layer = layer, .steps = steps};
    w.rows = left < shape->rows ? left : shape->rows;
    for (uint32_t r = 0; r < w.rows; r++) {
        w.at[r] = layer->row_start[first + r];
        w.end[r] = layer->row_start[first + r + 1];
    }
    return w;
}

/* Where the next window begins; false where all rows have ended. */
static bool next_base(const walk *w, uint32_t *base)
{
    uint32_t least = UINT32_MAX, last = padded_inputs(w->layer) - w->shape->window;
    for (uint32_t r = 0; r < w->rows; r++)
        if (w->at[r] < w->end[r] && w->layer->column[w->at[r]] < least)
            least = w->layer->column[w->at[r]];
    uint32_t aligned = least / w->shape->align * w->shape->align;
    *base = aligned < last ? aligned : last;
    return least != UINT32_MAX;
}

/* Step over what a row has in this window; how many weights that is. */
static uint32_t take_row(walk *w, uint32_t row, uint32_t base)
{
    uint32_t first = w->at[row], most = w->steps * w->shape->slots;
    while (w->at[row] < w->end[row] && w->at[row] - first < most &&
           w->layer->column[w->at[row]] - base < w->shape->window)
        w->at[row]++;
    return w->at[row] - first;
}

static uint32_t units_of(uint32_t windows, uint32_t steps)
{
    uint32_t per_unit = UNIT / steps;
    return (windows + per_unit - 1) / per_unit;
}

static uint32_t count_units(const lopi_strip_shape *shape, const lopi_layer *layer, uint32_t group,
                            uint32_t steps)
{
    walk w = walk_start(shape, layer, group, steps);
    uint32_t windows = 0, base;
    for (; next_base(&w, &base); windows++)
        for (uint32_t r = 0; r < w.rows; r++)
            take_row(&w, r, base);
    return units_of(windows, steps);
}

/* Steps of a window: what costs least, judged by some groups. */
static uint32_t choose_steps(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    uint32_t groups = groups_of(shape, layer), best = 1;
    uint32_t stride = groups > GROUPS_JUDGED ? groups / GROUPS_JUDGED : 1;
    double least = 0;
    for (uint32_t steps = 1; steps <= UNIT; steps *= 2) {
        double units = 0;
        for (uint32_t g = 0; g < groups; g += stride)
            units += count_units(shape, layer, g, steps);
        double cost = units * UNIT * (shape->window_cost / steps + shape->step_cost);
        if (steps == 1 || cost < least) {
            least = cost;
            best = steps;
        }
    }
    return best;
}

static lopi_strips *take(const lopi_strip_shape *shape, const lopi_layer *layer, lopi_shelf *shelf)
{
    uint32_t groups = groups_of(shape, layer), steps = choose_steps(shape, layer);
    size_t units = 0;
    for (uint32_t g = 0; g < groups; g++)
        units += count_units(shape, layer, g, steps);
    size_t slots = units * UNIT * shape->rows * shape->slots;
    lopi_strips *s = lopi_shelf_take(shelf, 1, sizeof *s);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)groups + 1, sizeof *start);
    uint32_t *base = lopi_shelf_take(shelf, units * (UNIT / steps), sizeof *base);
    uint8_t *index = lopi_shelf_take(shelf, slots, 1);
    void *weight = lopi_shelf_take(shelf, slots, element_size(layer));
    if (s)
        *s = (lopi_strips){common, steps, start, base, index, weight};
    return s;
}

size_t lopi_strips_bytes(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(shape, layer, &shelf);
    return shelf.used;
}

/* The last `count` weights that a row has stepped over into a window. */
static void put_row(const lopi_strips *s, const walk *w, size_t window, uint32_t row,
                    uint32_t count)
{
    const lopi_strip_shape *shape = w->shape;
    size_t unit = window / (UNIT / s->steps), slots = (size_t)UNIT * shape->rows * shape->slots;
    uint32_t first = (uint32_t)(window % (UNIT / s->steps)) * s->steps;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t step = first + i / shape->slots, slot = i % shape->slots;
        uint32_t from = w->at[row] - count + i;
        size_t at = unit * slots + shape->weight_at(step, row, slot);
        s->index[unit * slots + shape->index_at(step, row, slot)] =
            (uint8_t)(w->layer->column[from] - s->base[window]);
        if (w->layer->q)
            ((int8_t *)s->weight)[at] = w->layer->q[from];
        else
            ((float *)s->weight)[at] = w->layer->value[from];
    }
}

void lopi_strips_prepare(const lopi_strip_shape *shape, const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_strips *s = take(shape, layer, &shelf);
    uint32_t groups = groups_of(shape, layer), per_unit = UNIT / s->steps;
    for (uint32_t g = 0; g < groups; g++) {
        walk w = walk_start(shape, layer, g, s->steps);
        size_t window = (size_t)s->start[g] * per_unit;
        uint32_t windows = 0, base;
        for (; next_base(&w, &base); window++, windows++) {
            s->base[window] = base;
            for (uint32_t r = 0; r < w.rows; r++)
                put_row(s, &w, window, r, take_row(&w, r, base));
        }
        s->start[g + 1] = s->start[g] + units_of(windows, s->steps);
    }
}

double lopi_strips_cycles(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    double left = layer->row_start[layer->outputs], inputs = layer->inputs;
    double seen = left / ((double)layer->outputs * inputs) * shape->window; /* by a row, at once */
    double full = seen / (seen + shape->slots), least = inputs / shape->window;
    double steps = left / shape->slots / ((double)shape->rows * (full + 0.01));
    double groups = groups_of(shape, layer);
    steps = steps > least * groups ? steps : least * groups;
    return 10 * groups + steps * (shape->step_cost + shape->window_cost / 2);
}
