/** The teacher of a distillation: what it says of each sample, computed once before training. */
#ifndef LOPI_TRAIN_TEACHER_H
#define LOPI_TRAIN_TEACHER_H

#include <stddef.h>
#include <stdint.h>

#include <lop/train.h>

/** Zero it before lopi_teacher_init; without a teacher it stays zero. */
typedef struct lopi_teacher {
    float *logits; /* [samples][classes]; of samples that do not train, zero */
    float *batch;  /* [batch_size][classes] */
    size_t classes;
} lopi_teacher;

/**
 * Run options->teacher over the samples that train; nothing without one.
 *
 * @return LOP_OK; LOP_E_SHAPE where the teacher does not fit the samples; LOP_E_NAN where a weight
 *         is not finite; LOP_E_MEMORY
 */
lop_status lopi_teacher_init(lopi_teacher *teacher, const lop_train_options *options,
                             const lop_samples *samples, const lop_split *split, lop_error *error);
void lopi_teacher_end(lopi_teacher *teacher);

/** [size][classes] for the samples indices [size], at most a batch; NULL without a teacher. */
const float *lopi_teacher_batch(lopi_teacher *teacher, const uint32_t *indices, size_t size);

/** Of the teacher's shapes, weights and biases; 0 without one. */
uint64_t lopi_teacher_hash(const lop_network *teacher);

#endif
