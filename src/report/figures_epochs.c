#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/curve.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/text.h"

enum { MOST_COLUMNS = 3, HEIGHT = 600, LEFT = 116, RIGHT = 104, GAP = 30, COLUMN = 372 };

/* One k of one way of pruning: an index of the data file, in the order of the lines. */
typedef struct line {
    const lopi_series *series;
    double k;
    lopi_curve curve;
} line;

/* All that a block's figures are drawn from. */
typedef struct sheet {
    const lopi_block *block;
    const char *name; /* of the block, in files */
    line *lines;
    size_t count;
    size_t part; /* index of parts: what was measured of them all */
} sheet;

/* Ways of pruning that stand side by side: those of one schedule, so many as fit. */
typedef struct page {
    const sheet *sheet;
    const lopi_series *columns[MOST_COLUMNS];
    size_t count;
    char name[LOPI_FIGURE_NAME / 2]; /* of the schedule, in files */
} page;

static const struct {
    const char *name;
    lopi_curve_column accuracy, loss;
} parts[] = {
    {"Test", LOPI_CURVE_TEST_ACCURACY, LOPI_CURVE_TEST_LOSS},
    {"Validation", LOPI_CURVE_VALID_ACCURACY, LOPI_CURVE_VALID_LOSS},
    {"Training", LOPI_CURVE_TRAIN_ACCURACY, LOPI_CURVE_TRAIN_LOSS},
};
enum { PARTS = sizeof parts / sizeof *parts };

static const struct {
    const char *name, *word, *label;
    double scale;
    bool loss;
} quantities[] = {
    {"accuracy-epochs", "accuracy", "accuracy, %", 100, false},
    {"loss-epochs", "loss", "cross-entropy, log scale", 1, true},
};
enum { QUANTITIES = sizeof quantities / sizeof *quantities };

/* One figure to be written. */
typedef struct figure {
    const page *page;
    size_t quantity;
} figure;

static bool measured(const sheet *s, lopi_curve_column column)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t j = 0; j < s->lines[i].curve.count; j++)
            if (s->lines[i].curve.epochs[j].stat[column].count)
                return true;
    return false;
}

static void sheet_free(sheet *s)
{
    for (size_t i = 0; i < s->count; i++)
        lopi_curve_free(&s->lines[i].curve);
    lopi_free(s->lines);
}

static lop_status sheet_new(sheet *out, const lopi_block *block, const char *name, lop_error *error)
{
    sheet s = {.block = block, .name = name};
    size_t points = 0;
    lop_status status = LOP_OK;
    for (size_t i = 0; i < block->count; i++)
        points += block->series[i].count;
    s.lines = lopi_alloc(points, sizeof *s.lines);
    if (!s.lines)
        return lopi_fail_memory(error, points * sizeof *s.lines);
    for (size_t i = 0; status == LOP_OK && i < block->count; i++)
        for (size_t j = 0; status == LOP_OK && j < block->series[i].count; j++) {
            const lopi_point *point = block->series[i].points + j;
            if (!lopi_point_has_epochs(point) || isnan(point->target))
                continue;
            s.lines[s.count] = (line){.series = block->series + i, .k = point->target};
            status = lopi_curve_new(&s.lines[s.count].curve, point, error);
            s.count += status == LOP_OK;
        }
    while (s.part + 1 < PARTS && !measured(&s, parts[s.part].accuracy))
        s.part++;
    if (status == LOP_OK)
        *out = s;
    else
        sheet_free(&s);
    return status;
}

/* Pages ---------------------------------------------------------------------------------------- */

static bool is_pruned(const sheet *s, const lopi_series *series)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->lines[i].series == series && s->lines[i].k > 0)
            return true;
    return false;
}

static const char *schedule_of(const lopi_series *series)
{
    return series->first->schedule ? series->first->schedule : "";
}

/* "gradual", and "gradual-2" where the first is full, or where names differ in odd letters alone.
 */
static void name_page(page *pages, size_t index)
{
    char safe[48];
    size_t same = 0;
    page *named = pages + index;
    lopi_gnuplot_name(schedule_of(named->columns[0]), safe, sizeof safe);
    for (size_t i = 0; i < index; i++) {
        char other[48];
        lopi_gnuplot_name(schedule_of(pages[i].columns[0]), other, sizeof other);
        same += strcmp(other, safe) == 0;
    }
    if (same)
        snprintf(named->name, sizeof named->name, "-%s-%zu", safe, same + 1);
    else
        snprintf(named->name, sizeof named->name, "%s%s", safe[0] ? "-" : "", safe);
}

