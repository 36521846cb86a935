/**
 * Data: sets by name or from a directory, their split, and batches.
 *
 * A data set has a training part and a test part. The training part is split by seed into training
 * and validation samples: validation chooses, test is only reported.
 */
#ifndef LOP_DATA_H
#define LOP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/hooks.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_MAX_SAMPLES    (1u << 24)
#define LOP_MAX_CLASSES    65536u
#define LOP_MAX_FEATURES   (1u << 20)   /* values a sample */
#define LOP_MAX_DATA_BYTES (1ull << 32) /* of one file, and of one part's values, unless told */

/**
 * Samples with their labels. Values are bytes (a network sees byte / 255) or floats (as they are):
 * exactly one of `bytes` and `floats` is not NULL. Memory belongs to whoever gave the view.
 */
typedef struct lop_samples {
    size_t count, features; /* features = height · width · channels for images */
    size_t height, width;   /* of an image; 1 × features where the samples are none */
    size_t classes;         /* labels are 0 … classes − 1 */
    const uint8_t *bytes;   /* [count][features] */
    const float *floats;    /* [count][features] */
    const uint16_t *labels; /* [count]; NULL where samples have none */
} lop_samples;

typedef struct lop_dataset lop_dataset; /* opaque; one owner; read-only once open */

typedef struct lop_data_options {
    const char *cache_dir;    /* where known sets and plans are kept; NULL: nowhere. The library
                                 looks at no environment; lop says $LOP_DATA,
                                 $XDG_CACHE_HOME/lop, or ~/.cache/lop */
    const char *label_column; /* of a CSV file: its header's name; NULL: "label", else the first */
    bool offline;             /* fail rather than ask a network */
    size_t max_bytes;         /* of one file, and of one part's values; 0: LOP_MAX_DATA_BYTES */
    const lop_hooks *hooks;
} lop_data_options;

/** A data set that lop knows by name. */
typedef struct lop_data_entry {
    const char *name;        /* "mnist" */
    const char *description; /* one line */
    size_t train_count, test_count, classes, height, width;
    const char *licence;
} lop_data_entry;

/** Known data set `index` in order of names; NULL beyond the last. Static. */
LOP_API const lop_data_entry *lop_data_entry_at(size_t index);

/** Directory where set `name` is kept, whether or not it is there. Caller frees with free().
 * LOP_E_NOT_FOUND where the name is not known; LOP_E_ARG without cache_dir; LOP_E_MEMORY. */
LOP_API lop_status lop_data_directory(const char *name, const lop_data_options *options, char **dir,
                                      lop_error *error);

/** Directory `name` below the one where data sets are kept, whether or not it is there. Caller
 * frees with free(). LOP_E_ARG where the options name none (cache_dir); LOP_E_MEMORY. */
LOP_API lop_status lop_cache_directory(const char *name, const lop_data_options *options,
                                       char **dir, lop_error *error);

/** Whether all files of set `name` are there (sizes looked at, checksums not). */
LOP_API bool lop_data_present(const char *name, const lop_data_options *options);

/**
 * Make sure that set `name` is in the cache and right: verified by SHA-256, fetched where it is
 * missing or damaged. Two processes may do so at once. What may fail along the way is told in one
 * line, each source with its reason.
 *
 * @return LOP_OK; LOP_E_ARG (no cache_dir); LOP_E_NOT_FOUND (an unknown name, no source);
 *         LOP_E_IO (sources failed);
 *         LOP_E_CHECKSUM, LOP_E_TRUNCATED, LOP_E_FORMAT (the last source gave something else);
 *         LOP_E_CREATE, LOP_E_FULL, LOP_E_MEMORY, LOP_E_CANCELLED
 */
LOP_API lop_status lop_data_get(const char *name, const lop_data_options *options,
                                lop_error *error);

/** Check every file of set `name` against its SHA-256. LOP_E_ARG without cache_dir;
 * LOP_E_NOT_FOUND, _TRUNCATED, _CHECKSUM. */
LOP_API lop_status lop_data_verify(const char *name, const lop_data_options *options,
                                   lop_error *error);

/**
 * Open a data set: a known name (fetched where missing; only these need cache_dir), a directory
 * with IDX files of the usual names (plain or .gz) or train.csv and test.csv, or one CSV file (a
 * sixth of its lines, chosen by a fixed shuffle, is the test part). A known set's checksums are
 * looked at when it is fetched, and by lop_data_verify; opening it checks sizes and headers, which
 * is quick. Values of CSV files are bytes where all are integers in 0 … 255, floats otherwise.
 *
 * @return LOP_OK; LOP_E_ARG (a known name, and no cache_dir); LOP_E_NOT_FOUND (nothing there: the
 *         text lists the known names); LOP_E_FORMAT,
 *         LOP_E_TRUNCATED, LOP_E_LIMIT, LOP_E_CHECKSUM with file and offset or line; LOP_E_MEMORY
 */
