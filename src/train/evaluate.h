/** Evaluation with its buffers kept, for those that evaluate again and again. */
#ifndef LOPI_TRAIN_EVALUATE_H
#define LOPI_TRAIN_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include <lop/train.h>

/** Zero it before lopi_evaluator_init. Sees later changes of the network's weights. */
typedef struct lopi_evaluator {
    lop_compute *compute;
    const lop_plan *plan; /* borrowed; NULL: `compute` computes */
    void *workspace;      /* [workspace_bytes], of the plan */
    size_t workspace_bytes;
    size_t max_batch, inputs, classes;
    float *x;              /* [max_batch][inputs] */
    float *logits;         /* [max_batch][classes] */
    uint16_t *labels;      /* [max_batch] */
    uint32_t *predictions; /* [max_batch] */
} lopi_evaluator;

/** @param most  samples that will be looked at, at most: smaller buffers where there are few */
lop_status lopi_evaluator_init(lopi_evaluator *evaluator, const lop_network *network,
                               lop_precision precision, size_t most, lop_error *error);
/** The same for a planned network. */
lop_status lopi_evaluator_init_plan(lopi_evaluator *evaluator, const lop_plan *plan, size_t most,
                                    lop_error *error);
void lopi_evaluator_end(lopi_evaluator *evaluator);

/** As lop_evaluate, of a network that fits. */
lop_status lopi_evaluator_run(lopi_evaluator *evaluator, const lop_samples *samples,
                              const uint32_t *indices, size_t count, uint64_t *confusion,
                              lop_evaluation *out, lop_error *error);

/** LOP_E_SHAPE where `network` cannot take these samples or tell their classes apart. */
lop_status lopi_samples_fit(const lop_network *network, const lop_samples *samples,
                            lop_error *error);

/** LOP_E_RANGE where an index is beyond the samples. */
lop_status lopi_samples_check(const lop_samples *samples, const uint32_t *indices, size_t count,
                              lop_error *error);

#endif