/* Where figures go, and who hears of it. */
typedef struct place {
    const char *dir;
    const lop_hooks *hooks;
} place;

typedef lop_status visit_function(const place *at, const page *p, lop_error *error);

/* One page after the other; the first failure ends it. */
static lop_status each_page(const sheet *s, visit_function *visit, const place *at,
                            lop_error *error)
{
    const lopi_block *block = s->block;
    lop_status status = LOP_OK;
    size_t count = 0;
    page *pages = lopi_alloc(block->count, sizeof *pages);
    if (!pages)
        return lopi_fail_memory(error, block->count * sizeof *pages);
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        size_t to = 0;
        if (!is_pruned(s, series))
            continue;
        while (to < count && (pages[to].count == MOST_COLUMNS ||
                              strcmp(schedule_of(pages[to].columns[0]), schedule_of(series)) != 0))
            to++;
        if (to == count)
            pages[count++].sheet = s;
        pages[to].columns[pages[to].count++] = series;
    }
    for (size_t i = 0; i < count; i++)
        name_page(pages, i);
    for (size_t i = 0; status == LOP_OK && i < count; i++)
        status = visit(at, pages + i, error);
    lopi_free(pages);
    return status;
}

/* Data ----------------------------------------------------------------------------------------- */

static void put_data(const void *context, FILE *stream)
{
    const sheet *s = context;
    fputs("# epoch", stream);
    for (size_t column = 0; column < LOPI_CURVE_COLUMNS; column++)
        fprintf(stream, "\t%s\tdeviation", lopi_curve_name(column));
    for (size_t i = 0; i < s->count; i++) {
        char k[LOPI_NUMBER_SIZE];
        fputs(i ? "\n\n\n# " : "\n# ", stream);
        lopi_gnuplot_quoted(s->lines[i].series->name, stream);
        fprintf(stream, ", k = %s %%", lopi_percent_text(k, s->lines[i].k));
        for (size_t j = 0; j < s->lines[i].curve.count; j++) {
            const lopi_curve_epoch *epoch = s->lines[i].curve.epochs + j;
            fprintf(stream, "\n%zu", epoch->number);
            for (size_t column = 0; column < LOPI_CURVE_COLUMNS; column++) {
                fputc('\t', stream);
                lopi_gnuplot_number(epoch->stat[column].mean, stream);
                fputc('\t', stream);
                lopi_gnuplot_number(epoch->stat[column].deviation, stream);
            }
        }
    }
    fputc('\n', stream);
}

/* Scripts -------------------------------------------------------------------------------------- */

static bool on_page(const page *p, const line *of)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->columns[i] == of->series)
            return true;
    return false;
}

/* Of all that stands side by side, so that eyes may compare; `column` LOPI_CURVE_COLUMNS: epochs.
 */
static void find_extent(const page *p, size_t column, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < p->sheet->count; i++)
        for (size_t j = 0; on_page(p, p->sheet->lines + i) && j < p->sheet->lines[i].curve.count;
             j++) {
            const lopi_curve_epoch *epoch = p->sheet->lines[i].curve.epochs + j;
            double value =
                column == LOPI_CURVE_COLUMNS ? (double)epoch->number : epoch->stat[column].mean;
            if (isfinite(value)) {
                *low = fmin(*low, value);
                *high = fmax(*high, value);
            }
        }
    if (!(*high >= *low))
        *low = 0, *high = 1;
}

/* Sparsities of the page, rising, each once; k's place among those above 0 is its colour. */
static double ramp_place(const page *p, double k)
{
    size_t below = 0, above = 0;
    for (size_t i = 0; i < p->sheet->count; i++) {
        const line *of = p->sheet->lines + i;
        bool again = !on_page(p, of) || of->k == 0;
        for (size_t j = 0; !again && j < i; j++)
            again = on_page(p, p->sheet->lines + j) && p->sheet->lines[j].k == of->k;
        below += !again && of->k < k;
        above += !again && of->k > k;
    }
    return below + above ? (double)below / (double)(below + above) : 0.6;
}

