#include <lop/report.h>

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/text.h"

/* Columns of the data file, from 1 as gnuplot counts. */
enum { K = 1, WEIGHTS, ACCURACY, ACCURACY_DEVIATION, LOSS, LOSS_DEVIATION, BYTES, LATENCY };

typedef struct figure_spec {
    const char *name;  /* behind the block's, in file names */
    const char *title; /* what against what */
    int x, y, deviation;
    const char *y_label;
    double scale;
} figure_spec;

static const figure_spec figures[] = {
    {"accuracy-k", "Test accuracy against sparsity", K, ACCURACY, ACCURACY_DEVIATION,
     "test accuracy, %", 100},
    {"loss-k", "Test loss against sparsity", K, LOSS, LOSS_DEVIATION,
     "test loss (cross-entropy, log scale)", 1},
    {"accuracy-weights", "Test accuracy against weights left", WEIGHTS, ACCURACY,
     ACCURACY_DEVIATION, "test accuracy, %", 100},
    {"loss-weights", "Test loss against weights left", WEIGHTS, LOSS, LOSS_DEVIATION,
     "test loss (cross-entropy, log scale)", 1},
    {"accuracy-bytes", "Test accuracy against the packed file", BYTES, ACCURACY, ACCURACY_DEVIATION,
     "test accuracy, %", 100},
    {"accuracy-latency", "Test accuracy against prediction time", LATENCY, ACCURACY,
     ACCURACY_DEVIATION, "test accuracy, %", 100},
};
enum { FIGURE_COUNT = sizeof figures / sizeof *figures };

/* What lies across, where it is no k: falling, on a logarithmic scale. */
static const struct {
    int column;
    size_t offset;
    const char *label;
} across[] = {
    {WEIGHTS, offsetof(lop_result, weights_left),
     "weights left (log scale; the dense network is at the left)"},
    {BYTES, offsetof(lop_result, bytes_packed),
     "bytes of the packed file (log scale; the dense network is at the left)"},
    {LATENCY, offsetof(lop_result, latency_us_batch1),
     "µs for one sample (log scale; the slowest is at the left)"},
};

/* Whether there is anything to draw: k there always is. */
static bool is_measured(const lopi_block *block, int x)
{
    bool measured = x == K;
    for (size_t a = 0; a < sizeof across / sizeof *across; a++)
        for (size_t i = 0; across[a].column == x && i < block->count; i++)
            for (size_t j = 0; j < block->series[i].count; j++)
                measured = measured ||
                           lopi_point_stat(block->series[i].points + j, across[a].offset).count > 0;
    return measured;
}

enum { WIDTH = 960, HEIGHT = 600 };

/* One figure to be written. */
typedef struct figure {
    const lopi_block *block;
    const figure_spec *spec;
    const char *name; /* of the block, in files */
} figure;

/* "mnist", or "mnist-2" where there are several networks; only letters that are safe in a name. */
static void name_block(const lopi_view *view, size_t index, char *name, size_t size)
{
    size_t same = 0, mine = 0;
    char other[64];
    lopi_gnuplot_name(view->blocks[index].dataset, name, size);
    for (size_t i = 0; i < view->count; i++) {
        lopi_gnuplot_name(view->blocks[i].dataset, other, sizeof other);
        same += strcmp(other, name) == 0;
        mine += i <= index && strcmp(other, name) == 0;
    }
    size_t length = strlen(name);
    if (same > 1)
        snprintf(name + length, size - length, "-%zu", mine);
}

/* One series after the other, two empty lines between them, which gnuplot calls an index. */
static void put_data(const void *context, FILE *stream)
{
    const lopi_block *block = context;
    static const struct {
        size_t offset;
        bool deviation;
    } columns[] = {{offsetof(lop_result, weights_left), false},
                   {offsetof(lop_result, test_accuracy), true},
                   {offsetof(lop_result, test_loss), true},
                   {offsetof(lop_result, bytes_packed), false},
                   {offsetof(lop_result, latency_us_batch1), false}};
    fputs("# k\tweights left\ttest accuracy\tdeviation\ttest loss\tdeviation\tbytes "
          "packed\tlatency\n",
          stream);
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        fputs(i ? "\n\n\n# " : "# ", stream);
        lopi_gnuplot_quoted(series->name, stream);
        for (size_t j = 0; j < series->count; j++) {
            fputc('\n', stream);
            lopi_gnuplot_number(series->points[j].target, stream);
            for (size_t column = 0; column < sizeof columns / sizeof *columns; column++) {
                lopi_stat stat = lopi_point_stat(series->points + j, columns[column].offset);
                fputc('\t', stream);
                lopi_gnuplot_number(stat.mean, stream);
                if (columns[column].deviation) {
                    fputc('\t', stream);
                    lopi_gnuplot_number(stat.deviation, stream);
                }
            }
        }
    }
    fputc('\n', stream);
}

