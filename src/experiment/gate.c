#include "experiment/gate.h"

/* With the lock: until nobody is alone. Whoever waits to be alone counts those that pause. */
static void pause_here(lopi_gate *gate)
{
    if (!gate->taken)
        return;
    gate->paused++;
    pthread_cond_broadcast(&gate->changed);
    while (gate->taken)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->paused--;
}

void lopi_gate_enter(lopi_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->taken)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->inside++;
    pthread_mutex_unlock(&gate->lock);
}

void lopi_gate_leave(lopi_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside--;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void lopi_gate_pass(lopi_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    pause_here(gate);
    pthread_mutex_unlock(&gate->lock);
}

void lopi_gate_alone(lopi_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    /* Of two that wake together one takes the gate, and the other pauses again. */
    while (gate->taken)
        pause_here(gate);
    gate->taken = true;
    while (gate->paused + 1 < gate->inside)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

void lopi_gate_open(lopi_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->taken = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
