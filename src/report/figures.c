#include <lop/report.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "report/group.h"
#include "report/text.h"

extern char **environ; /* handed to gnuplot as it is: it finds its fonts by it */

/* Columns of the data file, from 1 as gnuplot counts. */
enum { K = 1, WEIGHTS, ACCURACY, ACCURACY_DEVIATION, LOSS, LOSS_DEVIATION };

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
};
enum { FIGURE_COUNT = sizeof figures / sizeof *figures };

/* Okabe and Ito's palette, which people tell apart whatever their colour vision; each with a point
 * type of its own, for print. */
static const struct {
    const char *colour;
    int point;
} looks[] = {{"#0072B2", 7},  {"#D55E00", 5},  {"#009E73", 9},
             {"#CC79A7", 13}, {"#56B4E9", 11}, {"#E69F00", 15}};
enum { LOOK_COUNT = sizeof looks / sizeof *looks };

static const char *const terminals[][2] = {
    {"png", "pngcairo size 1600,1000 fontscale 1.5 linewidth 2 pointscale 1.6 background '#ffffff' "
            "font 'DejaVu Sans,14' noenhanced"},
    {"svg", "svg size 960,600 fixed background '#ffffff' font 'DejaVu Sans,Helvetica,sans-serif' "
            "fontscale 1.1 linewidth 1.2 noenhanced"},
};
enum { TERMINAL_COUNT = sizeof terminals / sizeof *terminals };

/* A gnuplot string in single quotes, in which only the quote itself is special. */
static void put_quoted(const char *text, FILE *stream)
{
    fputc('\'', stream);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        fputs(byte == '\'' ? "'" : "", stream);
        fputc(byte < 0x20 || byte == 0x7F ? ' ' : byte, stream);
    }
    fputc('\'', stream);
}

static void put_number(double value, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    lopi_number_text(text, value);
    fputs(text[0] ? text : "NaN", stream);
}

/* "mnist", or "mnist-2" where there are several networks; only letters that are safe in a name. */
static void name_block(const lopi_view *view, size_t index, char *name, size_t size)
{
    const char *dataset = view->blocks[index].dataset;
    size_t same = 0, mine = 0, length = 0;
    for (size_t i = 0; i < view->count; i++) {
        same += strcmp(view->blocks[i].dataset, dataset) == 0;
        mine += i <= index && strcmp(view->blocks[i].dataset, dataset) == 0;
    }
    for (; *dataset && length < 40 && length + 1 < size; dataset++)
        name[length++] =
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *dataset)
                ? *dataset
                : '_';
    name[length] = 0;
    if (same > 1)
        snprintf(name + length, size - length, "-%zu", mine);
}