/* From the first to the second of least and greatest mean of a number over the block, with air
 * around them on a log scale; `down` puts the greatest first. */
static void put_log_range(const lopi_block *block, size_t offset, double air, bool down,
                          FILE *stream)
{
    double least = INFINITY, greatest = 0;
    for (size_t i = 0; i < block->count; i++)
        for (size_t j = 0; j < block->series[i].count; j++) {
            double value = lopi_point_stat(block->series[i].points + j, offset).mean;
            if (value > 0) {
                least = fmin(least, value);
                greatest = fmax(greatest, value);
            }
        }
    double low = greatest > 0 ? least / air : 1, high = greatest > 0 ? greatest * air : 10;
    lopi_gnuplot_range(down ? high : low, down ? low : high, stream);
}

static void put_axes(const lopi_block *block, const figure_spec *spec, FILE *stream)
{
    lopi_gnuplot_style(stream);
    fputs("set lmargin 9\nset rmargin 4\nset tmargin 4\n", stream);
    fprintf(stream, "set ylabel '%s' textcolor rgb '#444444' noenhanced\n", spec->y_label);
    /* The dense end is at the left and good: the corner away from it is free for the key. */
    if (spec->y == ACCURACY) {
        fputs("set yrange [0:102]\nset ytics 10\nset key at graph 0.02, 0.04 left bottom", stream);
    } else {
        lopi_gnuplot_loss_axis(stream);
        fputs("set yrange ", stream);
        put_log_range(block, offsetof(lop_result, test_loss), 1.6, false, stream);
        fputs("set key at graph 0.02, 0.97 left top", stream);
    }
    fputs(" Left reverse samplen 3 spacing 1.3 noenhanced\n", stream);
    if (spec->x == K)
        fputs("set xlabel 'k: share pruned, %' textcolor rgb '#444444' noenhanced\n"
              "set xrange [-1.5:100]\nset xtics 10\n",
              stream);
    for (size_t a = 0; a < sizeof across / sizeof *across; a++) {
        if (across[a].column != spec->x)
            continue;
        fprintf(stream,
                "set xlabel '%s' textcolor rgb '#444444' noenhanced\n"
                "set logscale x\nset format x '%%.0s %%c'\nset xrange ",
                across[a].label);
        put_log_range(block, across[a].offset, 1.15, true, stream);
    }
    lopi_figure_title(block, spec->title, stream);
}

void lopi_figure_title(const lopi_block *block, const char *title, FILE *stream)
{
    char text[512];
    size_t seeds = lopi_block_seeds(block);
    snprintf(text, sizeof text, "%.100s, %.200s, ", block->dataset, block->network);
    size_t length = strlen(text);
    if (seeds > 1)
        snprintf(text + length, sizeof text - length, "mean and standard deviation of %zu seeds",
                 seeds);
    else
        snprintf(text + length, sizeof text - length, "one seed");
    lopi_gnuplot_title(title, text, stream);
}

/* A dashed line where the dense network is, and its value. */
static void put_dense(const lopi_block *block, const figure_spec *spec, FILE *stream)
{
    const lopi_point *dense = lopi_dense_point(block, block->series);
    size_t offset =
        spec->y == ACCURACY ? offsetof(lop_result, test_accuracy) : offsetof(lop_result, test_loss);
    double value = dense ? spec->scale * lopi_point_stat(dense, offset).mean : NAN;
    char text[LOPI_NUMBER_SIZE];
    if (!isfinite(value))
        return;
    lopi_number_text(text, value);
    fprintf(stream,
            "set arrow 1 from graph 0, first %s to graph 1, first %s nohead back dashtype 2 "
            "linecolor rgb '#888888' linewidth 0.8\n",
            text, text);
    char shown[LOPI_NUMBER_SIZE];
    lopi_fixed_text(shown, value, spec->y == ACCURACY ? 2 : 3);
    fprintf(stream,
            "set label 3 'dense: %s%s' at graph 0.02, first %s left offset 0, -0.8 font ',10' "
            "textcolor rgb '#666666' noenhanced\n",
            shown, spec->y == ACCURACY ? " %" : "", text);
}

