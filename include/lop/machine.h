/** The machine lop runs on: its name for results, its threads, its clock and its memory. */
#ifndef LOP_MACHINE_H
#define LOP_MACHINE_H

#include <stddef.h>

#include <lop/export.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lop_machine {
    char cpu[128];  /* model name as the operating system gives it, or "unknown" */
    char isa[64];   /* widest instruction set in use: "scalar", "avx2", "avx512_vnni", "amx",
                     * "neon"; "unknown" where the system does not say */
    char host[64];  /* operating system and architecture, such as "Linux x86_64" */
    size_t cores;   /* processors this process may run on */
    size_t threads; /* threads that parallel work uses, see lop_threads_set */
    size_t memory_bytes;
} lop_machine;

/** Describe this machine. Cannot fail: what cannot be found out says so. */
LOP_API void lop_machine_get(lop_machine *machine);

/**
 * Use `threads` threads for parallel work, in this process, from now on; 0 means all cores.
 * Call from one thread, before work starts.
 * @return LOP_OK; LOP_E_RANGE above 1024
 */
LOP_API lop_status lop_threads_set(size_t threads, lop_error *error);

/** Threads that parallel work uses. */
LOP_API size_t lop_threads_get(void);

/** Seconds of a clock that only goes forward; its zero is arbitrary. */
LOP_API double lop_clock_seconds(void);

/** Largest resident size of this process so far, in bytes; 0 where the system does not tell. */
LOP_API size_t lop_memory_peak_bytes(void);

/** Version of the library, "MAJOR.MINOR.PATCH". Static. */
LOP_API const char *lop_version(void);

#ifdef __cplusplus
}
#endif

#endif
