#include <lop/report.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/group.h"
#include "report/heads.h"
#include "report/text.h"

/* What a table is drawn with, for terminals with and without UTF-8. Both have the
 * same widths. */
typedef struct table_glyphs {
    const char *bar, *rule, *cross, *deviation, *fallen, *dot, *micro;
} table_glyphs;
static const table_glyphs utf8_glyphs = {"│", "─", "┼", " ±", "▾", "·", " µs"};
static const table_glyphs ascii_glyphs = {"|", "-", "+", "+-", "v", "-", " us"};

typedef enum table_style { PLAIN, TITLE, FAINT, FALLEN, GOOD } table_style;
static const char *const style_codes[] = {
    [PLAIN] = "",          [TITLE] = "\033[1m", [FAINT] = "\033[2m",
    [FALLEN] = "\033[33m", [GOOD] = "\033[32m",
};

typedef struct table_pen {
    FILE *stream;
    const table_glyphs *glyphs;
    bool ascii, colour;
    size_t width; /* columns of the terminal */
} table_pen;

/* Text in a style. */
static void put(const table_pen *pen, table_style style, const char *text)
{
    const char *code = pen->colour ? style_codes[style] : "";
    fputs(code, pen->stream);
    lopi_put_shown(text, pen->ascii, pen->stream);
    fputs(code[0] ? "\033[0m" : "", pen->stream);
}

static void put_times(const table_pen *pen, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        fputs(text, pen->stream);
}

/* Columns that a text takes: continuation bytes of UTF-8 take none. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    return columns;
}

/* Cells -------------------------------------------------------------------------------------- */

enum { CELL_SIZE = 2 * LOPI_NUMBER_SIZE + 16 };

typedef struct table_cell {
    char text[CELL_SIZE];
    table_style style;
} table_cell;

/* A column's text for one point; `fallen` says that its accuracy is more than a point below dense.
 */
typedef void format_function(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen);

static void format_count(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen)
{
    (void)pen, (void)fallen;
    lopi_count_text(cell->text, stat.mean);
}

static void format_bytes(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen)
{
    (void)pen, (void)fallen;
    lopi_bytes_text(cell->text, stat.mean);
}

/* Five characters and no more, so that two methods fit 80 columns: 0.058, 12.31, 123.4, 12345. */
static char *five(char *text, double value)
{
    return lopi_fixed_text(text, value, value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95);
}

/* "98.20 ±0.04" and `mark` behind it; nothing where there is no mean. */
static void with_deviation(table_cell *cell, const table_pen *pen, const char *mean,
                           const char *deviation, const char *mark)
{
    snprintf(cell->text, sizeof cell->text, "%s%s%s%s", mean,
             deviation[0] ? pen->glyphs->deviation : "", deviation, mean[0] ? mark : "");
}

static void format_accuracy(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen)
{
    char mean[LOPI_NUMBER_SIZE], deviation[LOPI_NUMBER_SIZE];
    lopi_fixed_text(mean, 100 * stat.mean, 2);
    lopi_fixed_text(deviation, 100 * stat.deviation, 100 * stat.deviation < 9.995 ? 2 : 1);
    with_deviation(cell, pen, mean, deviation, fallen ? pen->glyphs->fallen : " ");
    cell->style = fallen ? FALLEN : PLAIN;
}

static void format_loss(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen)
{
    (void)fallen;
    char mean[LOPI_NUMBER_SIZE], deviation[LOPI_NUMBER_SIZE];
    with_deviation(cell, pen, five(mean, stat.mean), five(deviation, stat.deviation), "");
}

static void format_time(table_cell *cell, const table_pen *pen, lopi_stat stat, bool fallen)
{
    (void)fallen;
    char number[LOPI_NUMBER_SIZE];
    lopi_fixed_text(number, stat.mean, stat.mean < 99.95 ? 1 : 0);
    snprintf(cell->text, sizeof cell->text, "%s%s", number, number[0] ? pen->glyphs->micro : "");
}

typedef struct table_column {
    const char *header;
    size_t offset;
    format_function *format;
} table_column;

enum { MAX_COLUMNS = 7 };

typedef struct table_panel {
    const char *note; /* beneath it */
    table_column columns[MAX_COLUMNS];
} table_panel;

