#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/field.h"
#include "report/heads.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"

void lopi_html_text(const char *text, FILE *stream)
{
    static const struct {
        char plain;
        const char *escaped;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text; text++) {
        const char *escaped = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (*text == entities[i].plain)
                escaped = entities[i].escaped;
        if (escaped)
            fputs(escaped, stream);
        else
            fputc((unsigned char)*text < 0x20 && *text != '\n' ? ' ' : *text, stream);
    }
}

/* Whether it is the first block of its data set. */
static bool is_new_dataset(const lopi_view *view, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(view->blocks[i].dataset, view->blocks[index].dataset) == 0)
            return false;
    return true;
}

void lopi_html_title(const lopi_page *page, FILE *stream)
{
    if (page->options->title) {
        lopi_html_text(page->options->title, stream);
        return;
    }
    const lopi_view *view = page->view;
    size_t count = 0, put = 0;
    for (size_t i = 0; i < view->count; i++)
        count += is_new_dataset(view, i);
    fputs(count == 0 ? "No results yet" : "Pruning ", stream);
    for (size_t i = 0; i < view->count; i++) {
        if (!is_new_dataset(view, i))
            continue;
        fputs(put == 0 ? "" : put + 1 == count ? " and " : ", ", stream);
        lopi_html_text(view->blocks[i].dataset, stream);
        put++;
    }
}

/* The table ---------------------------------------------------------------------------------- */

typedef void put_function(lopi_stat stat, FILE *stream);

static void put_count(lopi_stat stat, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    fputs(lopi_count_text(text, stat.mean), stream);
}

static void put_bytes(lopi_stat stat, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    fputs(lopi_bytes_text(text, stat.mean), stream);
}

static void put_with_deviation(lopi_stat stat, double scale, int decimals, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    fputs(lopi_fixed_text(text, scale * stat.mean, decimals), stream);
    if (isfinite(stat.deviation))
        fprintf(stream, " <span class=\"sd\">± %s</span>",
                lopi_fixed_text(text, scale * stat.deviation, decimals));
}

static void put_accuracy(lopi_stat stat, FILE *stream) { put_with_deviation(stat, 100, 2, stream); }

static void put_loss(lopi_stat stat, FILE *stream) { put_with_deviation(stat, 1, 3, stream); }

static void put_time(lopi_stat stat, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    int decimals = stat.mean < 0.9995 ? 3 : stat.mean < 9.995 ? 2 : stat.mean < 99.95 ? 1 : 0;
    fputs(lopi_fixed_text(text, stat.mean, decimals), stream);
}

