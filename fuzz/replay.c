/*
 * Readers without libFuzzer:
 *
 *     replay seeds DIRECTORY             sound files of each reader, in a folder of its name
 *     replay corpus DIRECTORY            each reader reads the folder of its name
 *     replay READER FILE-OR-DIRECTORY/…  what reading each file says, a line each:
 *                                        STATUS EXIT KILOBYTES SECONDS FILE TEXT, tabs between
 *     replay --measure READER …          the same, and nothing else is done with what was read
 *     replay --change READER …           every truncation and every byte changed of each file: how
 * often which status came back; a change is to 0, 255 or another bit
 *
 * Kilobytes are what became resident while the file was read, its own bytes among them; seconds
 * those of the processor. What cannot be opened is for the reader to say.
 */
#define _GNU_SOURCE /* mallopt, clock_gettime */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "reader.h"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A line of /proc/self/status in kB; 0 where there is no such thing. */
static long status_line(const char *name)
{
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name) + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* From here on VmHWM is the most that was resident since. */
static void forget_peak(void)
{
    malloc_trim(0);
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

/* Changes ---------------------------------------------------------------------------------------
 */

enum { STATUSES = 32 };

static void count_change(const fuzz_reader *reader, const lopi_bytes *content, size_t *counts)
{
    lop_error error = {0};
    lop_status status = reader->read(fuzz_file(content->data, content->size), content, &error);
    fuzz_expect(status <= 0 && status > -STATUSES, "a status that is none");
    fuzz_expect(status == LOP_OK || error.text[0], "a status without a word");
    counts[-status]++;
}

static void change_file(const fuzz_reader *reader, const char *path, size_t *counts)
{
    lopi_bytes bytes = {NULL, 0};
    lop_error error = {0};
    fuzz_expect(lopi_file_read(&bytes, path, 1 << 20, &error) == LOP_OK, error.text);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t kept = bytes.data[size];
        const lopi_bytes part = {bytes.data, size};
        bytes.data[size] = 0; /* as behind every file */
        count_change(reader, &part, counts);
        bytes.data[size] = kept;
    }
    /* Of larger files two bits a byte, or it would take minutes. */
    int bits = bytes.size < 400 ? 8 : 2;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t kept = bytes.data[i];
        for (int change = 0; change < bits + 2; change++) {
            int bit = bits == 8 ? change : 5 * change;
            unsigned flipped = kept ^ 1u << bit;
            bytes.data[i] = (uint8_t)(change < bits ? flipped : change == bits ? 0u : 255u);
            count_change(reader, &bytes, counts);
        }
        bytes.data[i] = kept;
    }
    lopi_free(bytes.data);
}

/* Files -----------------------------------------------------------------------------------------
 */

static size_t *changes; /* [STATUSES], or NULL: files are read as they are */

static void replay_file(const fuzz_reader *reader, const char *path)
{
    lop_error error = {0}, reading = {0};
    lopi_bytes content = {NULL, 0};
    char text[1024];
    /* What a row compares with the file as a whole. What is none is for the reader to say. */
    unsigned thorough = fuzz_thorough_one_in;
    if (lopi_file_read(&content, path, (size_t)1 << 32, &error) != LOP_OK)
        fuzz_thorough_one_in = 0;
    forget_peak();
    long before = status_line("VmRSS:");
    double begin = seconds();
    lop_status found = reader->read(path, &content, &reading);
    double took = seconds() - begin;
    long peak = status_line("VmHWM:") - before;
    printf("%s\t%d\t%ld\t%.3f\t%s\t%s\n", lop_status_name(found), lop_status_exit(found),
           peak > 0 ? peak : 0, took, path,
           found == LOP_OK ? "" : lop_error_format(&reading, text, sizeof text));
    fuzz_thorough_one_in = thorough;
    lopi_free(content.data);
}

static int replay(const fuzz_reader *reader, const char *path)
{
    struct dirent **entries = NULL;
    if (!lopi_file_is_directory(path) || path[strlen(path) - 1] != '/') {
        if (changes)
            change_file(reader, path, changes);
        else
            replay_file(reader, path);
        return 0;
    }
    int count = scandir(path, &entries, NULL, alphasort), failed = count < 0;
    for (int i = 0; i < count; i++) {
        char *name = lopi_path_join(path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && name)
            failed |= replay(reader, name);
        lopi_free(name);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

static int write_seeds(const char *directory)
{
    const fuzz_reader *reader;
    for (size_t i = 0; (reader = fuzz_reader_at(i)); i++) {
        char *folder = lopi_path_join(directory, reader->name);
        lop_error error = {0};
        if (!folder || lopi_directory_make(folder, &error) != LOP_OK) {
            fprintf(stderr, "replay: %s: %s\n", directory, error.text);
            return 73;
        }
        reader->seed(folder);
        lopi_free(folder);
    }
    return 0;
}

/* Every file must be read without contradiction; what is said of it is not looked at. */
static int read_corpus(const char *directory)
{
    const fuzz_reader *reader;
    int failed = 0;
    for (size_t i = 0; (reader = fuzz_reader_at(i)); i++) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%s/", directory, reader->name);
        if (!lopi_file_is_directory(folder) || replay(reader, folder) != 0) {
            fprintf(stderr, "replay: %s: cannot be read\n", folder);
            failed = 1;
        }
    }
    return failed;
}

static int explain(void)
{
    const fuzz_reader *reader;
    fputs("usage: replay seeds DIRECTORY\n       replay corpus DIRECTORY\n"
          "       replay [--measure | --change] READER FILE-OR-DIRECTORY/…\nreaders:\n",
          stderr);
    for (size_t i = 0; (reader = fuzz_reader_at(i)); i++)
        fprintf(stderr, "  %-12s %s\n", reader->name, reader->what);
    return 64;
}

static const struct {
    const char *option;
    unsigned thorough;
} ways[] = {{"--measure", 0}, {"--change", 8}};

int main(int count, char **words)
{
    size_t counts[STATUSES] = {0};
    int failed = 0, first = 1;
    fuzz_thorough_one_in = 1;
    for (size_t i = 0; count > 1 && i < sizeof ways / sizeof *ways; i++)
        if (strcmp(words[1], ways[i].option) == 0) {
            fuzz_thorough_one_in = ways[i].thorough;
            changes = ways[i].thorough ? counts : NULL;
            first = 2;
        }
    const fuzz_reader *reader = count > first + 1 ? fuzz_reader_find(words[first]) : NULL;
    fuzz_begin();
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* what is freed is gone, and not part of the next peak */
    if (count == 3 && strcmp(words[1], "seeds") == 0)
        return write_seeds(words[2]);
    if (count == 3 && strcmp(words[1], "corpus") == 0)
        return read_corpus(words[2]);
    if (!reader)
        return explain();
    for (int i = first + 1; i < count; i++)
        failed |= replay(reader, words[i]);
    for (int i = 0; i < STATUSES; i++)
        if (counts[i] > 0)
            printf("%s\t%zu\n", lop_status_name((lop_status)-i), counts[i]);
    return failed;
}