static void put_look(const page *p, double k, FILE *stream)
{
    char colour[LOPI_COLOUR_SIZE];
    lopi_gnuplot_ramp(ramp_place(p, k), colour);
    if (k == 0)
        fputs(" with lines linecolor rgb '#777777' dashtype 2 linewidth 1.4", stream);
    else
        fprintf(stream, " with lines linecolor rgb '%s' linewidth 1.6", colour);
}

/* One column's lines of one quantity: bands of a deviation, then means above them. */
static void put_lines(const page *p, const lopi_series *series, size_t column, double scale,
                      FILE *stream)
{
    size_t mean = 2 + 2 * column;
    fputs("plot NaN notitle", stream);
    for (int lines = 0; lines < 2; lines++)
        for (size_t i = 0; i < p->sheet->count; i++) {
            const line *of = p->sheet->lines + i;
            char colour[LOPI_COLOUR_SIZE];
            if (of->series != series)
                continue;
            fprintf(stream, ", \\\n  '%s-epochs.tsv' index %zu using 1:", p->sheet->name, i);
            lopi_gnuplot_ramp(ramp_place(p, of->k), colour);
            if (lines) {
                fprintf(stream, "(%g*$%zu)", scale, mean);
                put_look(p, of->k, stream);
                fputs(" notitle", stream);
            } else {
                /* What would go below 0 still has a place on a log scale. */
                fprintf(stream, "(%g*($%zu>$%zu ? $%zu-$%zu : $%zu/1000)):(%g*($%zu+$%zu))", scale,
                        mean, mean + 1, mean, mean + 1, mean, scale, mean, mean + 1);
                fputs(" with filledcurves ", stream);
                fprintf(stream,
                        "fillcolor rgb '%s' fillstyle transparent solid 0.15 noborder notitle",
                        of->k == 0 ? "#777777" : colour);
            }
        }
}

/* What the colours mean, once for all columns. */
static void put_key(const page *p, FILE *stream)
{
    double last = -1;
    for (;;) {
        double k = INFINITY;
        char text[LOPI_NUMBER_SIZE];
        for (size_t i = 0; i < p->sheet->count; i++)
            if (on_page(p, p->sheet->lines + i) && p->sheet->lines[i].k > last)
                k = fmin(k, p->sheet->lines[i].k);
        if (isinf(k))
            return;
        last = k;
        fputs(", \\\n  NaN", stream);
        put_look(p, k, stream);
        if (k == 0)
            fputs(" title 'dense'", stream);
        else
            fprintf(stream, " title '%s %%'", lopi_percent_text(text, k));
    }
}

static size_t width_of(const page *p)
{
    return LEFT + RIGHT + p->count * COLUMN + (p->count - 1) * GAP;
}

static void put_frame(const page *p, size_t column, double top, double bottom, FILE *stream)
{
    double width = (double)width_of(p), left = (double)(LEFT + column * (COLUMN + GAP)) / width;
    fprintf(stream,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
            "set tmargin at screen %.4f\nset bmargin at screen %.4f\nset format y '%s'\n",
            left, left + COLUMN / width, top, bottom, column ? "" : "%g");
}

static void put_column(const figure *f, size_t column, FILE *stream)
{
    const page *p = f->page;
    bool loss = quantities[f->quantity].loss, last = column + 1 == p->count;
    double scale = quantities[f->quantity].scale, low, high;
    size_t of = loss ? parts[p->sheet->part].loss : parts[p->sheet->part].accuracy;
    find_extent(p, of, &low, &high);
    put_frame(p, column, 0.84, 0.40, stream);
    fputs("set label 3 ", stream);
    char text[200];
    snprintf(text, sizeof text, "pruned by %s", p->columns[column]->name);
    lopi_gnuplot_quoted(text, stream);
    fputs(" at graph 0, 1.06 left font ',12' noenhanced\nunset xlabel\n", stream);
    fprintf(stream, "set ylabel '%s' textcolor rgb '#444444' noenhanced\n",
            column ? "" : quantities[f->quantity].label);
    fputs(loss ? "" : "unset logscale y\nset ytics autofreq\n", stream);
    if (loss)
        lopi_gnuplot_loss_axis(stream);
    fputs("set yrange ", stream);
    double air = 0.03 * (high > low ? high - low : 1);
    if (loss)
        lopi_gnuplot_range(low / 1.2, high * 1.2, stream);
    else
        lopi_gnuplot_range(100 * (low - air), high > 0.99 ? 100.2 : 100 * (high + air), stream);
    fprintf(stream, "%s",
            last ? "set key at screen 0.995, screen 0.85 right top Left reverse samplen 1.6 "
                   "spacing 1.25 noenhanced\n"
                 : "unset key\n");
    put_lines(p, p->columns[column], of, scale, stream);
    if (last)
        put_key(p, stream);
    fputs("\nunset key\nunset label 1\nunset label 2\nunset label 3\nunset logscale y\n"
          "set yrange [-4:104]\nset ytics 50\nset xlabel 'epoch' textcolor rgb '#444444'\n",
          stream);
    fprintf(stream, "set ylabel '%s' textcolor rgb '#444444'\n", column ? "" : "pruned, %");
    put_frame(p, column, 0.32, 0.13, stream);
    put_lines(p, p->columns[column], LOPI_CURVE_SPARSITY, 100, stream);
    fputc('\n', stream);
}

