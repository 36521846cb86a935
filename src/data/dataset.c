#include <lop/data.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/cache.h"
#include "data/csv.h"
#include "data/idx.h"

struct lop_dataset {
    char *name;
    lopi_part train, test;
};

/* The usual names of IDX files, most usual first; each may have ".gz" behind it. */
static const char *const usual_names[LOPI_FILE_COUNT][2] = {
    [LOPI_TRAIN_IMAGES] = {"train-images-idx3-ubyte", "train-images.idx3-ubyte"},
    [LOPI_TRAIN_LABELS] = {"train-labels-idx1-ubyte", "train-labels.idx1-ubyte"},
    [LOPI_TEST_IMAGES] = {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"},
    [LOPI_TEST_LABELS] = {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"},
};

/* Path of a file under its name, or packed; NULL where neither is there. */
static lop_status find_packed_or_not(char **out, const char *directory, const char *name,
                                     lop_error *error)
{
    static const char *const endings[] = {"", ".gz"};
    *out = NULL;
    for (size_t i = 0; i < 2; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s%s", name, endings[i]);
        char *path = lopi_path_join(directory, file);
        if (!path)
            return lopi_fail_memory(error, strlen(directory) + sizeof file);
        if (lopi_file_exists(path)) {
            *out = path;
            return LOP_OK;
        }
        lopi_free(path);
    }
    return LOP_OK;
}

static lop_status find_usual(char **out, const char *directory, size_t file, lop_error *error)
{
    *out = NULL;
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && !*out && i < 2; i++)
        status = find_packed_or_not(out, directory, usual_names[file][i], error);
    return status;
}

static size_t limit_of(const lop_data_options *options)
{
    return options && options->max_bytes ? options->max_bytes : LOP_MAX_DATA_BYTES;
}

static lop_status read_idx_parts(lop_dataset *set, char *const files[LOPI_FILE_COUNT],
                                 const lop_data_options *options, lop_error *error)
{
    size_t limit = limit_of(options);
    lop_status status = lopi_idx_read(&set->train, files[LOPI_TRAIN_IMAGES],
                                      files[LOPI_TRAIN_LABELS], limit, error);
    if (status != LOP_OK)
        return status;
    return lopi_idx_read(&set->test, files[LOPI_TEST_IMAGES], files[LOPI_TEST_LABELS], limit,
                         error);
}

static lop_status read_csv_parts(lop_dataset *set, const char *train, const char *test,
                                 const lop_data_options *options, lop_error *error)
{
    bool train_bytes = false, test_bytes = true;
    const char *label_column = options ? options->label_column : NULL;
    size_t limit = limit_of(options);
    lop_status status = lopi_csv_read(&set->train, &train_bytes, train, label_column, limit, error);
    if (status == LOP_OK && test)
        status = lopi_csv_read(&set->test, &test_bytes, test, label_column, limit, error);
    else if (status == LOP_OK)
        status = lopi_part_divide(&set->train, &set->test, train, error);
    if (status != LOP_OK || !train_bytes || !test_bytes)
        return status;
    status = lopi_part_to_bytes(&set->train, error);
    return status == LOP_OK ? lopi_part_to_bytes(&set->test, error) : status;
}

static lop_status read_directory(lop_dataset *set, const char *path,
                                 const lop_data_options *options, lop_error *error)
{
    char *files[LOPI_FILE_COUNT] = {NULL}, *train_csv = NULL, *test_csv = NULL;
    const char *missing = NULL;
    bool any = false;
    lop_status status = find_packed_or_not(&train_csv, path, "train.csv", error);
    if (status == LOP_OK)
        status = find_packed_or_not(&test_csv, path, "test.csv", error);
    for (size_t i = 0; status == LOP_OK && i < LOPI_FILE_COUNT; i++) {
        status = find_usual(&files[i], path, i, error);
        any |= files[i] != NULL;
        if (!files[i] && !missing)
            missing = usual_names[i][0];
    }
    if (status != LOP_OK)
        goto out;
    if (!missing)
        status = read_idx_parts(set, files, options, error);
    else if (!any && train_csv && test_csv)
        status = read_csv_parts(set, train_csv, test_csv, options, error);
    else
        status = lopi_fail_file(error, LOP_E_NOT_FOUND, path,
                                "expected train-images-idx3-ubyte, train-labels-idx1-ubyte, "
                                "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (also with a "
                                "dot before idx, also with .gz), or train.csv and test.csv; found "
                                "no %s",
                                any                     ? missing
                                : train_csv || test_csv ? (train_csv ? "test.csv" : "train.csv")
                                                        : "such file");
out:
    for (size_t i = 0; i < LOPI_FILE_COUNT; i++)
        lopi_free(files[i]);
    lopi_free(train_csv);
    lopi_free(test_csv);
    return status;
}

/* A known set must be what its row says; its checksums were looked at when it was fetched. */
static lop_status check_known(const lop_dataset *set, const lop_data_entry *entry,
                              const char *const files[2], lop_error *error)
{
    const lop_samples *parts[2] = {&set->train.samples, &set->test.samples};
    size_t counts[2] = {entry->train_count, entry->test_count};
    for (size_t i = 0; i < 2; i++)
        if (parts[i]->count != counts[i] || parts[i]->height != entry->height ||
            parts[i]->width != entry->width || parts[i]->classes != entry->classes)
            return lopi_fail_file(
                error, LOP_E_CHECKSUM, files[i],
                "expected %zu images of %zu by %zu in %zu classes, found %zu of %zu by %zu in "
                "%zu; fetch %s again",
                counts[i], entry->height, entry->width, entry->classes, parts[i]->count,
                parts[i]->height, parts[i]->width, parts[i]->classes, entry->name);
    return LOP_OK;
}

static lop_status read_known(lop_dataset *set, const lopi_known_set *known,
                             const lop_data_options *options, lop_error *error)
{
    const char *name = known->entry.name;
    lopi_set_paths paths;
    lop_status status = LOP_OK;
    if (!lop_data_present(name, options))
        status = lop_data_get(name, options, error);
    if (status == LOP_OK)
        status = lopi_set_paths_new(&paths, known, options, error);
    if (status != LOP_OK)
        return status;
    status = read_idx_parts(set, paths.files, options, error);
    if (status == LOP_OK) {
        const char *const files[2] = {paths.files[LOPI_TRAIN_IMAGES],
                                      paths.files[LOPI_TEST_IMAGES]};
        status = check_known(set, &known->entry, files, error);
    }
    lopi_set_paths_free(&paths);
    return status;
}

/* Both parts must be alike. The training part says what classes there are. */
static lop_status check_parts(lop_dataset *set, const char *path, lop_error *error)
{
    lop_samples *train = &set->train.samples, *test = &set->test.samples;
    if (train->features != test->features || train->height != test->height)
        return lopi_fail_file(error, LOP_E_FORMAT, path,
                              "expected test samples of %zu by %zu values as in the training "
                              "part, found %zu by %zu",
                              train->height, train->width, test->height, test->width);
    if (test->classes > train->classes)
        return lopi_fail_file(error, LOP_E_FORMAT, path,
                              "expected test labels from 0 to %zu as in the training part, found "
                              "%zu",
                              train->classes - 1, test->classes - 1);
    if (train->classes < 2)
        return lopi_fail_file(error, LOP_E_FORMAT, path,
                              "expected labels of two classes or more, found only label 0");
    test->classes = train->classes;
    return LOP_OK;
}

static lop_status read_any(lop_dataset *set, const char *name_or_path,
                           const lop_data_options *options, lop_error *error)
{
    const lopi_known_set *known = lopi_known_find(name_or_path);
    if (known)
        return read_known(set, known, options, error);
    if (lopi_file_is_directory(name_or_path))
        return read_directory(set, name_or_path, options, error);
    if (lopi_file_exists(name_or_path))
        return read_csv_parts(set, name_or_path, NULL, options, error);
    return lopi_fail_unknown_set(name_or_path, error);
}

/* The last part of a path, without slashes at its end. */
static char *last_part(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    char *name = lopi_alloc(end - start + 1, 1);
    if (name)
        memcpy(name, path + start, end - start);
    return name;
}

lop_status lop_dataset_open(lop_dataset **out, const char *name_or_path,
                            const lop_data_options *options, lop_error *error)
{
    if (!out || !name_or_path)
        return lopi_fail(error, LOP_E_ARG, "expected the name or path of a data set");
    lop_dataset *set = lopi_alloc(1, sizeof *set);
    if (!set || !(set->name = last_part(name_or_path))) {
        lop_dataset_free(set);
        return lopi_fail_memory(error, sizeof *set);
    }
    lop_status status = read_any(set, name_or_path, options, error);
    if (status == LOP_OK)
        status = check_parts(set, name_or_path, error);
    if (status != LOP_OK) {
        lop_dataset_free(set);
        return status;
    }
    *out = set;
    return LOP_OK;
}

void lop_dataset_free(lop_dataset *dataset)
{
    if (!dataset)
        return;
    lopi_part_free(&dataset->train);
    lopi_part_free(&dataset->test);
    lopi_free(dataset->name);
    lopi_free(dataset);
}

const char *lop_dataset_name(const lop_dataset *dataset) { return dataset->name; }
const lop_samples *lop_dataset_train(const lop_dataset *dataset) { return &dataset->train.samples; }
const lop_samples *lop_dataset_test(const lop_dataset *dataset) { return &dataset->test.samples; }
