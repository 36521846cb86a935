#include "faults.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/system.h"

static const char *const names[FAULT_KINDS] = {"memory",   "open",   "read",     "write",
                                               "truncate", "sync",   "link",     "rename",
                                               "close",    "remove", "directory"};

const char *fault_name(size_t kind) { return kind < FAULT_KINDS ? names[kind] : NULL; }

static lopi_memory_calls memory;
static lopi_file_calls file;

static fault armed;
static atomic_size_t count;
static atomic_bool happened;

bool faults_fail(fault_kind kind)
{
    if (armed.number == 0 || kind != armed.kind)
        return false;
    size_t number = atomic_fetch_add(&count, 1) + 1;
    bool failing = number == armed.number || (armed.stays && number > armed.number);
    if (failing)
        atomic_store(&happened, true);
    if (failing && armed.error != FAULT_SHORT)
        errno = kind == FAULT_MEMORY ? ENOMEM : armed.error;
    return failing;
}

static void *zeroed(size_t items, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : memory.zeroed(items, size);
}

static void *resized(void *block, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : memory.resized(block, size);
}

static void *aligned(size_t alignment, size_t size)
{
    return faults_fail(FAULT_MEMORY) ? NULL : memory.aligned(alignment, size);
}

static int opened(const char *path, int flags, mode_t mode)
{
    return faults_fail(FAULT_OPEN) ? -1 : file.open(path, flags, mode);
}

static ssize_t bytes_read(int descriptor, void *bytes, size_t size)
{
    if (!faults_fail(FAULT_READ))
        return file.read(descriptor, bytes, size);
    return armed.error == FAULT_SHORT ? file.read(descriptor, bytes, (size + 1) / 2) : -1;
}

static ssize_t written(int descriptor, const void *bytes, size_t size)
{
    if (!faults_fail(FAULT_WRITE))
        return file.write(descriptor, bytes, size);
    return armed.error == FAULT_SHORT ? file.write(descriptor, bytes, (size + 1) / 2) : -1;
}

static int truncated(int descriptor, off_t size)
{
    return faults_fail(FAULT_TRUNCATE) ? -1 : file.truncate(descriptor, size);
}

static int synced(int descriptor) { return faults_fail(FAULT_SYNC) ? -1 : file.sync(descriptor); }

static int linked(const char *from, const char *to)
{
    return faults_fail(FAULT_LINK) ? -1 : file.link(from, to);
}

static int renamed(const char *from, const char *to)
{
    return faults_fail(FAULT_RENAME) ? -1 : file.rename(from, to);
}

/* What fails to close is closed all the same, as Linux has it. */
static int closed(int descriptor)
{
    bool failing = faults_fail(FAULT_CLOSE);
    int number = errno, result = file.close(descriptor);
    if (!failing)
        return result;
    errno = number;
    return -1;
}

static int removed(const char *path) { return faults_fail(FAULT_REMOVE) ? -1 : file.remove(path); }

static int directory_made(const char *path, mode_t mode)
{
    return faults_fail(FAULT_DIRECTORY) ? -1 : file.directory(path, mode);
}

static _Thread_local bool parsing;

bool faults_parsing(void) { return parsing; }

/* The linker's names. NOLINTBEGIN(bugprone-reserved-identifier) */
json_t *__real_json_loads(const char *text, size_t flags, json_error_t *error);
json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error);
json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);

json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error)
{
    parsing = true;
    json_t *value = __real_json_loads(text, flags, error);
    parsing = false;
    return value;
}

json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error)
{
    parsing = true;
    json_t *value = __real_json_loadb(text, size, flags, error);
    parsing = false;
    return value;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void *json_memory(size_t size)
{
    return !parsing && faults_fail(FAULT_MEMORY) ? NULL : malloc(size);
}

void faults_install(bool with_memory)
{
    memory = lopi_memory_system;
    file = lopi_file_system;
    if (with_memory) {
        lopi_memory_system = (lopi_memory_calls){zeroed, resized, aligned, memory.release};
        json_set_alloc_funcs(json_memory, free);
    }
    lopi_file_system = (lopi_file_calls){opened, bytes_read, written, truncated, synced,
                                         linked, renamed,    closed,  removed,   directory_made};
}

void faults_arm(const fault *what)
{
    armed = *what;
    atomic_store(&count, 0);
    atomic_store(&happened, false);
}

size_t faults_count(void) { return atomic_load(&count); }
bool faults_happened(void) { return atomic_load(&happened); }