static void put_plot(const lopi_block *block, const figure_spec *spec, const char *data,
                     FILE *stream)
{
    fputs("plot ", stream);
    for (size_t i = 0; i < block->count; i++) {
        const lopi_look look = lopi_gnuplot_look(i);
        int percent = spec->x == K ? 100 : 1;
        fprintf(stream, "%s'%s' index %zu using (%d*$%d):(%g*$%d):(%g*$%d) with yerrorbars ",
                i ? ", \\\n  " : "\\\n  ", data, i, percent, spec->x, spec->scale, spec->y,
                spec->scale, spec->deviation);
        fprintf(stream, "linecolor rgb '%s' pointtype -1 linewidth 1 notitle, \\\n", look.colour);
        fprintf(stream, "  '%s' index %zu using (%d*$%d):(%g*$%d) with linespoints ", data, i,
                percent, spec->x, spec->scale, spec->y);
        fprintf(stream, "linecolor rgb '%s' pointtype %d dashtype %d linewidth 1.6 title ",
                look.colour, look.point, look.dash);
        lopi_gnuplot_quoted(block->series[i].name, stream);
    }
    fputc('\n', stream);
}

static void put_script(const void *context, FILE *stream)
{
    const figure *f = context;
    char data[64], name[96];
    snprintf(data, sizeof data, "%s.tsv", f->name);
    snprintf(name, sizeof name, "%s-%s", f->name, f->spec->name);
    fprintf(stream, "# gnuplot %s.gp, in this directory, draws the figure anew.\n", name);
    put_axes(f->block, f->spec, stream);
    put_dense(f->block, f->spec, stream);
    for (size_t i = 0; lopi_gnuplot_terminal(i, name, WIDTH, HEIGHT, stream); i++)
        put_plot(f->block, f->spec, data, stream);
    fputs("set output\n", stream);
}

static lop_status draw_block(const lopi_view *view, size_t index, const char *dir,
                             const lop_hooks *hooks, lop_error *error)
{
    char name[56], script[96];
    name_block(view, index, name, sizeof name);
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < FIGURE_COUNT; i++) {
        if (!is_measured(view->blocks + index, figures[i].x))
            continue;
        snprintf(script, sizeof script, "%s-%s", name, figures[i].name);
        status = lopi_gnuplot_draw(dir, script, hooks, error);
    }
    if (status == LOP_OK)
        status = lopi_epoch_figures_draw(view->blocks + index, dir, name, hooks, error);
    return status;
}

static lop_status write_block(const lopi_view *view, size_t index, const char *dir,
                              lop_error *error)
{
    char name[56], file[96];
    const lopi_block *block = view->blocks + index;
    name_block(view, index, name, sizeof name);
    snprintf(file, sizeof file, "%s.tsv", name);
    lop_status status = lopi_gnuplot_write(&(lopi_drawing){file, put_data, block}, dir, error);
    for (size_t i = 0; status == LOP_OK && i < FIGURE_COUNT; i++) {
        const figure one = {block, figures + i, name};
        if (!is_measured(block, figures[i].x))
            continue;
        snprintf(file, sizeof file, "%s-%s.gp", name, figures[i].name);
        status = lopi_gnuplot_write(&(lopi_drawing){file, put_script, &one}, dir, error);
    }
    if (status == LOP_OK)
        status = lopi_epoch_figures_write(block, dir, name, error);
    return status;
}

lop_status lop_report_figures(const lop_results *results, const lop_report_options *options,
                              const char *dir, lop_error *error)
{
    lopi_view view = {0};
    lop_status status = lopi_view_new(&view, results, error);
    if (status == LOP_OK)
        status = lopi_directory_make(dir, error);
    /* All scripts first: they are there whether or not gnuplot is. */
    for (size_t i = 0; status == LOP_OK && i < view.count; i++)
        status = write_block(&view, i, dir, error);
    for (size_t i = 0; status == LOP_OK && i < view.count; i++)
        status = draw_block(&view, i, dir, options ? options->hooks : NULL, error);
    lopi_view_free(&view);
    return status;
}
