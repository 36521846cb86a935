#define _GNU_SOURCE /* memfd_create */
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/system.h"
#include "run/hash.h"

static const fuzz_reader *const readers[] = {
    &fuzz_idx,        &fuzz_gzip,   &fuzz_csv,     &fuzz_npy, &fuzz_safetensors,
    &fuzz_checkpoint, &fuzz_recipe, &fuzz_results, &fuzz_lop, &fuzz_plan,
};

const fuzz_reader *fuzz_reader_at(size_t index)
{
    return index < sizeof readers / sizeof *readers ? readers[index] : NULL;
}

const fuzz_reader *fuzz_reader_find(const char *name)
{
    const fuzz_reader *reader;
    for (size_t i = 0; (reader = fuzz_reader_at(i)); i++)
        if (strcmp(reader->name, name) == 0)
            return reader;
    return NULL;
}

unsigned fuzz_thorough_one_in = 1;

bool fuzz_thorough(const lopi_bytes *content)
{
    return fuzz_thorough_one_in > 0 &&
           lopi_hash(LOPI_HASH_START, content->data, content->size) / 64 % fuzz_thorough_one_in ==
               0;
}

static int no_sync(int descriptor)
{
    (void)descriptor;
    return 0;
}

void fuzz_begin(void) { lopi_file_system.sync = no_sync; }

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "fuzz: %s%s%s\n", what, why[0] ? ": " : "", why);
    abort();
}

void fuzz_expect(bool holds, const char *what)
{
    if (!holds)
        give_up(what, "");
}

void fuzz_expect_ok(lop_status status, const lop_error *error, const char *what)
{
    if (status != LOP_OK && status != LOP_E_MEMORY)
        give_up(what, error->text);
}

const char *fuzz_file(const void *data, size_t size)
{
    static char path[64];
    static int descriptor = -1;
    if (descriptor < 0) {
        descriptor = memfd_create("lop-fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    if (descriptor < 0 || ftruncate(descriptor, (off_t)size) != 0 ||
        pwrite(descriptor, data, size, 0) != (ssize_t)size)
        give_up("a file in memory", "cannot be made");
    return path;
}

static char directory[64], output[80];

static void remove_output(void)
{
    remove(output);
    rmdir(directory);
}

const char *fuzz_output(void)
{
    static const char *const places[] = {"/dev/shm", "/tmp"};
    for (size_t i = 0; !directory[0] && i < sizeof places / sizeof *places; i++) {
        snprintf(directory, sizeof directory, "%s/lop-fuzz-XXXXXX", places[i]);
        if (!mkdtemp(directory))
            directory[0] = 0;
        else
            atexit(remove_output);
    }
    if (!directory[0])
        give_up("a directory for outputs", "cannot be made");
    snprintf(output, sizeof output, "%s/out", directory);
    return output;
}

void fuzz_seed(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = lopi_path_join(folder, name);
    lop_error error = {0};
    if (!path || lopi_file_write(path, data, size, true, &error) != LOP_OK)
        give_up(folder, error.text);
    lopi_free(path);
}

void fuzz_seed_file(const char *folder, const char *name, const char *path)
{
    lopi_bytes bytes = {NULL, 0};
    lop_error error = {0};
    if (lopi_file_read(&bytes, path, SIZE_MAX / 2, &error) != LOP_OK)
        give_up(path, error.text);
    fuzz_seed(folder, name, bytes.data, bytes.size);
    lopi_free(bytes.data);
    remove(path);
}
