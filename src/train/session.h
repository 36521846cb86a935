/** Session: a training at work: its state, and what computes. Only loop.c and session.c see it. */
#ifndef LOPI_TRAIN_SESSION_H
#define LOPI_TRAIN_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <lop/train.h>

#include "nn/trainer.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/state.h"
#include "train/teacher.h"

/** Zero it before lopi_session_begin. */
typedef struct lopi_session {
    const lop_train_options *options; /* these six are borrowed */
    const lop_samples *train, *test;
    const lop_split *split;
    const lop_train_callback *callback; /* or NULL */
    lop_network *network;

    lopi_identity identity;
    lopi_state state;
    char *start; /* spec of the network that training began with, owned */
    lopi_teacher teacher;
    lopi_trainer *trainer;
    lopi_evaluator evaluator;
    lopi_update update; /* of the step in hand */
    uint32_t *order;    /* [split->train_count], of the running epoch */
    float *x;           /* [batch_size][inputs] */
    uint16_t *labels;   /* [batch_size] */
    size_t steps_per_epoch, steps;

    lop_train_profile profile; /* of trainers before this one, too */
    double started, spoken;    /* clock at the begin, and at the last progress report */
    size_t first_step;         /* of this process */
} lopi_session;

/** Check that all fits together, ask for memory, and go on from the checkpoint where asked. */
lop_status lopi_session_begin(lopi_session *session, lop_error *error);
void lopi_session_end(lopi_session *session);

/**
 * A callback had the network in hands: clear the moments of what it pruned, take removed units out
 * where that is wanted, and make ready to compute with what the network is now.
 */
lop_status lopi_session_follow(lopi_session *session, lop_error *error);

/** Save a checkpoint where one is named. */
lop_status lopi_session_save(lopi_session *session, lop_error *error);

/** Report progress, at most five times a second unless `always`. */
void lopi_session_speak(lopi_session *session, bool always);

/** What came of it, with the profile: moves the epochs out of the state. */
void lopi_session_history(lopi_session *session, lop_history *history);

#endif
