/* What a module has not: files, threads, and a clock of its own. */
#include <lop/machine.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "run/threads.h"
#include "run/wasm/host.h"

double lop_clock_seconds(void) { return 1e-3 * lop_host_now(); }

double lopi_clock_thread_seconds(void) { return lop_clock_seconds(); }

lop_status lopi_file_read(lopi_bytes *out, const char *path, size_t limit, lop_error *error)
{
    (void)out;
    (void)limit;
    return lopi_fail_file(error, LOP_E_UNSUPPORTED, path,
                          "a WebAssembly module reads no files; open the network from memory");
}

lop_status lopi_pool_new(lopi_pool **out, size_t threads, lop_error *error)
{
    (void)out;
    return lopi_fail(error, LOP_E_UNSUPPORTED, "a WebAssembly module has 1 thread, not %zu",
                     threads);
}

void lopi_pool_free(lopi_pool *pool) { (void)pool; }

void lopi_pool_run(lopi_pool *pool, lopi_work work, void *context)
{
    (void)pool;
    work(context, 0, 1);
}

void lopi_barrier_wait(lopi_barrier *barrier, size_t members)
{
    (void)barrier;
    (void)members;
}
