/**
 * Gate: one of several threads at work may ask to be alone for a while, to measure undisturbed. The
 * others pause where they pass the gate, which they do often: at every step of a training.
 */
#ifndef LOPI_EXPERIMENT_GATE_H
#define LOPI_EXPERIMENT_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct lopi_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t inside, paused; /* threads at work, and those of them that wait */
    bool taken;            /* by one that is alone, or waits to be */
} lopi_gate;

#define LOPI_GATE_INITIALIZER                                                                      \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

/** Begin and end to be one of those at work. */
void lopi_gate_enter(lopi_gate *gate);
void lopi_gate_leave(lopi_gate *gate);
/** Wait while another is alone. Hold no lock that it may need. */
void lopi_gate_pass(lopi_gate *gate);
/** Wait until all others pause or have left; and let them go on. */
void lopi_gate_alone(lopi_gate *gate);
void lopi_gate_open(lopi_gate *gate);

#endif
