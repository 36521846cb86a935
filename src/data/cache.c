#include "data/cache.h"

#include <stdio.h>
#include <string.h>

#include <sha256.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "data/fetch.h"
#include "data/scratch.h"
#include "data/source.h"

lop_status lop_cache_directory(const char *name, const lop_data_options *options, char **dir,
                               lop_error *error)
{
    if (!options || !options->cache_dir)
        return lopi_fail(error, LOP_E_ARG,
                         "%s: expected a directory to keep it in, found none; name one in the "
                         "options (cache_dir)",
                         name);
    char *path = lopi_path_join(options->cache_dir, name);
    if (!path)
        return lopi_fail_memory(error, strlen(name));
    *dir = path;
    return LOP_OK;
}

lop_status lop_data_directory(const char *name, const lop_data_options *options, char **dir,
                              lop_error *error)
{
    const lopi_known_set *set = lopi_known_find(name);
    return set ? lop_cache_directory(set->entry.name, options, dir, error)
               : lopi_fail_unknown_set(name, error);
}

lop_status lopi_set_paths_new(lopi_set_paths *out, const lopi_known_set *set,
                              const lop_data_options *options, lop_error *error)
{
    lopi_set_paths made = {0};
    lop_status status = lop_cache_directory(set->entry.name, options, &made.directory, error);
    for (size_t i = 0; status == LOP_OK && i < LOPI_FILE_COUNT; i++) {
        made.files[i] = lopi_path_join(made.directory, set->files[i].name);
        if (!made.files[i])
            status = lopi_fail_memory(error, strlen(made.directory));
    }
    if (status != LOP_OK)
        lopi_set_paths_free(&made);
    else
        *out = made;
    return status;
}

void lopi_set_paths_free(lopi_set_paths *paths)
{
    lopi_free(paths->directory);
    for (size_t i = 0; i < LOPI_FILE_COUNT; i++)
        lopi_free(paths->files[i]);
    *paths = (lopi_set_paths){0};
}

/* No memory is asked for, which might fail, and there is no status to say so: a set that is there
 * would be called missing. The system takes no longer names. */
bool lopi_cache_present(const lopi_known_set *set, const lop_data_options *options)
{
    char path[4096];
    bool present = options && options->cache_dir;
    for (size_t i = 0; present && i < LOPI_FILE_COUNT; i++) {
        uint64_t size = 0;
        int length = snprintf(path, sizeof path, "%s/%s/%s", options->cache_dir, set->entry.name,
                              set->files[i].name);
        present = length > 0 && (size_t)length < sizeof path && lopi_file_size(path, &size) &&
                  size == set->files[i].size;
    }
    return present;
}

static lop_status check_content(const lopi_bytes *content, const lopi_known_file *file,
                                const char *path, lop_error *error)
{
    char sum[SHA256_DIGEST_STRING_LENGTH];
    if (content->size != file->size)
        return lopi_fail_file(error, content->size < file->size ? LOP_E_TRUNCATED : LOP_E_CHECKSUM,
                              path, "expected %llu bytes, found %zu; fetch it again",
                              (unsigned long long)file->size, content->size);
    SHA256Data(content->data, content->size, sum);
    if (strcmp(sum, file->sha256) != 0)
        return lopi_fail_file(error, LOP_E_CHECKSUM, path,
                              "expected SHA-256 %s, found %s; fetch it again", file->sha256, sum);
    return LOP_OK;
}

/* Content of a known file, verified; gzip is taken off. */
static lop_status load_verified(lopi_bytes *out, const char *path, const lopi_known_file *file,
                                lop_error *error)
{
    lopi_bytes content = {0};
    lop_status status = lopi_source_load(&content, path, (size_t)file->size + 1, error);
    if (status == LOP_E_LIMIT)
        status = lopi_fail_file(error, LOP_E_CHECKSUM, path,
                                "expected %llu bytes, found more; fetch it again",
                                (unsigned long long)file->size);
    if (status == LOP_OK)
        status = check_content(&content, file, path, error);
    if (status == LOP_OK)
        *out = content;
    else
        lopi_free(content.data);
    return status;
}

lop_status lopi_cache_verify(const lopi_known_set *set, const lop_data_options *options,
                             lop_error *error)
{
    lopi_set_paths paths;
    lop_status status = lopi_set_paths_new(&paths, set, options, error);
    if (status != LOP_OK)
        return status;
    for (size_t i = 0; status == LOP_OK && i < LOPI_FILE_COUNT; i++) {
        lopi_bytes content = {0};
        status = load_verified(&content, paths.files[i], &set->files[i], error);
        lopi_free(content.data);
    }
    lopi_set_paths_free(&paths);
    return status;
}

