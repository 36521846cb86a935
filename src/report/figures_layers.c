#include <lop/report.h>

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/gnuplot.h"
#include "report/text.h"

/* A scan and what names it. */
typedef struct scanned {
    const lop_sensitivity *scan;
    const lop_network *network;
    const char *title; /* what was scanned */
    size_t quantity;
} scanned;

enum { K = 1, ACCURACY, LOSS, WIDTH = 960, HEIGHT = 600 };
static const char data_file[] = "sensitivity.tsv";

static const struct {
    const char *name, *title, *label;
    int column;
    double scale;
} quantities[] = {
    {"sensitivity-accuracy", "Validation accuracy with one layer pruned", "validation accuracy, %",
     ACCURACY, 100},
    {"sensitivity-loss", "Validation loss with one layer pruned",
     "validation loss (cross-entropy, log scale)", LOSS, 1},
};
enum { QUANTITIES = sizeof quantities / sizeof *quantities };

static const char *layer_name(const scanned *of, size_t layer)
{
    const lop_sensitivity_point *first = of->scan->point + layer * of->scan->steps;
    return lop_network_layer(of->network, first->layer)->name;
}

static void put_row(double k, double accuracy, double loss, FILE *stream)
{
    const double values[] = {k, accuracy, loss};
    for (size_t i = 0; i < 3; i++) {
        fputs(i ? "\t" : "\n", stream);
        lopi_gnuplot_number(values[i], stream);
    }
}

/* A layer after the other, each from the whole network on; two empty lines between them. */
static void put_data(const void *context, FILE *stream)
{
    const scanned *of = context;
    fputs("# k\tvalidation accuracy\tvalidation loss\n", stream);
    for (size_t i = 0; i < of->scan->layers; i++) {
        const lop_sensitivity_point *row = of->scan->point + i * of->scan->steps;
        fputs(i ? "\n\n\n# " : "# ", stream);
        lopi_gnuplot_quoted(layer_name(of, i), stream);
        put_row(0, of->scan->accuracy, of->scan->loss, stream);
        for (size_t k = 0; k < of->scan->steps; k++)
            put_row(row[k].sparsity, row[k].accuracy, row[k].loss, stream);
    }
    fputc('\n', stream);
}

static void put_loss_range(const lop_sensitivity *scan, FILE *stream)
{
    double least = scan->loss;
    double greatest = least;
    for (size_t i = 0; i < scan->layers * scan->steps; i++)
        if (isfinite(scan->point[i].loss)) {
            least = fmin(least, scan->point[i].loss);
            greatest = fmax(greatest, scan->point[i].loss);
        }
    least = fmax(least, 1e-6); /* a network that knows all samples by heart has none */
    fputs("set yrange ", stream);
    lopi_gnuplot_range(least / 1.6, fmax(greatest, least) * 1.6, stream);
}

static void put_script(const void *context, FILE *stream)
{
    const scanned *of = context;
    const char *name = quantities[of->quantity].name;
    bool loss = quantities[of->quantity].column == LOSS;
    fprintf(stream, "# gnuplot %s.gp, in this directory, draws the figure anew.\n", name);
    lopi_gnuplot_style(stream);
    fputs("set lmargin 9\nset rmargin 4\nset tmargin 4\nset xrange [-1.5:100]\nset xtics 10\n"
          "set xlabel 'k: share of the one layer that is pruned, %' textcolor rgb '#444444' "
          "noenhanced\n",
          stream);
    fprintf(stream, "set ylabel '%s' textcolor rgb '#444444' noenhanced\n",
            quantities[of->quantity].label);
    if (loss) {
        lopi_gnuplot_loss_axis(stream);
        put_loss_range(of->scan, stream);
    } else {
        fputs("set yrange [0:102]\nset ytics 10\n", stream);
    }
    fprintf(stream, "set key at graph 0.02, %s Left reverse samplen 3 spacing 1.3 noenhanced\n",
            loss ? "0.97 left top" : "0.04 left bottom");
    lopi_gnuplot_title(quantities[of->quantity].title, of->title, stream);
    for (size_t i = 0; lopi_gnuplot_terminal(i, name, WIDTH, HEIGHT, stream); i++) {
        fputs("plot", stream);
        for (size_t layer = 0; layer < of->scan->layers; layer++) {
            const lopi_look look = lopi_gnuplot_look(layer);
            fprintf(stream, "%s \\\n  '%s' index %zu using (100*$%d):(%g*$%d) with linespoints ",
                    layer ? "," : "", data_file, layer, K, quantities[of->quantity].scale,
                    quantities[of->quantity].column);
            fprintf(stream, "linecolor rgb '%s' pointtype %d dashtype %d linewidth 1.6 title ",
                    look.colour, look.point, look.dash);
            lopi_gnuplot_quoted(layer_name(of, layer), stream);
        }
        fputc('\n', stream);
    }
    fputs("set output\n", stream);
}

lop_status lop_report_sensitivity(const lop_sensitivity *scan, const lop_network *network,
                                  const lop_report_options *options, const char *dir,
                                  lop_error *error)
{
    char widths[256];
    scanned of = {scan, network, options ? options->title : NULL, 0};
    lop_network_describe(network, widths, sizeof widths);
    of.title = of.title ? of.title : widths;
    lop_status status = lopi_directory_make(dir, error);
    if (status == LOP_OK)
        status = lopi_gnuplot_write(&(lopi_drawing){data_file, put_data, &of}, dir, error);
    for (size_t i = 0; status == LOP_OK && i < QUANTITIES; i++) {
        char file[64];
        of.quantity = i;
        snprintf(file, sizeof file, "%s.gp", quantities[i].name);
        status = lopi_gnuplot_write(&(lopi_drawing){file, put_script, &of}, dir, error);
    }
    for (size_t i = 0; status == LOP_OK && i < QUANTITIES; i++)
        status = lopi_gnuplot_draw(dir, quantities[i].name, options ? options->hooks : NULL, error);
    return status;
}
