/**
 * Reports: what results look like. Everything here is drawn from results and nothing else.
 *
 * Seeds of one point are put together: mean, and sample standard deviation where there are two or
 * more.
 */
#ifndef LOP_REPORT_H
#define LOP_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/network.h>
#include <lop/result.h>
#include <lop/sensitivity.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A sweep that is under way: its page says so, and loads itself anew. */
typedef struct lop_report_running {
    bool under_way;
    size_t done, total; /* points; total 0: not known yet */
    unsigned seconds;   /* until the page is loaded again; 0: 10 */
} lop_report_running;

typedef struct lop_report_options {
    const char *title;     /* NULL: made from the results */
    const char *command;   /* what reproduces the results, a line each; NULL: left out */
    const char *mark;      /* of whoever makes the page, in its first 512 bytes: what may replace it
                              tells by that; NULL: none */
    const char *directory; /* where packed networks lie that results name, but for results that say
                              so themselves; NULL: none are shown */
    const lop_dataset *const *datasets; /* [dataset_count]: whose test samples the page offers to
                                           its packed networks, where results name them */
    size_t dataset_count;
    const char *isa;       /* plans are made for no wider instruction set; NULL: all there are */
    const char *cache_dir; /* where plans are kept, as lop_data_options says; NULL: nowhere, they
                              are measured anew */
    bool ascii;            /* the terminal cannot show UTF-8 */
    bool colour;           /* the terminal takes colour */
    size_t width;          /* columns of the terminal; 0: 80 */
    lop_report_running running;
    const lop_hooks *hooks; /* hears which figures are drawn */
} lop_report_options;

/**
 * The table for a terminal: a row each k; weights left, accuracy and loss (± standard deviation)
 * for each method, a block for each data set and network.
 */
LOP_API lop_status lop_report_table(const lop_results *results, const lop_report_options *options,
                                    FILE *stream, lop_error *error);

/** results.csv: one line a result, all scalar fields, a header; absent is empty (RFC 4180). */
LOP_API lop_status lop_report_csv(const lop_results *results, FILE *stream, lop_error *error);

/** epochs.csv: one line for each epoch of each result, behind what the result is, in the same form.
 */
LOP_API lop_status lop_report_epochs_csv(const lop_results *results, FILE *stream,
                                         lop_error *error);

/** One self-contained HTML page: no request to anywhere, everything from data escaped. */
LOP_API lop_status lop_report_html(const lop_results *results, const lop_report_options *options,
                                   FILE *stream, lop_error *error);

/**
 * PNG, SVG and PDF plots by gnuplot into directory `dir`, with the data file and the script beside
 * them: test accuracy and loss against sparsity and against weights left, accuracy against the
 * packed file and prediction time where these were measured; and, where pruned networks have
 * epochs, epoch by epoch, ways of pruning by one schedule side by side, the sparsity below.
 * @return LOP_OK; LOP_E_UNSUPPORTED where gnuplot is not installed (data and scripts are there)
 */
LOP_API lop_status lop_report_figures(const lop_results *results, const lop_report_options *options,
                                      const char *dir, lop_error *error);

/**
 * Plots of a scan by gnuplot into directory `dir`: accuracy and loss of the network with one layer
 * pruned, a line each layer; sensitivity.tsv and the scripts beside them.
 *
 * @param options  its title says what was scanned; NULL there, or here: the network's widths
 * @return as lop_report_figures
 */
LOP_API lop_status lop_report_sensitivity(const lop_sensitivity *scan, const lop_network *network,
                                          const lop_report_options *options, const char *dir,
                                          lop_error *error);

/** One way of pruning at one size, among others. */
typedef struct lop_rank {
    const char *dataset, *network; /* of the results, which must outlive it */
    char name[160];                /* the way, as tables name it */
    double share;                  /* weights left of all, a fraction */
    size_t rank;                   /* from 1, by mean accuracy on the test part */
    double accuracy, accuracy_deviation, loss, loss_deviation; /* deviations NaN below two seeds */
    size_t seeds;
} lop_rank;

/**
 * Rank ways of pruning at equal weights left: at 50, 25, 20, 10, 5, 3, 2, 1, 0.5, 0.2 and 0.1 % of
 * them, wherever a way was measured on both sides of it or within a fiftieth. In between, accuracy
 * and loss are drawn straight over the logarithm of the weights, each seed by itself.
 *
 * @param ranks  [*count] by data set, network, falling share, and rank; free with free()
 * @return LOP_OK; LOP_E_LIMIT (too many ways); LOP_E_MEMORY
 */
LOP_API lop_status lop_compare(const lop_results *results, lop_rank **ranks, size_t *count,
                               lop_error *error);

/** The ranking for a terminal, a block for each share. */
LOP_API lop_status lop_report_ranking(const lop_rank *ranks, size_t count,
                                      const lop_report_options *options, FILE *stream,
                                      lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