/* A file that was fetched, plain or gzip, goes into the cache, plain, if it is the right one. */
static lop_status keep_file(const char *from, const lopi_known_file *file, const char *to,
                            lop_error *error)
{
    char packed_name[64];
    snprintf(packed_name, sizeof packed_name, "%s.gz", file->name);
    char *plain = lopi_path_join(from, file->name), *packed = lopi_path_join(from, packed_name);
    lopi_bytes content = {0};
    lop_status status = LOP_OK;
    if (!plain || !packed)
        status = lopi_fail_memory(error, strlen(from));
    if (status == LOP_OK)
        status = load_verified(&content, lopi_file_exists(plain) ? plain : packed, file, error);
    if (status == LOP_OK)
        status = lopi_file_write(to, content.data, content.size, true, error);
    lopi_free(content.data);
    lopi_free(plain);
    lopi_free(packed);
    return status;
}

/* One source, from its first byte to the verified files in the cache. */
static lop_status fetch_from(const lopi_known_set *set, const lopi_data_source *source,
                             const lopi_set_paths *paths, const lop_hooks *hooks, lop_error *error)
{
    /* Beside the files it will become: there is room for them there, or nowhere. */
    char *scratch = NULL;
    lop_status status = lopi_scratch_new(&scratch, paths->directory, error);
    if (status != LOP_OK)
        return status;
    lopi_fetch fetch = {.set = set, .temporary = scratch, .hooks = hooks};
    status = source->fetch(&fetch, source, error);
    for (size_t i = 0; status == LOP_OK && i < LOPI_FILE_COUNT; i++)
        status = keep_file(fetch.found, &set->files[i], paths->files[i], error);
    lopi_free(fetch.found);
    lopi_scratch_remove(scratch);
    return status;
}

/* Failures after which another source would fail alike, or is not wanted. */
static bool is_final(lop_status status)
{
    return status == LOP_E_CANCELLED || status == LOP_E_MEMORY || status == LOP_E_FULL ||
           status == LOP_E_CREATE;
}

/* One line for all sources that failed: which, and why. */
typedef struct reasons {
    char text[480];
    size_t used;
} reasons;

static void add_reason(reasons *all, const lopi_data_source *source, const char *reason)
{
    if (all->used < sizeof all->text)
        all->used +=
            (size_t)snprintf(all->text + all->used, sizeof all->text - all->used, "%s%s %s: %.100s",
                             all->used ? "; " : "", source->description, source->where, reason);
}

static lop_status fetch(const lopi_known_set *set, const lopi_set_paths *paths,
                        const lop_data_options *options, lop_error *error)
{
    const lop_hooks *hooks = options ? options->hooks : NULL;
    bool offline = options && options->offline;
    reasons all = {.used = 0};
    lop_status status = LOP_E_NOT_FOUND;
    for (const lopi_data_source *source = set->sources; source->description; source++) {
        lop_error reason = {0};
        if (offline && !source->local) {
            add_reason(&all, source, "not asked, offline");
            continue;
        }
        lopi_message(hooks, LOP_INFO, "fetching %s: %s %s", set->entry.name, source->description,
                     source->where);
        status = fetch_from(set, source, paths, hooks, &reason);
        if (status == LOP_OK)
            return LOP_OK;
        if (is_final(status)) {
            if (error)
                *error = reason;
            return status;
        }
        lopi_message(hooks, LOP_DETAIL, "%s %s: %s", source->description, source->where,
                     reason.text);
        add_reason(&all, source, reason.text);
    }
    return lopi_fail(error, status, "cannot fetch %s: %s", set->entry.name, all.text);
}

lop_status lopi_cache_get(const lopi_known_set *set, const lop_data_options *options,
                          lop_error *error)
{
    if (lopi_cache_present(set, options)) {
        lop_error why;
        lop_status verified = lopi_cache_verify(set, options, &why);
        if (verified == LOP_OK)
            return LOP_OK;
        if (verified == LOP_E_MEMORY) /* which says nothing of the files */
            return lopi_fail(error, verified, "%s", why.text);
    }
    lopi_set_paths paths;
    lop_status status = lopi_set_paths_new(&paths, set, options, error);
    if (status != LOP_OK)
        return status;
    status = lopi_directory_make(paths.directory, error);
    if (status == LOP_OK)
        status = fetch(set, &paths, options, error);
    lopi_set_paths_free(&paths);
    return status;
}

bool lop_data_present(const char *name, const lop_data_options *options)
{
    const lopi_known_set *set = lopi_known_find(name);
    return set && lopi_cache_present(set, options);
}

lop_status lop_data_verify(const char *name, const lop_data_options *options, lop_error *error)
{
    const lopi_known_set *set = lopi_known_find(name);
    return set ? lopi_cache_verify(set, options, error) : lopi_fail_unknown_set(name, error);
}

lop_status lop_data_get(const char *name, const lop_data_options *options, lop_error *error)
{
    const lopi_known_set *set = lopi_known_find(name);
    return set ? lopi_cache_get(set, options, error) : lopi_fail_unknown_set(name, error);
}
