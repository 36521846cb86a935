/**
 * Results: one JSON line for each measured network, whoever made it.
 *
 * Every table, CSV, plot and page is drawn from results and from nothing else. A missing
 * measurement is absent: NaN in a double, LOP_ABSENT in a count, NULL in a text.
 */
#ifndef LOP_RESULT_H
#define LOP_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/export.h>
#include <lop/machine.h>
#include <lop/status.h>
#include <lop/train.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOP_RESULT_SCHEMA "lop.result/1"
#define LOP_ABSENT        UINT64_MAX

/** One result. Texts and arrays are owned by it: fill with lop_result_set_text and friends. */
typedef struct lop_result {
    /* what it is */
    char *dataset, *network, *method, *criterion, *scope, *schedule;
    uint64_t seed;
    double target_sparsity; /* k as a fraction */

    /* what is left */
    double sparsity;
    uint64_t weights_total, weights_left, effective_weights_left;
    uint64_t *units_left; /* hidden layers in order */
    size_t units_left_count;

    /* what it cost */
    double train_loss, train_accuracy, valid_loss, valid_accuracy, test_loss, test_accuracy;

    /* what it takes */
    uint64_t bytes_dense, bytes_sparse, bytes_zstd, bytes_gzip, bytes_deep_compression,
        bytes_packed, bytes_packed_shared;
    char *packed; /* the packed file that is kept, a path below the directory of the results */
    char *packed_shared; /* the same with shared values, smaller: what the page carries */
    double latency_us_batch1, throughput_batch256; /* packed, planned, in int8: see run.h */
    double dense_latency_us_batch1,
        dense_throughput_batch256; /* the network before pruning, alike, skipping no zeros */
    double compacted_latency_us_batch1,
        compacted_throughput_batch256; /* dense float32 products, dead units removed */
    double energy_uj_estimate, dense_energy_uj_estimate; /* of a sample, see energy.h */
    double energy_uj_measured, dense_energy_uj_measured; /* the same, all processors */
    double prune_seconds, train_seconds;
    uint64_t peak_memory_bytes;

    lop_epoch *epochs;
    size_t epoch_count;

    bool has_machine;
    lop_machine machine;
    char *version;
    char *recipe;    /* a JSON object, as text */
    char *directory; /* no part of the line: where its packed files lie, if elsewhere than those of
                        the results around it; else NULL */
} lop_result;

/** A result in which everything is absent. */
LOP_API lop_result lop_result_empty(void);
LOP_API void lop_result_free(lop_result *result); /* what it owns; then it is empty again */

/** Replace an owned text by a copy of `value` (NULL: absent). LOP_E_MEMORY. */
LOP_API lop_status lop_result_set_text(char **field, const char *value, lop_error *error);

/** The JSON line, without newline. Caller frees with free(). LOP_E_MEMORY, LOP_E_FORMAT (recipe).
 */
LOP_API lop_status lop_result_write(const lop_result *result, char **line, lop_error *error);

/**
 * Read one line. Unknown members are skipped, wrong types refused.
 * @return LOP_OK, LOP_E_FORMAT, LOP_E_VERSION (another schema), LOP_E_RANGE, LOP_E_MEMORY
 */
LOP_API lop_status lop_result_read(lop_result *out, const char *line, size_t size,
                                   lop_error *error);

/** Results in the order of their file. */
typedef struct lop_results {
    lop_result *items;
    size_t count;
    lop_error *skipped; /* [skipped_count] lines that lop_results_load_rest left out, and why */
    size_t skipped_count;
} lop_results;

/**
 * Read `path`, a results.jsonl. A last line without newline that does not parse was cut off by a
 * crash: it is left out, with a warning by hook. Any other bad line is an error with its number;
 * what is out of range is LOP_E_FORMAT here.
 */
LOP_API lop_status lop_results_load(lop_results *out, const char *path, const lop_hooks *hooks,
                                    lop_error *error);
/**
 * The same, but bad lines are left out, those of another schema too: they are kept in
 * out->skipped, to be shown beside what is drawn of the rest. By hook the first few are said, with
 * their numbers, and how many more there are; nothing where no line is a result.
 * More than a thousand bad lines are LOP_E_LIMIT: the file is no list of results.
 */
LOP_API lop_status lop_results_load_rest(lop_results *out, const char *path, const lop_hooks *hooks,
                                         lop_error *error);
LOP_API void lop_results_free(lop_results *results);

/**
 * Append one line to `path` and sync it, so that a result once reported is never lost. A torn last
 * line left by a crash is cut off first.
 */
LOP_API lop_status lop_results_append(const char *path, const lop_result *result, lop_error *error);

/** Put `more` behind `all` and leave it empty; both stay as they were on failure. LOP_E_MEMORY. */
LOP_API lop_status lop_results_join(lop_results *all, lop_results *more, lop_error *error);

/** Whether two results measure the same point: all of 'what it is' equal, the seed too. */
LOP_API bool lop_result_same(const lop_result *a, const lop_result *b);

#ifdef __cplusplus
}
#endif

#endif
