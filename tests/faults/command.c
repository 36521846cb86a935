/*
 * The command line with calls that fail. Linked with the whole program, which knows nothing of it:
 * before main it reads from LOP_FAULT what is to fail, "KIND NUMBER STAYS ERRNO", and where that
 * call was reached it makes the file that LOP_FAULT_REACHED names. The linker leads calls for
 * memory here (--wrap), the program's own and the library's alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

/* The names that the linker gives. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
FILE *__real_fopen(const char *path, const char *mode);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
FILE *__wrap_fopen(const char *path, const char *mode);

void *__wrap_malloc(size_t size) { return faults_fail(FAULT_MEMORY) ? NULL : __real_malloc(size); }

void *__wrap_calloc(size_t count, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : __real_aligned_alloc(alignment, size);
}

/* Not interrupted: who opens a file by stdio cannot go on, and on files it does not happen. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return faults_fail(FAULT_OPEN) && errno != EINTR ? NULL : __real_fopen(path, mode);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static const char *reached;

static void tell(void)
{
    if (faults_happened())
        close(open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("LOP_FAULT");
    reached = getenv("LOP_FAULT_REACHED");
    char kind[16];
    int stays, error;
    fault what = {.number = 0};
    if (!text || !reached ||
        sscanf(text, "%15s %zu %d %d", kind, &what.number, &stays, &error) != 4)
        return;
    size_t i = 0;
    while (fault_name(i) && strcmp(fault_name(i), kind) != 0)
        i++;
    if (!fault_name(i))
        _exit(99);
    what.kind = (fault_kind)i;
    what.stays = stays != 0;
    what.error = error;
    faults_install(false);
    atexit(tell);
    faults_arm(&what);
}
