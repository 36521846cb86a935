/*
 * The library while calls of the system fail: for each scenario and each kind of call the first,
 * the second, … fails, once and from then on, until none is left to fail. What must hold:
 *
 *  - nothing crashes or hangs, and (under a sanitizer) nothing leaks;
 *  - the status is the fault's: out of memory, no space, input/output; and there is a text to it;
 *  - what ends well in spite of it found the same as without;
 *  - what is interrupted or done by halves (EINTR, short reads and writes) is no failure at all;
 *  - a file that was to be replaced is the old one or the new one, and no temporary file stays.
 *
 * library [--long] [SCENARIO]: without it a few of each scenario's calls fail, all of the first 20.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "scenarios.h"

#define HUNG_SECONDS 120

typedef struct content {
    char *bytes;
    size_t size;
} content;

static const char *directory;
static char without[2048]; /* what the scenario finds where nothing fails */
static unsigned failures;

static content content_of(const char *name)
{
    char path[512];
    content found = {NULL, 0};
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return found;
    found.bytes = calloc(1 << 22, 1);
    if (found.bytes)
        found.size = fread(found.bytes, 1, 1 << 22, file);
    fclose(file);
    return found;
}

static int same(content a, content b)
{
    return a.bytes && b.bytes && a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* Temporary names are the file's, the process and a number: NAME.lop~PID-N. */
static unsigned temporaries(const char *where)
{
    char mark[32], below[512];
    unsigned found = 0;
    snprintf(mark, sizeof mark, "~%ld-", (long)getpid());
    DIR *open = opendir(where);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        found += strstr(entry->d_name, mark) != NULL;
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof below, "%s/%s", where, entry->d_name);
        found += temporaries(below);
    }
    if (open)
        closedir(open);
    return found;
}

static void complain(const scenario *of, const fault *what, const char *text)
{
    if (failures++ < 20)
        fprintf(stderr, "%s, %s %zu%s, errno %d: %s\n", of->name, fault_name(what->kind),
                what->number, what->stays ? " and on" : "", what->error, text);
}

static bool expected(const scenario *of, const fault *what, lop_status status)
{
    bool harmless = what->error == EINTR || what->error == FAULT_SHORT;
    if (what->kind == FAULT_REMOVE) /* what is of no use any more stays, and nothing is lost */
        return status == LOP_OK;
    if (what->error == EOPNOTSUPP) /* may be asked for something that not every system has */
        return status == LOP_OK || status == LOP_E_IO || status == LOP_E_CREATE;
    if (status == LOP_OK)
        return harmless || of->forgiven >> what->kind & 1 || what->kind == FAULT_CLOSE;
    if (harmless)
        return false;
    if (what->kind == FAULT_MEMORY)
        return status == LOP_E_MEMORY;
    if (what->error == ENOSPC)
        return status == LOP_E_FULL;
    return status == LOP_E_IO || status == LOP_E_CREATE;
}

/* One play with one fault; false where the fault's call was never reached. */
static bool play(const scenario *of, const fault *what, content before)
{
    lop_error error = {0};
    faults_arm(what);
    alarm(HUNG_SECONDS);
    lop_status status = of->play(&error);
    alarm(0);
    bool happened = faults_happened();
    faults_arm(&(fault){0});
    char text[sizeof without];
    if (!happened && status != LOP_OK) {
        snprintf(text, sizeof text, "failed without a fault: %s: %s", lop_status_name(status),
                 error.text);
        complain(of, what, text);
    } else if (happened && !expected(of, what, status)) {
        snprintf(text, sizeof text, "%s: %s", lop_status_name(status), error.text);
        complain(of, what, text);
    } else if (status != LOP_OK && (!error.text[0] || error.code != status)) {
        complain(of, what, "the error says nothing, or something else");
    }
    scenarios_found(text, sizeof text);
    if (status == LOP_OK && strcmp(text, without) != 0)
        complain(of, what, "ended well, and found something else");
    if (what->kind != FAULT_REMOVE && temporaries(directory) > 0)
        complain(of, what, "left a temporary file");
    if (of->output) {
        content after = content_of(of->output);
        if (!same(before, after))
            complain(of, what, "the output is neither the old nor the new file");
        free(after.bytes);
    }
    return happened;
}

/* The n-th call to fail after the n-th: each of the first, then ever fewer. */
static size_t next(size_t number, bool all)
{
    return all || number < 10 ? number + 1 : number + number / 2;
}

static void play_all(const scenario *of, bool all)
{
    static const struct {
        fault_kind kind;
        int error;
    } ways[] = {{FAULT_MEMORY, ENOMEM},    {FAULT_OPEN, EIO},          {FAULT_OPEN, EINTR},
                {FAULT_OPEN, EOPNOTSUPP},  {FAULT_READ, EIO},          {FAULT_READ, EINTR},
                {FAULT_READ, FAULT_SHORT}, {FAULT_WRITE, EIO},         {FAULT_WRITE, ENOSPC},
                {FAULT_WRITE, EINTR},      {FAULT_WRITE, FAULT_SHORT}, {FAULT_TRUNCATE, EIO},
                {FAULT_SYNC, EIO},         {FAULT_SYNC, ENOSPC},       {FAULT_SYNC, EINTR},
                {FAULT_LINK, EIO},         {FAULT_RENAME, EIO},        {FAULT_CLOSE, EIO},
                {FAULT_CLOSE, EINTR},      {FAULT_REMOVE, EIO},        {FAULT_DIRECTORY, EIO},
                {FAULT_DIRECTORY, ENOSPC}};
    lop_error error = {0};
    scenarios_found(without, sizeof without); /* of whatever was played before */
    /* What is made without a fault is what must be there with one: the same bytes, old or new. */
    if (of->play(&error) != LOP_OK) {
        complain(of, &(fault){0}, error.text);
        return;
    }
    scenarios_found(without, sizeof without);
    content before = of->output ? content_of(of->output) : (content){NULL, 0};
    size_t plays = 0;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (int stays = 0; stays < (ways[w].error == EINTR ? 1 : 2); stays++) {
            if (of->only_memory && ways[w].kind != FAULT_MEMORY)
                continue;
            fault what = {ways[w].kind, 1, stays != 0, ways[w].error};
            for (; play(of, &what, before); plays++)
                what.number = next(what.number, all);
        }
    free(before.bytes);
    printf("%-10s %6zu faults\n", of->name, plays);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    bool all = count > 1 && strcmp(arguments[1], "--long") == 0;
    const char *only = count > 1 + all ? arguments[1 + all] : NULL;
    directory = scenarios_begin();
    if (!directory)
        return 1;
    faults_install(true);
    for (unsigned i = 0; scenario_at(i); i++)
        if (!only || strcmp(only, scenario_at(i)->name) == 0)
            play_all(scenario_at(i), all);
    scenarios_end();
    printf("%u failed\n", failures);
    return failures > 0;
}
