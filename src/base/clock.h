/** Clocks of the library's own; lop_clock_seconds (lop/machine.h) is for all. */
#ifndef LOPI_BASE_CLOCK_H
#define LOPI_BASE_CLOCK_H

/** Seconds that this thread has computed: what others on its processor take does not count. Where
 * the system cannot tell, lop_clock_seconds. */
double lopi_clock_thread_seconds(void);

#endif
