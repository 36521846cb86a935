#include "session.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Two signals may come to two threads at once: one of them has to see the other. Only what needs
 * no lock may be touched in a handler. */
static atomic_int caught;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may not take a lock");

static void on_signal(int number)
{
    if (atomic_exchange(&caught, number))
        _exit(128 + number);
}

void signals_watch(void)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        struct sigaction old;
        /* What was ignored when we came, as nohup does with SIGHUP, stays ignored. */
        if (sigaction(watched[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(watched[i], &action, NULL);
    }
}

int signals_caught(void) { return atomic_load(&caught); }
