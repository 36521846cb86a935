/**
 * Faults: the library's tables of system calls (base/system.h) with ones that fail when told to.
 *
 * faults_arm says which call of a kind is to fail; the calls are counted from there, by all threads
 * together. The program must be single-threaded when the tables are put in place.
 */
#ifndef LOP_TEST_FAULTS_H
#define LOP_TEST_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fault_kind {
    FAULT_MEMORY,
    FAULT_OPEN,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_TRUNCATE,
    FAULT_SYNC,
    FAULT_LINK,
    FAULT_RENAME,
    FAULT_CLOSE,
    FAULT_REMOVE,
    FAULT_DIRECTORY, /* the making of one */
    FAULT_KINDS
} fault_kind;

#define FAULT_SHORT (-1) /* instead of an errno: reads and writes move half of what they could */

typedef struct fault {
    fault_kind kind;
    size_t number; /* the first call that fails, from 1; 0: none does */
    bool stays;    /* and all later ones */
    int error;     /* an errno, or FAULT_SHORT; of memory it is always ENOMEM */
} fault;

/** "memory", "open", …; NULL beyond the last. */
const char *fault_name(size_t kind);

/**
 * Put the failing calls in place; with memory also jansson's, except while it parses: there jansson
 * 2.14 ends the process by an assertion of its own. The linker leads its parser here (--wrap).
 */
void faults_install(bool with_memory);
/** Whether this thread is within jansson's parser. */
bool faults_parsing(void);
/** Counts a call of that kind; true where it is one that is to fail, with errno set. */
bool faults_fail(fault_kind kind);
/** From now on calls fail as `what` says. */
void faults_arm(const fault *what);
/** Calls of the armed kind since then, and whether one of them failed. */
size_t faults_count(void);
bool faults_happened(void);

#endif
