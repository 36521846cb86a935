#include <lop/machine.h>

#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"

#ifndef LOP_VERSION
#error "the build defines LOP_VERSION"
#endif

enum { MAX_THREADS = 1024 };

/* Widest first. A name is in use where the kernel lists all its flags for the first processor. */
static const struct {
    const char *name, *flags[3];
} instruction_sets[] = {
    {"amx", {"amx_bf16", "avx512_vnni"}},
    {"avx512_fp16", {"avx512_fp16", "avx512_vnni"}},
    {"avx512_bf16", {"avx512_bf16"}},
    {"avx512_vnni", {"avx512_vnni"}},
    {"avx512", {"avx512bw", "avx512vl"}},
    {"avx2", {"avx2", "fma"}},
    {"neon", {"asimd"}},
    {"scalar", {NULL}},
};

static bool has_flag(const char *flags, const char *flag)
{
    size_t length = strlen(flag);
    for (const char *at = flags; (at = strstr(at, flag)); at += length)
        if ((at == flags || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0))
            return true;
    return false;
}

static const char *widest(const char *flags)
{
    size_t row = 0;
    for (;; row++) {
        size_t found = 0;
        const char *const *wanted = instruction_sets[row].flags;
        while (found < 3 && wanted[found] && has_flag(flags, wanted[found]))
            found++;
        if (found == 3 || !wanted[found])
            return instruction_sets[row].name;
    }
}

/* "key   : value" of /proc/cpuinfo. */
static const char *field(char *line, const char *key)
{
    size_t length = strlen(key);
    char *colon = strchr(line, ':');
    if (strncmp(line, key, length) != 0 || !colon || (line[length] != ' ' && line[length] != '\t'))
        return NULL;
    colon[strcspn(colon, "\n")] = 0;
    return colon[1] == ' ' ? colon + 2 : colon + 1;
}

void lop_machine_get(lop_machine *machine)
{
    *machine = (lop_machine){.cpu = "unknown", .isa = "unknown", .host = "unknown"};
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool have_cpu = false, have_flags = false;
    while (file && !(have_cpu && have_flags) && fgets(line, sizeof line, file)) {
        const char *value;
        if ((value = field(line, "model name")) && !have_cpu) {
            snprintf(machine->cpu, sizeof machine->cpu, "%s", value);
            have_cpu = true;
        } else if ((value = field(line, "flags")) || (value = field(line, "Features"))) {
            snprintf(machine->isa, sizeof machine->isa, "%s", widest(value));
            have_flags = true;
        }
    }
    if (file && !have_flags)
        snprintf(machine->isa, sizeof machine->isa, "scalar");
    if (file)
        fclose(file);
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(machine->host, sizeof machine->host, "%.30s %.30s", name.sysname, name.machine);
    machine->cores = (size_t)omp_get_num_procs();
    machine->threads = lop_threads_get();
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    machine->memory_bytes = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
}

lop_status lop_threads_set(size_t threads, lop_error *error)
{
    if (threads > MAX_THREADS)
        return lopi_fail(error, LOP_E_RANGE, "expected 0 to %d threads, found %zu", MAX_THREADS,
                         threads);
    omp_set_num_threads(threads ? (int)threads : omp_get_num_procs());
    return LOP_OK;
}

size_t lop_threads_get(void) { return (size_t)omp_get_max_threads(); }

size_t lop_memory_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (size_t)usage.ru_maxrss * 1024;
}

const char *lop_version(void) { return LOP_VERSION; }
