/**
 * Probes: the inputs that candidates are timed on. Kernels that skip zeros depend on how many there
 * are and where they lie, so these are what the network makes of samples, where the caller has
 * some; else they are made up.
 */
#ifndef LOPI_RUN_PROBES_H
#define LOPI_RUN_PROBES_H

#include "run/plan.h"

enum { LOPI_LAYOUTS = 5 };

/** One layer's inputs in one layout. */
typedef struct lopi_probe {
    uint8_t *data; /* [variants][bytes]; NULL: not there yet */
    size_t bytes;
} lopi_probe;

typedef struct lopi_probes {
    const lop_plan *plan;
    size_t batch;
    size_t variants;                   /* several, lest the CPU learns them by heart */
    bool sampled;                      /* of samples that a caller gave */
    lopi_probe (*probe)[LOPI_LAYOUTS]; /* [layers] */
    uint8_t *bytes; /* [variants][batch][inputs of the network], samples as callers have them, */
    float *floats;  /* or these; one of the two is not NULL */
} lopi_probes;

/** @param samples  borrowed for the call. LOP_E_NAN (int8) where one has a NaN; LOP_E_MEMORY. End
 *                  with lopi_probes_end also on failure. */
lop_status lopi_probes_begin(lopi_probes *out, const lop_plan *plan, size_t batch,
                             const lop_plan_samples *samples, lop_error *error);
void lopi_probes_end(lopi_probes *probes);

/** Whole samples. */
lopi_source lopi_probes_source(const lopi_probes *probes, size_t variant);

/** Make a layer's inputs ready in a layout. With samples, those behind the first layer must have
 * been kept before. */
lop_status lopi_probes_make(lopi_probes *probes, size_t layer, lopi_layout layout,
                            lop_error *error);
const void *lopi_probes_get(const lopi_probes *probes, size_t layer, lopi_layout layout,
                            size_t variant);

/** Keep what a layer reads, for samples: `values` are what the one before yielded for them. */
lop_status lopi_probes_keep(lopi_probes *probes, size_t layer, size_t variant,
                            const lopi_values *values, lop_error *error);

#endif
