/*
 * The command line with calls that fail. Linked with the whole program, which knows nothing of it:
 * before main it reads from LOP_FAULT what is to fail, "KIND NUMBER STAYS ERRNO", and where that
 * call was reached it makes the file that LOP_FAULT_REACHED names; LOP_FAULT_SET is a directory of
 * which known.h makes a data set. The linker leads calls for memory here (--wrap), the program's
 * own and the library's alike; its sources call unlink by the name of program_unlink. LOP_RECORD
 * names a file for a record of what the disk is asked to keep (record.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/system.h"
#include "faults.h"
#include "known.h"
#include "record.h"

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
lop_status __real_lopi_output_commit(lopi_output *output, lop_error *error);
lop_status __wrap_lopi_output_commit(lopi_output *output, lop_error *error);
lop_status __real_lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                                  lop_error *error);
lop_status __wrap_lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                                  lop_error *error);
lop_status __real_lopi_file_append_line(const char *path, const char *line, lopi_line_judge judge,
                                        lop_error *error);
lop_status __wrap_lopi_file_append_line(const char *path, const char *line, lopi_line_judge judge,
                                        lop_error *error);

/* jansson's too, which comes by way of the program's own (session.c). */
void *__wrap_malloc(size_t size)
{
    return !faults_parsing() && faults_fail(FAULT_MEMORY) ? NULL : __real_malloc(size);
}

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

/* What the library says is kept. */
lop_status __wrap_lopi_output_commit(lopi_output *output, lop_error *error)
{
    char path[4096] = "";
    if (output->path)
        snprintf(path, sizeof path, "%s", output->path);
    lop_status status = __real_lopi_output_commit(output, error);
    if (status == LOP_OK && path[0])
        record_kept(path);
    return status;
}

lop_status __wrap_lopi_file_write(const char *path, const void *data, size_t size, bool overwrite,
                                  lop_error *error)
{
    lop_status status = __real_lopi_file_write(path, data, size, overwrite, error);
    if (status == LOP_OK)
        record_kept(path);
    return status;
}

lop_status __wrap_lopi_file_append_line(const char *path, const char *line, lopi_line_judge judge,
                                        lop_error *error)
{
    lop_status status = __real_lopi_file_append_line(path, line, judge, error);
    if (status == LOP_OK)
        record_kept(path);
    return status;
}
/* NOLINTEND(bugprone-reserved-identifier) */

int program_unlink(const char *path);
int program_unlink(const char *path) { return lopi_file_system.remove(path); }

static const char *reached;

static void tell(void)
{
    if (faults_happened())
        close(open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("LOP_FAULT"), *record = getenv("LOP_RECORD");
    const char *set = getenv("LOP_FAULT_SET");
    if (record)
        record_begin(record);
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
    if (set && !known_begin(set))
        _exit(99);
    what.kind = (fault_kind)i;
    what.stays = stays != 0;
    what.error = error;
    faults_install(false);
    atexit(tell);
    faults_arm(&what);
}
