/**
 * State: what somebody who takes part in a training wants a checkpoint to hold.
 *
 * A training knows nothing of the numbers that its callbacks keep from step to step. They name
 * them, checkpoints save them and bring them back, and the training that is resumed gives the same
 * bytes.
 */
#ifndef LOP_STATE_H
#define LOP_STATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Numbers of one kind. The memory is its owner's, and stays where it is while training runs. */
typedef struct lop_state {
    const char *name; /* unique among those of a training: 1 … 63 characters a-z 0-9 . _ - */
    float *values;    /* [count] */
    size_t count;     /* 1 … */
} lop_state;

#ifdef __cplusplus
}
#endif

#endif