static const struct {
    const char *header;
    size_t offset;
    put_function *put;
} columns[] = {
    {"weights left", offsetof(lop_result, weights_left), put_count},
    {"effective", offsetof(lop_result, effective_weights_left), put_count},
    {"test accuracy, %", offsetof(lop_result, test_accuracy), put_accuracy},
    {"test loss", offsetof(lop_result, test_loss), put_loss},
    {"validation accuracy, %", offsetof(lop_result, valid_accuracy), put_accuracy},
    {"sparse file", offsetof(lop_result, bytes_sparse), put_bytes},
    {"gzip", offsetof(lop_result, bytes_gzip), put_bytes},
    {"zstd", offsetof(lop_result, bytes_zstd), put_bytes},
    {"Deep Compression", offsetof(lop_result, bytes_deep_compression), put_bytes},
    {"packed file", offsetof(lop_result, bytes_packed), put_bytes},
    {"packed, 32 values", offsetof(lop_result, bytes_packed_shared), put_bytes},
    {"compacted, µs", offsetof(lop_result, compacted_latency_us_batch1), put_time},
    {"packed, µs", offsetof(lop_result, latency_us_batch1), put_time},
    {"energy estimate, µJ", offsetof(lop_result, energy_uj_estimate), put_time},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static bool column_is_used(const lopi_block *block, size_t column)
{
    for (size_t i = 0; i < block->count; i++)
        for (size_t j = 0; j < block->series[i].count; j++)
            if (lopi_point_stat(block->series[i].points + j, columns[column].offset).count)
                return true;
    return false;
}

/* Mean units left in each hidden layer; nothing where seeds disagree on how many there are. */
static void put_units(const lopi_point *point, FILE *stream)
{
    size_t count = point->results[0]->units_left_count;
    for (size_t i = 1; i < point->count; i++)
        if (point->results[i]->units_left_count != count)
            count = 0;
    for (size_t layer = 0; layer < count; layer++) {
        double sum = 0;
        for (size_t i = 0; i < point->count; i++)
            sum += (double)point->results[i]->units_left[layer];
        char text[LOPI_NUMBER_SIZE];
        fprintf(stream, "%s%s", layer ? "-" : "",
                lopi_fixed_text(text, sum / (double)point->count, 0));
    }
}

static void put_row(const lopi_block *block, const lopi_series *series, const lopi_point *point,
                    FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    bool fallen = lopi_has_fallen(point, lopi_dense_point(block, series));
    fprintf(stream, "<tr%s><th scope=\"row\" data-value=\"%s\">", fallen ? " class=\"fallen\"" : "",
            lopi_number_text(text, point->target));
    fprintf(stream, "%s</th>", lopi_percent_text(text, point->target));
    for (size_t column = 0; column < COLUMN_COUNT; column++) {
        if (!column_is_used(block, column))
            continue;
        bool marked = fallen && columns[column].offset == offsetof(lop_result, test_accuracy);
        lopi_stat stat = lopi_point_stat(point, columns[column].offset);
        if (stat.count)
            fprintf(stream, "<td data-value=\"%s\">", lopi_number_text(text, stat.mean));
        else
            fputs("<td>", stream);
        columns[column].put(stat, stream);
        fputs(marked ? "<span class=\"mark\" title=\"more than one point below dense\">▾</span>"
                     : "",
              stream);
        fputs("</td>", stream);
    }
    fputs("<td class=\"units\">", stream);
    put_units(point, stream);
    fputs("</td></tr>\n", stream);
}

static void put_table(const lopi_block *block, size_t index, FILE *stream)
{
    size_t used = 2;
    fprintf(stream,
            "<h2 id=\"points-%zu\">All points</h2>\n"
            "<p class=\"hint\">k is the share pruned in each hidden layer; "
            "<span class=\"mark\">▾</span> marks an accuracy more than one point below the dense "
            "network’s. Effective: weights left when units without a path from input to output are "
            "removed too.</p>\n"
            "<div class=\"scroll\" role=\"region\" aria-labelledby=\"points-%zu\" tabindex=\"0\">"
            "<table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">k, %%</th>",
            index, index,
            lopi_block_seeds(block) > 1 ? "Means over seeds ± sample standard deviation"
                                        : "One seed");
    for (size_t column = 0; column < COLUMN_COUNT; column++)
        if (column_is_used(block, column)) {
            fprintf(stream, "<th scope=\"col\">%s</th>", columns[column].header);
            used++;
        }
    fputs("<th scope=\"col\">units left</th></tr></thead>\n", stream);
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        fprintf(stream,
                "<tbody><tr class=\"series\"><th scope=\"rowgroup\" colspan=\"%zu\">"
                "<span class=\"swatch\" data-series=\"%zu\"></span>pruned by ",
                used, i);
        lopi_html_text(series->name, stream);
        fputs("</th></tr>\n", stream);
        for (size_t j = 0; j < series->count; j++)
            put_row(block, series, series->points + j, stream);
        fputs("</tbody>\n", stream);
    }
    fputs("</table></div>\n", stream);
}

/* Headlines ---------------------------------------------------------------------------------- */

static void put_card(const lopi_head *head, FILE *stream)
{
    fprintf(stream,
            "<li class=\"card\"><p class=\"figure\">%s<small>%s</small></p>"
            "<p class=\"label\">%s</p><p class=\"sentence\">",
            head->figure, head->unit, head->label);
    lopi_html_text(head->sentence, stream);
    fputs("</p><p class=\"source\">", stream);
    lopi_html_text(head->source, stream);
    fputs("</p></li>\n", stream);
}

static void put_headlines(const lopi_block *block, FILE *stream)
{
    lopi_head heads[LOPI_HEADS];
    lopi_heads(heads, block);
    bool any = false;
    for (size_t i = 0; i < LOPI_HEADS; i++) {
        if (!heads[i].figure[0])
            continue;
        fputs(any ? "" : "<ul class=\"cards\">\n", stream);
        put_card(heads + i, stream);
        any = true;
    }
    fputs(any ? "</ul>\n" : "", stream);
    fputs("<ul class=\"sentences\">\n", stream);
    for (size_t i = 0; i < block->count; i++) {
        char text[LOPI_SENTENCE_SIZE];
        if (!lopi_headline(text, block, block->series + i)[0])
            continue;
        fputs("<li>", stream);
        lopi_html_text(text, stream);
        fputs("</li>\n", stream);
    }
    fputs("</ul>\n", stream);
}

void lopi_html_blocks(const lopi_page *page, FILE *stream)
{
    for (size_t i = 0; i < page->view->count; i++) {
        const lopi_block *block = page->view->blocks + i;
        size_t seeds = lopi_block_seeds(block);
        fprintf(stream,
                "<section class=\"block\" id=\"block-%zu\" aria-labelledby=\"name-%zu\">\n"
                "<h2 id=\"name-%zu\">",
                i, i, i);
        lopi_html_text(block->dataset, stream);
        fputs(" <small>", stream);
        lopi_html_text(block->network, stream);
        if (seeds > 1)
            fprintf(stream, ", %zu seeds", seeds);
        else
            fputs(", one seed", stream);
        fputs("</small></h2>\n", stream);
        put_headlines(block, stream);
        fputs("<div class=\"charts\"></div>\n", stream);
        fputs("</section>\n", stream);
    }
}