static void name_figure(const page *p, size_t quantity, char name[LOPI_FIGURE_NAME])
{
    snprintf(name, LOPI_FIGURE_NAME, "%s-%s%s", p->sheet->name, quantities[quantity].name, p->name);
}

static void put_script(const void *context, FILE *stream)
{
    const figure *f = context;
    const page *p = f->page;
    double first, last;
    char name[LOPI_FIGURE_NAME], title[64];
    name_figure(p, f->quantity, name);
    find_extent(p, LOPI_CURVE_COLUMNS, &first, &last);
    snprintf(title, sizeof title, "%s %s, epoch by epoch", parts[p->sheet->part].name,
             quantities[f->quantity].word);
    fprintf(stream, "# gnuplot %s.gp, in this directory, draws the figure anew.\n", name);
    lopi_gnuplot_style(stream);
    fputs("set xrange ", stream);
    lopi_gnuplot_range(first - (first < last ? 0 : 0.5), last + (first < last ? 0 : 0.5), stream);
    for (size_t i = 0; lopi_gnuplot_terminal(i, name, width_of(p), HEIGHT, stream); i++) {
        lopi_figure_title(p->sheet->block, title, stream);
        fputs("set multiplot\n", stream);
        for (size_t column = 0; column < p->count; column++)
            put_column(f, column, stream);
        fputs("unset multiplot\n", stream);
    }
    fputs("set output\n", stream);
}

/* All together --------------------------------------------------------------------------------- */

static lop_status write_page(const place *at, const page *p, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < QUANTITIES; i++) {
        const figure f = {p, i};
        char name[LOPI_FIGURE_NAME], file[LOPI_FIGURE_NAME + 4];
        name_figure(p, i, name);
        snprintf(file, sizeof file, "%s.gp", name);
        status = lopi_gnuplot_write(&(lopi_drawing){file, put_script, &f}, at->dir, error);
    }
    return status;
}

static lop_status draw_page(const place *at, const page *p, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < QUANTITIES; i++) {
        char name[LOPI_FIGURE_NAME];
        name_figure(p, i, name);
        status = lopi_gnuplot_draw(at->dir, name, at->hooks, error);
    }
    return status;
}

lop_status lopi_epoch_figures_write(const lopi_block *block, const char *dir, const char *name,
                                    lop_error *error)
{
    sheet s;
    char file[LOPI_FIGURE_NAME];
    lop_status status = sheet_new(&s, block, name, error);
    if (status != LOP_OK)
        return status;
    snprintf(file, sizeof file, "%s-epochs.tsv", name);
    if (s.count > 0)
        status = lopi_gnuplot_write(&(lopi_drawing){file, put_data, &s}, dir, error);
    if (status == LOP_OK)
        status = each_page(&s, write_page, &(place){dir, NULL}, error);
    sheet_free(&s);
    return status;
}

lop_status lopi_epoch_figures_draw(const lopi_block *block, const char *dir, const char *name,
                                   const lop_hooks *hooks, lop_error *error)
{
    sheet s;
    lop_status status = sheet_new(&s, block, name, error);
    if (status != LOP_OK)
        return status;
    status = each_page(&s, draw_page, &(place){dir, hooks}, error);
    sheet_free(&s);
    return status;
}
