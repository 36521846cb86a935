/** Softmax with categorical cross-entropy: loss, its gradient, and what was predicted. */
#ifndef LOPI_NN_LOSS_H
#define LOPI_NN_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

/**
 * What to compute. The target of a sample is `targets` where given, otherwise
 * (1 − label_smoothing) · onehot(label) + label_smoothing / classes (Szegedy et al. 2016).
 */
typedef struct lopi_loss {
    const float *logits; /* [batch][classes] */
    size_t batch, classes;
    const uint16_t *labels; /* [batch], each below classes */
    const float *targets;   /* [batch][classes], rows that sum to 1; or NULL */
    double label_smoothing; /* [0, 1); not applied to `targets` */

    /* Distillation (Hinton, Vinyals and Dean 2015, section 2): where `teacher` is given, the loss
     * is (1 − w) · cross-entropy + w · T² · KL(softmax(teacher / T) ‖ softmax(logits / T)). */
    const float *teacher;               /* [batch][classes], logits; or NULL */
    double temperature, teacher_weight; /* T above 0; w in [0, 1] */

    float *gradient;       /* [batch][classes], of the mean loss by the logits; may be NULL */
    uint32_t *predictions; /* [batch]: the largest logit, the lower class of equals; may be NULL */
} lopi_loss;

/**
 * Mean loss over the batch (natural logarithm), and how many predictions equal the label.
 *
 * Sums are in double and in the order of the samples, whatever the number of threads. A sample
 * with a NaN logit, or one that is infinite upwards, makes the loss NaN and does not count as
 * correct.
 *
 * @param loss     may be NULL
 * @param correct  may be NULL
 * @return LOP_OK; LOP_E_RANGE where a label is not below `classes`; LOP_E_MEMORY
 */
lop_status lopi_loss_compute(const lopi_loss *input, double *loss, size_t *correct,
                             lop_error *error);

#endif
