#include "report/gnuplot.h"

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
#include "report/text.h"

extern char **environ; /* handed to gnuplot as it is: it finds its fonts by it */

/* Okabe and Ito's palette, which people tell apart whatever their colour vision; each with a point
 * type of its own, for print. */
static const lopi_look looks[] = {{"#0072B2", 7, 1},  {"#D55E00", 5, 1},  {"#009E73", 9, 1},
                                  {"#CC79A7", 13, 1}, {"#56B4E9", 11, 1}, {"#E69F00", 15, 1}};
enum { LOOK_COUNT = sizeof looks / sizeof *looks };

lopi_look lopi_gnuplot_look(size_t index)
{
    lopi_look look = looks[index % LOOK_COUNT];
    look.dash = (int)(index / LOOK_COUNT) + 1;
    return look;
}

/* From blue to orange, each lighter than the one before, so that the order shows in grey too. */
void lopi_gnuplot_ramp(double at, char colour[LOPI_COLOUR_SIZE])
{
    static const double stops[][3] = {
        {47, 63, 184}, {122, 59, 196}, {185, 58, 143}, {217, 81, 79}, {224, 130, 20}};
    double place = 4 * fmin(fmax(at, 0), 1);
    size_t from = place < 4 ? (size_t)place : 3;
    unsigned rgb[3];
    for (size_t i = 0; i < 3; i++)
        rgb[i] = (unsigned)lround(stops[from][i] +
                                  (place - (double)from) * (stops[from + 1][i] - stops[from][i]));
    snprintf(colour, LOPI_COLOUR_SIZE, "#%02x%02x%02x", rgb[0] & 0xFF, rgb[1] & 0xFF,
             rgb[2] & 0xFF);
}

static const struct {
    const char *suffix, *name, *options;
    double scale; /* its units for one of a figure */
    const char *unit;
} terminals[] = {
    {"png", "pngcairo",
     "fontscale 1.5 linewidth 2 pointscale 1.6 background '#ffffff' font 'DejaVu Sans,14' "
     "noenhanced",
     5.0 / 3, ""},
    {"svg", "svg",
     "fixed background '#ffffff' font 'DejaVu Sans,Helvetica,sans-serif' fontscale 1.1 linewidth "
     "1.2 noenhanced",
     1, ""},
    {"pdf", "pdfcairo",
     "background '#ffffff' font 'DejaVu Sans,11' fontscale 0.9 linewidth 1.6 pointscale 0.7 "
     "noenhanced",
     1.0 / 120, "in"},
};

bool lopi_gnuplot_terminal(size_t index, const char *name, size_t width, size_t height,
                           FILE *stream)
{
    if (index >= sizeof terminals / sizeof *terminals)
        return false;
    fprintf(stream, "set terminal %s size %g%s,%g%s %s\nset output '%s.%s'\n",
            terminals[index].name, (double)width * terminals[index].scale, terminals[index].unit,
            (double)height * terminals[index].scale, terminals[index].unit,
            terminals[index].options, name, terminals[index].suffix);
    return true;
}

/* A gnuplot string in single quotes, in which only the quote itself is special. */
void lopi_gnuplot_quoted(const char *text, FILE *stream)
{
    fputc('\'', stream);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        fputs(byte == '\'' ? "'" : "", stream);
        fputc(byte < 0x20 || byte == 0x7F ? ' ' : byte, stream);
    }
    fputc('\'', stream);
}

void lopi_gnuplot_number(double value, FILE *stream)
{
    char text[LOPI_NUMBER_SIZE];
    lopi_number_text(text, value);
    fputs(text[0] ? text : "NaN", stream);
}

void lopi_gnuplot_range(double low, double high, FILE *stream)
{
    fputc('[', stream);
    lopi_gnuplot_number(low, stream);
    fputc(':', stream);
    lopi_gnuplot_number(high, stream);
    fputs("]\n", stream);
}

void lopi_gnuplot_name(const char *text, char *name, size_t size)
{
    size_t length = 0;
    for (; *text && length < 40 && length + 1 < size; text++)
        name[length++] =
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *text)
                ? *text
                : '_';
    name[length] = 0;
}

void lopi_gnuplot_style(FILE *stream)
{
    fputs("set datafile separator \"\\t\"\nset datafile missing 'NaN'\n"
          "set border 3 linecolor rgb '#888888' linewidth 0.7\n"
          "set tics nomirror out scale 0.6 textcolor rgb '#444444'\n"
          "set grid ytics linecolor rgb '#dddddd' linewidth 0.7 linetype 1\n"
          "set bars 0.7\n",
          stream);
}

void lopi_gnuplot_loss_axis(FILE *stream)
{
    fputs("set logscale y\nset ytics (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, "
          "0.05, 0.1, 0.2, 0.5, 1, 2, 5, "
          "10, 20, 50, 100)\n",
          stream);
}

void lopi_gnuplot_title(const char *title, const char *subtitle, FILE *stream)
{
    fputs("set label 1 ", stream);
    lopi_gnuplot_quoted(title, stream);
    fputs(" at screen 0.02, screen 0.955 left font ',17' noenhanced\nset label 2 ", stream);
    lopi_gnuplot_quoted(subtitle, stream);
    fputs(" at screen 0.98, screen 0.955 right font ',11' textcolor rgb '#666666' noenhanced\n",
          stream);
}

lop_status lopi_gnuplot_write(const lopi_drawing *drawing, const char *dir, lop_error *error)
{
    char *path = lopi_path_join(dir, drawing->file);
    if (!path)
        return lopi_fail_memory(error, strlen(dir) + strlen(drawing->file));
    lopi_output output = {0};
    lop_status status = lopi_output_open(&output, path, true, error);
    if (status == LOP_OK) {
        drawing->put(drawing->context, output.stream);
        status = lopi_output_commit(&output, error);
    }
    lopi_output_abandon(&output);
    lopi_free(path);
    return status;
}

/* gnuplot -e "cd 'dir'" script, without a shell, silent. */
static lop_status run(const char *dir, const char *script, lop_error *error)
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
    lopi_gnuplot_quoted(dir, stream);
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

lop_status lopi_gnuplot_draw(const char *dir, const char *name, const lop_hooks *hooks,
                             lop_error *error)
{
    char script[LOPI_FIGURE_NAME + 4];
    snprintf(script, sizeof script, "%s.gp", name);
    lop_status status = run(dir, script, error);
    if (status == LOP_OK)
        lopi_message(hooks, LOP_DETAIL, "%s/%s.png and .svg", dir, name);
    return status;
}
