/* Results, and what is drawn from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios_parts.h"

static lop_status load(lop_results *results, lop_error *error)
{
    return lop_results_load(results, at("results.jsonl"), NULL, error);
}

static lop_status append(lop_error *error)
{
    lop_results results = {0};
    remove(at("appended.jsonl"));
    lop_status status = load(&results, error);
    for (size_t i = 0; status == LOP_OK && i < results.count; i++)
        status = lop_results_append(at("appended.jsonl"), &results.items[i], error);
    lop_results_free(&results);
    return status;
}

static lop_status join(lop_error *error)
{
    lop_results all = {0}, more = {0};
    lop_result copy = lop_result_empty();
    char *line = NULL;
    lop_status status = load(&all, error);
    if (status == LOP_OK)
        status = lop_results_load_rest(&more, at("results.jsonl"), NULL, error);
    if (status == LOP_OK)
        status = lop_result_set_text(&more.items[0].version, "another", error);
    if (status == LOP_OK)
        status = lop_result_write(&more.items[0], &line, error);
    if (status == LOP_OK)
        status = lop_result_read(&copy, line, strlen(line), error);
    if (status == LOP_OK)
        status = lop_results_join(&all, &more, error);
    if (status == LOP_OK)
        found("%zu %zu %s %d", all.count, more.count, copy.version,
              lop_result_same(&copy, &all.items[0]));
    free(line);
    lop_result_free(&copy);
    lop_results_free(&more);
    lop_results_free(&all);
    return status;
}

/* What `write` writes of the results becomes a file. */
static lop_status written(const char *name,
                          lop_status (*write)(const lop_results *results, FILE *stream,
                                              lop_error *error),
                          lop_error *error)
{
    lop_results results = {0};
    lop_output *output = NULL;
    lop_status status = load(&results, error);
    if (status == LOP_OK)
        status = lop_output_open(&output, at(name), true, error);
    if (status == LOP_OK)
        status = write(&results, lop_output_stream(output), error);
    if (status == LOP_OK) {
        status = lop_output_commit(output, error);
        output = NULL;
    }
    lop_output_abandon(output);
    lop_results_free(&results);
    return status;
}

static lop_status write_texts(const lop_results *results, FILE *stream, lop_error *error)
{
    lop_rank *ranks = NULL;
    size_t count = 0;
    lop_status status = lop_report_csv(results, stream, error);
    if (status == LOP_OK)
        status = lop_report_epochs_csv(results, stream, error);
    if (status == LOP_OK)
        status = lop_report_table(results, NULL, stream, error);
    if (status == LOP_OK)
        status = lop_compare(results, &ranks, &count, error);
    if (status == LOP_OK)
        status = lop_report_ranking(ranks, count, NULL, stream, error);
    free(ranks);
    return status;
}

static lop_status report(lop_error *error) { return written("report.txt", write_texts, error); }

/* Without the directory: a packed network that cannot be opened is left out, and the page says so,
 * which is another page. */
static lop_status write_page(const lop_results *results, FILE *stream, lop_error *error)
{
    return lop_report_html(results, NULL, stream, error);
}

static lop_status page(lop_error *error) { return written("page.html", write_page, error); }

/* The gnuplot found on the path draws nothing: data and scripts are what is written. */
static lop_status draw_figures(lop_error *error)
{
    lop_results results = {0};
    lop_status status = load(&results, error);
    if (status == LOP_OK)
        status = lop_report_figures(&results, NULL, at("figures"), error);
    lop_results_free(&results);
    return status;
}

static lop_status draw_sensitivity(lop_error *error)
{
    lop_network *network = NULL;
    lop_sensitivity_point point = {.items = 42, .sparsity = 0.5, .loss = 2, .accuracy = 0.5};
    const lop_sensitivity scan = {
        .loss = 1, .accuracy = 0.75, .layers = 1, .steps = 1, .point = &point};
    lop_status status = lop_network_load(&network, at("net.safetensors"), NULL, error);
    if (status == LOP_OK)
        status = lop_report_sensitivity(&scan, network, NULL, at("layers"), error);
    lop_network_free(network);
    return status;
}

const scenario report_scenarios[] = {
    {.name = "append", .play = append},
    {.name = "results", .play = join},
    {.name = "report", .play = report, .output = "report.txt"},
    {.name = "page", .play = page, .output = "page.html"},
    {.name = "figures", .play = draw_figures, .output = "figures/data_csv.tsv"},
    {.name = "layers", .play = draw_sensitivity, .output = "layers/sensitivity.tsv"},
    {.name = NULL},
};