static const table_panel panels[] = {
    {NULL,
     {{"weights", offsetof(lop_result, weights_left), format_count},
      {"accuracy % ", offsetof(lop_result, test_accuracy), format_accuracy},
      {"loss", offsetof(lop_result, test_loss), format_loss}}},
    {"size as a file",
     {{"dense", offsetof(lop_result, bytes_dense), format_bytes},
      {"sparse", offsetof(lop_result, bytes_sparse), format_bytes},
      {"gzip", offsetof(lop_result, bytes_gzip), format_bytes},
      {"zstd", offsetof(lop_result, bytes_zstd), format_bytes},
      {"deep compr.", offsetof(lop_result, bytes_deep_compression), format_bytes},
      {"packed", offsetof(lop_result, bytes_packed), format_bytes},
      {"in 32 values", offsetof(lop_result, bytes_packed_shared), format_bytes}}},
    {"time to predict one sample",
     {{"compacted", offsetof(lop_result, compacted_latency_us_batch1), format_time},
      {"packed", offsetof(lop_result, latency_us_batch1), format_time}}},
};

/* Sheets: a panel filled from a block -------------------------------------------------------- */

typedef struct table_sheet {
    const lopi_block *block;
    const table_panel *panel;
    const double *targets;
    size_t rows, columns; /* columns a series */
    size_t key_width;     /* of the column of k */
    table_cell *cells;    /* [series][column][row] */
    size_t *widths;       /* [series][column]; 0: nothing there, the column is left out */
} table_sheet;

static table_cell *cell_at(const table_sheet *sheet, size_t series, size_t column, size_t row)
{
    return sheet->cells + (series * sheet->columns + column) * sheet->rows + row;
}

static size_t *width_at(const table_sheet *sheet, size_t series, size_t column)
{
    return sheet->widths + series * sheet->columns + column;
}

static void fill_column(const table_sheet *sheet, const table_pen *pen, size_t series,
                        size_t column)
{
    const table_column *shape = sheet->panel->columns + column;
    const lopi_series *of = sheet->block->series + series;
    const lopi_point *dense = lopi_dense_point(sheet->block, of);
    size_t widest = 0;
    for (size_t row = 0; row < sheet->rows; row++) {
        table_cell *cell = cell_at(sheet, series, column, row);
        const lopi_point *point = lopi_series_find(of, sheet->targets[row]);
        if (point)
            shape->format(cell, pen, lopi_point_stat(point, shape->offset),
                          lopi_has_fallen(point, dense));
        if (columns_of(cell->text) > widest)
            widest = columns_of(cell->text);
    }
    size_t header = columns_of(shape->header);
    *width_at(sheet, series, column) = widest == 0 ? 0 : widest > header ? widest : header;
}

static size_t series_width(const table_sheet *sheet, size_t series, size_t gap)
{
    size_t width = 0;
    for (size_t column = 0; column < sheet->columns; column++)
        if (*width_at(sheet, series, column))
            width += *width_at(sheet, series, column) + (width ? gap : 0);
    size_t name = columns_of(sheet->block->series[series].name);
    return width == 0 ? 0 : width > name ? width : name;
}

static size_t total_width(const table_sheet *sheet, size_t from, size_t to, size_t gap)
{
    size_t width = sheet->key_width;
    for (size_t series = from; series < to; series++)
        if (series_width(sheet, series, gap))
            width += 3 + series_width(sheet, series, gap);
    return width;
}

static void put_right(const table_pen *pen, table_style style, const char *text, size_t width)
{
    size_t columns = columns_of(text);
    put_times(pen, " ", width > columns ? width - columns : 0);
    put(pen, style, text);
}

static void put_bar(const table_pen *pen)
{
    fputc(' ', pen->stream);
    put(pen, FAINT, pen->glyphs->bar);
    fputc(' ', pen->stream);
}

/* One line of cells; `row` −1 is the header. */
static void put_row(const table_sheet *sheet, const table_pen *pen, size_t from, size_t to,
                    size_t gap, long row)
{
    char k[LOPI_NUMBER_SIZE];
    put_right(pen, row < 0 ? FAINT : TITLE,
              row < 0 ? "k %" : lopi_percent_text(k, sheet->targets[row]), sheet->key_width);
    for (size_t series = from; series < to; series++) {
        size_t width = series_width(sheet, series, gap), used = 0;
        if (width == 0)
            continue;
        put_bar(pen);
        for (size_t column = 0; column < sheet->columns; column++) {
            size_t cell_width = *width_at(sheet, series, column);
            if (cell_width == 0)
                continue;
            put_times(pen, " ", used ? gap : 0);
            used += cell_width + (used ? gap : 0);
            if (row < 0) {
                put_right(pen, FAINT, sheet->panel->columns[column].header, cell_width);
            } else {
                const table_cell *cell = cell_at(sheet, series, column, (size_t)row);
                put_right(pen, cell->style, cell->text, cell_width);
            }
        }
        put_times(pen, " ", series + 1 < to ? width - used : 0);
    }
    fputc('\n', pen->stream);
}