void lopi_html_tables(const lopi_page *page, FILE *stream)
{
    for (size_t i = 0; i < page->view->count; i++) {
        fprintf(stream,
                "<section class=\"block\" id=\"table-%zu\" aria-labelledby=\"points-%zu\">\n", i,
                i);
        put_table(page->view->blocks + i, i, stream);
        fputs("</section>\n", stream);
    }
}

/* How it was made ---------------------------------------------------------------------------- */

enum { MOST_SHOWN = 8 }; /* different machines, recipes or versions */

/* A text in new memory, or NULL where there is none to show. */
typedef lop_status describe_function(const lop_result *result, char **text, lop_error *error);

static lop_status copy_text(const char *of, char **text, lop_error *error)
{
    *text = lopi_strdup(of);
    return of && !*text ? lopi_fail_memory(error, strlen(of)) : LOP_OK;
}

static lop_status describe_version(const lop_result *result, char **text, lop_error *error)
{
    return copy_text(result->version, text, error);
}

static lop_status describe_machine(const lop_result *result, char **text, lop_error *error)
{
    char line[512], memory[LOPI_NUMBER_SIZE];
    const lop_machine *machine = &result->machine;
    *text = NULL;
    if (!result->has_machine)
        return LOP_OK;
    snprintf(line, sizeof line, "%s, %s, %s, %zu of %zu cores, %s of memory", machine->cpu,
             machine->isa, machine->host, machine->threads, machine->cores,
             lopi_bytes_text(memory, (double)machine->memory_bytes));
    return copy_text(line, text, error);
}

static lop_status describe_recipe(const lop_result *result, char **text, lop_error *error)
{
    json_t *recipe = result->recipe ? json_loads(result->recipe, 0, NULL) : NULL;
    *text = NULL;
    lop_status status =
        recipe ? lopi_json_text(recipe, (lopi_json_style){.lines = true}, text, error) : LOP_OK;
    json_decref(recipe);
    return status;
}

/* A recipe is long: it is folded, under the name of the first point that has it. */
static void put_recipe(const lop_result *result, const char *text, FILE *stream)
{
    char k[LOPI_NUMBER_SIZE];
    fputs("<dd><details class=\"recipe\"><summary>", stream);
    lopi_html_text(result->method ? result->method : "one point", stream);
    if (isfinite(result->target_sparsity))
        fprintf(stream, ", k = %s %%", lopi_percent_text(k, result->target_sparsity));
    fprintf(stream, ", seed %" PRIu64 "</summary><pre>", result->seed);
    lopi_html_text(text, stream);
    fputs("</pre></details></dd>\n", stream);
}

static void put_line(const lop_result *result, const char *text, FILE *stream)
{
    (void)result;
    fputs("<dd>", stream);
    lopi_html_text(text, stream);
    fputs("</dd>\n", stream);
}

/* Every different text once, in the order of the results. */
static lop_status put_different(const lopi_page *page, const char *term,
                                describe_function *describe, FILE *stream, lop_error *error)
{
    const bool recipes = describe == describe_recipe;
    char *shown[MOST_SHOWN] = {NULL};
    size_t count = 0;
    lop_status status = LOP_OK;
    for (size_t i = 0; i < page->results->count && count < MOST_SHOWN && status == LOP_OK; i++) {
        char *text = NULL;
        status = describe(page->results->items + i, &text, error);
        bool known = !text;
        for (size_t j = 0; !known && j < count; j++)
            known = strcmp(text, shown[j]) == 0;
        if (known) {
            lopi_free(text);
            continue;
        }
        if (count == 0)
            fprintf(stream, "<dt>%s</dt>", term);
        (recipes ? put_recipe : put_line)(page->results->items + i, text, stream);
        shown[count++] = text;
    }
    if (recipes && count == MOST_SHOWN)
        fputs("<dd>Each line of the results holds its own.</dd>\n", stream);
    for (size_t i = 0; i < count; i++)
        lopi_free(shown[i]);
    return status;
}

lop_status lopi_html_provenance(const lopi_page *page, FILE *stream, lop_error *error)
{
    fputs("<dl>\n", stream);
    if (page->options->command) {
        fputs("<dt>Command</dt><dd><pre>", stream);
        lopi_html_text(page->options->command, stream);
        fputs("</pre></dd>\n", stream);
    }
    lop_status status = put_different(page, "lop", describe_version, stream, error);
    if (status == LOP_OK)
        status = put_different(page, "Machine", describe_machine, stream, error);
    if (status == LOP_OK)
        status = put_different(page, "Recipe", describe_recipe, stream, error);
    fputs("</dl>\n", stream);
    return status;
}
