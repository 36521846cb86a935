#include "run/kernels/strips.h"

#include <math.h>
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

static size_t weight_size(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    return shape->narrow ? sizeof(uint16_t) : element_size(layer);
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

/* A set of groups shares its units: one group, or four. */
static uint32_t groups_of_set(const lopi_strip_shape *shape)
{
    return shape->together ? LOPI_STRIP_TOGETHER : 1;
}

static uint32_t sets_of(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    uint32_t groups = groups_of_set(shape);
    return (groups_of(shape, layer) + groups - 1) / groups;
}

/* Windows of a group that a unit holds. */
static uint32_t windows_of_unit(const lopi_strip_shape *shape, uint32_t steps)
{
    return shape->together ? 1 : UNIT / steps;
}

static uint32_t count_windows(const lopi_strip_shape *shape, const lopi_layer *layer,
                              uint32_t group, uint32_t steps)
{
    walk w = walk_start(shape, layer, group, steps);
    uint32_t windows = 0, base;
    for (; next_base(&w, &base); windows++)
        for (uint32_t r = 0; r < w.rows; r++)
            take_row(&w, r, base);
    return windows;
}

static uint32_t count_units(const lopi_strip_shape *shape, const lopi_layer *layer, uint32_t set,
                            uint32_t steps)
{
    uint32_t first = set * groups_of_set(shape), most = 0;
    uint32_t per_unit = windows_of_unit(shape, steps);
    for (uint32_t g = first; g < first + groups_of_set(shape) && g < groups_of(shape, layer); g++) {
        uint32_t windows = count_windows(shape, layer, g, steps);
        most = windows > most ? windows : most;
    }
    return (most + per_unit - 1) / per_unit;
}

/* Steps of a unit, and its windows. */
static uint32_t steps_of_unit(const lopi_strip_shape *shape, uint32_t steps)
{
    return shape->together ? LOPI_STRIP_TOGETHER * steps : UNIT;
}

static uint32_t bases_of_unit(const lopi_strip_shape *shape, uint32_t steps)
{
    return groups_of_set(shape) * windows_of_unit(shape, steps);
}

/* Steps of a window: what costs least, judged by some groups. */
static uint32_t choose_steps(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    uint32_t sets = sets_of(shape, layer), best = 1;
    uint32_t judged = GROUPS_JUDGED / groups_of_set(shape);
    uint32_t stride = sets > judged ? sets / judged : 1;
    double least = 0;
    for (uint32_t steps = 1; steps <= UNIT; steps *= 2) {
        double units = 0;
        for (uint32_t i = 0; i < sets; i += stride)
            units += count_units(shape, layer, i, steps);
        double cost =
            units * steps_of_unit(shape, steps) * (shape->window_cost / steps + shape->step_cost);
        if (steps == 1 || cost < least) {
            least = cost;
            best = steps;
        }
    }
    return best;
}

static lopi_strips *take(const lopi_strip_shape *shape, const lopi_layer *layer, lopi_shelf *shelf)
{
    uint32_t sets = sets_of(shape, layer), steps = choose_steps(shape, layer);
    size_t units = 0;
    for (uint32_t i = 0; i < sets; i++)
        units += count_units(shape, layer, i, steps);
    size_t slots = units * steps_of_unit(shape, steps) * shape->rows * shape->slots;
    lopi_strips *s = lopi_shelf_take(shelf, 1, sizeof *s);
    lopi_prepared common = {0};
    lopi_prepared_fill(&common, layer, shelf);
    uint32_t *start = lopi_shelf_take(shelf, (size_t)sets + 1, sizeof *start);
    uint32_t *base = lopi_shelf_take(shelf, units * bases_of_unit(shape, steps), sizeof *base);
    uint8_t *index = lopi_shelf_take(shelf, slots, 1);
    void *weight = lopi_shelf_take(shelf, slots, weight_size(shape, layer));
    size_t rows = shape->scaled ? (size_t)groups_of(shape, layer) * shape->rows : 0;
    float *scale = lopi_shelf_take(shelf, rows, sizeof *scale);
    if (s)
        *s = (lopi_strips){common, steps, start, base, index, weight, scale};
    return s;
}

size_t lopi_strips_bytes(const lopi_strip_shape *shape, const lopi_layer *layer)
{
    lopi_shelf shelf = {0};
    take(shape, layer, &shelf);
    return shelf.used;
}

/* Where a window of a group goes: its place among the bases, and its first step. */
typedef struct target {
    size_t base, unit;
    uint32_t step;
    const float *scale; /* of the group's rows; NULL: 1 */
} target;

static target target_of(const lopi_strips *s, const lopi_strip_shape *shape, uint32_t group,
                        uint32_t window)
{
    uint32_t groups = groups_of_set(shape), per_unit = windows_of_unit(shape, s->steps);
    size_t unit = s->start[group / groups] + window / per_unit;
    uint32_t place = group % groups * per_unit + window % per_unit;
    return (target){unit * bases_of_unit(shape, s->steps) + place, unit, place * s->steps,
                    shape->scaled ? s->scale + (size_t)group * shape->rows : NULL};
}

/* The last `count` weights that a row has stepped over into a window. */
static void put_row(const lopi_strips *s, const walk *w, const target *to, uint32_t row,
                    uint32_t count)
{
    const lopi_strip_shape *shape = w->shape;
    size_t slots = (size_t)steps_of_unit(shape, s->steps) * shape->rows * shape->slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t step = to->step + i / shape->slots, slot = i % shape->slots;
        uint32_t from = w->at[row] - count + i;
        size_t at = to->unit * slots + shape->weight_at(step, row, slot);
        s->index[to->unit * slots + shape->index_at(step, row, slot)] =
            (uint8_t)(w->layer->column[from] - s->base[to->base]);
        if (w->layer->q)
            ((int8_t *)s->weight)[at] = w->layer->q[from];
        else if (shape->narrow)
            ((uint16_t *)s->weight)[at] =
                shape->narrow(w->layer->value[from] * (to->scale ? 1 / to->scale[row] : 1));
        else
            ((float *)s->weight)[at] = w->layer->value[from];
    }
}

/* The power of two that is above all weights of a row. */
static float scale_of(const lopi_layer *layer, uint32_t row)
{
    float most = 0;
    for (uint32_t i = layer->row_start[row]; i < layer->row_start[row + 1]; i++)
        most = fmaxf(most, fabsf(layer->value[i]));
    return lopi_power_above(most);
}

void lopi_strips_prepare(const lopi_strip_shape *shape, const lopi_layer *layer, void *memory)
{
    lopi_shelf shelf = {.base = memory};
    lopi_strips *s = take(shape, layer, &shelf);
    for (uint32_t i = 0; i < sets_of(shape, layer); i++)
        s->start[i + 1] = s->start[i] + count_units(shape, layer, i, s->steps);
    for (uint32_t r = 0; shape->scaled && r < layer->outputs; r++)
        s->scale[r] = scale_of(layer, r);
    for (uint32_t g = 0; g < groups_of(shape, layer); g++) {
        walk w = walk_start(shape, layer, g, s->steps);
        uint32_t base;
        for (uint32_t window = 0; next_base(&w, &base); window++) {
            target to = target_of(s, shape, g, window);
            s->base[to.base] = base;
            for (uint32_t r = 0; r < w.rows; r++)
                put_row(s, &w, &to, r, take_row(&w, r, base));
        }
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