LOP_API lop_status lop_dataset_open(lop_dataset **out, const char *name_or_path,
                                    const lop_data_options *options, lop_error *error);
LOP_API void lop_dataset_free(lop_dataset *dataset);

/** Name for results: the known name, or the last part of the path. Lives as long as the set. */
LOP_API const char *lop_dataset_name(const lop_dataset *dataset);
/** The whole training part (before any split), and the test part. */
LOP_API const lop_samples *lop_dataset_train(const lop_dataset *dataset);
LOP_API const lop_samples *lop_dataset_test(const lop_dataset *dataset);

typedef struct lop_inputs lop_inputs; /* opaque; one owner; samples without labels */

/** What whole numbers in 0 … 255 are. AUTO: bytes in IDX and uint8 NPY files, and in CSV files
 * where all values are such numbers. */
typedef enum lop_input_values {
    LOP_INPUT_AUTO,
    LOP_INPUT_BYTES,
    LOP_INPUT_FLOATS
} lop_input_values;

/**
 * Read samples for a network to look at: IDX images, an NPY array ([features] or [samples][…] of
 * uint8, float32 or float64, little-endian, in C order), or CSV, all plain or gzip, told apart by
 * their content. A CSV line has `features` values, or one column more, the label, which is left
 * out.
 *
 * @param path      "-" is standard input
 * @param features  values a sample must have
 * @return LOP_OK; LOP_E_SHAPE where samples have another size; LOP_E_RANGE where BYTES are asked
 * for and a value is none; LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_LIMIT with file and offset or line;
 * LOP_E_NOT_FOUND, LOP_E_IO, LOP_E_MEMORY
 */
LOP_API lop_status lop_inputs_read(lop_inputs **out, const char *path, size_t features,
                                   lop_input_values values, lop_error *error);
/** The samples; their labels are NULL. They live as long as the inputs. */
LOP_API const lop_samples *lop_inputs_samples(const lop_inputs *inputs);
LOP_API void lop_inputs_free(lop_inputs *inputs);

/**
 * Which samples train, and which validate: indices into the training part.
 *
 * A random permutation from `seed`; its last `validation_count` entries validate. Both lists are
 * in rising order.
 */
typedef struct lop_split {
    uint32_t *train;
    size_t train_count;
    uint32_t *validation;
    size_t validation_count;
} lop_split;

/** Validation samples by default: a twelfth of the training part (5,000 of 60,000). */
LOP_API size_t lop_split_default_count(const lop_samples *samples);

/** LOP_E_RANGE unless 0 < validation_count < count. Free with lop_split_free. */
LOP_API lop_status lop_split_new(lop_split *out, const lop_samples *samples,
                                 size_t validation_count, uint64_t seed, lop_error *error);
LOP_API void lop_split_free(lop_split *split);

/**
 * The order of an epoch: a permutation of `indices` that depends on seed and epoch only.
 *
 * @param order  [count], written; may not overlap `indices`
 */
LOP_API void lop_batch_order(const uint32_t *indices, size_t count, uint64_t seed, uint64_t epoch,
                             uint32_t *order);

/**
 * Gather a batch as a network sees it: x[i] = sample indices[i], bytes divided by 255.
 *
 * @param indices  [batch] into `samples`; NULL means first, first + 1, …
 * @param x        [batch][features], written
 * @param labels   [batch], written; may be NULL
 */
LOP_API void lop_batch_gather(const lop_samples *samples, const uint32_t *indices, size_t first,
                              size_t batch, float *x, uint16_t *labels);

/** How images move: how an image does depends on all three and on its index alone. */
typedef struct lop_shift {
    size_t pixels; /* at most so many, up or down and left or right, drawn evenly */
    uint64_t seed, epoch;
} lop_shift;

/**
 * The same, each image moved; what comes in from outside is 0.
 *
 * @param samples  images of one channel (features = height · width)
 * @param indices  [batch] into `samples`
 */
LOP_API void lop_batch_gather_shifted(const lop_samples *samples, const uint32_t *indices,
                                      size_t batch, const lop_shift *shift, float *x,
                                      uint16_t *labels);

#ifdef __cplusplus
}
#endif

#endif
