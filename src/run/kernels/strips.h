/**
 * Sparse layers for few samples, by table look-up: the layout that AVX-512, NEON and WebAssembly
 * share.
 *
 * Instructions that pick bytes (or floats) of a small table by index do without gathers: a stretch
 * of x, the window, lies in registers, and one step picks what a group of rows needs of it. Each
 * row has so many slots in a step, filled up by weights of zero. Windows are not a fixed grid: the
 * next one begins where the row that is furthest behind goes on, so a row that has many weights
 * here and few there stays in step with its neighbours.
 *
 *     x:           ──┤ window 0 ├───────────┤
 *                         ┤ window 1 ├──────────┤          each a base and 1, 2 or 4 steps
 *                                     ┤ window 2 ├──
 *     a step:      index [row][slot], weight [row][slot]   in the order the instruction wants
 *     a unit:      4 steps, so 4, 2 or 1 windows; a group of rows has whole units, and no branches
 *
 * Groups may also go together, four at a time: a unit then is a window of each. That fills up less,
 * since only whole windows are missing where a group ends before the others, and loops are longer.
 */
#ifndef LOPI_RUN_KERNELS_STRIPS_H
#define LOPI_RUN_KERNELS_STRIPS_H

#include "run/kernels/prepared.h"

enum {
    LOPI_STRIP_UNIT = 4,     /* steps */
    LOPI_STRIP_TOGETHER = 4, /* groups */
    LOPI_STRIP_MAX_ROWS = 32
};

/** What an instruction set makes of it. */
typedef struct lopi_strip_shape {
    uint32_t rows, slots; /* of a group; of a row in a step */
    uint32_t window;      /* elements of x: a multiple of 64 bytes, or below that a divisor */
    uint32_t align;       /* windows begin at multiples of it; divides what x is padded to */
    bool together;        /* four groups share their units */
    double window_cost;   /* cycles to load a window, and */
    double step_cost;     /* of a step: they choose how many steps a window has */
    /** Where a slot stands in its unit. */
    size_t (*index_at)(uint32_t step, uint32_t row, uint32_t slot);
    size_t (*weight_at)(uint32_t step, uint32_t row, uint32_t slot);
    /** Of floats: what is kept of a weight, and whether it is of the row's scale first; NULL: all.
     */
    uint16_t (*narrow)(float weight);
    bool scaled;
} lopi_strip_shape;

typedef struct lopi_strips {
    lopi_prepared common;
    uint32_t steps;  /* of a window: 1, 2 or 4 */
    uint32_t *start; /* [groups + 1], in units; together: [groups / 4 + 1] */
    uint32_t *base;  /* [units][4 / steps]: the window's first element; together: [units][4] */
    uint8_t *index; /* [units][4 · rows · slots]: places in the window; together: [units][4 · steps
                       · rows · slots], a group's steps side by side */
    void *weight;   /* the same, int8, float, or narrow */
    float *scale;   /* scaled: [groups][rows], powers of two above each row's weights */
} lopi_strips;

/** A layer's inputs fill a window, and its units are bounded. */
bool lopi_strips_fit(const lopi_strip_shape *shape, const lopi_layer *layer);
size_t lopi_strips_bytes(const lopi_strip_shape *shape, const lopi_layer *layer);
void lopi_strips_prepare(const lopi_strip_shape *shape, const lopi_layer *layer, void *memory);
/** Cycles of one sample, guessed from sizes and sparsity alone. */
double lopi_strips_cycles(const lopi_strip_shape *shape, const lopi_layer *layer);

#endif
