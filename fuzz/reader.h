/**
 * Readers under attack: one row for each format that lop reads from strangers.
 *
 * A row takes a file, whatever is in it, through the function that the program reads it with, and
 * where it is accepted holds what came out against itself: written again and read again it must be
 * the same. Like the tests, these files see the library's internals: checkpoints and gzip have no
 * public function of their own. `target.c` feeds the rows from libFuzzer, `replay.c` from files.
 */
#ifndef FUZZ_READER_H
#define FUZZ_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

#include "base/file.h"

typedef struct fuzz_reader {
    const char *name;
    const char *what; /* one line, for people */
    size_t most;      /* bytes of an input that find something new soon */
    /** The status of reading; never returns where what was read contradicts itself. */
    lop_status (*read)(const char *path, const lopi_bytes *content, lop_error *error);
    /**
     * Make lengths and checksums right, so that what was changed is looked at and not refused at
     * the door. `data` holds `size` of `room` bytes; returns the new size. NULL: nothing to do.
     */
    size_t (*repair)(uint8_t *data, size_t size, size_t room);
    /** Write small sound files into the directory, which the attack begins with. */
    void (*seed)(const char *directory);
} fuzz_reader;

/** Row `index`, NULL beyond the last; and the row of a name, or NULL. */
const fuzz_reader *fuzz_reader_at(size_t index);
const fuzz_reader *fuzz_reader_find(const char *name);

extern const fuzz_reader fuzz_idx, fuzz_gzip, fuzz_csv, fuzz_npy; /* data.c */
extern const fuzz_reader fuzz_safetensors, fuzz_checkpoint;       /* tensors.c */
extern const fuzz_reader fuzz_lop, fuzz_plan;                     /* packed.c */
extern const fuzz_reader fuzz_recipe, fuzz_results;               /* texts.c */

/* What rows share ---------------------------------------------------------------------------- */

/**
 * Whether all that can be asked is asked of this input. Replaying does so always; an attack of one
 * input in eight, chosen by its bytes, so that it gets through more of them; measuring never.
 */
bool fuzz_thorough(const lopi_bytes *content);
extern unsigned fuzz_thorough_one_in; /* 0: never */
/** Files are for this process alone: nothing is synced. Before anything is read. */
void fuzz_begin(void);
/** End the process, saying what, unless `holds`: what an attack looks for. */
void fuzz_expect(bool holds, const char *what);
/** fuzz_expect(status == LOP_OK), saying the error; memory that ran out is no contradiction. */
void fuzz_expect_ok(lop_status status, const lop_error *error, const char *what);
/** The bytes as a file that is named: valid until the next call. The same name each time. */
const char *fuzz_file(const void *data, size_t size);
/** A name for what is written, in a directory of this process's own; the same each time. */
const char *fuzz_output(void);
/** Write a seed, and end the process where that fails. */
void fuzz_seed(const char *directory, const char *name, const void *data, size_t size);
/** The same for a file that is there, and is removed. */
void fuzz_seed_file(const char *directory, const char *name, const char *path);

#endif