static void put_names(const table_sheet *sheet, const table_pen *pen, size_t from, size_t to,
                      size_t gap)
{
    put_times(pen, " ", sheet->key_width);
    for (size_t series = from; series < to; series++) {
        size_t width = series_width(sheet, series, gap);
        const char *name = sheet->block->series[series].name;
        if (width == 0)
            continue;
        put_bar(pen);
        put(pen, TITLE, name);
        put_times(pen, " ", series + 1 < to ? width - columns_of(name) : 0);
    }
    fputc('\n', pen->stream);
}

static void put_rule(const table_sheet *sheet, const table_pen *pen, size_t from, size_t to,
                     size_t gap)
{
    fputs(pen->colour ? style_codes[FAINT] : "", pen->stream);
    put_times(pen, pen->glyphs->rule, sheet->key_width + 1);
    for (size_t series = from; series < to; series++) {
        size_t width = series_width(sheet, series, gap);
        if (width == 0)
            continue;
        fputs(pen->glyphs->cross, pen->stream);
        put_times(pen, pen->glyphs->rule, width + 2);
    }
    fputs(pen->colour ? "\033[0m\n" : "\n", pen->stream);
}

/* As many series side by side as the terminal has room for, the others beneath. */
static void put_sheet(const table_sheet *sheet, const table_pen *pen)
{
    for (size_t from = 0; from < sheet->block->count;) {
        size_t to = from + 1;
        while (to < sheet->block->count && total_width(sheet, from, to + 1, 1) <= pen->width)
            to++;
        size_t gap = total_width(sheet, from, to, 2) <= pen->width ? 2 : 1;
        if (total_width(sheet, from, to, gap) > sheet->key_width) {
            put_names(sheet, pen, from, to, gap);
            put_row(sheet, pen, from, to, gap, -1);
            put_rule(sheet, pen, from, to, gap);
            for (size_t row = 0; row < sheet->rows; row++)
                put_row(sheet, pen, from, to, gap, (long)row);
            fputc('\n', pen->stream);
        }
        from = to;
    }
}

static lop_status draw_panel(const lopi_block *block, const table_panel *panel,
                             const table_pen *pen, lop_error *error)
{
    table_sheet sheet = {.block = block, .panel = panel, .key_width = 3};
    double *targets = NULL;
    size_t cells, widths;
    lop_status status = lopi_block_targets(block, &targets, &sheet.rows, error);
    if (status != LOP_OK)
        return status;
    sheet.targets = targets;
    while (sheet.columns < MAX_COLUMNS && panel->columns[sheet.columns].header)
        sheet.columns++;
    if (lopi_multiply(block->count, sheet.columns, &widths) &&
        lopi_multiply(widths, sheet.rows, &cells)) {
        sheet.widths = lopi_alloc(widths, sizeof *sheet.widths);
        sheet.cells = lopi_alloc(cells, sizeof *sheet.cells);
    }
    if (!sheet.widths || !sheet.cells) {
        status = lopi_fail_memory(error, block->count * sheet.rows);
        goto out;
    }
    for (size_t row = 0; row < sheet.rows; row++) {
        char k[LOPI_NUMBER_SIZE];
        size_t length = strlen(lopi_percent_text(k, targets[row]));
        sheet.key_width = length > sheet.key_width ? length : sheet.key_width;
    }
    bool empty = true;
    for (size_t series = 0; series < block->count; series++)
        for (size_t column = 0; column < sheet.columns; column++) {
            fill_column(&sheet, pen, series, column);
            empty = empty && *width_at(&sheet, series, column) == 0;
        }
    if (!empty && panel->note) {
        put(pen, TITLE, panel->note);
        fputc('\n', pen->stream);
    }
    put_sheet(&sheet, pen);
out:
    lopi_free(sheet.cells);
    lopi_free(sheet.widths);
    lopi_free(targets);
    return status;
}

/* Blocks ------------------------------------------------------------------------------------- */

static void put_line(const table_pen *pen, table_style style, const char *text)
{
    put(pen, style, text);
    fputc('\n', pen->stream);
}

static void put_title(const lopi_block *block, const table_pen *pen)
{
    char text[80];
    size_t seeds = lopi_block_seeds(block);
    put(pen, TITLE, block->dataset);
    fprintf(pen->stream, " %s ", pen->glyphs->dot);
    put(pen, TITLE, block->network);
    if (seeds > 1)
        snprintf(text, sizeof text, "mean of %zu seeds %s standard deviation", seeds,
                 pen->ascii ? "+-" : "±");
    else
        snprintf(text, sizeof text, "one seed");
    fprintf(pen->stream, " %s ", pen->glyphs->dot);
    put_line(pen, FAINT, text);
    fputc('\n', pen->stream);
}