/* One series after the other, two empty lines between them, which gnuplot calls an index. */
static void put_data(const lopi_block *block, FILE *stream)
{
    static const struct {
        size_t offset;
        bool deviation;
    } columns[] = {{offsetof(lop_result, weights_left), false},
                   {offsetof(lop_result, test_accuracy), true},
                   {offsetof(lop_result, test_loss), true}};
    fputs("# k\tweights left\ttest accuracy\tdeviation\ttest loss\tdeviation\n", stream);
    for (size_t i = 0; i < block->count; i++) {
        const lopi_series *series = block->series + i;
        fputs(i ? "\n\n\n# " : "# ", stream);
        put_quoted(series->name, stream);
        for (size_t j = 0; j < series->count; j++) {
            fputc('\n', stream);
            put_number(series->points[j].target, stream);
            for (size_t column = 0; column < sizeof columns / sizeof *columns; column++) {
                lopi_stat stat = lopi_point_stat(series->points + j, columns[column].offset);
                fputc('\t', stream);
                put_number(stat.mean, stream);
                if (columns[column].deviation) {
                    fputc('\t', stream);
                    put_number(stat.deviation, stream);
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
    fputc('[', stream);
    put_number(down ? high : low, stream);
    fputc(':', stream);
    put_number(down ? low : high, stream);
    fputs("]\n", stream);
}

static void put_axes(const lopi_block *block, const figure_spec *figure, FILE *stream)
{
    fputs("set datafile separator \"\\t\"\nset datafile missing 'NaN'\n"
          "set border 3 linecolor rgb '#888888' linewidth 0.7\n"
          "set tics nomirror out scale 0.6 textcolor rgb '#444444'\n"
          "set grid ytics linecolor rgb '#dddddd' linewidth 0.7 linetype 1\n"
          "set bars 0.7\nset lmargin 9\nset rmargin 4\nset tmargin 4\n",
          stream);
    fprintf(stream, "set ylabel '%s' textcolor rgb '#444444' noenhanced\n", figure->y_label);
    /* The dense end is at the left and good: the corner away from it is free for the key. */
    if (figure->y == ACCURACY) {
        fputs("set yrange [0:102]\nset ytics 10\nset key at graph 0.02, 0.04 left bottom", stream);
    } else {
        fputs("set logscale y\nset ytics (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, "
              "1, 2, 5, 10, 20, 50, 100)\nset yrange ",
              stream);
        put_log_range(block, offsetof(lop_result, test_loss), 1.6, false, stream);
        fputs("set key at graph 0.02, 0.97 left top", stream);
    }
    fputs(" Left reverse samplen 3 spacing 1.3 noenhanced\n", stream);
    if (figure->x == K)
        fputs("set xlabel 'k: share pruned, %' textcolor rgb '#444444' noenhanced\n"
              "set xrange [-1.5:100]\nset xtics 10\n",
              stream);
    else {
        fputs("set xlabel 'weights left (log scale; the dense network is at the left)' "
              "textcolor rgb '#444444' noenhanced\n"
              "set logscale x\nset format x '%.0s %c'\nset xrange ",
              stream);
        put_log_range(block, offsetof(lop_result, weights_left), 1.15, true, stream);
    }
    fprintf(stream, "set label 1 '%s' at screen 0.02, screen 0.955 left font ',17' noenhanced\n",
            figure->title);
    fputs("set label 2 ", stream);
    char text[512];
    size_t seeds = lopi_block_seeds(block);
    snprintf(text, sizeof text, "%.100s, %.200s, ", block->dataset, block->network);
    size_t length = strlen(text);
    if (seeds > 1)
        snprintf(text + length, sizeof text - length, "mean and standard deviation of %zu seeds",
                 seeds);
    else
        snprintf(text + length, sizeof text - length, "one seed");
    put_quoted(text, stream);
    fputs(" at screen 0.98, screen 0.955 right font ',11' textcolor rgb '#666666' noenhanced\n",
          stream);
}

/* A dashed line where the dense network is, and its value. */
static void put_dense(const lopi_block *block, const figure_spec *figure, FILE *stream)
{
    const lopi_point *dense = lopi_dense_point(block, block->series);
    size_t offset = figure->y == ACCURACY ? offsetof(lop_result, test_accuracy)
                                          : offsetof(lop_result, test_loss);
    double value = dense ? figure->scale * lopi_point_stat(dense, offset).mean : NAN;
    char text[LOPI_NUMBER_SIZE];
    if (!isfinite(value))
        return;
    lopi_number_text(text, value);
    fprintf(stream,
            "set arrow 1 from graph 0, first %s to graph 1, first %s nohead back dashtype 2 "
            "linecolor rgb '#888888' linewidth 0.8\n",
            text, text);
    char shown[LOPI_NUMBER_SIZE];
    lopi_fixed_text(shown, value, figure->y == ACCURACY ? 2 : 3);
    fprintf(stream,
            "set label 3 'dense: %s%s' at graph 0.02, first %s left offset 0, -0.8 font ',10' "
            "textcolor rgb '#666666' noenhanced\n",
            shown, figure->y == ACCURACY ? " %" : "", text);
}

static void put_plot(const lopi_block *block, const figure_spec *figure, const char *data,
                     FILE *stream)
{
    fputs("plot ", stream);
    for (size_t i = 0; i < block->count; i++) {
        const char *colour = looks[i % LOOK_COUNT].colour;
        int point = looks[i % LOOK_COUNT].point, dash = (int)(i / LOOK_COUNT) + 1;
        int percent = figure->x == K ? 100 : 1;
        fprintf(stream, "%s'%s' index %zu using (%d*$%d):(%g*$%d):(%g*$%d) with yerrorbars ",
                i ? ", \\\n  " : "\\\n  ", data, i, percent, figure->x, figure->scale, figure->y,
                figure->scale, figure->deviation);
        fprintf(stream, "linecolor rgb '%s' pointtype -1 linewidth 1 notitle, \\\n", colour);
        fprintf(stream, "  '%s' index %zu using (%d*$%d):(%g*$%d) with linespoints ", data, i,
                percent, figure->x, figure->scale, figure->y);
        fprintf(stream, "linecolor rgb '%s' pointtype %d dashtype %d linewidth 1.6 title ", colour,
                point, dash);
        put_quoted(block->series[i].name, stream);
    }
    fputc('\n', stream);
}

static void put_script(const lopi_block *block, const figure_spec *figure, const char *name,
                       FILE *stream)
{
    char data[64];
    snprintf(data, sizeof data, "%s.tsv", name);
    fprintf(stream, "# gnuplot %s-%s.gp, in this directory, draws the figure anew.\n", name,
            figure->name);
    put_axes(block, figure, stream);
    put_dense(block, figure, stream);
    for (size_t i = 0; i < TERMINAL_COUNT; i++) {
        fprintf(stream, "set terminal %s\nset output '%s-%s.%s'\n", terminals[i][1], name,
                figure->name, terminals[i][0]);
        put_plot(block, figure, data, stream);
    }
    fputs("set output\n", stream);
}

/* Write a small file by a function that draws into a stream; `figure` NULL means the data. */
static lop_status write_part(const lopi_block *block, const figure_spec *figure, const char *dir,
                             const char *name, lop_error *error)
{
    char file[96];
    snprintf(file, sizeof file, figure ? "%s-%s.gp" : "%s.tsv", name, figure ? figure->name : "");
    char *path = lopi_path_join(dir, file);
    if (!path)
        return lopi_fail_memory(error, strlen(dir) + sizeof file);
    lopi_output output = {0};
    lop_status status = lopi_output_open(&output, path, true, error);
    if (status == LOP_OK) {
        if (figure)
            put_script(block, figure, name, output.stream);
        else
            put_data(block, output.stream);
        status = lopi_output_commit(&output, error);
    }
    lopi_output_abandon(&output);
    lopi_free(path);
    return status;
}

/* gnuplot -e "cd 'dir'" script, without a shell, silent. */
static lop_status run_gnuplot(const char *dir, const char *script, lop_error *error)
{
    lop_status status = LOP_OK;
    posix_spawn_file_actions_t actions;
    size_t size = 2 * strlen(dir) + 16;
    char *change = lopi_alloc(size, 1);
    FILE *stream = change ? fmemopen(change, size, "w") : NULL;
    if (!stream || posix_spawn_file_actions_init(&actions) != 0) {
        status = lopi_fail_memory(error, size);
        goto out;
    }
    fputs("cd ", stream);
    put_quoted(dir, stream);
    fclose(stream);
    stream = NULL;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    char program[] = "gnuplot", option[] = "-e";
    char *name = lopi_strdup(script);
    char *arguments[] = {program, option, change, name, NULL};
    pid_t child = 0;
    int number = name ? posix_spawnp(&child, program, &actions, NULL, arguments, environ) : ENOMEM;
    int ended = 0;
    while (number == 0 && waitpid(child, &ended, 0) < 0)
        number = errno == EINTR ? 0 : errno;
    posix_spawn_file_actions_destroy(&actions);
    lopi_free(name);
    bool missing =
        number == ENOENT || (number == 0 && WIFEXITED(ended) && WEXITSTATUS(ended) == 127);
    if (missing)
        status = lopi_fail_file(error, LOP_E_UNSUPPORTED, dir,
                                "gnuplot is not installed, so figures are not drawn; data (.tsv) "
                                "and scripts (.gp) are there: install gnuplot and run it on them");
    else if (number != 0)
        status = lopi_fail_errno(error, LOP_E_IO, dir, "run gnuplot in", number);
    else if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        status = lopi_fail_file(error, LOP_E_IO, dir,
                                "gnuplot failed; run gnuplot %s there to see why", script);
out:
    if (stream)
        fclose(stream);
    lopi_free(change);
    return status;
}

static lop_status draw_block(const lopi_view *view, size_t index, const char *dir,
                             const lop_hooks *hooks, lop_error *error)
{
    char name[56], script[96];
    name_block(view, index, name, sizeof name);
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < FIGURE_COUNT; i++) {
        snprintf(script, sizeof script, "%s-%s.gp", name, figures[i].name);
        status = run_gnuplot(dir, script, error);
        if (status == LOP_OK)
            lopi_message(hooks, LOP_DETAIL, "%s/%s-%s.png and .svg", dir, name, figures[i].name);
    }
    return status;
}

static lop_status write_block(const lopi_view *view, size_t index, const char *dir,
                              lop_error *error)
{
    char name[56];
    const lopi_block *block = view->blocks + index;
    name_block(view, index, name, sizeof name);
    lop_status status = write_part(block, NULL, dir, name, error);
    for (size_t i = 0; status == LOP_OK && i < FIGURE_COUNT; i++)
        status = write_part(block, figures + i, dir, name, error);
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