/* What the unpruned network takes: the figures that the panels are to be held against. */
static void put_dense(const lopi_block *block, const table_pen *pen)
{
    char text[LOPI_NUMBER_SIZE];
    const lopi_point *dense = lopi_dense_point(block, block->series);
    if (!dense)
        return;
    double bytes = lopi_point_stat(dense, offsetof(lop_result, bytes_dense)).mean;
    double latency = lopi_point_stat(dense, offsetof(lop_result, dense_latency_us_batch1)).mean;
    double train = lopi_point_stat(dense, offsetof(lop_result, train_seconds)).mean;
    const char *separator = "the dense network: ";
    if (isfinite(bytes)) {
        fprintf(pen->stream, "%s%s", separator, lopi_bytes_text(text, bytes));
        separator = ", ";
    }
    if (isfinite(latency)) {
        fprintf(pen->stream, "%s%s%s a sample", separator,
                lopi_fixed_text(text, latency, latency < 99.95 ? 1 : 0), pen->glyphs->micro);
        separator = ", ";
    }
    if (isfinite(train)) {
        fprintf(pen->stream, "%strained in %s s", separator, lopi_fixed_text(text, train, 1));
        separator = ", ";
    }
    fputs(separator[0] == ',' ? "\n" : "", pen->stream);
}

/* A sentence may be longer than the terminal is wide: break it between words. */
static void put_wrapped(const table_pen *pen, table_style style, const char *text)
{
    char line[LOPI_SENTENCE_SIZE];
    while (*text) {
        size_t length = strlen(text);
        if (length > pen->width && pen->width < sizeof line) {
            length = pen->width;
            while (length > 0 && text[length] != ' ')
                length--;
            length = length ? length : pen->width;
        }
        length = length < sizeof line ? length : sizeof line - 1;
        memcpy(line, text, length);
        line[length] = 0;
        put_line(pen, style, line);
        text += length;
        text += *text == ' ';
    }
}

static bool any_fallen(const lopi_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        const lopi_point *dense = lopi_dense_point(block, series);
        for (size_t j = 0; j < series->count; j++)
            if (lopi_has_fallen(series->points + j, dense))
                return true;
    }
    return false;
}

/* "99 % of the weights gone: …" */
static void put_heads(const lopi_block *block, const table_pen *pen)
{
    lopi_head heads[LOPI_HEADS];
    char line[2 * LOPI_SENTENCE_SIZE];
    bool any = false;
    lopi_heads(heads, block);
    for (size_t i = 0; i < LOPI_HEADS; i++) {
        if (!heads[i].figure[0])
            continue;
        snprintf(line, sizeof line, "%.79s%s %s: %.639s", heads[i].figure, heads[i].unit,
                 heads[i].label, heads[i].sentence);
        put_wrapped(pen, GOOD, pen->ascii ? lopi_ascii_text(line) : line);
        any = true;
    }
    fputs(any ? "\n" : "", pen->stream);
}

static lop_status draw_block(const lopi_block *block, const table_pen *pen, lop_error *error)
{
    put_title(block, pen);
    for (size_t i = 0; i < sizeof panels / sizeof *panels; i++) {
        lop_status status = draw_panel(block, panels + i, pen, error);
        if (status != LOP_OK)
            return status;
        if (i == 0 && any_fallen(block)) {
            put(pen, FALLEN, pen->glyphs->fallen);
            put_line(pen, FAINT, " more than one point of accuracy below the dense network");
            fputc('\n', pen->stream);
        }
    }
    put_heads(block, pen);
    put_dense(block, pen);
    for (size_t i = 0; i < block->count; i++) {
        char sentence[LOPI_SENTENCE_SIZE];
        bool good = lopi_best_point(block, block->series + i) != NULL;
        put_wrapped(pen, good ? GOOD : PLAIN, lopi_headline(sentence, block, block->series + i));
    }
    return LOP_OK;
}

lop_status lop_report_table(const lop_results *results, const lop_report_options *options,
                            FILE *stream, lop_error *error)
{
    static const lop_report_options defaults = {0};
    options = options ? options : &defaults;
    const table_pen pen = {.stream = stream,
                           .glyphs = options->ascii ? &ascii_glyphs : &utf8_glyphs,
                           .ascii = options->ascii,
                           .colour = options->colour,
                           .width = options->width ? options->width : 80};
    lopi_view view = {0};
    lop_status status = lopi_view_new(&view, results, error);
    for (size_t i = 0; status == LOP_OK && i < view.count; i++) {
        fputs(i ? "\n\n" : "", stream);
        status = draw_block(view.blocks + i, &pen, error);
    }
    if (status == LOP_OK && view.count == 0)
        fputs("no results yet\n", stream);
    if (status == LOP_OK)
        status = lopi_stream_flush(stream, "the table", error);
    lopi_view_free(&view);
    return status;
}
